import { PidTag } from '../mapi/property-tags.ts';
import { decodeString8, decodeUnicode, hasCodePage } from '../mapi/text-coding.ts';
import { properties } from './object-properties.ts';
import { numberOf } from './property-result.ts';
import { type RemoteObject, readWhole, type StreamOptions } from './property-stream.ts';

/** Bytes of a body, at most, that are read into memory unless said otherwise. */
const MAX_BODY = 32 * 1024 * 1024;
const UTF16 = 1200;
const UTF8 = 65001;
const WESTERN = 1252;

/** PidTagBody as a whole; undefined where there is none. */
export async function readText(message: RemoteObject, options: StreamOptions): Promise<string | undefined> {
  const bytes = await readWhole(message, PidTag.Body, { limit: MAX_BODY, ...options });
  return bytes === undefined ? undefined : withoutNull(decodeUnicode(bytes));
}

/** PidTagHtml as a whole, by its code page; undefined where there is none. */
export async function readHtml(message: RemoteObject, options: StreamOptions): Promise<string | undefined> {
  const bytes = await readWhole(message, PidTag.Html, { limit: MAX_BODY, ...options });
  if (bytes !== undefined) {
    const { values } = await properties(message, [PidTag.InternetCodepage], options);
    return withoutNull(decodedHtml(bytes, numberOf(values, PidTag.InternetCodepage)));
  }
  const text = await readWhole(message, PidTag.BodyHtml, { limit: MAX_BODY, ...options });
  return text === undefined ? undefined : withoutNull(decodeUnicode(text));
}

/** HTML in the code page that the message says ([MS-OXCMSG] 2.2.1.56.9); without one, UTF-8 if it is that. */
function decodedHtml(bytes: Uint8Array, codePage: number | undefined): string {
  if (codePage === UTF16) return decodeUnicode(bytes);
  if (codePage !== undefined && hasCodePage(codePage)) return decodeString8(bytes, codePage);
  const text = decodeString8(bytes, UTF8);
  return text.includes('\ufffd') ? decodeString8(bytes, WESTERN) : text;
}

/** There are servers that count the terminator as a part of the stream. */
function withoutNull(text: string): string {
  const end = text.indexOf('\0');
  return end < 0 ? text : text.slice(0, end);
}
