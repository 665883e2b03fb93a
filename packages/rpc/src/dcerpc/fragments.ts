import { RpchError } from '../errors.ts';
import { DrepWriter } from './drep.ts';
import { COMMON_HEADER_LENGTH, PfcFlag } from './header.ts';
import { AUTH_ALIGNMENT, type PduProtection } from './pdu-protection.ts';
import { SEC_TRAILER_LENGTH } from './sec-trailer.ts';

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
  readonly contextId: number;
  /** The two bytes after p_cont_id: opnum of a request; cancel_count and a reserved byte of a response. */
  readonly afterContextId: number;
  /** The object UUID in wire form, see {@link objectBytes}; PFC_OBJECT_UUID has to be set with it. */
  readonly object: Uint8Array | undefined;
}

const HEAD_LENGTH = COMMON_HEADER_LENGTH + 8;
/** Stub data of every fragment but the last is a multiple of this (C706 12.6.3.1), so that NDR alignment survives. */
const FRAGMENT_ALIGNMENT = 8;
const NOTHING = new Uint8Array(0);

/**
 * What is made at once by default, bytes: less where it has to be encrypted, so that the receiver decrypts one run while the next
 * is made.
 */
const RUN_LENGTH = 64 * 1024;
const PROTECTED_RUN_LENGTH = 24 * 1024;

/** The wire form of an object UUID given in text form; other text throws a ProtocolError. */
export function objectBytes(uuid: string, littleEndian: boolean): Uint8Array {
  return new DrepWriter(littleEndian, 16).uuid(uuid).finish();
}

/**
 * Cuts a stub into PDUs of at most `maxFrag` bytes (C706 12.6.3.1, [MS-RPCE] 2.2.2.6), some at a time: alloc_hint is
 * what this and the following fragments hold. An empty stub makes one PDU. `tail` follows the stub and is not torn
 * apart where that can be avoided. Every fragment is protected by `protection` as it is made, so that what was made has
 * to be sent, and in this order.
 */
export class FragmentSource {
  readonly #head: FragmentHead;
  readonly #stub: Uint8Array;
  readonly #tail: Uint8Array;
  readonly #protection: PduProtection | undefined;
  readonly #headLength: number;
  /** Stub data that fits into one fragment. */
  readonly #room: number;
  readonly #signatureLength: number;
  #at = 0;
  #done = false;

  /** A `maxFrag` without room for stub data is the caller's fault: RpchError. */
  constructor(
    head: FragmentHead,
    stub: Uint8Array,
    maxFrag: number,
    protection: PduProtection | undefined,
    tail: Uint8Array = NOTHING,
  ) {
    this.#head = head;
    this.#stub = stub;
    this.#tail = tail;
    this.#headLength = HEAD_LENGTH + (head.object?.length ?? 0);
    const overhead = protection?.overhead ?? 0;
    const room = maxFrag - this.#headLength - overhead;
    this.#room = room - (room % (overhead === 0 ? FRAGMENT_ALIGNMENT : AUTH_ALIGNMENT));
    if (this.#room <= 0) {
      throw new RpchError('RPCH_FRAGMENT_TOO_SMALL', 'caller', `fragments of ${maxFrag} bytes hold no stub`);
    }
    this.#protection = overhead === 0 ? undefined : protection;
    this.#signatureLength = this.#protection?.signatureLength ?? 0;
  }

  /** Every fragment was made. */
  get done(): boolean {
    return this.#done;
  }

  /** The next fragments: as many as fit into `limit` bytes, and at least one. Not to be called when {@link done}. */
  next(limit = this.#protection === undefined ? RUN_LENGTH : PROTECTED_RUN_LENGTH): PduRun {
    const total = this.#stub.length + this.#tail.length;
    let length = 0;
    let count = 0;
    for (let at = this.#at; count === 0 || at < total; count++) {
      const part = this.#partAt(at);
      const pdu = this.#pduLength(part);
      if (count > 0 && length + pdu > limit) break;
      length += pdu;
      at += part;
    }
    // every byte is written: the memory need not be cleared
    const bytes = Buffer.allocUnsafe(length);
    let start = 0;
    for (let i = 0; i < count; i++) start = this.#write(bytes, start);
    return { bytes, count };
  }

  /** Bytes of stub and tail in the fragment that begins at `at`. */
  #partAt(at: number): number {
    const left = this.#stub.length + this.#tail.length - at;
    if (left <= this.#room) return left;
    const stubLeft = this.#stub.length - at;
    if (stubLeft >= this.#room) return this.#room;
    const before = stubLeft - (stubLeft % AUTH_ALIGNMENT);
    return before > 0 ? before : this.#room;
  }

  #pduLength(part: number): number {
    if (this.#protection === undefined) return this.#headLength + part;
    return this.#headLength + part + paddingAfter(part) + SEC_TRAILER_LENGTH + this.#signatureLength;
  }

  #write(out: Buffer, start: number): number {
    const { ptype, pfcFlags, callId, littleEndian, contextId, afterContextId, object } = this.#head;
    const at = this.#at;
    const part = this.#partAt(at);
    const left = this.#stub.length + this.#tail.length - at;
    const first = at === 0 ? PfcFlag.FIRST_FRAG : 0;
    const last = part === left ? PfcFlag.LAST_FRAG : 0;
    const end = start + this.#pduLength(part);
    // rpc_vers u8, rpc_vers_minor u8, PTYPE u8, pfc_flags u8, packed_drep 4, frag_length u16, auth_length u16, call_id
    // u32,
    // alloc_hint u32, p_cont_id u16, opnum u16 or cancel_count u8 and reserved u8, [object UUID]
    out[start] = 5;
    out[start + 1] = 0;
    out[start + 2] = ptype;
    out[start + 3] = pfcFlags | first | last;
    out[start + 4] = littleEndian ? 0x10 : 0;
    out[start + 5] = 0;
    out[start + 6] = 0;
    out[start + 7] = 0;
    if (littleEndian) {
      out.writeUInt16LE(end - start, start + 8);
      out.writeUInt16LE(this.#signatureLength, start + 10);
      out.writeUInt32LE(callId, start + 12);
      out.writeUInt32LE(left, start + 16);
      out.writeUInt16LE(contextId, start + 20);
      out.writeUInt16LE(afterContextId, start + 22);
    } else {
      out.writeUInt16BE(end - start, start + 8);
      out.writeUInt16BE(this.#signatureLength, start + 10);
      out.writeUInt32BE(callId, start + 12);
      out.writeUInt32BE(left, start + 16);
      out.writeUInt16BE(contextId, start + 20);
      out.writeUInt16BE(afterContextId, start + 22);
    }
    if (object !== undefined) out.set(object, start + HEAD_LENGTH);
    const stubAt = start + this.#headLength;
    this.#copy(out, stubAt, at, part);
    if (this.#protection !== undefined) this.#protect(out.subarray(start, end), part, this.#protection);
    this.#at = at + part;
    this.#done = part === left;
    return end;
  }

  /** Copies `length` bytes, counted from `from` in stub and tail together. */
  #copy(out: Buffer, to: number, from: number, length: number): void {
    const stub = this.#stub;
    const ofStub = Math.min(length, stub.length - from);
    if (ofStub > 0) out.set(ofStub === stub.length ? stub : stub.subarray(from, from + ofStub), to);
    if (ofStub >= length) return;
    const begin = Math.max(0, from - stub.length);
    out.set(this.#tail.subarray(begin, from + length - stub.length), to + Math.max(0, ofStub));
  }

  /** Padding, sec_trailer and token ([MS-RPCE] 2.2.2.11). */
  #protect(pdu: Buffer, part: number, protection: PduProtection): void {
    const padding = paddingAfter(part);
    const paddingAt = this.#headLength + part;
    const trailerAt = paddingAt + padding;
    for (let at = paddingAt; at < trailerAt; at++) pdu[at] = 0;
    pdu[trailerAt] = protection.authType;
    pdu[trailerAt + 1] = protection.authLevel;
    pdu[trailerAt + 2] = padding;
    pdu[trailerAt + 3] = 0;
    if (this.#head.littleEndian) pdu.writeUInt32LE(protection.authContextId, trailerAt + 4);
    else pdu.writeUInt32BE(protection.authContextId, trailerAt + 4);
    protection.seal(pdu, this.#headLength);
  }
}

/** Bytes up to the next multiple of {@link AUTH_ALIGNMENT}. */
function paddingAfter(length: number): number {
  const over = length % AUTH_ALIGNMENT;
  return over === 0 ? 0 : AUTH_ALIGNMENT - over;
}
