import { ProtocolError, RpchError } from '../errors.ts';

/** The longest object identifier that is read, in bytes of its contents. */
const MAX_LENGTH = 64;
const SECTION = 'X.690 8.19';

/**
 * An object identifier's contents in dotted form (X.690 8.19). One of no or over 64 bytes, cut short, padded, or with a part
 * above 2^53 is a {@link ProtocolError} `RPCH_DER_OID`.
 */
export function decodeOid(contents: Uint8Array): string {
  const parts: number[] = [];
  let part = 0;
  let inside = false;
  for (const byte of contents.length > MAX_LENGTH ? [] : contents) {
    part = part * 128 + (byte & 0x7f);
    if ((!inside && byte === 0x80) || part > Number.MAX_SAFE_INTEGER) throw wrongOid();
    inside = (byte & 0x80) !== 0;
    if (inside) continue;
    if (parts.length === 0) {
      const first = Math.min(2, Math.floor(part / 40));
      parts.push(first, part - first * 40);
    } else {
      parts.push(part);
    }
    part = 0;
  }
  if (inside || parts.length === 0) throw wrongOid();
  return parts.join('.');
}

/** The contents of an object identifier in dotted form; other text is an RpchError `RPCH_OID_TEXT` (caller). */
export function encodeOid(text: string): Uint8Array {
  const [first = -1, second = -1, ...rest] = text
    .split('.')
    .map((part) => (/^\d{1,15}$/.test(part) ? Number(part) : -1));
  if (first < 0 || first > 2 || second < 0 || (first < 2 && second > 39) || rest.some((part) => part < 0)) {
    throw new RpchError('RPCH_OID_TEXT', 'caller', `not an object identifier: ${text}`);
  }
  return Uint8Array.from([first * 40 + second, ...rest].flatMap(base128));
}

function base128(part: number): number[] {
  const digits = [part % 128];
  for (let left = Math.floor(part / 128); left > 0; left = Math.floor(left / 128)) digits.unshift((left % 128) | 0x80);
  return digits;
}

function wrongOid(): ProtocolError {
  return new ProtocolError('RPCH_DER_OID', 'a malformed object identifier', SECTION);
}
