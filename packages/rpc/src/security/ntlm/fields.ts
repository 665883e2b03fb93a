import type { Cursor } from '../../bytes/cursor.ts';
import { encodeUtf16 } from '../../bytes/utf16.ts';
import { Writer } from '../../bytes/writer.ts';
import { ProtocolError, RpchError } from '../../errors.ts';

/** "NTLMSSP" and a zero byte ([MS-NLMP] 2.2.1.1). */
const SIGNATURE = Uint8Array.of(0x4e, 0x54, 0x4c, 0x4d, 0x53, 0x53, 0x50, 0x00);

/** MessageType ([MS-NLMP] 2.2.1). */
export const MessageType = { NEGOTIATE: 1, CHALLENGE: 2, AUTHENTICATE: 3 } as const;
export type MessageType = (typeof MessageType)[keyof typeof MessageType];

/** Size of the Version structure in bytes. */
export const VERSION_LENGTH = 8;

/** Version: what the sender says it runs on; "for debugging purposes only" ([MS-NLMP] 2.2.2.10). */
export interface Version {
  readonly major: number;
  readonly minor: number;
  readonly build: number;
  readonly ntlmRevision: number;
}

/** Nothing depends on it. 6.1 revision 15 is what Samba sends, and so known to every peer. */
export const OWN_VERSION: Version = { major: 6, minor: 1, build: 0, ntlmRevision: 15 };

/** Where a variable part of a message lies, counted from the message's first byte. */
export interface PayloadField {
  readonly length: number;
  readonly offset: number;
}

/** Whether a token is an NTLM message, by its Signature. */
export function isNtlmMessage(token: Uint8Array): boolean {
  return token.length >= SIGNATURE.length && SIGNATURE.every((byte, i) => byte === token[i]);
}

/** Reads Signature and MessageType; returns the type, whichever it is. */
export function readMessageType(cursor: Cursor): number {
  const signature = cursor.bytes(SIGNATURE.length);
  if (SIGNATURE.some((byte, i) => byte !== signature[i])) {
    throw new ProtocolError('RPCH_NTLM_SIGNATURE', 'the token is not an NTLM message', '[MS-NLMP] 2.2.1');
  }
  return cursor.u32();
}

/** Reads Signature and MessageType, which must be `type`. */
export function expectMessageType(cursor: Cursor, type: MessageType, section: string): void {
  const actual = readMessageType(cursor);
  if (actual !== type) {
    throw new ProtocolError('RPCH_NTLM_MESSAGE_TYPE', `MessageType ${actual}, expected ${type}`, section);
  }
}

/** Reads Len, MaxLen (which receivers ignore) and BufferOffset. */
export function readField(cursor: Cursor): PayloadField {
  const length = cursor.u16();
  cursor.skip(2);
  return { length, offset: cursor.u32() };
}

export function readVersion(cursor: Cursor): Version {
  const major = cursor.u8();
  const minor = cursor.u8();
  const build = cursor.u16();
  cursor.skip(3);
  return { major, minor, build, ntlmRevision: cursor.u8() };
}

/** The bytes of a field, a view. An empty field's offset means nothing; any other must lie behind the header. */
export function payloadOf(message: Uint8Array, field: PayloadField, headerLength: number, section: string): Uint8Array {
  const { length, offset } = field;
  if (length === 0) return message.subarray(0, 0);
  if (offset < headerLength || offset + length > message.length) {
    throw new ProtocolError(
      'RPCH_NTLM_FIELD',
      `field of ${length} bytes at ${offset} in a message of ${message.length} with a header of ${headerLength}`,
      section,
    );
  }
  return message.subarray(offset, offset + length);
}

/** Where the payload begins: tells which of the header's optional parts (Version, MIC) the sender wrote. */
export function payloadStart(message: Uint8Array, fields: readonly PayloadField[]): number {
  const starts = fields.filter((field) => field.length > 0).map((field) => field.offset);
  return Math.min(message.length, ...starts);
}

/** A single-byte code page that the message does not name: ASCII is read, any other byte becomes U+FFFD. */
export function decodeOem(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => (byte < 0x80 ? String.fromCharCode(byte) : '\ufffd')).join('');
}

/** Text in the encoding that was negotiated; in the unnamed OEM code page only ASCII is safe, the rest becomes '?'. */
export function encodeText(text: string, unicode: boolean): Uint8Array {
  if (unicode) return encodeUtf16(text);
  return Uint8Array.from(text, (char) => (char < '\u0080' ? char.charCodeAt(0) : 0x3f));
}

/** Builds a message: a header of known length with fields that point into the payload behind it. */
export class MessageWriter {
  readonly header: Writer;
  readonly #headerLength: number;
  readonly #payload: Uint8Array[] = [];
  #length: number;

  constructor(type: MessageType, headerLength: number) {
    this.header = new Writer(headerLength).bytes(SIGNATURE).u32(type);
    this.#headerLength = headerLength;
    this.#length = headerLength;
  }

  /** Len, MaxLen and BufferOffset of `value`, which is added to the payload; at most 65,535 bytes. */
  field(value: Uint8Array): this {
    if (value.length > 0xffff) {
      throw new RpchError('RPCH_NTLM_FIELD_SIZE', 'caller', `NTLM field of ${value.length} bytes`);
    }
    this.header.u16(value.length).u16(value.length).u32(this.#length);
    this.#payload.push(value);
    this.#length += value.length;
    return this;
  }

  /** A Version, or its eight bytes of zero. */
  version(version: Version | undefined): this {
    if (version === undefined) this.header.zeros(VERSION_LENGTH);
    else this.header.u8(version.major).u8(version.minor).u16(version.build).zeros(3).u8(version.ntlmRevision);
    return this;
  }

  /** The message; the header must be written to its last byte by now. */
  finish(): Uint8Array {
    const message = new Uint8Array(this.#length);
    message.set(this.header.finish());
    let at = this.#headerLength;
    for (const value of this.#payload) {
      message.set(value, at);
      at += value.length;
    }
    return message;
  }
}
