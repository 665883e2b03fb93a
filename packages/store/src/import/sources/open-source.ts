import type { Dirent } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { RpchError } from '@rpch/rpc';
import { emlSource } from './eml.ts';
import type { MailSource } from './mail-source.ts';
import { isMaildir, maildirSource } from './maildir.ts';
import { mboxSource } from './mbox.ts';
import { type FromQuoting, looksLikeMbox } from './mbox-splitter.ts';

/** Directories below one another that are looked into. */
const MAX_DEPTH = 16;

/** How files are read. */
export interface SourceOptions {
  /** Of mbox files; `mboxrd` where it is left out. */
  readonly quoting?: FromQuoting;
}

/**
 * Finds out what is at a path: a Maildir, a file of one message, an mbox, or a directory with any of them, whose subdirectories and
 * mbox files become folders. Files in a directory that are neither named `.eml` nor begin as an mbox does are passed over.
 * @throws RpchError RPCH_NO_MAIL (caller) where there is no such file or nothing in it.
 */
export async function openMailSource(path: string, { quoting = 'mboxrd' }: SourceOptions = {}): Promise<MailSource> {
  const found = await stat(path).catch((error: Error) => {
    throw new RpchError('RPCH_NO_MAIL', 'caller', `cannot read ${path}: ${error.message}`, { cause: error });
  });
  if (found.isFile()) return (await fileIsMbox(path)) ? mboxSource(path, quoting) : emlSource(path);
  if (!found.isDirectory()) throw new RpchError('RPCH_NO_MAIL', 'caller', `${path} is neither a file nor a directory`);
  if (await isMaildir(path)) return maildirSource(path);
  const sources = await sourcesIn(path, quoting, [], 0);
  if (sources.length === 0) throw new RpchError('RPCH_NO_MAIL', 'caller', `no mail in ${path}`);
  return {
    size: sources.reduce((sum, source) => sum + source.size, 0),
    async *read() {
      for (const source of sources) yield* source.read();
    },
  };
}

async function sourcesIn(
  path: string,
  quoting: FromQuoting,
  folder: readonly string[],
  depth: number,
): Promise<MailSource[]> {
  if (depth > MAX_DEPTH) return [];
  const sources: MailSource[] = [];
  const entries = await readdir(path, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const at = join(path, entry.name);
    if (entry.isDirectory()) {
      const below = [...folder, entry.name];
      if (await isMaildir(at)) sources.push(await maildirSource(at, below));
      else sources.push(...(await sourcesIn(at, quoting, below, depth + 1)));
    } else if (entry.isFile()) {
      sources.push(...(await fileSource(entry, at, quoting, folder)));
    }
  }
  return sources;
}

async function fileSource(
  entry: Dirent,
  path: string,
  quoting: FromQuoting,
  folder: readonly string[],
): Promise<MailSource[]> {
  const extension = extname(entry.name).toLowerCase();
  if (extension === '.eml') return [await emlSource(path, folder)];
  if (!(await fileIsMbox(path))) return [];
  return [
    await mboxSource(path, quoting, [...folder, basename(entry.name, extension === '.mbox' ? extname(path) : '')]),
  ];
}

async function fileIsMbox(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { bytesRead, buffer } = await file.read(new Uint8Array(1024), 0, 1024);
    return looksLikeMbox(buffer.subarray(0, bytesRead));
  } finally {
    await file.close();
  }
}
