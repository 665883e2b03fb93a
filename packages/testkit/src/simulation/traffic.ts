import { fragLengthAt, type PduType, PfcFlag } from '@rpch/rpc/internal';
import type { VirtualClock } from '../virtual-clock.ts';
import { SeededRandom } from './random.ts';

/** PDUs that an application sends at once, at most. */
export const AT_ONCE = 4;
/** Longest time after which somebody who may not send asks again, ms. */
const LONGEST_ASKING = 500;
const HEADER = 16;
const LARGEST = 65_535;
/** Bodies are cut out of this; each PDU's from another place. */
const NOISE = Buffer.from(new SeededRandom(1).bytes(2 * LARGEST + 2));
/** A prime, so that places repeat late. */
const STRIDE = 4099;
/** Marks the call_id of PDUs that a hostile party made up. */
const MADE_UP = 0x8000_0000;

/** A broken stream of RPC PDUs. */
export class StreamError extends Error {
  override readonly name = 'StreamError';
}

/** An application's way out. */
export interface Speaker {
  /** Longest break between two sends, ms. */
  readonly longestBreak: number;
  /** It will never send again. */
  readonly over: boolean;
  maySend(): boolean;
  send(run: Uint8Array, count: number): void;
}

interface Planned {
  readonly length: number;
  readonly flags: number;
}

/** PDUs that differ from one another in every byte of their bodies, and whoever takes them in order and complains if not. */
export class Traffic {
  readonly what: string;
  readonly #ptype: number;
  readonly #pdus: Planned[] = [];
  #sent = 0;
  #received = 0;

  constructor(what: string, ptype: typeof PduType.request | typeof PduType.response) {
    this.what = what;
    this.#ptype = ptype;
  }

  /** PDUs sent and PDUs received. */
  get progress(): string {
    return `${this.what}: ${this.#sent} sent, ${this.#received} received`;
  }

  get allReceived(): boolean {
    return this.#received === this.#pdus.length;
  }

  /** Adds a PDU to those that will be sent. */
  plan(length: number, first: boolean, last: boolean): void {
    this.#pdus.push({ length, flags: (first ? PfcFlag.FIRST_FRAG : 0) | (last ? PfcFlag.LAST_FRAG : 0) });
  }

  /** PDUs that wait to be sent. */
  get waiting(): number {
    return this.#pdus.length - this.#sent;
  }

  /** The next `count` PDUs, in one run, which is valid until the next call. */
  next(count: number): Uint8Array {
    let length = 0;
    for (let i = 0; i < count; i++) length += this.#at(this.#sent + i).length;
    const run = scratch.subarray(0, length);
    let at = 0;
    for (let i = 0; i < count; i++) at += this.#write(run, at, this.#sent++);
    return run;
  }

  /**
   * Checks a run against what was sent; returns how many of its PDUs were the last fragment of a call. Throws
   * {@link StreamError}.
   */
  receive(run: Uint8Array, count: number): number {
    let at = 0;
    let calls = 0;
    for (let i = 0; i < count; i++) {
      const length = fragLengthAt(run, at);
      if (!isMadeUp(run, at)) {
        const expected = this.#expect(run, at, length);
        if ((expected.flags & PfcFlag.LAST_FRAG) !== 0) calls++;
        this.#received++;
      }
      at += length;
    }
    if (at !== run.length) throw new StreamError(`${this.what}: a run of ${run.length} bytes holds PDUs of ${at}`);
    return calls;
  }

  #expect(run: Uint8Array, at: number, length: number): Planned {
    const index = this.#received;
    if (index >= this.#sent) throw new StreamError(`${this.what}: PDU ${index} was never sent, or came twice`);
    const expected = this.#at(index);
    const header = header16;
    this.#writeHeader(header, 0, index);
    const from = (index * STRIDE) % LARGEST;
    const right =
      length === expected.length &&
      header.compare(run, at, at + HEADER) === 0 &&
      NOISE.compare(run, at + HEADER, at + length, from, from + length - HEADER) === 0;
    if (!right) throw new StreamError(`${this.what}: PDU ${index} is not the one that was sent as such`);
    return expected;
  }

  #at(index: number): Planned {
    const planned = this.#pdus[index];
    if (planned === undefined) throw new Error(`${this.what}: PDU ${index} is not planned`);
    return planned;
  }

  #write(run: Buffer, at: number, index: number): number {
    const { length } = this.#at(index);
    this.#writeHeader(run, at, index);
    const from = (index * STRIDE) % LARGEST;
    NOISE.copy(run, at + HEADER, from, from + length - HEADER);
    return length;
  }

  #writeHeader(bytes: Buffer, at: number, index: number): void {
    const { length, flags } = this.#at(index);
    writeHeader(bytes, at, this.#ptype, flags, length, index);
  }
}

const header16 = Buffer.alloc(HEADER);
/** Where a run is put together: roles must not keep views of it. */
const scratch = Buffer.alloc(AT_ONCE * LARGEST);

/** RPC PDUs of a hostile party: they can be told from those of the applications. */
export function madeUpPdu(ptype: number, length: number): Uint8Array {
  const pdu = Buffer.alloc(length);
  writeHeader(pdu, 0, ptype, PfcFlag.FIRST_FRAG | PfcFlag.LAST_FRAG, length, MADE_UP);
  return pdu;
}

function writeHeader(bytes: Buffer, at: number, ptype: number, flags: number, length: number, callId: number): void {
  bytes[at] = 5;
  bytes[at + 1] = 0;
  bytes[at + 2] = ptype;
  bytes[at + 3] = flags;
  bytes.writeUInt32LE(0x10, at + 4);
  bytes.writeUInt32LE(length, at + 8);
  bytes.writeUInt32LE(callId, at + 12);
}

function isMadeUp(run: Uint8Array, at: number): boolean {
  return run[at + 15] === MADE_UP >>> 24;
}

/** Sends what is planned of a kind, a few PDUs at a time, with breaks. */
export class Outbox {
  readonly #traffic: Traffic;
  readonly #clock: VirtualClock;
  readonly #random: SeededRandom;
  readonly #speaker: Speaker;
  #scheduled = false;
  #refused = 0;

  constructor(traffic: Traffic, clock: VirtualClock, random: SeededRandom, speaker: Speaker) {
    this.#traffic = traffic;
    this.#clock = clock;
    this.#random = random;
    this.#speaker = speaker;
  }

  /** There is something to send. */
  wake(): void {
    if (this.#traffic.waiting > 0) this.#schedule(0);
  }

  #schedule(ms: number): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#clock.after(ms, () => {
      this.#scheduled = false;
      if (this.#speaker.over) return;
      const { waiting } = this.#traffic;
      const maySend = this.#speaker.maySend();
      this.#refused = maySend ? 0 : this.#refused + 1;
      if (maySend && waiting > 0) {
        const count = Math.min(waiting, this.#random.int(1, AT_ONCE));
        const run = this.#traffic.next(count);
        this.#speaker.send(run, count);
        run.fill(0xdb);
      }
      // Who has been refused for long asks less often.
      const longest = Math.max(this.#speaker.longestBreak, Math.min(LONGEST_ASKING, this.#refused));
      if (this.#traffic.waiting > 0) this.#schedule(this.#random.int(1, longest));
    });
  }
}
