import { Cursor, ProtocolError } from '@rpch/rpc/internal';
import { StoreError } from '../error-code.ts';
import { ROPS } from './all.ts';
import { malformed, type RopCoding } from './field.ts';
import type { AnyRequest, AnyRop } from './rop.ts';

/** One request of a RopsList. */
export interface ParsedRop {
  readonly rop: AnyRop;
  readonly request: AnyRequest;
  /** Where it lies in the RopsList: from `start` up to, not including, `end`. RopBufferTooSmall sends back what was not done. */
  readonly start: number;
  readonly end: number;
}

/** A RopId that is reserved: since ROPs have no length, nothing behind it can be read. */
export class UnknownRopError extends ProtocolError {
  readonly ropId: number;
  /** Bytes that are left, the RopId included. */
  readonly rest: number;

  constructor(ropId: number, rest: number) {
    const id = `0x${ropId.toString(16).padStart(2, '0')}`;
    super('RPCH_ROP_UNKNOWN', `RopId ${id} is reserved, ${rest} bytes are left`, '[MS-OXCROPS] 2.2.2');
    this.ropId = ropId;
    this.rest = rest;
  }
}

/**
 * Reads the requests of a RopsList; bytes in them are views of it. The whole list is read or none of it: what cannot be read is
 * a ProtocolError, which the call answers with RpcFormat; {@link UnknownRopError} for a RopId that is reserved.
 */
export function readRops(ropsList: Uint8Array, coding: RopCoding): ParsedRop[] {
  const cursor = new Cursor(ropsList, '[MS-OXCROPS] 2.2.1');
  const parsed: ParsedRop[] = [];
  while (cursor.remaining > 0) {
    const start = cursor.offset;
    const id = cursor.u8();
    const rop = ROPS.get(id);
    if (rop === undefined) throw new UnknownRopError(id, ropsList.length - start);
    parsed.push({ rop, request: readRequest(rop, cursor, coding), start, end: cursor.offset });
  }
  return parsed;
}

function readRequest(rop: AnyRop, cursor: Cursor, coding: RopCoding): AnyRequest {
  try {
    return rop.readRequest(cursor, coding);
  } catch (error) {
    // A restriction that is too complex, for instance: where it ends is not known then, nor what follows it.
    if (error instanceof StoreError) throw malformed(`Rop${rop.name}: ${error.message}`, { cause: error });
    throw error;
  }
}
