import { ErrorCode } from '../mapi/error-code.ts';
import type { MutableProperties, Properties, PropertyTag } from '../mapi/property.ts';
import { idOf, propertyTag } from '../mapi/property.ts';
import type { Cell } from '../mapi/property-row.ts';

/** Properties that were asked for by their tags: those that are there, and why others could not be told. */
export interface PropertyResult {
  /** By the tags that were asked for; where a tag's type was Unspecified, by the tag with the type that came. */
  readonly values: Properties;
  /** Return values in place of a value, without NotFound: NotEnoughMemory says that the value is to be read as a stream. */
  readonly errors: ReadonlyMap<PropertyTag, number>;
}

/** The cells of a row under the tags of its columns. */
export function resultOf(columns: readonly PropertyTag[], cells: readonly Cell[]): PropertyResult {
  const values: MutableProperties = new Map();
  const errors = new Map<PropertyTag, number>();
  for (const [at, tag] of columns.entries()) {
    const cell = cells[at] ?? 'absent';
    if (cell === 'absent') continue;
    if ('error' in cell) {
      if (cell.error !== ErrorCode.NotFound) errors.set(tag, cell.error);
    } else {
      values.set(cell.type === undefined ? tag : propertyTag(idOf(tag), cell.type), cell.value);
    }
  }
  return { values, errors };
}

/** The text of a property; undefined where it is not there, or no text. */
export function textOf(values: Properties, tag: PropertyTag): string | undefined {
  const value = values.get(tag);
  return typeof value === 'string' ? value : undefined;
}

/** The number of a property; undefined where it is not there, or no number. */
export function numberOf(values: Properties, tag: PropertyTag): number | undefined {
  const value = values.get(tag);
  return typeof value === 'number' ? value : undefined;
}

/** The id of an object as it is on the wire, which is unsigned; undefined where it is not there. */
export function objectIdOf(values: Properties, tag: PropertyTag): bigint | undefined {
  const value = values.get(tag);
  return typeof value === 'bigint' ? BigInt.asUintN(64, value) : undefined;
}
