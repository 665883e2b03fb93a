import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import iconv from 'iconv-lite';
import { fileTime } from '../../mailbox/mailbox-context.ts';
import type { MailFlags } from '../convert/status-flags.ts';
import { readMessageFile } from './eml.ts';
import type { MailSource, SourceMail } from './mail-source.ts';

interface MaildirFile {
  readonly path: string;
  readonly folder: readonly string[];
  readonly flags: MailFlags;
  /** FILETIME. */
  readonly received?: bigint;
}

/** Whether a directory is a Maildir. */
export async function isMaildir(path: string): Promise<boolean> {
  const names = await subdirectories(path);
  return names.includes('cur') && names.includes('new');
}

/**
 * A Maildir with the folders of Maildir++ in it (`.Archive.2025` beside cur and new). Messages in new are unread; those in cur are what
 * the flags of their file names say. Messages marked as deleted go to a folder Trash.
 */
export async function maildirSource(path: string, under: readonly string[] = []): Promise<MailSource> {
  const folders = [{ path, folder: under }];
  for (const name of await subdirectories(path)) {
    if (!name.startsWith('.') || name === '.' || name === '..') continue;
    const at = join(path, name);
    if (await isMaildir(at)) folders.push({ path: at, folder: [...under, ...folderNames(name)] });
  }
  const files: MaildirFile[] = [];
  for (const entry of folders) files.push(...(await filesOf(entry.path, entry.folder)));
  let size = 0;
  for (const file of files) size += (await stat(file.path)).size;
  return { size, read: () => readFiles(files) };
}

async function* readFiles(files: readonly MaildirFile[]): AsyncGenerator<SourceMail> {
  for (const { path, ...rest } of files) yield await readMessageFile(path, { origin: basename(path), ...rest });
}

async function filesOf(maildir: string, folder: readonly string[]): Promise<MaildirFile[]> {
  const files: MaildirFile[] = [];
  for (const state of ['cur', 'new']) {
    const entries = await readdir(join(maildir, state), { withFileTypes: true });
    for (const entry of entries) {
      if (!entry.isFile() || entry.name.startsWith('.')) continue;
      const letters = state === 'cur' ? (/[:;!]2,([A-Za-z]*)$/.exec(entry.name)?.[1] ?? '') : '';
      const seconds = /^(\d{9,10})\D/.exec(entry.name)?.[1];
      files.push({
        path: join(maildir, state, entry.name),
        folder: letters.includes('T') ? ['Trash'] : folder,
        flags: flagsOf(letters),
        ...(seconds === undefined ? {} : { received: fileTime(Number(seconds) * 1000) }),
      });
    }
  }
  return files.sort((a, b) => (basename(a.path) < basename(b.path) ? -1 : 1));
}

/** The letters behind `:2,`: Passed, Replied, Seen, Trashed, Draft, Flagged. */
function flagsOf(letters: string): MailFlags {
  return {
    read: letters.includes('S'),
    answered: letters.includes('R'),
    forwarded: letters.includes('P'),
    flagged: letters.includes('F'),
    draft: letters.includes('D'),
  };
}

/** `.Archive.2025`: levels between points, in modified UTF-7 (RFC 3501 5.1.3) unless they are UTF-8 already. */
function folderNames(directory: string): readonly string[] {
  return directory
    .slice(1)
    .split('.')
    .filter((name) => name !== '')
    .map((name) => (/^[\x20-\x7e]*$/.test(name) ? iconv.decode(Buffer.from(name), 'utf-7-imap') : name));
}

async function subdirectories(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
}
