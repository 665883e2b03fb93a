import { BY_DELIVERY, BY_ID, BY_SUBJECT, type RowOrder } from './row-order.ts';

const STANDING: readonly RowOrder[] = [BY_DELIVERY, BY_SUBJECT];
const STANDING_ASSOCIATED: readonly RowOrder[] = [BY_ID];

/** The orders that are kept from a folder's first message on; the first of them always has all messages of the folder. */
export function standing(associated: boolean): readonly RowOrder[] {
  return associated ? STANDING_ASSOCIATED : STANDING;
}

/** Of the orders that a folder has stored those that not every folder has. */
export function othersOf<T extends { readonly order: RowOrder }>({
  orders,
  associated,
}: {
  readonly orders: readonly T[];
  readonly associated: boolean;
}): readonly T[] {
  const names = standing(associated).map(({ name }) => name);
  return orders.filter(({ order }) => !names.includes(order.name));
}
