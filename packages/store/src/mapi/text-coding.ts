import { type Cursor, ProtocolError, type Writer } from '@rpch/rpc/internal';
import iconv from 'iconv-lite';
import { ErrorCode, StoreError } from './error-code.ts';

/** How the 8-bit strings of a session or an object are encoded: by the number of a Windows code page. */
export interface TextCoding {
  readonly codePage: number;
}

/** Where the code page is a matter of indifference: names that are ASCII by the specification. */
export const ASCII: TextCoding = { codePage: 20127 };

/**
 * Code pages under which iconv-lite has the encoding under another name than `cpN`. 20261 (Teletex, T.61) is what NSPI clients ask
 * for when they do not know the code page; what is used of it in practice is its Latin part, so that it is read as windows-1252.
 */
const NAMED: ReadonlyMap<number, string> = new Map([
  [708, 'iso-8859-6'],
  [10000, 'macroman'],
  [20127, 'ascii'],
  [20261, 'windows-1252'],
  [20866, 'koi8-r'],
  [20932, 'euc-jp'],
  [21866, 'koi8-u'],
  [28591, 'iso-8859-1'],
  [28592, 'iso-8859-2'],
  [28593, 'iso-8859-3'],
  [28594, 'iso-8859-4'],
  [28595, 'iso-8859-5'],
  [28596, 'iso-8859-6'],
  [28597, 'iso-8859-7'],
  [28598, 'iso-8859-8'],
  [28599, 'iso-8859-9'],
  [28603, 'iso-8859-13'],
  [28605, 'iso-8859-15'],
  [38598, 'iso-8859-8'],
  [51932, 'euc-jp'],
  [51936, 'gb2312'],
  [51949, 'euc-kr'],
  [54936, 'gb18030'],
  [65001, 'utf8'],
]);
/** Code pages that iconv-lite knows by their number. */
const NUMBERED: ReadonlySet<number> = new Set([
  437, 720, 737, 775, 850, 852, 855, 857, 858, 860, 861, 862, 863, 864, 865, 866, 869, 874, 932, 936, 949, 950, 1250,
  1251, 1252, 1253, 1254, 1255, 1256, 1257, 1258,
]);

/** Whether 8-bit strings in this code page can be read and written. Those of UTF-16 and UTF-32 (1200, 12000 …) are not 8-bit. */
export function hasCodePage(codePage: number): boolean {
  return NAMED.has(codePage) || NUMBERED.has(codePage);
}

function encodingOf(codePage: number): string {
  const name = NAMED.get(codePage);
  if (name !== undefined) return name;
  if (!NUMBERED.has(codePage)) throw new StoreError(ErrorCode.UnknownCodePage, `code page ${codePage}`);
  return `cp${codePage}`;
}

/** Text in a code page, without a terminator; what the code page lacks becomes `?`. Throws StoreError UnknownCodePage. */
export function encodeString8(text: string, codePage: number): Uint8Array {
  return iconv.encode(text, encodingOf(codePage));
}

/** Reads text in a code page; what is not well-formed becomes U+FFFD. Throws StoreError UnknownCodePage. */
export function decodeString8(bytes: Uint8Array, codePage: number): string {
  return iconv.decode(asBuffer(bytes), encodingOf(codePage), { stripBOM: false });
}

/** Text in a code page as NDR has it, each byte a character; without U+0000, at which whoever reads it would stop. Throws as encodeString8 does. */
export function narrow(text: string, codePage: number): string {
  return asBuffer(encodeString8(text.replaceAll('\0', ''), codePage)).toString('latin1');
}

/** The text that such characters are. Throws as decodeString8 does. */
export function widen(characters: string, codePage: number): string {
  return decodeString8(Buffer.from(characters, 'latin1'), codePage);
}

/** UTF-16LE without a terminator. Unpaired surrogates stay what they are: a table cuts strings wherever it must. */
export function encodeUnicode(text: string): Uint8Array {
  return Buffer.from(text, 'utf16le');
}

/** Reads UTF-16LE; the last byte of an odd number is left out. */
export function decodeUnicode(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('utf16le');
}

/** Bytes of the zero-terminated 8-bit string that comes next, without its terminator. Throws ProtocolError where there is none. */
export function string8Length(cursor: Cursor): number {
  const length = cursor.rest().indexOf(0);
  if (length < 0) throw unterminated();
  return length;
}

/** Bytes of the zero-terminated UTF-16LE string that comes next, without its terminator. Throws ProtocolError where there is none. */
export function stringLength(cursor: Cursor): number {
  const rest = cursor.rest();
  let length = 0;
  while (length + 1 < rest.length && (rest[length] !== 0 || rest[length + 1] !== 0)) length += 2;
  if (length + 1 >= rest.length) throw unterminated();
  return length;
}

/** A zero-terminated string in a code page. Throws ProtocolError where there is no terminator, StoreError UnknownCodePage. */
export function readString8(cursor: Cursor, coding: TextCoding): string {
  const text = decodeString8(cursor.bytes(string8Length(cursor)), coding.codePage);
  cursor.skip(1);
  return text;
}

/** A zero-terminated UTF-16LE string. Throws ProtocolError where there is no terminator. */
export function readString(cursor: Cursor): string {
  const text = decodeUnicode(cursor.bytes(stringLength(cursor)));
  cursor.skip(2);
  return text;
}

/** Writes a zero-terminated string in a code page; the text ends at its first U+0000, since whoever reads it would stop there. */
export function writeString8(writer: Writer, text: string, coding: TextCoding): void {
  writer.bytes(encodeString8(untilNull(text), coding.codePage)).u8(0);
}

/** Writes a zero-terminated UTF-16LE string; the text ends at its first U+0000. */
export function writeString(writer: Writer, text: string): void {
  writer.bytes(encodeUnicode(untilNull(text))).u16(0);
}

function untilNull(text: string): string {
  const end = text.indexOf('\0');
  return end < 0 ? text : text.slice(0, end);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function unterminated(): ProtocolError {
  return new ProtocolError('RPCH_UNTERMINATED_STRING', 'a string without its terminator', '[MS-OXCDATA] 2.11.1');
}
