import { Buffer, isAscii, isUtf8 } from 'node:buffer';
import iconv from 'iconv-lite';

/** Text with the Windows code page in which its bytes were, for PidTagInternetCodepage. */
export interface DecodedText {
  readonly text: string;
  readonly codePage: number;
}

/** The code page of UTF-8. */
export const UTF_8 = 65001;
const WINDOWS_1252 = 1252;

/** Code pages by the character set's label, in the form of {@link normalise}. */
const CODE_PAGES: ReadonlyMap<string, number> = new Map([
  ['utf8', UTF_8],
  ['unicode11utf8', UTF_8],
  ['utf7', 65000],
  ['unicode11utf7', 65000],
  ['utf16', 1200],
  ['utf16le', 1200],
  ['utf16be', 1201],
  ['usascii', 20127],
  ['ascii', 20127],
  ['ansix341968', 20127],
  ['latin1', 28591],
  ['l1', 28591],
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 15].map((n): [string, number] => [`iso8859${n}`, 28590 + n]),
  ['iso88598i', 38598],
  ['latin9', 28605],
  ['koi8r', 20866],
  ['koi8u', 21866],
  ['gb2312', 936],
  ['gbk', 936],
  ['gb18030', 54936],
  ['big5', 950],
  ['big5hkscs', 950],
  ['shiftjis', 932],
  ['sjis', 932],
  ['windows31j', 932],
  ['iso2022jp', 50220],
  ['eucjp', 51932],
  ['euckr', 51949],
  ['ksc56011987', 949],
  ['ksc5601', 949],
  ['tis620', 874],
  ['macintosh', 10000],
]);

/** Decoders by code page: labels of the WHATWG's Encoding Standard, or, in {@link ICONV}, of iconv-lite. */
const DECODERS: ReadonlyMap<number, string> = new Map([
  [UTF_8, 'utf-8'],
  [1200, 'utf-16le'],
  [1201, 'utf-16be'],
  [20127, 'windows-1252'],
  [28591, 'windows-1252'],
  ...[2, 3, 4, 5, 6, 7, 8, 13, 15].map((n): [number, string] => [28590 + n, `iso-8859-${n}`]),
  [28599, 'windows-1254'],
  [38598, 'iso-8859-8-i'],
  [20866, 'koi8-r'],
  [21866, 'koi8-u'],
  [936, 'gbk'],
  [54936, 'gb18030'],
  [950, 'big5'],
  [932, 'shift_jis'],
  [50220, 'iso-2022-jp'],
  [51932, 'euc-jp'],
  [51949, 'euc-kr'],
  [949, 'euc-kr'],
  [866, 'ibm866'],
  [874, 'windows-874'],
  [10000, 'macintosh'],
  ...[1250, 1251, 1252, 1253, 1254, 1255, 1256, 1257, 1258].map((n): [number, string] => [n, `windows-${n}`]),
]);
const ICONV: ReadonlyMap<number, string> = new Map([
  [65000, 'utf7'],
  ...[437, 737, 775, 850, 852, 855, 857, 858, 860, 861, 862, 863, 864, 865, 869].map((n): [number, string] => [
    n,
    `cp${n}`,
  ]),
]);

/** The code page of a character set's label; undefined for one that is not known here. */
export function codePageOf(label: string): number | undefined {
  const key = normalise(label);
  const numbered = /^(?:cp|windows|ms|ibm)(\d{3,5})$/.exec(key)?.[1];
  const codePage = CODE_PAGES.get(key) ?? (numbered === undefined ? undefined : Number(numbered));
  return codePage !== undefined && (DECODERS.has(codePage) || ICONV.has(codePage)) ? codePage : undefined;
}

/**
 * Decodes the text of a part. A label that is unknown, missing or plainly wrong (bytes above 127 in US-ASCII) gives UTF-8 where the
 * bytes are that, else windows-1252. Never throws; what does not decode becomes U+FFFD. U+0000 is left away, because it would end a
 * string on the wire.
 */
export function decodeText(bytes: Uint8Array, label?: string): DecodedText {
  const codePage = codePageFor(bytes, label);
  return { text: decodeCodePage(bytes, codePage).replaceAll('\0', ''), codePage };
}

/** The code page in which {@link decodeText} reads these bytes. */
export function codePageFor(bytes: Uint8Array, label?: string): number {
  const named = label === undefined ? undefined : codePageOf(label);
  if (named !== undefined && (named !== 20127 || isAscii(bytes))) return named;
  return isUtf8(bytes) ? UTF_8 : WINDOWS_1252;
}

function decodeCodePage(bytes: Uint8Array, codePage: number): string {
  const name = ICONV.get(codePage);
  if (name !== undefined) return iconv.decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), name);
  return new TextDecoder(DECODERS.get(codePage) ?? 'windows-1252').decode(bytes);
}

/** `ISO_8859-1:1987`, `x-sjis` and `csISO2022JP` are what they are without their decoration. */
function normalise(label: string): string {
  return label
    .trim()
    .toLowerCase()
    .slice(0, 64)
    .replace(/^(?:x-|cs)/, '')
    .replace(/:\d{4}$/, '')
    .replace(/[\s._-]+/g, '');
}
