import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { RpchError } from '@rpch/rpc';
import { type AccountRecord, formatAccounts, parseAccounts } from './account-record.ts';

/** Name of the accounts file below the data directory. */
export const ACCOUNTS_FILE = 'accounts.json';
/** The file is made next to it under this name and renamed; while it exists, nobody else writes. */
const LOCK_SUFFIX = '.lock';
const LOCK_TRIES = 50;
const LOCK_PAUSE = 100;
const MAX_FILE_SIZE = 32 * 1024 * 1024;

/**
 * Reads the accounts below a data directory; none when the file does not exist.
 * @throws RpchError `RPCH_BAD_ACCOUNTS` when the file is not as this program writes it, and when others than its owner
 * may read or write it; `RPCH_IO` when it cannot be read.
 */
export async function readAccounts(dataDir: string): Promise<AccountRecord[]> {
  const path = join(dataDir, ACCOUNTS_FILE);
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (cause) {
    if (errnoOf(cause) === 'ENOENT') return [];
    throw new RpchError('RPCH_IO', 'configuration', `cannot read ${path}: ${errnoOf(cause)}`, { cause });
  }
  try {
    const { mode, size } = await file.stat();
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      const octal = (mode & 0o777).toString(8).padStart(4, '0');
      throw bad(`${path} is open to others than its owner (mode ${octal}); run: chmod 600 ${path}`);
    }
    if (size > MAX_FILE_SIZE) throw bad(`${path} has ${size} bytes, more than ${MAX_FILE_SIZE}`);
    return parseAccounts(await file.readFile('utf8'), path);
  } finally {
    await file.close();
  }
}

/**
 * Changes the accounts below a data directory: reads them, lets `change` make the new list, and puts it in place whole or
 * not at all. Makes the directory if need be. Waits up to five seconds for another writer.
 * @param options `wait` pauses for that many milliseconds; there for tests.
 * @throws RpchError what {@link readAccounts} and `change` throw; `RPCH_ACCOUNTS_LOCKED` when another writer holds the
 * file; `RPCH_IO` when it cannot be written.
 */
export async function changeAccounts(
  dataDir: string,
  change: (accounts: readonly AccountRecord[]) => readonly AccountRecord[],
  options: { wait?: (ms: number) => Promise<unknown> } = {},
): Promise<void> {
  const path = join(dataDir, ACCOUNTS_FILE);
  const lock = `${path}${LOCK_SUFFIX}`;
  const file = await lockFile(dataDir, lock, options.wait ?? setTimeout);
  let open = true;
  try {
    const text = formatAccounts(change(await readAccounts(dataDir)));
    await inIo(path, async () => {
      await adoptOwner(file, path, dataDir);
      await file.writeFile(text);
      await file.sync();
      await file.close();
      open = false;
      await rename(lock, path);
      await syncDirectory(dataDir);
    });
  } catch (error) {
    if (open) await file.close();
    await rm(lock, { force: true });
    throw error;
  }
}

async function lockFile(dataDir: string, lock: string, wait: (ms: number) => Promise<unknown>): Promise<FileHandle> {
  await inIo(dataDir, () => mkdir(dataDir, { recursive: true, mode: 0o700 }));
  for (let tries = 1; ; tries++) {
    try {
      return await open(lock, 'wx', 0o600);
    } catch (cause) {
      if (errnoOf(cause) !== 'EEXIST') {
        throw new RpchError('RPCH_IO', 'configuration', `cannot write ${lock}: ${errnoOf(cause)}`, { cause });
      }
      if (tries >= LOCK_TRIES) {
        const cure = `if no "rpch users" is running, a crash left it behind: remove it`;
        throw new RpchError('RPCH_ACCOUNTS_LOCKED', 'configuration', `${lock} exists; ${cure}`, { cause });
      }
    }
    await wait(LOCK_PAUSE);
  }
}

/** Root writes for the service's user: the new file belongs to whom the old one or the directory belongs. */
async function adoptOwner(file: FileHandle, path: string, dataDir: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  let owner: { uid: number; gid: number };
  try {
    owner = await stat(path);
  } catch (cause) {
    if (errnoOf(cause) !== 'ENOENT') throw cause;
    owner = await stat(dataDir);
  }
  await file.chown(owner.uid, owner.gid);
}

/** A rename lasts through a power failure only once the directory is on the disk too. */
async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

async function inIo<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new RpchError('RPCH_IO', 'configuration', `cannot write ${path}: ${errnoOf(cause)}`, { cause });
  }
}

function errnoOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return String(error);
}

function bad(message: string): RpchError {
  return new RpchError('RPCH_BAD_ACCOUNTS', 'configuration', message);
}
