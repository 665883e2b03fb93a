import { Buffer, isUtf8 } from 'node:buffer';
import { MAX_FIELD_VALUE, MAX_HEADER_BYTES, MAX_HEADER_FIELDS } from './limits.ts';

/** One field of a header block, unfolded (RFC 5322 2.2.3); its encoded words are still encoded. */
export interface HeaderField {
  /** As it was written. */
  readonly name: string;
  readonly value: string;
}

const LF = 0x0a;
const CR = 0x0d;
const FIELD = /^([!-9;-~]+)[ \t]*:/;

/** The header block of a message or of a part. */
export class Headers {
  readonly fields: readonly HeaderField[];
  /** The block as it was, without the empty line behind it; at most MAX_HEADER_BYTES. */
  readonly raw: Uint8Array;
  readonly #byKey = new Map<string, string[]>();

  constructor(fields: readonly HeaderField[], raw: Uint8Array) {
    this.fields = fields;
    this.raw = raw;
    for (const { name, value } of fields) {
      const key = name.toLowerCase();
      const values = this.#byKey.get(key);
      if (values === undefined) this.#byKey.set(key, [value]);
      else values.push(value);
    }
  }

  /** The value of the first field of that name (in lower case): of fields that must stand once, the first counts. */
  get(key: string): string | undefined {
    return this.#byKey.get(key)?.[0];
  }

  all(key: string): readonly string[] {
    return this.#byKey.get(key) ?? [];
  }
}

/**
 * Reads the header block at the start of `bytes`. A line that can be no header ends it, so that text without any header is a body.
 * `body` is the offset of the first byte behind the block.
 */
export function parseHeaders(bytes: Uint8Array): { readonly headers: Headers; readonly body: number } {
  let at = skipEnvelopeLine(bytes);
  const start = at;
  let end = at;
  const fields: { name: string; value: string }[] = [];
  let lines: string[] = [];
  const finish = (): void => {
    const [first] = lines;
    if (first !== undefined && fields.length < MAX_HEADER_FIELDS) fields.push(fieldOf(first, lines));
    lines = [];
  };
  while (at < bytes.length) {
    const lf = bytes.indexOf(LF, at);
    const next = lf < 0 ? bytes.length : lf + 1;
    let stop = lf < 0 ? bytes.length : lf;
    if (stop > at && bytes[stop - 1] === CR) stop -= 1;
    if (stop === at) {
      at = next;
      break;
    }
    const folded = bytes[at] === 0x20 || bytes[at] === 0x09;
    if (next - start <= MAX_HEADER_BYTES) {
      const line = decodeLine(bytes.subarray(at, stop));
      if (folded && lines.length > 0) lines.push(line);
      else if (FIELD.test(line)) {
        finish();
        lines.push(line);
      } else break;
      end = next;
    } else if (!folded && !looksLikeField(bytes, at, stop)) break;
    at = next;
  }
  finish();
  return { headers: new Headers(fields, bytes.subarray(start, end)), body: at };
}

/** Mail programs leave the separator of an mbox at the top of files that they write. */
function skipEnvelopeLine(bytes: Uint8Array): number {
  const top = Buffer.from(bytes.subarray(0, 6)).toString('latin1');
  if (!top.startsWith('From ') && top !== '>From ') return 0;
  const lf = bytes.indexOf(LF);
  return lf < 0 || lf > 1000 ? 0 : lf + 1;
}

function looksLikeField(bytes: Uint8Array, at: number, stop: number): boolean {
  return FIELD.test(Buffer.from(bytes.subarray(at, Math.min(stop, at + 256))).toString('latin1'));
}

/** Headers are ASCII, UTF-8 (RFC 6532), or what old programs put there. */
function decodeLine(line: Uint8Array): string {
  return isUtf8(line) ? Buffer.from(line).toString('utf8') : new TextDecoder('windows-1252').decode(line);
}

function fieldOf(first: string, lines: readonly string[]): HeaderField {
  const colon = first.indexOf(':');
  const value = lines.join('').slice(colon + 1, colon + 1 + MAX_FIELD_VALUE);
  return { name: first.slice(0, colon).trimEnd(), value: withoutControls(value).trim() };
}

/** What must never reach a property: U+0000 would end a string on the wire, and other controls mean nothing in a header. */
function withoutControls(value: string): string {
  return value.replace(/[^\P{Cc}\t]/gu, ' ');
}
