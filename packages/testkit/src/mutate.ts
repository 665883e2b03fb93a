import type { SeededRandom } from './simulation/random.ts';

/** Bytes with one to four random changes: some overwritten, flipped, left out, made up or doubled. */
export function mutate(bytes: Uint8Array, random: SeededRandom): Buffer {
  let result = Buffer.from(bytes);
  for (let changes = random.int(1, 4); changes > 0; changes--) {
    const at = random.int(0, Math.max(0, result.length - 1));
    const length = random.int(1, 8);
    const [before, after] = [result.subarray(0, at), result.subarray(at + length)];
    const kind = random.int(0, 4);
    if (kind === 0) result[at] = random.int(0, 255);
    else if (kind === 1) result[at] = (result[at] ?? 0) ^ (1 << random.int(0, 7));
    else if (kind === 2) result = Buffer.concat([before, after]);
    else if (kind === 3) result = Buffer.concat([before, random.bytes(length), result.subarray(at)]);
    else result = Buffer.concat([before, result.subarray(at, at + length), result.subarray(at)]);
  }
  return result;
}
