import { PassThrough } from 'node:stream';
import { mailCommand } from '../../src/commands/mail.ts';
import type { MailIo } from '../../src/mail/mail-io.ts';

/** What a command has printed, and whether it ends with 1. */
export interface Ran {
  readonly out: string;
  readonly err: string;
  readonly failed: boolean;
}

/** Runs `rpch mail` in this process. */
export async function run(args: readonly string[], width?: number): Promise<Ran> {
  const { io, ran } = captured(width);
  const command = mailCommand(io);
  command.exitOverride().configureOutput({ writeErr: () => {} });
  await command.parseAsync([...args], { from: 'user' });
  return ran();
}

/** What `rpch mail` touches of the process, and what it has done to it. */
export function captured(width?: number): { readonly io: MailIo; readonly ran: () => Ran } {
  let [out, err, failed] = ['', '', false];
  const io: MailIo = {
    stdin: new PassThrough(),
    env: {},
    out: (text) => {
      out += text;
    },
    outBytes: (bytes) => {
      out += Buffer.from(bytes).toString('latin1');
    },
    err: (text) => {
      err += text;
    },
    fail: () => {
      failed = true;
    },
    width,
    reader: { timeZone: 'UTC', now: new Date('2026-03-02T00:00:00Z') },
  };
  return { io, ran: () => ({ out, err, failed }) };
}
