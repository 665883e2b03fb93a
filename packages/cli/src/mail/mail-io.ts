import { type CommandIo, processIo } from '../ping/command-io.ts';
import type { Reader } from './quantities.ts';

/** What `rpch mail` touches of the process. */
export interface MailIo extends CommandIo {
  /** Bytes to standard output as they are. */
  readonly outBytes: (bytes: Uint8Array) => void;
  /** Width of the terminal, in cells; undefined where standard output is none. */
  readonly width: number | undefined;
  readonly reader: Reader;
}

/** The process that runs. */
export function processMailIo(): MailIo {
  return {
    ...processIo(),
    outBytes: (bytes) => {
      process.stdout.write(bytes);
    },
    width: process.stdout.isTTY === true ? process.stdout.columns : undefined,
    reader: { now: new Date() },
  };
}
