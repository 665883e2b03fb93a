import { RpchError } from '../errors.ts';
import { DrepWriter } from './drep.ts';
import { COMMON_HEADER_LENGTH, PfcFlag } from './header.ts';
import { beginPdu, endPdu } from './pdu.ts';

/** PDUs back to back in one buffer. */
export interface PduRun {
  readonly bytes: Uint8Array;
  readonly count: number;
}

/** What all fragments of one request or response have in common. */
export interface FragmentHead {
  readonly ptype: number;
  /** Flags of every fragment; FIRST_FRAG and LAST_FRAG are added where they belong. */
  readonly pfcFlags: number;
  readonly callId: number;
  readonly littleEndian: boolean;
  /** Bytes that `fields` writes. */
  readonly fieldsLength: number;
  /** Writes what follows alloc_hint and precedes the stub data. */
  readonly fields: (writer: DrepWriter) => void;
}

const ALLOC_HINT_LENGTH = 4;
/** Stub data of every fragment but the last is a multiple of this (C706 12.6.3.1), so that NDR alignment survives. */
const FRAGMENT_ALIGNMENT = 8;

/**
 * Cuts `stub` into PDUs of at most `maxFrag` bytes (C706 12.6.3.1, [MS-RPCE] 2.2.2.6): alloc_hint is what this and the
 * following fragments hold. An empty stub makes one PDU. A `maxFrag` without room for stub data is the caller's fault:
 * RpchError.
 */
export function encodeFragments(head: FragmentHead, stub: Uint8Array, maxFrag: number): PduRun {
  const headLength = COMMON_HEADER_LENGTH + ALLOC_HINT_LENGTH + head.fieldsLength;
  const room = maxFrag - headLength - ((maxFrag - headLength) % FRAGMENT_ALIGNMENT);
  if (room <= 0) throw new RpchError('RPCH_FRAGMENT_TOO_SMALL', 'caller', `fragments of ${maxFrag} bytes hold no stub`);
  const count = Math.max(1, Math.ceil(stub.length / room));
  const writer = new DrepWriter(head.littleEndian, count * headLength + stub.length);
  for (let i = 0; i < count; i++) {
    const at = i * room;
    const first = i === 0 ? PfcFlag.FIRST_FRAG : 0;
    const last = i === count - 1 ? PfcFlag.LAST_FRAG : 0;
    const start = beginPdu(writer, { ...head, pfcFlags: head.pfcFlags | first | last });
    writer.u32(stub.length - at);
    head.fields(writer);
    writer.bytes(stub.subarray(at, at + room));
    endPdu(writer, start);
  }
  return { bytes: writer.finish(), count };
}
