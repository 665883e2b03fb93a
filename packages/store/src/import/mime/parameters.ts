import { Buffer } from 'node:buffer';
import { decodeWords } from 'postal-mime';
import { decodeText } from './charset.ts';
import { MAX_PARAMETERS, MAX_STRUCTURED_VALUE } from './limits.ts';

/** A structured field: `text/plain; charset=utf-8`. */
export interface StructuredValue {
  /** In lower case. */
  readonly value: string;
  /** By name in lower case; decoded. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** Reads Content-Type or Content-Disposition (RFC 2045 5.1, RFC 2183) with continued and encoded parameters (RFC 2231). Never throws. */
export function parseStructured(text: string): StructuredValue {
  const pieces = splitOutsideQuotes(text.slice(0, MAX_STRUCTURED_VALUE));
  const value = (pieces[0] ?? '').trim().toLowerCase();
  const raw = new Map<string, string>();
  for (const piece of pieces.slice(1, MAX_PARAMETERS + 1)) {
    const equals = piece.indexOf('=');
    if (equals < 0) continue;
    const name = piece.slice(0, equals).trim().toLowerCase();
    // Of parameters that stand twice the first counts, as it does for fields.
    if (name !== '' && !raw.has(name)) raw.set(name, unquote(piece.slice(equals + 1).trim()));
  }
  return { value, parameters: joinContinuations(raw) };
}

/** Cuts at semicolons, leaves comments away (RFC 5322 3.2.2). */
function splitOutsideQuotes(text: string): string[] {
  const pieces: string[] = [];
  let piece = '';
  let quoted = false;
  let comment = 0;
  const lastClose = text.lastIndexOf(')');
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at] ?? '';
    if (char === '\\' && (quoted || comment > 0)) {
      if (quoted) piece += char + (text[at + 1] ?? '');
      at += 1;
    } else if (comment > 0) {
      if (char === '(') comment += 1;
      else if (char === ')') comment -= 1;
    } else if (char === '"') {
      quoted = !quoted;
      piece += char;
    } else if (quoted) {
      piece += char;
    } else if (char === '(' && lastClose > at) {
      comment = 1;
    } else if (char === ';') {
      pieces.push(piece);
      piece = '';
    } else {
      piece += char;
    }
  }
  pieces.push(piece);
  return pieces;
}

/** What stands in quotes, with its escapes undone; junk behind the closing quote is left away. */
function unquote(text: string): string {
  if (!text.startsWith('"')) return text;
  let value = '';
  for (let at = 1; at < text.length; at += 1) {
    const char = text[at];
    if (char === '"') return value;
    if (char === '\\' && (text[at + 1] === '"' || text[at + 1] === '\\')) at += 1;
    value += text[at] ?? '';
  }
  return value;
}

/** RFC 2231 3 and 4: `name*0*=utf-8''…; name*1=…`. Without those, encoded words are decoded, which many programs write instead. */
function joinContinuations(raw: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const joined = new Map<string, string>();
  const sections = new Map<string, { readonly index: number; readonly encoded: boolean; readonly text: string }[]>();
  for (const [name, text] of raw) {
    const match = /^(.+?)\*(?:(\d{1,3})(\*?))?$/.exec(name);
    if (match === null) {
      joined.set(name, decodeWords(text));
      continue;
    }
    const [, base = '', index] = match;
    const list = sections.get(base) ?? [];
    list.push({ index: Number(index ?? 0), encoded: index === undefined || match[3] === '*', text });
    sections.set(base, list);
  }
  for (const [name, list] of sections) {
    list.sort((a, b) => a.index - b.index);
    joined.set(name, decodeSections(list));
  }
  return joined;
}

function decodeSections(list: readonly { readonly encoded: boolean; readonly text: string }[]): string {
  const charset = list[0]?.encoded === true ? /^([^']*)'[^']*'/.exec(list[0].text) : null;
  const bytes = list.map(({ encoded, text }, at) => {
    const value = at === 0 && charset !== null ? text.slice(charset[0].length) : text;
    return encoded ? percentDecode(value) : Buffer.from(value);
  });
  return decodeText(Buffer.concat(bytes), charset?.[1] === '' ? undefined : charset?.[1]).text;
}

/** The bytes of a text with `%XX` in it. */
export function percentDecode(text: string): Uint8Array {
  const from = Buffer.from(text);
  const bytes = new Uint8Array(from.length);
  let length = 0;
  for (let at = 0; at < from.length; at += 1) {
    const hex = from[at] === 0x25 ? from.toString('latin1', at + 1, at + 3) : '';
    if (/^[0-9a-f]{2}$/i.test(hex)) {
      bytes[length] = Number.parseInt(hex, 16);
      at += 2;
    } else {
      bytes[length] = from[at] ?? 0;
    }
    length += 1;
  }
  return bytes.subarray(0, length);
}
