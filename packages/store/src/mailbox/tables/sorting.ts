import { ErrorCode, StoreError } from '../../mapi/error-code.ts';
import type { PropertyTag } from '../../mapi/property.ts';
import { SortDirection, type SortOrderSet } from '../../mapi/sort-order.ts';
import { BY_DELIVERY, BY_ID, RowOrder, sortColumns } from './row-order.ts';

/** A table's order, taken apart. */
export interface Sorting {
  /** The order of its rows, by their categories first. */
  readonly order: RowOrder;
  /** By how many of the first values there are categories. */
  readonly levels: number;
  /** Orders the categories of the last level by the greatest value that their rows have of a property ([MS-OXCTABL] 2.2.2.3.1). */
  readonly maximum?: { readonly tag: PropertyTag; readonly order: RowOrder; readonly isDescending: boolean };
}

/** No order in particular: as messages came. */
export const UNSORTED: SortOrderSet = { orders: [], categories: 0, expanded: 0 };

/**
 * Takes a sort order apart. Throws StoreError InvalidParam for counts that do not fit its orders and for what cannot be sorted by,
 * TooComplex for too many keys.
 * @param columnInstance the property of many values that a column makes rows of
 */
export function sortingOf(
  { orders, categories, expanded }: SortOrderSet,
  columnInstance: PropertyTag | undefined,
  associated: boolean,
): Sorting {
  if (categories > orders.length || expanded > categories) {
    throw new StoreError(
      ErrorCode.InvalidParam,
      `${orders.length} orders, ${categories} categories, ${expanded} expanded`,
    );
  }
  if (orders.length === 0)
    return { order: new RowOrder((associated ? BY_ID : BY_DELIVERY).columns, columnInstance), levels: 0 };
  // Anywhere else MaximumCategory is no order: sortColumns says so.
  const last = categories > 0 ? orders[categories] : undefined;
  const maximum = last?.order === SortDirection.MaximumCategory ? last : undefined;
  const columns = sortColumns(maximum === undefined ? orders : orders.toSpliced(categories, 1));
  if (columns.slice(0, categories).filter(({ isInstance }) => isInstance).length > 1) {
    throw new StoreError(ErrorCode.InvalidParam, 'categories of more than one multivalue property');
  }
  const instance = columns.find(({ isInstance }) => isInstance)?.tag ?? columnInstance;
  const order = new RowOrder(columns, instance);
  if (maximum === undefined) return { order, levels: categories };
  const [column] = sortColumns([{ tag: maximum.tag, order: SortDirection.Ascending }]);
  if (column === undefined) return { order, levels: categories };
  return {
    order,
    levels: categories,
    maximum: {
      tag: column.tag,
      order: new RowOrder([...columns.slice(0, categories), column], instance),
      isDescending: columns[categories - 1]?.isDescending === true,
    },
  };
}
