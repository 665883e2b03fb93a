import { type CommandResult, describeFailure, runCommand } from './commands.ts';
import type { Account, SambaPeer } from './samba.ts';

/** What became of the tests of one suite. A suite that says nothing, or is stopped, counts as one failed test. */
export interface TortureResult {
  readonly suite: string;
  readonly passed: readonly string[];
  readonly failed: readonly string[];
  readonly skipped: readonly string[];
  readonly seconds: number;
  /** The command and the end of its output, for a message. */
  readonly account: string;
}

export interface TortureOptions {
  /** Whose credentials; `anonymous` is -U%, no authentication at all. */
  readonly as: Account | 'anonymous';
  readonly timeoutMs?: number;
  /** More options of smbtorture, for instance `--option=torture:quick=yes`. */
  readonly extra?: readonly string[];
}

const DEFAULT_TIMEOUT_MS = 60_000;

/** Runs one smbtorture suite against `binding` (Samba's string binding) and sorts its tests. */
export async function smbtorture(
  samba: SambaPeer,
  binding: string,
  suite: string,
  options: TortureOptions,
): Promise<TortureResult> {
  const user = options.as === 'anonymous' ? '%' : `${options.as.name}%${options.as.password}`;
  const command = [
    ...['smbtorture', binding, '-U', user, `--workgroup=${samba.domain}`, '--target=samba4'],
    ...['--use-kerberos=off', ...(options.extra ?? []), suite],
  ];
  const result = await runCommand(samba.peerRun, command, { timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS });
  return sortTests(suite, command, result);
}

/** Reads smbtorture's subunit lines: `success: NAME`, `failure: NAME [`, `error: NAME [`, `skip: NAME [`. */
function sortTests(suite: string, command: readonly string[], result: CommandResult): TortureResult {
  const passed: string[] = [];
  const failed: string[] = [];
  const skipped: string[] = [];
  for (const [, what, name = ''] of result.stdout.matchAll(/^(success|failure|error|skip): (.*?)(?: \[)?$/gm)) {
    if (what === 'success') passed.push(name);
    else if (what === 'skip') skipped.push(name);
    else failed.push(name);
  }
  if (result.timedOut) failed.push(`${suite}: stopped after ${result.seconds.toFixed(0)} s`);
  else if (passed.length + failed.length + skipped.length === 0) failed.push(`${suite}: no test ran`);
  const account = describeFailure(command, result);
  return { suite, passed, failed, skipped, seconds: result.seconds, account };
}
