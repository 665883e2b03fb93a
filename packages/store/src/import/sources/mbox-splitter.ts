import { Buffer } from 'node:buffer';
import { fileTime } from '../../mailbox/mailbox-context.ts';
import { MAX_MESSAGE } from './mail-source.ts';

/**
 * How lines that begin with `From ` were kept from being taken for the start of a message: `mboxrd` puts a `>` before every line of any
 * number of `>` and `From `, `mboxo` before `From ` only.
 */
export type FromQuoting = 'mboxrd' | 'mboxo';

/** A message of an mbox, without the line before it and the empty line behind it. */
export interface MboxMessage {
  /** Undefined for a message longer than the limit. */
  readonly bytes: Uint8Array | undefined;
  /** Bytes in the file, with the lines around it. */
  readonly size: number;
  /** FILETIME of the line before it, read as UTC where it says no zone. */
  readonly received: bigint | undefined;
}

const LF = 0x0a;
const CR = 0x0d;
const GREATER = 0x3e;
const FROM = Buffer.from('From ');
/** A line longer than this is no separator. */
const MAX_SEPARATOR = 1000;
/** Pieces of a message that are kept before they are put together. */
const MAX_PIECES = 4096;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/**
 * Cuts the bytes of an mbox (RFC 4155) into messages, however they come. A separator is a line `From …` with a date, at the start or
 * behind an empty line. What stands before the first one is left away.
 */
export class MboxSplitter {
  readonly #quoting: FromQuoting;
  readonly #limit: number;
  /** Of a line whose end has not come: never more than MAX_SEPARATOR bytes. */
  #rest: Uint8Array = new Uint8Array();
  /** The line before went on past MAX_SEPARATOR, and its start is kept already. */
  #inLine = false;
  #afterBlank = true;
  /** The empty line before, which belongs to a separator if one follows. */
  #blank: Uint8Array | undefined;
  #open: OpenMessage | undefined;

  constructor(quoting: FromQuoting = 'mboxrd', limit = MAX_MESSAGE) {
    this.#quoting = quoting;
    this.#limit = limit;
  }

  /** Takes the next bytes, and gives the messages that end in them. */
  push(chunk: Uint8Array): MboxMessage[] {
    const data = this.#rest.length === 0 ? chunk : new Uint8Array(Buffer.concat([this.#rest, chunk]));
    const done: MboxMessage[] = [];
    let at = 0;
    while (at < data.length) {
      const lf = data.indexOf(LF, at);
      if (lf < 0) break;
      const message = this.#line(data.subarray(at, lf + 1));
      if (message !== undefined) done.push(message);
      at = lf + 1;
    }
    const rest = data.subarray(at);
    if (this.#inLine || rest.length > MAX_SEPARATOR) {
      if (rest.length > 0) this.#piece(rest);
      this.#inLine ||= rest.length > 0;
      this.#rest = new Uint8Array();
    } else {
      this.#rest = rest.slice();
    }
    return done;
  }

  /** The end of the file. */
  end(): MboxMessage[] {
    const separated = this.#rest.length > 0 ? this.#line(this.#rest) : undefined;
    const last = this.#close();
    return [separated, last].filter((message) => message !== undefined);
  }

  #line(line: Uint8Array): MboxMessage | undefined {
    if (this.#inLine) {
      this.#inLine = line[line.length - 1] !== LF;
      this.#piece(line);
      this.#afterBlank = false;
      return undefined;
    }
    if (this.#afterBlank && startsWith(line, 0, FROM)) {
      const received = separatorTime(line);
      if (received !== undefined) {
        const before = this.#close();
        this.#open = { received: received.time, bytes: new Pieces(this.#limit), size: line.length };
        this.#afterBlank = false;
        return before;
      }
    }
    this.#afterBlank = line[0] === LF || (line[0] === CR && line[1] === LF);
    if (this.#afterBlank) {
      this.#keepBlank();
      this.#blank = line;
    } else {
      this.#piece(line);
    }
    return undefined;
  }

  #piece(bytes: Uint8Array): void {
    this.#keepBlank();
    this.#keep(this.#inLine || !this.#isQuoted(bytes) ? bytes : bytes.subarray(1), bytes.length);
  }

  #keepBlank(): void {
    if (this.#blank === undefined) return;
    this.#keep(this.#blank, this.#blank.length);
    this.#blank = undefined;
  }

  #keep(bytes: Uint8Array, size: number): void {
    const open = this.#open;
    if (open === undefined) return;
    open.size += size;
    open.bytes.push(bytes);
  }

  #isQuoted(line: Uint8Array): boolean {
    if (line[0] !== GREATER) return false;
    let at = 1;
    if (this.#quoting === 'mboxrd') while (line[at] === GREATER) at += 1;
    return startsWith(line, at, FROM);
  }

  #close(): MboxMessage | undefined {
    const open = this.#open;
    const blank = this.#blank?.length ?? 0;
    this.#open = undefined;
    this.#blank = undefined;
    if (open === undefined) return undefined;
    return { bytes: open.bytes.join(), size: open.size + blank, received: open.received };
  }
}

interface OpenMessage {
  readonly received: bigint | undefined;
  readonly bytes: Pieces;
  size: number;
}

/** Bytes that come in pieces, up to a limit. Views of one chunk that follow each other are one, so that lines do not cost more than bytes. */
class Pieces {
  readonly #limit: number;
  #length = 0;
  #blocks: Uint8Array[] = [];
  #pieces: Uint8Array[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  push(bytes: Uint8Array): void {
    this.#length += bytes.length;
    if (this.#length > this.#limit) {
      this.#blocks = [];
      this.#pieces = [];
      return;
    }
    const last = this.#pieces.at(-1);
    if (last?.buffer === bytes.buffer && last.byteOffset + last.length === bytes.byteOffset) {
      this.#pieces[this.#pieces.length - 1] = new Uint8Array(last.buffer, last.byteOffset, last.length + bytes.length);
      return;
    }
    this.#pieces.push(bytes);
    if (this.#pieces.length === MAX_PIECES) {
      this.#blocks.push(Buffer.concat(this.#pieces));
      this.#pieces = [];
    }
  }

  /** All of them; undefined where they were too long. */
  join(): Uint8Array | undefined {
    return this.#length > this.#limit ? undefined : new Uint8Array(Buffer.concat([...this.#blocks, ...this.#pieces]));
  }
}

/** Whether the first bytes of a file are those of an mbox. */
export function looksLikeMbox(top: Uint8Array): boolean {
  const text = Buffer.from(top.subarray(0, MAX_SEPARATOR)).toString('latin1');
  const line = /^(?:\r?\n)*(From [^\n]*)(?:\n|$)/.exec(text)?.[1];
  return line !== undefined && separatorTime(Buffer.from(line, 'latin1')) !== undefined;
}

function startsWith(line: Uint8Array, at: number, start: Uint8Array): boolean {
  return start.every((byte, i) => line[at + i] === byte);
}

/** Undefined for a line without a date, which is no separator. */
function separatorTime(line: Uint8Array): { readonly time: bigint | undefined } | undefined {
  if (line.length > MAX_SEPARATOR) return undefined;
  const text = Buffer.from(line).toString('latin1');
  const match =
    /\s(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),?\s+([A-Z][a-z]{2})\s+(\d{1,2})\s+(\d{1,2}):(\d{2})(?::(\d{2}))?(.*?)(?<![+\-\d])(\d{4})\b(.*)$/s.exec(
      text,
    );
  if (match === null) return undefined;
  const [, month = '', day, hour, minute, second = '0', before = '', year, behind = ''] = match;
  const index = MONTHS.indexOf(month);
  if (index < 0) return undefined;
  const time = Date.UTC(Number(year), index, Number(day), Number(hour), Number(minute), Number(second));
  const zone = /([+-])(\d{2})(\d{2})/.exec(`${before} ${behind}`);
  const offset = zone === null ? 0 : (Number(zone[2]) * 60 + Number(zone[3])) * (zone[1] === '-' ? -60_000 : 60_000);
  const filetime = fileTime(time - offset);
  return { time: filetime < 0n ? undefined : filetime };
}
