import { type Cursor, ProtocolError, type Writer } from '@rpch/rpc/internal';
import type { PropertyTag } from './property.ts';

/** Why one property of a request was not set, deleted or copied ([MS-OXCDATA] 2.7). */
export interface PropertyProblem {
  /** The property's place in the request. */
  readonly index: number;
  readonly tag: PropertyTag;
  readonly errorCode: number;
}

const SIZE = 10;

/** A u16 count and so many PropertyProblems. */
export function readPropertyProblems(cursor: Cursor): PropertyProblem[] {
  const count = cursor.u16();
  if (count * SIZE > cursor.remaining) {
    throw new ProtocolError('RPCH_BAD_COUNT', `${count} problems in ${cursor.remaining} bytes`, '[MS-OXCDATA] 2.7');
  }
  return Array.from({ length: count }, () => ({ index: cursor.u16(), tag: cursor.u32(), errorCode: cursor.u32() }));
}

export function writePropertyProblems(writer: Writer, problems: readonly PropertyProblem[]): void {
  writer.u16(problems.length);
  for (const { index, tag, errorCode } of problems) writer.u16(index).u32(tag).u32(errorCode);
}
