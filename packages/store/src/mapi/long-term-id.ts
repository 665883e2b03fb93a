import { type Cursor, formatGuid, parseGuid, type Writer } from '@rpch/rpc/internal';
import type { Counter } from './object-id.ts';

/** A folder, message or change, in whatever store: the replica that made it and its counter there ([MS-OXCDATA] 2.2.1.3). */
export interface GlobalId {
  /** The replica's GUID in text form. */
  readonly guid: string;
  readonly counter: Counter;
}

/** Bytes of a GLOBCNT. */
const GLOBAL_COUNTER_SIZE = 6;

/** GLOBCNT: six bytes, the most significant first. */
export function readGlobalCounter(cursor: Cursor): Counter {
  let counter = 0;
  for (const byte of cursor.bytes(GLOBAL_COUNTER_SIZE)) counter = counter * 256 + byte;
  return counter;
}

export function writeGlobalCounter(writer: Writer, counter: Counter): void {
  writer.u8(Math.floor(counter / 2 ** 40));
  for (let shift = 32; shift >= 0; shift -= 8) writer.u8(Math.floor(counter / 2 ** shift) % 256);
}

/** GID: a GUID and a GLOBCNT. */
export function readGlobalId(cursor: Cursor): GlobalId {
  return { guid: formatGuid(cursor.bytes(16)), counter: readGlobalCounter(cursor) };
}

export function writeGlobalId(writer: Writer, { guid, counter }: GlobalId): void {
  writeGlobalCounter(writer.bytes(parseGuid(guid)), counter);
}

/** LongTermID: a GID and two bytes of padding, which are not looked at. */
export function readLongTermId(cursor: Cursor): GlobalId {
  const id = readGlobalId(cursor);
  cursor.skip(2);
  return id;
}

export function writeLongTermId(writer: Writer, id: GlobalId): void {
  writeGlobalId(writer, id);
  writer.u16(0);
}
