import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { fillDemoMailbox, Mailbox, mailboxFile } from '@rpch/store';

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
