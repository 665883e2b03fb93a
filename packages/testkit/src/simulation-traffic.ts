import { fragLengthAt, type PduType, PfcFlag } from '@rpch/rpc/internal';
import type { SeededRandom } from './simulation-random.ts';
import type { VirtualClock } from './virtual-clock.ts';

const NOISE = 0x1_0000;
/** PDUs that an application sends at once, at most. */
export const AT_ONCE = 4;

/** An application's way out. */
export interface Speaker {
  /** Longest break between two sends, ms. */
  readonly longestBreak: number;
  maySend(): boolean;
  send(run: Uint8Array, count: number): void;
}

/** PDUs that differ from one another in every byte of their bodies, and whoever takes them in order and complains if not. */
export class Traffic {
  readonly #noise: Uint8Array;
  readonly #ptype: number;
  readonly #what: string;
  /** Sent and not yet received. */
  readonly #onTheWay: Uint8Array[] = [];
  #sent = 0;
  #received = 0;

  constructor(what: string, ptype: typeof PduType.request | typeof PduType.response, random: SeededRandom) {
    this.#what = what;
    this.#ptype = ptype;
    this.#noise = random.bytes(251);
  }

  /** PDUs made and PDUs received. */
  get progress(): string {
    return `${this.#what}: ${this.#sent} sent, ${this.#received} received`;
  }

  get allReceived(): boolean {
    return this.#onTheWay.length === 0;
  }

  /** The next PDU to send. */
  make(length: number, first: boolean, last: boolean): Uint8Array {
    const pdu = new Uint8Array(length);
    const sequence = this.#sent++;
    for (let at = 16; at < length; at++) pdu[at] = (this.#noise[(at + sequence) % 251] ?? 0) ^ (at >> 8);
    const flags = (first ? PfcFlag.FIRST_FRAG : 0) | (last ? PfcFlag.LAST_FRAG : 0);
    pdu.set([5, 0, this.#ptype, flags, 0x10, 0, 0, 0, length & 0xff, length >> 8, 0, 0]);
    new DataView(pdu.buffer).setUint32(12, sequence % NOISE, true);
    this.#onTheWay.push(pdu);
    return pdu;
  }

  /** Checks a run against what was sent; returns how many of its PDUs were the last fragment of a call. */
  receive(run: Uint8Array, count: number): number {
    let at = 0;
    let calls = 0;
    for (let i = 0; i < count; i++) {
      const length = fragLengthAt(run, at);
      const expected = this.#onTheWay.shift();
      if (expected === undefined) throw new Error(`${this.#what}: PDU ${this.#received} was never sent, or came twice`);
      if (Buffer.compare(expected, run.subarray(at, at + length)) !== 0) {
        throw new Error(`${this.#what}: PDU ${this.#received} is not the one that was sent as such`);
      }
      if (((expected[3] ?? 0) & PfcFlag.LAST_FRAG) !== 0) calls++;
      this.#received++;
      at += length;
    }
    if (at !== run.length) throw new Error(`${this.#what}: a run of ${run.length} bytes holds PDUs of ${at}`);
    return calls;
  }
}

/** PDUs that wait to be sent by an application, a few at a time, with breaks. */
export class Outbox {
  readonly #pdus: Uint8Array[] = [];
  readonly #clock: VirtualClock;
  readonly #random: SeededRandom;
  readonly #speaker: Speaker;
  #scheduled = false;

  constructor(clock: VirtualClock, random: SeededRandom, speaker: Speaker) {
    this.#clock = clock;
    this.#random = random;
    this.#speaker = speaker;
  }

  add(pdu: Uint8Array): void {
    this.#pdus.push(pdu);
    this.#schedule(0);
  }

  #schedule(ms: number): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#clock.after(ms, () => {
      this.#scheduled = false;
      if (this.#speaker.maySend()) {
        const pdus = this.#pdus.splice(0, this.#random.int(1, AT_ONCE));
        this.#speaker.send(Buffer.concat(pdus), pdus.length);
      }
      if (this.#pdus.length > 0) this.#schedule(this.#random.int(1, this.#speaker.longestBreak));
    });
  }
}
