import type { Counter } from '../../mapi/object-id.ts';
import type { CountedTree } from './counted-tree.ts';
import type { RowOrder } from './row-order.ts';
import { afterPrefix, idOfKey, instanceOfKey } from './sort-key.ts';
import type { Located } from './table-core.ts';

/** Rows of a tree, read from its beginning or from its end. Good until anything changes. */
export class DirectedRows {
  readonly tree: CountedTree;
  readonly order: RowOrder;
  readonly count: number;

  constructor(tree: CountedTree, order: RowOrder) {
    this.tree = tree;
    this.order = order;
    this.count = tree.count;
  }

  /** A copy of the key of a row there is. */
  keyAt(position: number): Uint8Array {
    return this.tree.keyAt(this.#turned(position)) ?? new Uint8Array(0);
  }

  /** Messages from a position on, and which of their instances. */
  read(position: number, count: number): { readonly ids: readonly Counter[]; readonly instances: readonly number[] } {
    const ids: Counter[] = [];
    const instances: number[] = [];
    if (count <= 0) return { ids, instances };
    const isInstance = this.order.instance !== undefined;
    const visit = ({ bytes, end }: { bytes: Uint8Array; end: number }): boolean => {
      ids.push(idOfKey(bytes, end, isInstance));
      instances.push(isInstance ? instanceOfKey(bytes, end) : 0);
      return ids.length < count;
    };
    if (this.order.isReversed) this.tree.walkBack(this.#turned(position), visit);
    else this.tree.walk(position, visit);
    return { ids, instances };
  }

  locate(key: Uint8Array): Located {
    const { rank, found } = this.tree.locate(key);
    if (!this.order.isReversed) return { position: rank, found };
    return { position: found ? this.#turned(rank) : this.count - rank, found };
  }

  /** Positions in the tree as positions here. */
  directed(low: number, high: number): { readonly low: number; readonly high: number } {
    return this.order.isReversed ? { low: this.count - high, high: this.count - low } : { low, high };
  }

  /** Where the rows are whose keys begin with `prefix`. */
  rangeOf(prefix: Uint8Array): { readonly low: number; readonly high: number } {
    const after = afterPrefix(prefix);
    return this.directed(this.tree.rank(prefix), after === undefined ? this.count : this.tree.rank(after));
  }

  /** Marked rows between two positions. */
  marked(low: number, high: number): number {
    const range = this.directed(low, high);
    return this.tree.markedBefore(range.high) - this.tree.markedBefore(range.low);
  }

  #turned(position: number): number {
    return this.order.isReversed ? this.count - 1 - position : position;
  }
}
