import { join } from 'node:path';

/** The folder of all mailboxes below the data directory. */
export const MAILBOXES = 'mailboxes';
const SUFFIX = '.sqlite';

/** The file of an account's mailbox below the data directory. */
export function mailboxFile(dataDir: string, account: string): string {
  return join(dataDir, MAILBOXES, fileName(account));
}

/** The file's name. What a file system could read as something else is written as its UTF-8 bytes, in hexadecimal. */
export function fileName(account: string): string {
  const safe = account.replace(/[^a-z0-9._@-]|^\./gu, (character) => {
    return [...Buffer.from(character)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
  });
  return `${safe}${SUFFIX}`;
}
