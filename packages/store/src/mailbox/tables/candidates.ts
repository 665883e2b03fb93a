import { type Counter, counterOf, type ObjectId, OWN_REPLID, replidOf } from '../../mapi/object-id.ts';
import type { PropertyTag, PropertyValue } from '../../mapi/property.ts';
import { PidTag } from '../../mapi/property-tags.ts';
import { RelOp, type Restriction } from '../../mapi/restriction.ts';
import type { ContentsIndex } from '../contents-index.ts';
import type { CountedTree } from './counted-tree.ts';
import { DirectedRows } from './directed-rows.ts';
import { type Positions, positionsOf } from './index-range.ts';
import type { MessageRow } from './message-row.ts';
import type { RowOrder } from './row-order.ts';
import { KeyWriter } from './sort-key.ts';
import type { Located } from './table-core.ts';

/** Messages read at a time. */
const BATCH = 256;
/** Messages looked at one by one, rather than going through the table for the first that matches. */
const FEW = 1000;
/** Bytes of a message's entry id. */
const MESSAGE_ENTRY_ID = 70;

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

/**
 * The message that a restriction asks for by one of its ids: how clients find the row that they had selected. Whoever asks still has
 * to see whether it matches.
 */
function namedBy(restriction: Restriction): Counter | undefined {
  switch (restriction.kind) {
    case 'and': {
      for (const part of restriction.restrictions) {
        const id = namedBy(part);
        if (id !== undefined) return id;
      }
      return undefined;
    }
    case 'comment':
      return restriction.restriction === undefined ? undefined : namedBy(restriction.restriction);
    case 'property':
      return restriction.relOp === RelOp.Equal ? idIn(restriction.tag, restriction.value) : undefined;
    default:
      return undefined;
  }
}

function idIn(tag: PropertyTag, value: PropertyValue): Counter | undefined {
  switch (tag) {
    case PidTag.Mid:
    case PidTag.InstID:
      return typeof value === 'bigint' ? ownCounter(BigInt.asUintN(64, value)) : undefined;
    case PidTag.InstanceKey:
      // The id of the message, and in an instance's key the number of that.
      return value instanceof Uint8Array && (value.length === 8 || value.length === 12)
        ? ownCounter(bufferOf(value).readBigUInt64LE())
        : undefined;
    case PidTag.EntryId:
    case PidTag.RecordKey:
      // [MS-OXCDATA] 2.2.4.2: the counter of the message stands before two bytes of padding.
      return value instanceof Uint8Array && value.length === MESSAGE_ENTRY_ID
        ? bufferOf(value).readUIntBE(MESSAGE_ENTRY_ID - 8, 6)
        : undefined;
    default:
      return undefined;
  }
}

function ownCounter(id: ObjectId): Counter | undefined {
  return replidOf(id) === OWN_REPLID ? counterOf(id) : undefined;
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A message by its id, if it is in a folder. */
function* readNamed(index: ContentsIndex, folder: Counter, associated: boolean, id: Counter): Iterable<MessageRow> {
  const [message] = index.messages([id]);
  if (message !== undefined && index.holds(folder, associated, message)) yield message;
}

/** The messages of a folder that a restriction can match: all of them where nothing better is known. */
export function candidateRows(
  index: ContentsIndex,
  folder: Counter,
  associated: boolean,
  restriction: Restriction | undefined,
): Iterable<MessageRow> {
  if (restriction === undefined) return index.rows.scan(folder, associated);
  const id = namedBy(restriction);
  if (id !== undefined) return readNamed(index, folder, associated, id);
  const best = fewest(index, folder, associated, restriction);
  return best !== undefined && 2 * (best.high - best.low) < index.count(folder, associated)
    ? readAll(index, best)
    : index.rows.scan(folder, associated);
}

/** What is to be found in a table of a folder. */
export interface Search {
  readonly index: ContentsIndex;
  readonly folder: Counter;
  readonly associated: boolean;
  readonly restriction: Restriction;
  readonly from: number;
  readonly backward: boolean;
  /** How the table orders its rows, and where it has them. */
  readonly order: RowOrder;
  readonly locate: (key: Uint8Array) => Located;
  /** Whether a row matches, the instance of a message that it is. */
  readonly matches: (message: MessageRow, instance: number) => boolean;
  /** Whether rows that are no messages can match too. */
  readonly hasHeaders: boolean;
}

/**
 * The nearest row that matches, where its message is named, or where another stored order knows that only few can; `found` is left out
 * where there is none. Undefined where nothing is known: the table must be gone through.
 */
export function findDirectly(search: Search): { readonly found?: number } | undefined {
  const { index, folder, associated, restriction, from, backward, order, locate, matches, hasHeaders } = search;
  const id = namedBy(restriction);
  const best = id === undefined && !hasHeaders ? fewest(index, folder, associated, restriction) : undefined;
  if (id === undefined && (best === undefined || best.high - best.low > FEW)) return undefined;
  const candidates = best === undefined ? readNamed(index, folder, associated, id ?? 0) : readAll(index, best);
  const writer = new KeyWriter();
  let found: number | undefined;
  for (const message of candidates) {
    let instance = -1;
    order.keys(message, writer, (key) => {
      instance += 1;
      const located = locate(key);
      const { position } = located;
      if (!located.found || (backward ? position >= from : position < from)) return;
      if (found !== undefined && (backward ? position <= found : position >= found)) return;
      if (matches(message, instance)) found = position;
    });
  }
  return found === undefined ? {} : { found };
}
