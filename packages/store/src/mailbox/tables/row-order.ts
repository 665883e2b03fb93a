import { ErrorCode, StoreError } from '../../mapi/error-code.ts';
import type { Counter } from '../../mapi/object-id.ts';
import {
  MULTIPLE,
  MULTIVALUE_INSTANCE,
  type PropertyTag,
  PropertyType,
  type PropertyValue,
  typeOf,
  withType,
} from '../../mapi/property.ts';
import { unicodeTag } from '../../mapi/property-codec.ts';
import { SortDirection, type SortOrder } from '../../mapi/sort-order.ts';
import { endOfValue, isSortable, type KeyWriter } from './sort-key.ts';

/**
 * How text is put into keys: another one whenever writeTextKey changes. Of Unicode versions only characters differ that are new, but a key
 * that is not made again the same is never found again.
 */
const TEXT_FORMAT = `1.${process.versions.unicode}`;
/** Values by which a table can be sorted at most: keys are kept for each row. */
export const MAX_SORT_KEYS = 8;
/** Instances of one row at most. */
const MAX_INSTANCES = 0xffff;

export interface SortColumn {
  /** As it is stored; for a multivalue instance the property of many values. */
  readonly tag: PropertyTag;
  /** The type of what is compared. */
  readonly type: number;
  readonly isInstance: boolean;
  readonly isDescending: boolean;
}

/** What keys are made of. */
export interface Sortable {
  readonly id: Counter;
  value(tag: PropertyTag): PropertyValue | undefined;
}

/** The property behind a tag with the MultivalueInstance bit, as it is stored. */
export function instanceSource(tag: PropertyTag): PropertyTag {
  return unicodeTag(withType(tag, typeOf(tag) & ~MULTIVALUE_INSTANCE));
}

export function isInstanceTag(tag: PropertyTag): boolean {
  return (typeOf(tag) & (MULTIVALUE_INSTANCE | MULTIPLE)) === (MULTIVALUE_INSTANCE | MULTIPLE);
}

/**
 * An order of rows: by some of their values, then by their ids, and whether each value of a property of many makes a row of its own
 * ([MS-OXCTABL] 2.2.2.2.1). Orders that are each other's reverse are one: the table then reads it backwards.
 */
export class RowOrder {
  /** The first of them ascends. */
  readonly columns: readonly SortColumn[];
  /** The property of many values whose values make rows. */
  readonly instance: PropertyTag | undefined;
  /** Whether the table reads it from its end. */
  readonly isReversed: boolean;
  /** The same for equal orders, and those that only differ in being reversed. */
  readonly name: string;

  constructor(columns: readonly SortColumn[], instance: PropertyTag | undefined) {
    this.isReversed = columns[0]?.isDescending === true;
    this.columns = this.isReversed
      ? columns.map((column) => ({ ...column, isDescending: !column.isDescending }))
      : columns;
    this.instance = instance;
    const names = this.columns.map(
      ({ tag, isInstance, isDescending }) => `${hex(tag)}${isInstance ? '*' : ''}${isDescending ? '-' : '+'}`,
    );
    if (instance !== undefined) names.push(`*${hex(instance)}`);
    this.name = names.join(',');
  }

  /** The order that {@link name} or {@link storedName} names. */
  static parse(stored: string): RowOrder {
    const [name = ''] = stored.split('/');
    const parts = name === '' ? [] : name.split(',');
    let instance: PropertyTag | undefined;
    const columns: SortColumn[] = [];
    for (const part of parts) {
      if (part.startsWith('*')) {
        instance = Number.parseInt(part.slice(1), 16);
        continue;
      }
      const tag = Number.parseInt(part.slice(0, 8), 16);
      const isInstance = part[8] === '*';
      columns.push({ tag, type: comparedType(tag, isInstance), isInstance, isDescending: part.endsWith('-') });
    }
    return new RowOrder(columns, instance);
  }

  /** The name, and how its keys are made: what is stored under any other is not this order any more. */
  get storedName(): string {
    return this.columns.some(({ type }) => type === PropertyType.String) ? `${this.name}/${TEXT_FORMAT}` : this.name;
  }

  /** The keys of a row: one, or one for each of its instances. */
  keys(row: Sortable, writer: KeyWriter, visit: (key: Uint8Array) => void): void {
    if (this.instance === undefined) {
      this.#write(row, writer, undefined, undefined);
      visit(writer.view());
      return;
    }
    const values = row.value(this.instance);
    if (!Array.isArray(values) || values.length === 0) {
      this.#write(row, writer, undefined, 0);
      visit(writer.view());
      return;
    }
    for (const [index, value] of values.slice(0, MAX_INSTANCES).entries()) {
      this.#write(row, writer, value, index);
      visit(writer.view());
    }
  }

  #write(
    row: Sortable,
    writer: KeyWriter,
    instanceValue: PropertyValue | undefined,
    instance: number | undefined,
  ): void {
    writer.clear();
    for (const { tag, type, isInstance, isDescending } of this.columns) {
      writer.value(type, isInstance ? instanceValue : row.value(tag), isDescending);
    }
    writer.row(row.id, instance);
  }

  /** Where the first `count` values in a key end. */
  endOfValues(key: Uint8Array, count: number): number {
    let at = 0;
    for (const { type, isDescending } of this.columns.slice(0, count)) at = endOfValue(key, at, type, isDescending);
    return at;
  }
}

/**
 * The columns of a sort order. Throws StoreError InvalidParam for one that is none, TooComplex for one of too many keys, and
 * NotSupported where it has instances of another property than the table.
 */
export function sortColumns(orders: readonly SortOrder[]): SortColumn[] {
  if (orders.length > MAX_SORT_KEYS) throw new StoreError(ErrorCode.TooComplex, `${orders.length} sort keys`);
  const columns: SortColumn[] = [];
  for (const { tag, order } of orders) {
    if (order !== SortDirection.Ascending && order !== SortDirection.Descending) {
      throw new StoreError(ErrorCode.InvalidParam, `sort order ${order}`);
    }
    const isInstance = isInstanceTag(tag);
    const stored = isInstance ? instanceSource(tag) : unicodeTag(tag);
    const type = comparedType(stored, isInstance);
    // A property of many values has no order but that of its instances ([MS-OXCTABL] 2.2.2.3.1).
    if (!isSortable(type)) throw new StoreError(ErrorCode.InvalidParam, `sorting by property ${hex(tag)}`);
    columns.push({ tag: stored, type, isInstance, isDescending: order === SortDirection.Descending });
  }
  return columns;
}

function comparedType(tag: PropertyTag, isInstance: boolean): number {
  return isInstance ? typeOf(unicodeTag(tag)) & ~MULTIPLE : typeOf(tag);
}

function hex(tag: PropertyTag): string {
  return tag.toString(16).padStart(8, '0');
}

/** The order in which messages have been delivered, the latest last. */
export const BY_DELIVERY = new RowOrder(
  [{ tag: 0x0e060040, type: PropertyType.Time, isInstance: false, isDescending: false }],
  undefined,
);
export const BY_SUBJECT = new RowOrder(
  [{ tag: 0x0037001f, type: PropertyType.String, isInstance: false, isDescending: false }],
  undefined,
);
/** By ids alone: as they came. */
export const BY_ID = new RowOrder([], undefined);
