import { hash } from 'node:crypto';

const BLOCK = 64;
/** Bytes that are hashed in one go, without the padding: more than a PDU of the usual size. */
const CAPACITY = 128 * BLOCK;
const ROUND_SHIFTS = [
  [7, 12, 17, 22],
  [5, 9, 14, 20],
  [4, 11, 16, 23],
  [6, 10, 15, 21],
];
const INITIAL = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476);

/** From so many bytes on, node:crypto's one call is quicker than ours; what it hashes must be in one piece. */
const NATIVE_FROM = 1024;
const NATIVE_UP_TO = 64 * 1024;
const SEQUENCE_LENGTH = 4;
const whole = new Uint8Array(BLOCK + SEQUENCE_LENGTH + NATIVE_UP_TO);

/** T of RFC 1321 3.4: the fraction of the sine of 1 to 64. */
const SINES = Int32Array.from({ length: 64 }, (_, i) => Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32));

const SHIFTS = Int32Array.from({ length: 64 }, (_, i) => ROUND_SHIFTS[i >> 4]?.[i & 3] ?? 0);

/** Where the step of that number finds its word of the block, in bytes (RFC 1321 3.4). */
const WORDS = Int32Array.from({ length: 64 }, (_, i) => {
  const [factor, start] = (
    [
      [1, 0],
      [5, 1],
      [3, 5],
      [7, 0],
    ] as const
  )[i >> 4] ?? [0, 0];
  return ((factor * i + start) % 16) * 4;
});

/**
 * What is hashed lies here first: aligned, and with the four bytes of a sequence number before the message, which
 * would otherwise shift every word of it. One for all, because no call returns before it is done with it.
 */
const scratch = new Uint8Array(CAPACITY + 2 * BLOCK);
const words = new DataView(scratch.buffer);
const state = new Int32Array(4);

/**
 * HMAC-MD5 (RFC 2104, RFC 1321) of `ConcatenationOf(SeqNum, Message)` with one key for many messages: the signature
 * of NTLM ([MS-NLMP] 3.4.4.2). Our own because it is computed for every PDU: node:crypto makes two objects for each
 * HMAC, which takes longer than hashing a kilobyte here, and has no way to keep the state behind the key.
 */
export class SequencedHmacMd5 {
  readonly #innerPad: Uint8Array;
  readonly #inner: Int32Array;
  readonly #outer: Int32Array;

  /** @param key at most 64 bytes. */
  constructor(key: Uint8Array) {
    this.#innerPad = padded(key, 0x36);
    this.#inner = stateBehind(this.#innerPad);
    this.#outer = stateBehind(padded(key, 0x5c));
  }

  /** Writes the first eight bytes of the HMAC of `sequence`, as four bytes, and `message` to `out` at `at`. */
  first8(sequence: number, message: Uint8Array, out: Uint8Array, at: number): void {
    if (message.length >= NATIVE_FROM && message.length <= NATIVE_UP_TO) this.#hashNatively(sequence, message);
    else this.#hash(sequence, message);
    state.set(this.#outer);
    finish(16, BLOCK + 16);
    for (let i = 0; i < 8; i++) out[at + i] = (state[i >> 2] ?? 0) >>> ((i & 3) * 8);
  }

  /** Leaves the inner hash at the beginning of the scratch. */
  #hash(sequence: number, message: Uint8Array): void {
    state.set(this.#inner);
    words.setUint32(0, sequence, true);
    let held = SEQUENCE_LENGTH;
    let taken = 0;
    while (held + message.length - taken > CAPACITY) {
      const end = taken + CAPACITY - held;
      scratch.set(message.subarray(taken, end), held);
      for (let block = 0; block < CAPACITY; block += BLOCK) compress(block);
      taken = end;
      held = 0;
    }
    scratch.set(taken === 0 ? message : message.subarray(taken), held);
    finish(held + message.length - taken, BLOCK + SEQUENCE_LENGTH + message.length);
    for (let i = 0; i < 4; i++) words.setInt32(i * 4, state[i] ?? 0, true);
  }

  /** The same by node:crypto. */
  #hashNatively(sequence: number, message: Uint8Array): void {
    whole.set(this.#innerPad);
    for (let i = 0; i < SEQUENCE_LENGTH; i++) whole[BLOCK + i] = sequence >>> (i * 8);
    whole.set(message, BLOCK + SEQUENCE_LENGTH);
    scratch.set(hash('md5', whole.subarray(0, BLOCK + SEQUENCE_LENGTH + message.length), 'buffer'));
  }
}

/** RFC 2104 2: the key, filled up to a block and mixed. */
function padded(key: Uint8Array, pad: number): Uint8Array {
  return Uint8Array.from({ length: BLOCK }, (_, i) => (key[i] ?? 0) ^ pad);
}

/** The state when a block has been hashed. */
function stateBehind(block: Uint8Array): Int32Array {
  scratch.set(block);
  state.set(INITIAL);
  compress(0);
  return state.slice();
}

/** RFC 1321 3.1 and 3.2: hashes the first `held` bytes of the scratch, the last of `total`, and the padding. */
function finish(held: number, total: number): void {
  const end = Math.ceil((held + 9) / BLOCK) * BLOCK;
  scratch.fill(0, held, end);
  scratch[held] = 0x80;
  words.setUint32(end - 8, total * 8, true);
  words.setUint32(end - 4, (total * 8) / 2 ** 32, true);
  for (let block = 0; block < end; block += BLOCK) compress(block);
}

/** RFC 1321 3.4: four rounds over one block. The registers change roles at every step instead of being named. */
function compress(block: number): void {
  let a = state[0] as number;
  let b = state[1] as number;
  let c = state[2] as number;
  let d = state[3] as number;
  let sum = 0;
  let shift = 0;
  let i = 0;
  for (; i < 16; i++) {
    sum = (a + (((c ^ d) & b) ^ d) + (SINES[i] as number) + words.getInt32(block + (WORDS[i] as number), true)) | 0;
    shift = SHIFTS[i] as number;
    a = d;
    d = c;
    c = b;
    b = (b + ((sum << shift) | (sum >>> (32 - shift)))) | 0;
  }
  for (; i < 32; i++) {
    sum = (a + (((b ^ c) & d) ^ c) + (SINES[i] as number) + words.getInt32(block + (WORDS[i] as number), true)) | 0;
    shift = SHIFTS[i] as number;
    a = d;
    d = c;
    c = b;
    b = (b + ((sum << shift) | (sum >>> (32 - shift)))) | 0;
  }
  for (; i < 48; i++) {
    sum = (a + (b ^ c ^ d) + (SINES[i] as number) + words.getInt32(block + (WORDS[i] as number), true)) | 0;
    shift = SHIFTS[i] as number;
    a = d;
    d = c;
    c = b;
    b = (b + ((sum << shift) | (sum >>> (32 - shift)))) | 0;
  }
  for (; i < 64; i++) {
    sum = (a + (c ^ (b | ~d)) + (SINES[i] as number) + words.getInt32(block + (WORDS[i] as number), true)) | 0;
    shift = SHIFTS[i] as number;
    a = d;
    d = c;
    c = b;
    b = (b + ((sum << shift) | (sum >>> (32 - shift)))) | 0;
  }
  state[0] = (state[0] as number) + a;
  state[1] = (state[1] as number) + b;
  state[2] = (state[2] as number) + c;
  state[3] = (state[3] as number) + d;
}
