import type { MailFlags } from '../convert/status-flags.ts';

/** Bytes of one message; longer ones are passed over and counted. */
export const MAX_MESSAGE = 100 * 1024 * 1024;

/** One message of a source. */
export interface SourceMail {
  /** Where it was, for people: `archive.mbox, message 12`. */
  readonly origin: string;
  /** Undefined for a message longer than MAX_MESSAGE. */
  readonly bytes: Uint8Array | undefined;
  /** Bytes that it takes in its source: what progress counts. */
  readonly size: number;
  /** What its place says of it. Where this is left out the fields Status, X-Status, X-Mozilla-Status and X-Unsent do. */
  readonly flags?: MailFlags;
  /** FILETIME at which it came, as its place says. */
  readonly received?: bigint;
  /** FILETIME of its file, for a message that says nothing itself. */
  readonly written?: bigint;
  /** Folder in which it was, from the top; empty for the source's own. */
  readonly folder: readonly string[];
}

/** Files that hold mail. */
export interface MailSource {
  /** Bytes of all files. */
  readonly size: number;
  /** The messages, in an order that is the same each time. Reads one file at a time, and of an mbox one message at a time. */
  read(): AsyncIterable<SourceMail>;
}
