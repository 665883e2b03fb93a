import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileTime } from '../../mailbox/mailbox-context.ts';
import { MAX_MESSAGE, type MailSource, type SourceMail } from './mail-source.ts';

/** A file that is one message (RFC 5322). */
export async function emlSource(path: string, folder: readonly string[] = []): Promise<MailSource> {
  const { size } = await stat(path);
  return { size, read: () => readEml(path, folder) };
}

async function* readEml(path: string, folder: readonly string[]): AsyncGenerator<SourceMail> {
  yield await readMessageFile(path, { origin: basename(path), folder });
}

/** Reads a file that is one message. */
export async function readMessageFile(path: string, rest: Omit<SourceMail, 'bytes' | 'size'>): Promise<SourceMail> {
  const { size, mtimeMs } = await stat(path);
  const bytes = size > MAX_MESSAGE ? undefined : new Uint8Array(await readFile(path));
  return { ...rest, written: fileTime(mtimeMs), bytes, size };
}
