import { fragLengthAt, PduType, PfcFlag, pduTypeAt, pfcFlagsAt } from '@rpch/rpc/internal';
import { CALL_HEADER_LENGTH, callIdOf } from '../plain-pdus.ts';
import { DataStream, plannedCall, RESPONSE_PREFIX } from './traffic.ts';

/**
 * Checks the responses of a transfer as they come, fragment by fragment and byte by byte: every call is answered once, in
 * order, with just the data that belongs there. What is wrong throws an Error.
 */
export class ResponseCheck {
  readonly #data = new DataStream('responses');
  #calls = 0;
  /** Stub bytes of the present call so far. */
  #stub = 0;

  /** Calls answered in full. */
  get calls(): number {
    return this.#calls;
  }

  get data(): DataStream {
    return this.#data;
  }

  /** Takes the PDU from `at` to `end` of a run. */
  take(run: Uint8Array, at: number, end: number): void {
    const number = this.#calls;
    const pdu = run.subarray(at, end);
    const expected = RESPONSE_PREFIX + plannedCall(number).response;
    if (pduTypeAt(pdu, 0) !== PduType.response || callIdOf(pdu) !== number + 1) {
      throw new Error(
        `PTYPE ${pduTypeAt(pdu, 0)} of call ${callIdOf(pdu)} where the response of ${number + 1} must come`,
      );
    }
    const length = pdu.length - CALL_HEADER_LENGTH;
    const first = (pfcFlagsAt(pdu, 0) & PfcFlag.FIRST_FRAG) !== 0;
    const last = (pfcFlagsAt(pdu, 0) & PfcFlag.LAST_FRAG) !== 0;
    if (first !== (this.#stub === 0) || last !== (this.#stub + length === expected) || this.#stub + length > expected) {
      throw new Error(
        `${length} bytes of call ${number + 1}, first ${first}, last ${last}, after ${this.#stub} of ${expected}`,
      );
    }
    let from = CALL_HEADER_LENGTH;
    if (first) {
      const place = Number(new DataView(pdu.buffer, pdu.byteOffset).getBigUint64(CALL_HEADER_LENGTH, true));
      if (place !== this.#data.offset)
        throw new Error(`data of byte ${place} where byte ${this.#data.offset} must come`);
      from += RESPONSE_PREFIX;
    }
    this.#data.accept(pdu, from, pdu.length);
    this.#stub += length;
    if (!last) return;
    this.#stub = 0;
    this.#calls++;
  }
}

/** Goes through the PDUs of a run. */
export function eachPdu(run: Uint8Array, take: (at: number, end: number) => void): void {
  for (let at = 0; at < run.length; ) {
    const end = at + fragLengthAt(run, at);
    take(at, end);
    at = end;
  }
}
