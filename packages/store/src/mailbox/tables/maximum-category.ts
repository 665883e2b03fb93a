import type { RankCategories } from './categories.ts';
import type { CountedTree } from './counted-tree.ts';
import type { RowOrder } from './row-order.ts';
import { afterPrefix } from './sort-key.ts';

/** Rows by their categories and then by the property whose greatest value orders them ([MS-OXCTABL] 2.2.2.3.1). */
export class MaximumRows {
  readonly #tree: CountedTree;
  readonly #order: RowOrder;
  readonly #levels: number;

  /** @param order by `levels` categories, then by that property. */
  constructor(tree: CountedTree, order: RowOrder, levels: number) {
    this.#tree = tree;
    this.#order = order;
    this.#levels = levels;
  }

  /** The key of the row with the greatest value in a category. */
  greatest(prefix: Uint8Array): Uint8Array | undefined {
    if (this.#order.columns[this.#levels]?.isDescending === true) return this.#tree.keyAt(this.#tree.rank(prefix));
    const after = afterPrefix(prefix);
    return this.#tree.keyAt((after === undefined ? this.#tree.count : this.#tree.rank(after)) - 1);
  }

  /** Orders categories by their greatest values, and those that have the same as they are. */
  ranker(isDescending: boolean): RankCategories {
    const column = this.#order.columns[this.#levels];
    const flip = (column?.isDescending === true) !== isDescending ? 0xff : 0;
    return (categories) => {
      const values = categories.map(({ prefix }) => {
        const key = this.greatest(prefix) ?? prefix;
        const value = key.slice(prefix.length, this.#order.endOfValues(key, this.#levels + 1));
        for (let at = 0; at < value.length; at += 1) value[at] = (value[at] ?? 0) ^ flip;
        return value;
      });
      const sequence = categories.map((_, index) => index);
      return sequence.sort((a, b) => Buffer.compare(values[a] ?? new Uint8Array(0), values[b] ?? new Uint8Array(0)));
    };
  }
}
