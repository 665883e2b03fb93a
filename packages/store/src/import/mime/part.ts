import { Buffer } from 'node:buffer';
import { type DecodedText, decodeText } from './charset.ts';
import { type Headers, parseHeaders } from './headers.ts';
import { MAX_BOUNDARY, MAX_CALENDARS, MAX_NESTING, MAX_PARTS } from './limits.ts';
import { parseStructured, type StructuredValue } from './parameters.ts';
import { decodeTransfer } from './transfer-encoding.ts';

/** A part of a MIME message, or the message itself (RFC 2045 2.4). Bytes are views of the message's. */
export interface MimePart {
  readonly headers: Headers;
  /** `text/plain`, in lower case; a multipart that cannot be cut is one, too. */
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly disposition: StructuredValue | undefined;
  /** The body, still encoded. */
  readonly body: Uint8Array;
  /** Parts of a multipart. */
  readonly children: readonly MimePart[];
}

/** What is left of the limits for one message with all that is in it. */
export class MimeBudget {
  #parts = MAX_PARTS;
  #calendars = MAX_CALENDARS;
  /** What was not taken apart, because a limit was reached. */
  readonly notes = new Set<string>();
  /** What of the recurrence of meetings no property can say. */
  readonly recurrence = new Set<string>();

  takePart(): boolean {
    if (this.#parts === 0) {
      this.notes.add(`more than ${MAX_PARTS} parts`);
      return false;
    }
    this.#parts -= 1;
    return true;
  }

  takeCalendar(): boolean {
    if (this.#calendars === 0) {
      this.notes.add(`more than ${MAX_CALENDARS} calendars`);
      return false;
    }
    this.#calendars -= 1;
    return true;
  }
}

const LF = 0x0a;
const CR = 0x0d;
const DASH = 0x2d;

/**
 * Takes a message apart (RFC 2046 5.1). Never throws: what cannot be cut stays whole. Messages within it (message/rfc822) are not
 * looked into.
 * @param depth of multiparts around this part.
 */
export function parseMime(bytes: Uint8Array, budget: MimeBudget, depth = 0, defaultType = 'text/plain'): MimePart {
  const { headers, body: start } = parseHeaders(bytes);
  const body = bytes.subarray(start);
  const { value, parameters } = parseStructured(headers.get('content-type') ?? '');
  const written = /^[\w!#$&^.+-]{1,127}\/[\w!#$&^.+-]{1,127}$/.test(value) ? value : defaultType;
  const children = written.startsWith('multipart/') ? childrenOf(body, parameters, written, budget, depth) : [];
  const type = written.startsWith('multipart/') && children.length === 0 ? 'text/plain' : written;
  const disposition = headers.get('content-disposition');
  return {
    headers,
    type,
    parameters,
    disposition: disposition === undefined ? undefined : parseStructured(disposition),
    body,
    children,
  };
}

/** The bytes of a part, with its Content-Transfer-Encoding undone. */
export function contentOf(part: MimePart): Uint8Array {
  return decodeTransfer(part.body, part.headers.get('content-transfer-encoding'));
}

/** The text of a part, by its charset parameter. */
export function textOf(part: MimePart): DecodedText {
  return decodeText(contentOf(part), part.parameters.get('charset'));
}

function childrenOf(
  body: Uint8Array,
  parameters: ReadonlyMap<string, string>,
  type: string,
  budget: MimeBudget,
  depth: number,
): readonly MimePart[] {
  const boundary = parameters.get('boundary');
  if (boundary === undefined || boundary === '' || boundary.length > MAX_BOUNDARY) return [];
  if (depth >= MAX_NESTING) {
    budget.notes.add(`nested deeper than ${MAX_NESTING}`);
    return [];
  }
  // RFC 2046 5.1.5: what is in a digest is a message unless it says otherwise.
  const defaultType = type === 'multipart/digest' ? 'message/rfc822' : 'text/plain';
  const children: MimePart[] = [];
  for (const { start, end } of cut(body, boundary, budget)) {
    children.push(parseMime(body.subarray(start, end), budget, depth + 1, defaultType));
  }
  return children;
}

/** Where the parts between the delimiters are. The line end before a delimiter belongs to it. */
function cut(body: Uint8Array, boundary: string, budget: MimeBudget): { start: number; end: number }[] {
  const parts: { start: number; end: number }[] = [];
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length);
  const delimiter = Buffer.from(`--${boundary}`);
  let open: number | undefined;
  let at = bytes.indexOf(delimiter);
  while (at >= 0) {
    const found = at === 0 || bytes[at - 1] === LF ? delimiterAt(bytes, at + delimiter.length) : undefined;
    if (found !== undefined) {
      if (open !== undefined) parts.push({ start: open, end: lineBefore(bytes, at, open) });
      open = found.closing || !budget.takePart() ? undefined : found.end;
      if (open === undefined) break;
    }
    at = bytes.indexOf(delimiter, at + delimiter.length);
  }
  const last = parts.at(-1);
  // Without a closing delimiter, or with too many parts, the last one has what follows.
  if (open !== undefined) parts.push({ start: open, end: bytes.length });
  else if (last !== undefined && at >= 0 && delimiterAt(bytes, at + delimiter.length)?.closing === false) {
    last.end = bytes.length;
  }
  return parts;
}

/** Reads what follows `--boundary`: `--` closes, blanks may stand before the line end. Undefined where it is no delimiter. */
function delimiterAt(
  bytes: Uint8Array,
  behind: number,
): { readonly closing: boolean; readonly end: number } | undefined {
  let at = behind;
  const closing = bytes[at] === DASH && bytes[at + 1] === DASH;
  if (closing) at += 2;
  while (bytes[at] === 0x20 || bytes[at] === 0x09) at += 1;
  if (at >= bytes.length) return { closing, end: bytes.length };
  if (bytes[at] === LF) return { closing, end: at + 1 };
  return bytes[at] === CR && bytes[at + 1] === LF ? { closing, end: at + 2 } : undefined;
}

function lineBefore(bytes: Uint8Array, at: number, start: number): number {
  if (at - 1 < start) return start;
  return at - 2 >= start && bytes[at - 2] === CR ? at - 2 : at - 1;
}
