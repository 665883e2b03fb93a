import { COMMON_HEADER_LENGTH, LENGTH_KNOWN_AT, PduType } from '@rpch/rpc/internal';

const PTYPES: ReadonlySet<number> = new Set(Object.values(PduType));
/** packed_drep of every implementation in use: ASCII, IEEE, and integers in one order or the other (C706 14.1). */
const INTEGER_FORMATS: ReadonlySet<number> = new Set([0x00, 0x10]);

/**
 * Whether a PDU may well begin at `at`: version, type, byte order and lengths of a common header agree (C706 12.6.3.1).
 * Stricter than the protocol, for where it must be found in a stream rather than read. {@link COMMON_HEADER_LENGTH} bytes
 * must be there.
 */
export function plausiblePduAt(bytes: Uint8Array, at: number): boolean {
  const byte = (offset: number) => bytes[at + offset] ?? 0;
  if (byte(0) !== 5 || byte(1) > 1 || !PTYPES.has(byte(2))) return false;
  if (!INTEGER_FORMATS.has(byte(4)) || byte(5) !== 0 || byte(6) !== 0 || byte(7) !== 0) return false;
  const u16 = (offset: number) =>
    byte(4) === 0x10 ? byte(offset) | (byte(offset + 1) << 8) : (byte(offset) << 8) | byte(offset + 1);
  const length = u16(LENGTH_KNOWN_AT - 2);
  return length >= COMMON_HEADER_LENGTH && u16(LENGTH_KNOWN_AT) <= length - COMMON_HEADER_LENGTH;
}

/** Where in `bytes` the first plausible PDU or HTTP head begins; undefined where there is none up to the last header's length. */
export function findBoundary(bytes: Uint8Array): number | undefined {
  for (let at = 0; at + COMMON_HEADER_LENGTH <= bytes.length; at++) {
    if (bytes[at] === 5 ? plausiblePduAt(bytes, at) : headAt(bytes, at)) return at;
  }
  return undefined;
}

const HEADS = ['HTTP/1.0 ', 'HTTP/1.1 ', 'RPC_IN_DATA ', 'RPC_OUT_DATA '].map((text) => Buffer.from(text, 'latin1'));

function headAt(bytes: Uint8Array, at: number): boolean {
  return HEADS.some((head) => head.every((byte, i) => bytes[at + i] === byte));
}
