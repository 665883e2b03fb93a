import { ProtocolError, RpchError } from '@rpch/rpc';
import { Cursor, Writer } from '@rpch/rpc/internal';

/** An entry of the table of handles that holds none: of an output handle in a request ([MS-OXCROPS] 3.1.4.1). */
export const NO_HANDLE = 0xffff_ffff;

/** Handles that an index of one byte can name. */
const MAX_HANDLES = 256;
const SECTION = '[MS-OXCROPS] 2.2.1';

/** A ROP input or output buffer: ROPs back to back, and the handles that they name by their index. */
export interface RopBuffer {
  readonly ropsList: Uint8Array;
  readonly handles: readonly number[];
}

/** Reads a payload; `ropsList` is a view of it. Bytes behind the last whole handle are left out. Throws ProtocolError. */
export function readRopBuffer(payload: Uint8Array): RopBuffer {
  const cursor = new Cursor(payload, SECTION);
  // RopSize counts itself.
  const ropSize = cursor.u16();
  if (ropSize < 2) throw new ProtocolError('RPCH_ROP_MALFORMED', `RopSize is ${ropSize}`, SECTION);
  const ropsList = cursor.bytes(ropSize - 2);
  const count = Math.floor(cursor.remaining / 4);
  if (count > MAX_HANDLES) throw new ProtocolError('RPCH_ROP_MALFORMED', `${count} handles`, SECTION);
  const handles: number[] = [];
  for (let at = 0; at < count; at += 1) handles.push(cursor.u32());
  return { ropsList, handles };
}

/** The size of a payload, so that room can be reckoned before it is written. */
export function ropBufferSize(ropsListLength: number, handles: number): number {
  return 2 + ropsListLength + 4 * handles;
}

/** Writes a payload. A list of ROPs that RopSize cannot count is the caller's mistake: RpchError. */
export function writeRopBuffer(buffer: RopBuffer): Uint8Array {
  const { ropsList, handles } = buffer;
  return appendRopBuffer(new Writer(ropBufferSize(ropsList.length, handles.length)), buffer).finish();
}

/** The same behind what a writer has. */
export function appendRopBuffer(writer: Writer, { ropsList, handles }: RopBuffer): Writer {
  const ropSize = ropsList.length + 2;
  if (ropSize > 0xffff || handles.length > MAX_HANDLES) {
    throw new RpchError(
      'RPCH_ROP_NOT_WRITABLE',
      'caller',
      `${ropsList.length} bytes of ROPs, ${handles.length} handles`,
    );
  }
  writer.u16(ropSize).bytes(ropsList);
  for (const handle of handles) writer.u32(handle);
  return writer;
}
