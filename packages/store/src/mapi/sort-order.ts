import { type Cursor, ProtocolError, type Writer } from '@rpch/rpc/internal';
import type { PropertyTag } from './property.ts';

/** How a column is sorted ([MS-OXCDATA] 2.14.1); MaximumCategory sorts categories by the largest of their rows. */
export const SortDirection = { Ascending: 0, Descending: 1, MaximumCategory: 4 } as const;

/** A column that is sorted by, and how. */
export interface SortOrder {
  readonly tag: PropertyTag;
  /** One of {@link SortDirection}; other values are the client's mistake, which the table answers. */
  readonly order: number;
}

/** The order of a table ([MS-OXCDATA] 2.14.2). */
export interface SortOrderSet {
  readonly orders: readonly SortOrder[];
  /** How many of the first orders make categories. */
  readonly categories: number;
  /** How many of the first categories are expanded at first. */
  readonly expanded: number;
}

const SIZE = 5;

/** SortOrderCount, CategoryCount, ExpandedCount and the orders. The counts are not held against each other. */
export function readSortOrderSet(cursor: Cursor): SortOrderSet {
  const count = cursor.u16();
  const categories = cursor.u16();
  const expanded = cursor.u16();
  if (count * SIZE > cursor.remaining) {
    throw new ProtocolError('RPCH_BAD_COUNT', `${count} orders in ${cursor.remaining} bytes`, '[MS-OXCDATA] 2.14.2');
  }
  // PropertyType and PropertyId, u16 each, are a tag.
  const orders = Array.from({ length: count }, () => ({ tag: cursor.u32(), order: cursor.u8() }));
  return { orders, categories, expanded };
}

export function writeSortOrderSet(writer: Writer, { orders, categories, expanded }: SortOrderSet): void {
  writer.u16(orders.length).u16(categories).u16(expanded);
  for (const { tag, order } of orders) writer.u32(tag).u8(order);
}
