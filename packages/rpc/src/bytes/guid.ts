import { ProtocolError } from '../errors.ts';

/** Bytes in the order in which the text form of a GUID names them: three little-endian fields, then eight bytes. */
const TEXT_ORDER = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15] as const;
const TEXT = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** The text form of 16 wire bytes, lower case (C706 appendix A). */
export function formatGuid(bytes: Uint8Array): string {
  let hex = '';
  for (const at of TEXT_ORDER) hex += (bytes[at] ?? 0).toString(16).padStart(2, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** The 16 wire bytes of a GUID's text form; other text is a {@link ProtocolError}. */
export function parseGuid(text: string): Uint8Array {
  if (!TEXT.test(text)) throw new ProtocolError('RPCH_BAD_GUID', 'not a GUID', 'C706 appendix A');
  const hex = text.replaceAll('-', '');
  const bytes = new Uint8Array(16);
  TEXT_ORDER.forEach((at, i) => {
    bytes[at] = Number.parseInt(hex.slice(i * 2, i * 2 + 2), 16);
  });
  return bytes;
}
