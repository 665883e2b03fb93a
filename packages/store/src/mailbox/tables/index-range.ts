import { typeOf } from '../../mapi/property.ts';
import { unicodeTag } from '../../mapi/property-codec.ts';
import { FuzzyHigh, FuzzyLow, RelOp, type Restriction } from '../../mapi/restriction.ts';
import type { CountedTree } from './counted-tree.ts';
import type { RowOrder, SortColumn } from './row-order.ts';
import { afterPrefix, KeyWriter } from './sort-key.ts';

/** Positions in a tree, the first included and the last not. */
export interface Positions {
  readonly low: number;
  readonly high: number;
}

/** Keys between which all rows lie that a restriction can match; left out where there is no limit. */
interface KeyRange {
  readonly from?: Uint8Array;
  readonly to?: Uint8Array | undefined;
}

const LOOSE = FuzzyHigh.IgnoreNonSpace | FuzzyHigh.Loose;

/**
 * Where in an order all rows lie that match a restriction, as far as its parts that must hold say something about the value by
 * which the order sorts first. Undefined where they do not.
 */
export function positionsOf(restriction: Restriction, order: RowOrder, tree: CountedTree): Positions | undefined {
  const [column] = order.columns;
  if (column === undefined) return undefined;
  const range = rangeOf(restriction, column);
  if (range === undefined) return undefined;
  return {
    low: range.from === undefined ? 0 : tree.rank(range.from),
    high: range.to === undefined ? tree.count : tree.rank(range.to),
  };
}

/** @param column the first of an order, which never descends (RowOrder) */
function rangeOf(restriction: Restriction, column: SortColumn): KeyRange | undefined {
  switch (restriction.kind) {
    case 'and': {
      for (const part of restriction.restrictions) {
        const range = rangeOf(part, column);
        if (range !== undefined) return range;
      }
      return undefined;
    }
    case 'comment':
      return restriction.restriction === undefined ? undefined : rangeOf(restriction.restriction, column);
    case 'content':
      return contentRange(restriction, column);
    case 'property':
      return propertyRange(restriction, column);
    default:
      return undefined;
  }
}

function contentRange(
  { fuzzyLow, fuzzyHigh, tag, value }: Restriction & { kind: 'content' },
  column: SortColumn,
): KeyRange | undefined {
  if (!isOf(tag, column) || typeof value !== 'string' || (fuzzyHigh & LOOSE) !== 0) return undefined;
  if (fuzzyLow !== FuzzyLow.Prefix && fuzzyLow !== FuzzyLow.FullString) return undefined;
  return within(new KeyWriter().textPrefix(value).take());
}

function propertyRange(
  { relOp, tag, valueTag, value }: Restriction & { kind: 'property' },
  column: SortColumn,
): KeyRange | undefined {
  if (!isOf(tag, column) || typeOf(unicodeTag(valueTag)) !== column.type) return undefined;
  const key = new KeyWriter().value(column.type, value, false).take();
  switch (relOp) {
    case RelOp.Equal:
      return within(key);
    case RelOp.LessThan:
    case RelOp.LessThanOrEqual:
      return { to: afterPrefix(key) };
    case RelOp.GreaterThan:
    case RelOp.GreaterThanOrEqual:
      return { from: key };
    default:
      return undefined;
  }
}

function within(prefix: Uint8Array): KeyRange {
  return { from: prefix, to: afterPrefix(prefix) };
}

/** Only of columns with one value in each row: of many values one that satisfies would be enough. */
function isOf(tag: number, column: SortColumn): boolean {
  return !column.isInstance && unicodeTag(tag) === column.tag;
}
