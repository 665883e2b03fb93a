import { ProtocolError } from '../errors.ts';
import { COMMON_HEADER_LENGTH, fragLengthAt, LENGTH_KNOWN_AT, PduType, pduTypeAt } from './header.ts';

/**
 * Takes whole PDUs. RPC PDUs come in runs: one or more of them back to back in one view, which is how they are passed on
 * without being touched. RTS PDUs come one by one. A view is valid until the call returns: whoever keeps it, copies it.
 */
export interface PduSink {
  /** `count` RPC PDUs (PTYPE 0 to 19) that fill `run` exactly. */
  rpc(run: Uint8Array, count: number): void;
  /** One RTS PDU (PTYPE 20), whole. */
  rts(pdu: Uint8Array): void;
}

/**
 * Cuts a byte stream into PDUs by their frag_length. Keeps at most the one PDU that has not come in whole, that is 65,535
 * bytes. Fewer bytes than a PDU is no error; a header that cannot be one is a {@link ProtocolError}, after which the
 * deframer must not be used again.
 */
export class Deframer {
  /** The PDU begun in an earlier chunk. Its header alone until frag_length is known, then a buffer of that size. */
  #partial: Uint8Array | undefined;
  #have = 0;

  /** Bytes of a PDU whose rest is still to come; 0 between PDUs. */
  get pending(): number {
    return this.#have;
  }

  /** Cuts `chunk` and passes what is whole to `sink`. */
  push(chunk: Uint8Array, sink: PduSink): void {
    let at = 0;
    if (this.#have > 0) {
      at = this.#complete(chunk, sink);
      if (this.#have > 0) return;
    }
    const end = chunk.length;
    let runStart = at;
    let runCount = 0;
    while (end - at >= LENGTH_KNOWN_AT) {
      const length = fragLengthAt(chunk, at);
      if (length > end - at) break;
      const type = pduTypeAt(chunk, at);
      if (type < PduType.rts) {
        runCount++;
      } else {
        assertRts(type);
        if (runCount > 0) sink.rpc(chunk.subarray(runStart, at), runCount);
        sink.rts(chunk.subarray(at, at + length));
        runStart = at + length;
        runCount = 0;
      }
      at += length;
    }
    if (runCount > 0) sink.rpc(runStart === 0 && at === end ? chunk : chunk.subarray(runStart, at), runCount);
    if (at < end) this.#begin(chunk, at);
  }

  #begin(chunk: Uint8Array, at: number): void {
    const have = chunk.length - at;
    const size = have >= LENGTH_KNOWN_AT ? fragLengthAt(chunk, at) : COMMON_HEADER_LENGTH;
    const partial = new Uint8Array(size);
    partial.set(chunk.subarray(at));
    this.#partial = partial;
    this.#have = have;
  }

  /** Adds to the PDU begun earlier; passes it on when it is whole. Returns how many bytes of `chunk` it took. */
  #complete(chunk: Uint8Array, sink: PduSink): number {
    let partial = this.#partial as Uint8Array;
    let have = this.#have;
    let at = 0;
    if (have < LENGTH_KNOWN_AT) {
      at = Math.min(LENGTH_KNOWN_AT - have, chunk.length);
      partial.set(chunk.subarray(0, at), have);
      have += at;
      if (have < LENGTH_KNOWN_AT) {
        this.#have = have;
        return at;
      }
      const size = fragLengthAt(partial, 0);
      if (size !== partial.length) {
        const sized = new Uint8Array(size);
        sized.set(partial.subarray(0, have));
        partial = sized;
        this.#partial = partial;
      }
    }
    const rest = Math.min(partial.length - have, chunk.length - at);
    partial.set(chunk.subarray(at, at + rest), have);
    have += rest;
    if (have < partial.length) {
      this.#have = have;
      return at + rest;
    }
    this.#partial = undefined;
    this.#have = 0;
    const type = pduTypeAt(partial, 0);
    if (type < PduType.rts) {
      sink.rpc(partial, 1);
    } else {
      assertRts(type);
      sink.rts(partial);
    }
    return at + rest;
  }
}

function assertRts(type: number): void {
  if (type !== PduType.rts) {
    throw new ProtocolError('RPCH_BAD_PTYPE', `PDU type ${type} does not exist`, 'C706 12.6.4.1');
  }
}
