import { constants } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { RpchError } from '@rpch/rpc';

/** Longest file name that is made, bytes of UTF-8; most file systems end at 255. */
const MAX_NAME = 180;

/** Names that are devices on Windows, with whatever extension. */
const DEVICES = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)/i;

/**
 * A name that stays in the directory in which it is opened, whatever the mail said: the last part of a path, without characters
 * that mean something to a file system or a terminal, not hidden, not endless.
 * @param fallback the name where nothing is left.
 */
export function safeFileName(said: string, fallback: string): string {
  const last = said.split(/[/\\]/).at(-1) ?? '';
  const clean = last
    .normalize('NFC')
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}<>:"|?*]/gu, '_')
    .replace(/\s+/g, ' ')
    .replace(/^[. ]+|[. ]+$/g, '');
  if (clean === '') return fallback;
  const named = DEVICES.test(clean) ? `_${clean}` : clean;
  return shortened(named);
}

function shortened(name: string): string {
  if (Buffer.byteLength(name) <= MAX_NAME) return name;
  const dot = name.lastIndexOf('.');
  const extension = dot > 0 && name.length - dot <= 16 ? name.slice(dot) : '';
  let stem = name.slice(0, name.length - extension.length);
  while (Buffer.byteLength(stem + extension) > MAX_NAME) stem = [...stem].slice(0, -1).join('');
  return stem + extension;
}

/** Names of which no two are the same, where file systems do not tell upper from lower case either: `a.txt`, `a (2).txt`. */
export class DistinctNames {
  readonly #taken = new Set<string>();

  claim(name: string): string {
    const dot = name.lastIndexOf('.');
    const [stem, extension] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ''];
    for (let number = 1; ; number += 1) {
      const candidate = number === 1 ? name : `${stem} (${number})${extension}`;
      const key = candidate.toLowerCase();
      if (this.#taken.has(key)) continue;
      this.#taken.add(key);
      return candidate;
    }
  }
}

/**
 * Opens a new file for writing. What is there already stays as it is unless `force`; a symbolic link is not followed either way.
 * Rejects with RpchError `RPCH_FILE_EXISTS` or `RPCH_FILE` (caller).
 */
export async function createFile(
  directory: string,
  name: string,
  force: boolean,
): Promise<{ readonly path: string; readonly file: FileHandle }> {
  const path = join(directory, name);
  const { O_WRONLY, O_CREAT, O_EXCL, O_TRUNC, O_NOFOLLOW } = constants;
  try {
    await mkdir(directory, { recursive: true });
  } catch (cause) {
    throw cannotWrite(directory, cause);
  }
  try {
    const flags = O_WRONLY | O_CREAT | (force ? O_TRUNC : O_EXCL) | (O_NOFOLLOW ?? 0);
    return { path, file: await open(path, flags, 0o600) };
  } catch (cause) {
    if (isExists(cause)) {
      throw new RpchError('RPCH_FILE_EXISTS', 'caller', `${path} is there already; --force overwrites it`, { cause });
    }
    throw cannotWrite(path, cause);
  }
}

/** RpchError `RPCH_FILE` (caller). */
export function cannotWrite(path: string, cause: unknown): RpchError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new RpchError('RPCH_FILE', 'caller', `cannot write ${path}: ${reason}`, { cause });
}

function isExists(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EEXIST';
}
