import { ErrorCode, StoreError } from '../../mapi/error-code.ts';
import type { Counter } from '../../mapi/object-id.ts';
import type { PropertyTag, PropertyValue } from '../../mapi/property.ts';
import type { RowMatcher } from '../../mapi/restriction-match.ts';
import { CountedTree, MemoryNodes } from './counted-tree.ts';
import type { MessageRow } from './message-row.ts';
import { instanceSource, isInstanceTag, type RowOrder } from './row-order.ts';
import { instanceOfKey, KeyWriter } from './sort-key.ts';

/** Bytes that the rows of one table may take in memory; all those of a mailbox together are held to as much. */
export const MAX_VIEW_BYTES = 128 * 1024 * 1024;
/** Rows between two looks at how many bytes they take. */
const CHECK_EVERY = 8192;

/** Which of its message's instances a row is ([MS-OXCTABL] 2.2.2.2.1). */
export interface Instance {
  /** The property of many values whose values make rows; undefined where none does. */
  readonly of: PropertyTag | undefined;
  readonly number: number;
}

/** The value of a property in a row. A multivalue instance of another property than that whose values make rows shows the first. */
export function instanceValue(message: MessageRow, instance: Instance, tag: PropertyTag): PropertyValue | undefined {
  if (!isInstanceTag(tag)) return message.whole(tag);
  const source = instanceSource(tag);
  const values = message.whole(source);
  return Array.isArray(values) ? values[source === instance.of ? instance.number : 0] : undefined;
}

/** Rows of a folder that are in no stored order: those that match a restriction, or all of a small folder. In memory. */
export class RestrictedView {
  readonly folder: Counter;
  readonly associated: boolean;
  readonly order: RowOrder;
  readonly #matcher: RowMatcher | undefined;
  readonly #writer = new KeyWriter();
  #nodes = new MemoryNodes();
  #tree: CountedTree | undefined;
  /** The folder's stamp when the rows were right. */
  stamp = 0;

  constructor(folder: Counter, associated: boolean, order: RowOrder, matcher: RowMatcher | undefined) {
    this.folder = folder;
    this.associated = associated;
    this.order = order;
    this.#matcher = matcher;
  }

  get tree(): CountedTree | undefined {
    return this.#tree;
  }

  get bytes(): number {
    return this.#tree === undefined ? 0 : this.#nodes.bytes;
  }

  drop(): void {
    this.#tree = undefined;
    this.#nodes = new MemoryNodes();
  }

  /** Collects the rows anew. Throws StoreError TableTooBig. */
  build(rows: Iterable<MessageRow>, stamp: number): CountedTree {
    this.drop();
    const tree = CountedTree.create(this.#nodes);
    let seen = 0;
    for (const row of rows) {
      this.#insert(tree, row);
      seen += 1;
      if (seen % CHECK_EVERY === 0 && this.#nodes.bytes > MAX_VIEW_BYTES) {
        this.drop();
        throw new StoreError(ErrorCode.TableTooBig, 'the rows of a table take too much memory');
      }
    }
    this.#tree = tree;
    this.stamp = stamp;
    return tree;
  }

  /** Adds a row, where it matches and there is a tree. */
  add(message: MessageRow): void {
    if (this.#tree !== undefined) this.#insert(this.#tree, message);
  }

  #insert(tree: CountedTree, message: MessageRow): void {
    const matcher = this.#matcher;
    const mark = message.unread ? 1 : 0;
    const of = this.order.instance;
    this.order.keys(message, this.#writer, (key) => {
      const number = of === undefined ? 0 : instanceOfKey(key, key.length);
      if (matcher === undefined || matchesRow(message, matcher, { of, number })) tree.insert(key, mark);
    });
  }
}

/** Whether a message, or one of its instances, matches. */
export function matchesRow(message: MessageRow, matcher: RowMatcher, instance: Instance): boolean {
  return matcher(
    (tag) => instanceValue(message, instance, tag),
    (tag) => message.subobjects(tag),
  );
}
