import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Log } from '@rpch/proxy';
import { fillDemoMailbox, Mailbox, mailboxFile } from '@rpch/store';

/** Accounts that demonstrate mail. */
const ACCOUNTS = ['alice', 'bob'] as const;

/** Makes mailboxes with some hundred mails for the accounts that have none yet. */
export async function makeDemoMailboxes(dataDir: string, domain: string, log: Log): Promise<void> {
  for (const account of ACCOUNTS) {
    const path = mailboxFile(dataDir, account);
    if (existsSync(path)) continue;
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const mailbox = Mailbox.create(path, account, { now: Date.now, random: randomBytes });
    try {
      const { imported } = await fillDemoMailbox(mailbox, { account, domain, now: Date.now });
      log.info({ event: 'demo.mailbox', account, messages: imported }, 'a mailbox for the demonstration');
    } finally {
      mailbox.close();
    }
  }
}
