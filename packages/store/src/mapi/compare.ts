import { MULTIPLE, MULTIVALUE_INSTANCE, type PropertyScalar, PropertyType, type PropertyValue } from './property.ts';
import { compareText } from './text-order.ts';

/**
 * The order of two values of one type, less than, equal to or greater than 0: as tables sort and restrictions compare. Text is
 * ordered as compareText has it, without regard to case; binaries byte by byte; NaN before all numbers, since Exchange has it so;
 * many values by how many they are, then one by one. Values that are not of the type are equal to each other.
 */
export function compareValues(type: number, a: PropertyValue, b: PropertyValue): number {
  if (isMany(a) && isMany(b)) {
    if (a.length !== b.length) return a.length - b.length;
    for (const [at, value] of a.entries()) {
      const other = b[at];
      const order = other === undefined ? 0 : compareValues(type, value, other);
      if (order !== 0) return order;
    }
    return 0;
  }
  if (typeof a === 'number' && typeof b === 'number') return compareNumbers(type, a, b);
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b);
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b);
  if (typeof a === 'bigint' && typeof b === 'bigint') return a < b ? -1 : a > b ? 1 : 0;
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b);
  return 0;
}

function compareNumbers(type: number, a: number, b: number): number {
  switch (type & ~(MULTIPLE | MULTIVALUE_INSTANCE)) {
    // Integers may have been given signed or unsigned.
    case PropertyType.Integer16:
      return ((a << 16) >> 16) - ((b << 16) >> 16);
    case PropertyType.Integer32:
      return (a | 0) - (b | 0);
    default:
      if (Number.isNaN(a)) return Number.isNaN(b) ? 0 : -1;
      if (Number.isNaN(b)) return 1;
      return a < b ? -1 : a > b ? 1 : 0;
  }
}

/** Whether a value is one of many values. */
export function isMany(value: PropertyValue): value is readonly PropertyScalar[] {
  return Array.isArray(value);
}
