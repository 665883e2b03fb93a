import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { mailCommand } from '../../src/commands/mail.ts';
import type { MailIo } from '../../src/mail/mail-io.ts';
import type { RpcServer } from '../../src/serve/rpc-server.ts';

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

/** Runs `rpch mail` of users of a server in this process, whose passwords are all `x`. */
export function usersOf(server: () => RpcServer) {
  const as = (user: string, ...args: readonly string[]): Promise<Ran> =>
    run([`ncacn_ip_tcp:127.0.0.1[${server().listening[0]?.port}]`, '-u', user, '-p', 'x', ...args]);
  return {
    as,
    alice: (...args: readonly string[]) => as('alice', ...args),
    /** Bob, in alice's mailbox. */
    bob: (...args: readonly string[]) => as('bob', '--mailbox', 'alice', ...args),
  };
}

/** What is printed by a command that succeeds, as lines of words. */
export async function lines(ran: Promise<Ran>): Promise<string[]> {
  const { out, err, failed } = await ran;
  assert.deepEqual([err, failed], ['', false]);
  return out
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/ {2,}/g, '|'));
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
