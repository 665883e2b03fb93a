const BLOCK = 64;
const SHIFTS = [
  [3, 7, 11, 19],
  [3, 5, 9, 13],
  [3, 9, 11, 15],
] as const;
const CONSTANTS = [0, 0x5a827999, 0x6ed9eba1] as const;
/** The order in which each round takes the sixteen words of a block (RFC 1320 3.4). */
const ORDER = [
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15],
  [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15],
] as const;

/**
 * The MD4 digest of `message`, 16 bytes (RFC 1320). Broken as a hash; here only because NT hashes are made with it
 * ([MS-NLMP] 3.3.1), and OpenSSL 3 no longer offers it.
 */
export function md4(message: Uint8Array): Uint8Array {
  const padded = pad(message);
  const view = new DataView(padded.buffer);
  const state = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476);
  for (let at = 0; at < padded.length; at += BLOCK) compress(state, view, at);
  const digest = new Uint8Array(16);
  const out = new DataView(digest.buffer);
  state.forEach((word, i) => {
    out.setInt32(i * 4, word, true);
  });
  return digest;
}

/** RFC 1320 3.1 and 3.2: a one bit, zeros, and the length in bits as 64 bits, up to a whole number of blocks. */
function pad(message: Uint8Array): Uint8Array<ArrayBuffer> {
  const padded = new Uint8Array(Math.ceil((message.length + 9) / BLOCK) * BLOCK);
  padded.set(message);
  padded[message.length] = 0x80;
  new DataView(padded.buffer).setBigUint64(padded.length - 8, BigInt(message.length) * 8n, true);
  return padded;
}

/** RFC 1320 3.4: three rounds over one block. The registers change roles at every step instead of being named. */
function compress(state: Int32Array, block: DataView, start: number): void {
  let [a = 0, b = 0, c = 0, d = 0] = state;
  for (const round of [0, 1, 2] as const) {
    ORDER[round].forEach((word, step) => {
      const sum = a + mix(round, b, c, d) + block.getInt32(start + word * 4, true) + CONSTANTS[round];
      const shift = SHIFTS[round][(step & 3) as 0 | 1 | 2 | 3];
      const rotated = (sum << shift) | ((sum | 0) >>> (32 - shift));
      [a, b, c, d] = [d, rotated, b, c];
    });
  }
  [a, b, c, d].forEach((word, i) => {
    state[i] = (state[i] ?? 0) + word;
  });
}

/** F, G and H of RFC 1320 3.4. */
function mix(round: 0 | 1 | 2, x: number, y: number, z: number): number {
  if (round === 0) return (x & y) | (~x & z);
  return round === 1 ? (x & y) | (x & z) | (y & z) : x ^ y ^ z;
}
