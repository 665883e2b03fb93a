import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Log } from '@rpch/proxy';
import { DIRECTORY_FILE, demoDirectory, FolderId, fillDemoMailbox, Mailbox, mailboxFile } from '@rpch/store';

/** Accounts that demonstrate mail. */
const ACCOUNTS = ['alice', 'bob'] as const;

/** Makes an address book, if there is none yet, and mailboxes with some hundred mails for the accounts that have none yet. */
export async function makeDemoMail(dataDir: string, domain: string, log: Log): Promise<void> {
  const directory = join(dataDir, DIRECTORY_FILE);
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  if (!existsSync(directory)) writeFileSync(directory, demoDirectory(domain));
  for (const account of ACCOUNTS) {
    const path = mailboxFile(dataDir, account);
    if (existsSync(path)) continue;
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    // A start that is broken off leaves no mailbox that is half full.
    const unfinished = `${path}.new`;
    for (const end of ['', '-wal', '-shm']) rmSync(unfinished + end, { force: true });
    const mailbox = Mailbox.create(unfinished, account, { now: Date.now, random: randomBytes });
    try {
      const { imported } = await fillDemoMailbox(mailbox, { account, domain, now: Date.now });
      log.info({ event: 'demo.mailbox', account, messages: imported }, 'a mailbox for the demonstration');
    } finally {
      mailbox.close();
    }
    renameSync(unfinished, path);
  }
}

/** The newest message of alice's Inbox that has something attached, as `rpch mail` names it; undefined when there is none any more. */
export function demoMessage(dataDir: string): string | undefined {
  const mailbox = Mailbox.open(mailboxFile(dataDir, 'alice'), { now: Date.now, random: randomBytes });
  try {
    const attached = mailbox.messages.ids(FolderId.Inbox, false).findLast((id) => {
      return (mailbox.messages.get(id)?.attachments.length ?? 0) > 0;
    });
    return attached === undefined ? undefined : `${FolderId.Inbox.toString(16)}.${attached.toString(16)}`;
  } finally {
    mailbox.close();
  }
}
