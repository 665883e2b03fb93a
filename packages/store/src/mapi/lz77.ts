import { ProtocolError } from '@rpch/rpc';

/** How far back a match may lie, and the least that one is worth ([MS-XCA] 2.3.4, [MS-OXCRPC] 3.1.7.2). */
const WINDOW = 8192;
const MIN_MATCH = 3;

/** Match lengths from which a nibble, a byte, and a u16 are needed. */
const NIBBLE_FROM = MIN_MATCH + 7;
const BYTE_FROM = NIBBLE_FROM + 15;
const WORD_FROM = BYTE_FROM + 255;
const MAX_MATCH = 0xffff + MIN_MATCH;

const HASH_BITS = 13;
/** How many earlier places are tried for the longest match. */
const MAX_CHAIN = 24;
/** A match of this length is taken without a search for a longer one. */
const GOOD_MATCH = 128;

function malformed(message: string): ProtocolError {
  return new ProtocolError('RPCH_LZ77_MALFORMED', `LZ77: ${message}`, '[MS-XCA] 2.4.4');
}

/**
 * Decompresses a payload of RPC_HEADER_EXT, plain LZ77 with DIRECT2 encoding ([MS-XCA] 2.4), to exactly `size` bytes. Input that
 * does not give that many, or more, or that refers to before its start, is a ProtocolError.
 */
export function decompress(input: Uint8Array, size: number): Uint8Array {
  const output = new Uint8Array(size);
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  let at = 0;
  let length = 0;
  let flags = 0;
  let flagsLeft = 0;
  /** Where the byte lies whose high nibble is not used yet. */
  let nibbleAt = -1;

  function need(bytes: number): number {
    if (at + bytes > input.length) throw malformed('the input ends within an item');
    const start = at;
    at += bytes;
    return start;
  }

  function longLength(): number {
    let extra: number;
    if (nibbleAt < 0) {
      nibbleAt = need(1);
      extra = view.getUint8(nibbleAt) & 0x0f;
    } else {
      extra = view.getUint8(nibbleAt) >> 4;
      nibbleAt = -1;
    }
    if (extra < 15) return NIBBLE_FROM + extra;
    const byte = view.getUint8(need(1));
    if (byte < 255) return BYTE_FROM + byte;
    let whole = view.getUint16(need(2), true);
    if (whole === 0) whole = view.getUint32(need(4), true);
    if (whole + MIN_MATCH < BYTE_FROM) throw malformed(`a length of ${whole} in its longest form`);
    return whole + MIN_MATCH;
  }

  while (length < size) {
    if (flagsLeft === 0) {
      flags = view.getUint32(need(4), true);
      flagsLeft = 32;
    }
    flagsLeft -= 1;
    if (((flags >>> flagsLeft) & 1) === 0) {
      output[length] = view.getUint8(need(1));
      length += 1;
      continue;
    }
    const match = view.getUint16(need(2), true);
    const distance = (match >> 3) + 1;
    const short = match & 7;
    const count = short === 7 ? longLength() : short + MIN_MATCH;
    if (distance > length) throw malformed(`a match ${distance} bytes back after ${length} bytes`);
    if (count > size - length) throw malformed(`more than ${size} bytes`);
    if (distance >= count) output.copyWithin(length, length - distance, length - distance + count);
    // What is copied may be what this match itself has written: bytes repeat.
    else for (let i = 0; i < count; i += 1) output[length + i] = output[length + i - distance] ?? 0;
    length += count;
  }
  return output;
}

/**
 * Compresses a payload, with matches found by hash chains of bounded length. Undefined where it would not become smaller, which
 * is when it must be sent as it is ([MS-OXCRPC] 2.2.2.1).
 */
export function compress(input: Uint8Array): Uint8Array | undefined {
  const output = new Items(input.length - 1);
  const chains = new HashChains(input);
  let at = 0;
  while (at < input.length && !output.full) {
    const { length, distance } = chains.longestMatch(at);
    if (length < MIN_MATCH) {
      output.literal(input[at] ?? 0);
      chains.insert(at);
      at += 1;
    } else {
      output.match(distance, length);
      for (const end = at + length; at < end; at += 1) chains.insert(at);
    }
  }
  return output.finish();
}

/** Where three bytes stood before: for every hash the last place, and for every place the one before. */
class HashChains {
  readonly #input: Uint8Array;
  readonly #last = new Int32Array(1 << HASH_BITS).fill(-1);
  readonly #before: Int32Array;

  constructor(input: Uint8Array) {
    this.#input = input;
    this.#before = new Int32Array(input.length);
  }

  #hash(at: number): number {
    const input = this.#input;
    const three = (input[at] ?? 0) | ((input[at + 1] ?? 0) << 8) | ((input[at + 2] ?? 0) << 16);
    return Math.imul(three, 0x9e37_79b1) >>> (32 - HASH_BITS);
  }

  insert(at: number): void {
    if (at + MIN_MATCH > this.#input.length) return;
    const hash = this.#hash(at);
    this.#before[at] = this.#last[hash] ?? -1;
    this.#last[hash] = at;
  }

  longestMatch(at: number): { readonly length: number; readonly distance: number } {
    const input = this.#input;
    const most = Math.min(MAX_MATCH, input.length - at);
    let length = 0;
    let distance = 0;
    if (most < MIN_MATCH) return { length, distance };
    let candidate = this.#last[this.#hash(at)] ?? -1;
    for (let tried = 0; tried < MAX_CHAIN && candidate >= 0 && at - candidate <= WINDOW; tried += 1) {
      // Only a match that also has the byte behind the best one so far can be longer.
      if (input[candidate + length] === input[at + length]) {
        let same = 0;
        while (same < most && input[candidate + same] === input[at + same]) same += 1;
        if (same > length) {
          length = same;
          distance = at - candidate;
          if (length >= GOOD_MATCH || length === most) break;
        }
      }
      candidate = this.#before[candidate] ?? -1;
    }
    return { length, distance };
  }
}

/** The compressed form: flags in words of 32 bits, each before the items that it is about. */
class Items {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #room: number;
  #length = 0;
  #flagsAt = 0;
  #flags = 0;
  #flagsLeft = 0;
  #nibbleAt = -1;

  /** @param room how long it may become. */
  constructor(room: number) {
    // An item may begin while there is room: what the longest one and a word of flags take is there beyond it.
    this.#bytes = new Uint8Array(Math.max(room, 0) + 16);
    this.#view = new DataView(this.#bytes.buffer);
    this.#room = room;
  }

  get full(): boolean {
    return this.#length > this.#room;
  }

  #item(flag: 0 | 1): void {
    if (this.#flagsLeft === 0) {
      this.#flagsAt = this.#length;
      this.#length += 4;
      this.#flags = 0;
      this.#flagsLeft = 32;
    }
    this.#flagsLeft -= 1;
    this.#flags |= flag << this.#flagsLeft;
    if (this.#flagsLeft === 0) this.#view.setUint32(this.#flagsAt, this.#flags >>> 0, true);
  }

  literal(byte: number): void {
    this.#item(0);
    this.#view.setUint8(this.#length, byte);
    this.#length += 1;
  }

  match(distance: number, length: number): void {
    this.#item(1);
    const short = Math.min(length - MIN_MATCH, 7);
    this.#view.setUint16(this.#length, ((distance - 1) << 3) | short, true);
    this.#length += 2;
    if (length < NIBBLE_FROM) return;
    this.#nibble(Math.min(length - NIBBLE_FROM, 15));
    if (length < BYTE_FROM) return;
    this.#view.setUint8(this.#length, Math.min(length - BYTE_FROM, 255));
    this.#length += 1;
    if (length < WORD_FROM) return;
    this.#view.setUint16(this.#length, length - MIN_MATCH, true);
    this.#length += 2;
  }

  /** Two long matches share a byte: the first has its low half. */
  #nibble(value: number): void {
    if (this.#nibbleAt < 0) {
      this.#nibbleAt = this.#length;
      this.#view.setUint8(this.#length, value);
      this.#length += 1;
    } else {
      this.#view.setUint8(this.#nibbleAt, this.#view.getUint8(this.#nibbleAt) | (value << 4));
      this.#nibbleAt = -1;
    }
  }

  /** Ends with a flag of 1 that no match follows; the flags behind it are 1 too. */
  finish(): Uint8Array | undefined {
    if (this.full) return undefined;
    this.#item(1);
    while (this.#flagsLeft > 0) this.#item(1);
    return this.full ? undefined : this.#bytes.subarray(0, this.#length);
  }
}
