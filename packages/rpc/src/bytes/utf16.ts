import { ProtocolError } from '../errors.ts';

const decoder = new TextDecoder('utf-16le', { fatal: true, ignoreBOM: true });

/** UTF-16LE without a terminator. */
export function encodeUtf16(text: string): Uint8Array {
  return Buffer.from(text, 'utf16le');
}

/** Reads UTF-16LE; an odd length or an unpaired surrogate is a {@link ProtocolError}. */
export function decodeUtf16(bytes: Uint8Array, section: string): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new ProtocolError('RPCH_BAD_UTF16', 'text is not well-formed UTF-16LE', section, { cause });
  }
}
