import { createHash, type Hash } from 'node:crypto';
import { ifVersion, type SyntaxId } from '@rpch/rpc/internal';
import { SeededRandom } from '../simulation/random.ts';

/** The interface that transfers are calls of. */
export const TRANSFER: SyntaxId = { uuid: '5d0c7d1e-6f6a-4c49-9a35-6d1f6f1f7c11', version: ifVersion(1, 0) };
/** Exchange: data one way as the request's stub, other data the other way as the response's. Digest: what the server saw. */
export const TransferOpnum = { Exchange: 0, Digest: 1 } as const;

/** Exchange's request stub begins with the place of its data in the stream (u64) and the data wanted in return (u32, u32 of it 0). */
export const REQUEST_PREFIX = 16;
/** Exchange's response stub begins with the place of its data in the stream (u64). */
export const RESPONSE_PREFIX = 8;

/** One call: how much data it carries each way, and the length of its request's fragments, all in bytes. */
export interface PlannedCall {
  readonly request: number;
  readonly response: number;
  readonly fragment: number;
}

/** Data lengths of calls, from none to more than a receive window. */
const LENGTHS = [65_536, 1, 5_808, 131_072, 0, 16_384, 1_400, 262_144, 7, 40_000, 100_003, 512];
/** Fragment lengths of requests: the least that everybody must take, the most that servers here ask for, and others. */
const FRAGMENTS = [5840, 1432, 4280, 5840, 2048, 5840, 5840, 5840, 1432, 5840, 5840, 3056];
/** The most data of one call, bytes. */
export const MAX_CALL_DATA = Math.max(...LENGTHS);

/** The call of that number. In every dozen as much data goes one way as the other. */
export function plannedCall(number: number): PlannedCall {
  const at = number % LENGTHS.length;
  return {
    request: LENGTHS[at] ?? 0,
    response: LENGTHS[(at + 5) % LENGTHS.length] ?? 0,
    fragment: FRAGMENTS[at] ?? 0,
  };
}

/** Repeats after so many bytes, a prime: no two calls are likely to carry the same. */
const PERIOD = 1_048_583;

/**
 * One direction's data: an endless stream that both ends can make for themselves. The sender takes pieces of it, the receiver
 * compares what came with what must come, byte by byte; both hash what they had in their hands.
 */
export class DataStream {
  readonly #block: Buffer;
  readonly #hash: Hash = createHash('sha256');
  #offset = 0;

  /** @param direction each has its own data. */
  constructor(direction: 'requests' | 'responses') {
    const period = new SeededRandom(direction === 'requests' ? 1 : 2).bytes(PERIOD);
    this.#block = Buffer.concat([period, period.subarray(0, MAX_CALL_DATA)]);
  }

  /** Bytes so far. */
  get offset(): number {
    return this.#offset;
  }

  /** SHA-256 of all bytes so far, in hex. */
  get digest(): string {
    return this.#hash.copy().digest('hex');
  }

  /** The next `length` bytes, at most {@link MAX_CALL_DATA}: a view that must not be changed. */
  take(length: number): Buffer {
    const at = this.#offset % PERIOD;
    const piece = this.#block.subarray(at, at + length);
    this.#hash.update(piece);
    this.#offset += length;
    return piece;
  }

  /** Takes `from` to `to` of `bytes` as what came next. Throws where it is not what had to come. */
  accept(bytes: Uint8Array, from: number, to: number): void {
    const at = this.#offset % PERIOD;
    const length = to - from;
    if (length === 0) return;
    if (this.#block.compare(bytes, from, to, at, at + length) !== 0) {
      const wrong = firstDifference(bytes.subarray(from, to), this.#block.subarray(at, at + length));
      throw new Error(`wrong data at byte ${this.#offset + wrong} of the stream`);
    }
    this.#hash.update(bytes.subarray(from, to));
    this.#offset += length;
  }
}

function firstDifference(some: Uint8Array, other: Uint8Array): number {
  return some.findIndex((byte, i) => byte !== other[i]);
}
