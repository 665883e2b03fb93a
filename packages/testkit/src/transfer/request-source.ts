import { PduType, PfcFlag } from '@rpch/rpc/internal';
import { CALL_HEADER_LENGTH } from '../plain-pdus.ts';
import { DataStream, MAX_CALL_DATA, plannedCall, REQUEST_PREFIX, TransferOpnum } from './traffic.ts';

/** Where PDUs are made and stay until they are sent, bytes: several times the largest call. */
const RING_SIZE = 4 * 1024 * 1024;
/** Fragments of one call are handed on together up to this much, bytes. */
const RUN_SIZE = 16 * 1024;
/** Stub data of every fragment but the last is a multiple of this (C706 12.6.3.1). */
const ALIGNMENT = 8;

/** PDUs to send: a view of the source's memory, and how many they are. */
export interface RequestRun {
  readonly bytes: Uint8Array;
  readonly count: number;
}

/**
 * Makes the requests of a transfer, fragment by fragment, in memory that is used again and again: a run must be out of
 * everybody's hands by the time that {@link room} bytes more have been made.
 */
export class RequestSource {
  readonly #data = new DataStream('requests');
  readonly #ring = Buffer.alloc(RING_SIZE);
  /** The stub of the call that is being cut into fragments. */
  readonly #stub = Buffer.alloc(REQUEST_PREFIX + MAX_CALL_DATA);
  #stubLength = 0;
  #stubSent = 0;
  #fragment = 0;
  #at = 0;
  #calls = 0;

  /** Calls begun. */
  get calls(): number {
    return this.#calls;
  }

  /** Bytes of data handed out, and their SHA-256. */
  get data(): DataStream {
    return this.#data;
  }

  /** What of the last bytes made stays as it is, bytes. */
  get room(): number {
    return RING_SIZE - 2 * RUN_SIZE;
  }

  /** Whether the last run ended a call. */
  get betweenCalls(): boolean {
    return this.#stubSent === this.#stubLength;
  }

  /** The next run: the rest of a call, as much of it as goes together, or the beginning of the next call. */
  next(): RequestRun {
    if (this.betweenCalls) this.#begin();
    if (this.#at + RUN_SIZE > RING_SIZE) this.#at = 0;
    const start = this.#at;
    let count = 0;
    do {
      this.#at += this.#writeFragment(this.#at);
      count++;
    } while (!this.betweenCalls && this.#at - start + this.#fragment <= RUN_SIZE);
    return { bytes: this.#ring.subarray(start, this.#at), count };
  }

  #begin(): void {
    const { request, response, fragment } = plannedCall(this.#calls);
    this.#calls++;
    this.#stub.writeBigUInt64LE(BigInt(this.#data.offset), 0);
    this.#stub.writeUInt32LE(response, 8);
    this.#stub.writeUInt32LE(0, 12);
    this.#data.take(request).copy(this.#stub, REQUEST_PREFIX);
    this.#stubLength = REQUEST_PREFIX + request;
    this.#stubSent = 0;
    this.#fragment = fragment;
  }

  /** Writes one PDU (C706 12.6.4.9) and returns its length. */
  #writeFragment(at: number): number {
    const room = this.#fragment - CALL_HEADER_LENGTH;
    const left = this.#stubLength - this.#stubSent;
    const length = Math.min(left, room - (room % ALIGNMENT));
    const flags = (this.#stubSent === 0 ? PfcFlag.FIRST_FRAG : 0) | (length === left ? PfcFlag.LAST_FRAG : 0);
    const ring = this.#ring;
    ring.writeUInt32LE(5 | (PduType.request << 16) | (flags << 24), at);
    ring.writeUInt32LE(0x10, at + 4);
    ring.writeUInt32LE(CALL_HEADER_LENGTH + length, at + 8); // frag_length and auth_length
    ring.writeUInt32LE(this.#calls, at + 12);
    ring.writeUInt32LE(left, at + 16);
    ring.writeUInt32LE(TransferOpnum.Exchange << 16, at + 20); // p_cont_id 0
    this.#stub.copy(ring, at + CALL_HEADER_LENGTH, this.#stubSent, this.#stubSent + length);
    this.#stubSent += length;
    return CALL_HEADER_LENGTH + length;
  }
}
