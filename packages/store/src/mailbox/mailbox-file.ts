import { hash } from 'node:crypto';
import { join } from 'node:path';

/** The folder of all mailboxes below the data directory. */
export const MAILBOXES = 'mailboxes';
const SUFFIX = '.sqlite';
/** Characters of a name without its suffix: most file systems end at 255 bytes, and SQLite's own files beside it have longer suffixes. */
const MAX_NAME = 200;
/** Characters of a longer name that stay; a hash of all of it follows. */
const MAX_KEPT = 120;

/** The file of an account's mailbox below the data directory. */
export function mailboxFile(dataDir: string, account: string): string {
  return join(dataDir, MAILBOXES, fileName(account));
}

/**
 * The file's name. What a file system could read as something else is written as its UTF-8 bytes, in hexadecimal; of a name that
 * would be too long the end is a hash, behind a character that no other name has.
 */
export function fileName(account: string): string {
  const safe = account.replace(/[^a-z0-9._@-]|^\./gu, (character) => {
    return [...Buffer.from(character)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
  });
  if (safe.length <= MAX_NAME) return `${safe}${SUFFIX}`;
  return `${safe.slice(0, MAX_KEPT)}~${hash('sha256', account)}${SUFFIX}`;
}
