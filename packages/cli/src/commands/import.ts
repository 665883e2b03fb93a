import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { bareName, readAccounts } from '@rpch/proxy';
import { RpchError } from '@rpch/rpc';
import { type ImportResult, importMail, Mailbox, mailboxFile, openMailSource } from '@rpch/store';
import { Command, InvalidArgumentError } from 'commander';
import { ProgressLine, tellCount, tellDuration, tellMessages, tellProgress } from '../import/progress-line.ts';
import { tellSize } from '../mail/quantities.ts';

/** What the command touches of the process. */
export interface ImportIo {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Whether `err` is a terminal, on which a line can be written over. */
  readonly isTerminal: boolean;
  readonly now: () => number;
  /** Aborted by whoever wants to stop. */
  readonly signal: () => AbortSignal;
  readonly exitWith: (code: number) => void;
}

interface ImportFlags {
  readonly data: string;
  readonly user: string;
  readonly folder?: readonly string[];
  readonly mbox: 'mboxrd' | 'mboxo';
  readonly markRead?: boolean;
  readonly skip: number;
  readonly json?: boolean;
}

const EXAMPLE = `
Examples:
  rpch import --data ./data --user alice ~/Maildir
  rpch import --data ./data --user alice --folder Archive/2024 2024.mbox letter.eml
  rpch import --data ./data --user alice --skip 41200 huge.mbox      # where an import was interrupted

A PATH is a Maildir (with the folders of Maildir++), an mbox, a file with one message, or a directory with any of them. Without
--folder mail goes to where it was: the Inbox, Sent Items for Sent, and folders of the same names. Every message is kept as it is
beside what is made of it. The server may run meanwhile. Exit codes: 0 all is imported, 1 not all, 2 wrong usage.`;

/** `rpch import`: mail from files into a mailbox. */
export function importCommand(io: ImportIo = processImportIo()): Command {
  return new Command('import')
    .description('import mail from files into a mailbox')
    .argument('<path...>', 'Maildir, mbox, message file, or a directory with any of them')
    .requiredOption('--data <dir>', 'data directory of the server')
    .requiredOption('--user <name>', 'the account whose mailbox it is')
    .option('--folder <path>', 'folder below which everything goes, such as Inbox/Old', folderNames)
    .option('--mbox <kind>', 'how mbox files quote lines that begin with From: mboxrd or mboxo', mboxKind, 'mboxrd')
    .option('--mark-read', 'all messages are read, whatever the files say')
    .option('--skip <count>', 'pass over that many messages', count, 0)
    .option('--json', 'print the result as JSON')
    .addHelpText('after', EXAMPLE)
    .action(async (paths: string[], flags: ImportFlags) => {
      try {
        await importPaths(paths, flags, io);
      } catch (error) {
        if (!(error instanceof RpchError)) throw error;
        io.err(`rpch import: ${error.message}\n`);
        io.exitWith(error.code === 'RPCH_BAD_ACCOUNT_NAME' ? 2 : 1);
      }
    });
}

async function importPaths(paths: readonly string[], flags: ImportFlags, io: ImportIo): Promise<void> {
  const { folder, markRead, skip } = flags;
  const sources = await Promise.all(paths.map((path) => openMailSource(path, { quoting: flags.mbox })));
  const mailbox = await openMailbox(flags.data, bareName(flags.user, 'account name'), io);
  const line = new ProgressLine(io);
  let result: ImportResult;
  try {
    result = await importMail(mailbox, sources, {
      ...(folder === undefined ? {} : { folder }),
      ...(markRead === undefined ? {} : { markRead }),
      skip,
      now: io.now,
      signal: io.signal(),
      onProgress: (progress) => line.show(tellProgress(progress)),
    });
  } finally {
    line.end();
    mailbox.close();
  }
  report(result, flags, io);
}

/** The mailbox of an account, made if that account has none yet. */
async function openMailbox(data: string, account: string, { now }: ImportIo): Promise<Mailbox> {
  const path = mailboxFile(data, account);
  const options = { now, random: (length: number): Uint8Array => randomBytes(length) };
  if (existsSync(path)) return Mailbox.open(path, options);
  if (!(await readAccounts(data)).some(({ name }) => name === account)) {
    const hint = `rpch users add ${account} --data ${data} makes the account`;
    throw new RpchError('RPCH_NO_MAILBOX', 'configuration', `${account} has no mailbox in ${data}; ${hint}`);
  }
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  return Mailbox.create(path, account, options);
}

function report(result: ImportResult, { json }: ImportFlags, io: ImportIo): void {
  const { imported, skipped, failed, failures, limited, recurrence, bytes, elapsed, interrupted } = result;
  if (json === true) io.out(`${JSON.stringify(result)}\n`);
  for (const { origin, reason } of failures) io.err(`not imported: ${origin}: ${reason}\n`);
  if (failed > failures.length) io.err(`not imported: ${tellCount(failed - failures.length)} more\n`);
  if (limited > 0) {
    io.err(`${tellCount(limited)} of them were too complex to be taken apart wholly; their originals are whole\n`);
  }
  for (const [reason, count] of Object.entries(recurrence)) {
    io.err(`meetings in ${tellMessages(count)} recur as no property says: ${reason}; their calendars are attached\n`);
  }
  io.err(`${tellMessages(imported)} imported, ${tellSize(bytes)} in ${tellDuration(elapsed)}\n`);
  if (interrupted) io.err(`interrupted; to go on: --skip ${imported + skipped + failed}\n`);
  if (interrupted || failed > 0) io.exitWith(1);
}

/** `Inbox/Projects`; a slash in a name is `\/`. */
function folderNames(text: string): readonly string[] {
  const names = [...text.matchAll(/(?:\\.|[^/\\])+/gsu)].map(([name]) => name.replace(/\\(.)/gsu, '$1').trim());
  const named = names.filter((name) => name !== '');
  if (named.length === 0) throw new InvalidArgumentError('expected the names of folders, such as Inbox/Old.');
  return named;
}

function mboxKind(text: string): 'mboxrd' | 'mboxo' {
  if (text === 'mboxrd' || text === 'mboxo') return text;
  throw new InvalidArgumentError('expected mboxrd or mboxo.');
}

function count(text: string): number {
  const number = Number(text);
  if (/^\d{1,15}$/.test(text)) return number;
  throw new InvalidArgumentError('expected a number of messages.');
}

function processImportIo(): ImportIo {
  return {
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
    isTerminal: process.stderr.isTTY === true,
    now: Date.now,
    signal: () => {
      const controller = new AbortController();
      // The second one ends the process at once, as it does by default.
      process.once('SIGINT', () => controller.abort());
      process.once('SIGTERM', () => controller.abort());
      return controller.signal;
    },
    exitWith: (code) => {
      process.exitCode = code;
    },
  };
}
