import type { Counter } from '../../mapi/object-id.ts';
import type { Restriction } from '../../mapi/restriction.ts';
import type { RowMatcher } from '../../mapi/restriction-match.ts';
import type { ContentsIndex } from '../contents-index.ts';
import type { CountedTree } from './counted-tree.ts';
import { DirectedRows } from './directed-rows.ts';
import { type Positions, positionsOf } from './index-range.ts';
import type { MessageRow } from './message-row.ts';
import { matchesRow } from './restricted-view.ts';
import type { RowOrder } from './row-order.ts';
import { KeyWriter } from './sort-key.ts';

/** Messages read at a time. */
const BATCH = 256;
/** Messages looked at one by one, rather than going through the table for the first that matches. */
const FEW = 1000;

interface Candidates extends Positions {
  readonly order: RowOrder;
  readonly tree: CountedTree;
}

/** Where among the stored orders of a folder the fewest messages lie that can match. */
function fewest(
  index: ContentsIndex,
  folder: Counter,
  associated: boolean,
  restriction: Restriction,
): Candidates | undefined {
  let best: Candidates | undefined;
  for (const { order, tree } of index.orders(folder, associated)) {
    if (order.instance !== undefined) continue;
    const positions = positionsOf(restriction, order, tree);
    if (positions === undefined) continue;
    if (best === undefined || positions.high - positions.low < best.high - best.low)
      best = { order, tree, ...positions };
  }
  return best;
}

function* readAll(index: ContentsIndex, { tree, order, low, high }: Candidates): Iterable<MessageRow> {
  const rows = new DirectedRows(tree, order);
  const { low: from, high: to } = rows.directed(low, high);
  for (let at = from; at < to; at += BATCH) {
    for (const row of index.rows.rows(rows.read(at, Math.min(BATCH, to - at)).ids)) if (row !== undefined) yield row;
  }
}

/** The messages of a folder that a restriction can match: all of them where nothing better is known. */
export function candidateRows(
  index: ContentsIndex,
  folder: Counter,
  associated: boolean,
  restriction: Restriction | undefined,
): Iterable<MessageRow> {
  const best = restriction === undefined ? undefined : fewest(index, folder, associated, restriction);
  return best !== undefined && 2 * (best.high - best.low) < index.count(folder, associated)
    ? readAll(index, best)
    : index.rows.scan(folder, associated);
}

/** What is to be found in a table of a folder. */
export interface Search {
  readonly index: ContentsIndex;
  readonly folder: Counter;
  readonly associated: boolean;
  readonly rows: DirectedRows;
  readonly from: number;
  readonly backward: boolean;
  readonly matcher: RowMatcher;
  readonly restriction: Restriction;
}

/**
 * The nearest row that matches, where another stored order knows that only few can; `found` is left out where there is none. Undefined
 * where no order knows: the table must be gone through.
 */
export function findByOtherOrder(search: Search): { readonly found?: number } | undefined {
  const { index, folder, associated, rows, from, backward, matcher, restriction } = search;
  const best = fewest(index, folder, associated, restriction);
  if (best === undefined || best.high - best.low > FEW) return undefined;
  const writer = new KeyWriter();
  let found: number | undefined;
  for (const message of readAll(index, best)) {
    let number = 0;
    rows.order.keys(message, writer, (key) => {
      const instance = { of: rows.order.instance, number };
      number += 1;
      const located = rows.locate(key);
      const position = located.position;
      if (!located.found || (backward ? position >= from : position < from)) return;
      if (found !== undefined && (backward ? position <= found : position >= found)) return;
      if (matchesRow(message, matcher, instance)) found = position;
    });
  }
  return found === undefined ? {} : { found };
}
