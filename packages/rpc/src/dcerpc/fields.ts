/**
 * Integers where they stand, for what is read so often that a reader would cost more than the reading. Bounds are the
 * caller's.
 */

/** The 16-bit integer at `at`. */
export function u16At(bytes: Uint8Array, at: number, littleEndian: boolean): number {
  const first = bytes[at] as number;
  const second = bytes[at + 1] as number;
  return littleEndian ? first | (second << 8) : (first << 8) | second;
}

/** The 32-bit integer at `at`, unsigned. */
export function u32At(bytes: Uint8Array, at: number, littleEndian: boolean): number {
  const first = u16At(bytes, at, littleEndian);
  const second = u16At(bytes, at + 2, littleEndian);
  return (littleEndian ? first | (second << 16) : (first << 16) | second) >>> 0;
}
