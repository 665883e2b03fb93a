import type { HiddenRange } from '@rpch/rpc/internal';

/** A value in the JSON form. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** What is to be said of one PDU or head, before it is known where it stood. */
export interface Told {
  /** The specification's name. */
  readonly name: string;
  /** What stands on its line, in order. */
  readonly words: readonly string[];
  /** Lines of the long form. */
  readonly details: readonly string[];
  /** The same for programs. */
  readonly fields: { readonly [key: string]: Json };
  /** What the summary must not leave out, in plain words. */
  readonly notes: readonly string[];
  /** Bytes that a dump must not show. */
  readonly hidden: readonly HiddenRange[];
}

/** Cookies are secrets: of each no more is shown than tells it from the others of a capture. */
const COOKIE_SHOWN = 4;

/** A cookie in short, in the byte order of the wire. */
export function shortCookie(cookie: Uint8Array): string {
  return `${Buffer.from(cookie.subarray(0, COOKIE_SHOWN)).toString('hex')}…`;
}

/** The bytes of a cookie at `at` that a dump hides. */
export function hiddenCookie(at: number, length: number): HiddenRange {
  return { start: at + COOKIE_SHOWN, end: at + length };
}

/** Text from the wire, fit for a terminal: without control characters, and not without end. */
export function printable(text: string, limit = 200): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not get through
  const clean = text.replace(/[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, '\ufffd');
  return clean.length > limit ? `${clean.slice(0, limit)}…` : clean;
}

export function hex(value: number, digits = 1): string {
  return `0x${value.toString(16).padStart(digits, '0')}`;
}
