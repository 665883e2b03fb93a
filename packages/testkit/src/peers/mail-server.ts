import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { fillDemoMailbox, Mailbox, mailboxFile } from '@rpch/store';

/** The program of this project. */
export const RPCH = fileURLToPath(new URL('../../../cli/bin/rpch.js', import.meta.url));

/** Whose mailbox it is: one of those for whom there is a demonstration. */
export interface MailAccount {
  readonly domain: string;
  readonly name: 'alice' | 'bob';
  readonly password: string;
}

/** legacyExchangeDN of an account, where no directory has a name for the organisation. */
export function userDn({ name }: MailAccount): string {
  return `/o=First Organization/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=${name}`;
}

/** Makes a mailbox below a data directory, with the mails of the demonstration. */
export async function makeMailbox(dataDir: string, { name }: MailAccount): Promise<void> {
  const file = mailboxFile(dataDir, name);
  mkdirSync(dirname(file), { recursive: true });
  const mailbox = Mailbox.create(file, name, { now: Date.now, random: randomBytes });
  try {
    await fillDemoMailbox(mailbox, { account: name, domain: 'example.org', now: Date.now });
  } finally {
    mailbox.close();
  }
}

/** `rpch serve` as foreign programs meet it: over TCP, with one account. */
export class MailServer {
  readonly host = '127.0.0.1';
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  /** Starts it; resolves when it listens. `level` is the least security of calls to the mail interfaces. */
  static async start(dataDir: string, account: MailAccount, level: 'connect' | 'privacy'): Promise<MailServer> {
    const args = ['serve', '--listen', 'ncacn_ip_tcp:127.0.0.1[0]', '--mail-level', level, '--data', dataDir];
    args.push('--user', `${account.name}:${account.password}`, '--domain', account.domain);
    const child = spawn(process.execPath, [RPCH, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
    const said: string[] = [];
    for await (const line of createInterface({ input: child.stderr })) {
      said.push(line);
      const port = /^ {2}ncacn_ip_tcp:127\.0\.0\.1\[(\d+)\]$/.exec(line)?.[1];
      if (port === undefined) continue;
      child.stderr.resume();
      return new MailServer(child, Number(port));
    }
    throw new Error(`rpch serve ended: ${said.join('\n')}`);
  }

  get binding(): string {
    return `ncacn_ip_tcp:${this.host}[${this.port}]`;
  }

  /** Asks it to end, with grace; throws unless it ends with 0. */
  async stop(): Promise<void> {
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const [code, signal] = await exit;
    if (code !== 0) throw new Error(`rpch serve ended with ${code ?? signal}`);
  }
}
