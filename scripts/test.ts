import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve, sep } from 'node:path';
import { run } from 'node:test';
import type { TestEvent } from 'node:test/reporters';
import { hasPeer, peersAreRequired } from '../packages/testkit/src/peers/requirePeer.ts';
import { type SambaPeer, startSamba } from '../packages/testkit/src/peers/samba.ts';
import { TestReport } from './test-report.ts';

/** Longest time of one file; a file that hangs must not hang the run. */
const FILE_TIMEOUT_MS = 300_000;
const PEERS_FILE_TIMEOUT_MS = 600_000;

/**
 * Runs the tests below the current folder: all of them, or those whose path contains one of the arguments. Files that
 * talk to real peers run one at a time, after the others. The last line is `N passed, N failed, N skipped`; the exit code
 * is 1 when a test failed or none ran, and with RPCH_REQUIRE_PEERS=1 also when one was skipped.
 */
async function main(filters: readonly string[]): Promise<number> {
  const root = process.cwd();
  const files = globSync('packages/*/test/**/*.test.ts', { cwd: root })
    .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
    .map((file) => resolve(root, file))
    .sort();
  if (files.length === 0) console.error('no test file matches');
  const report = new TestReport(root, (line) => console.log(line));
  const withPeers = files.filter((file) => file.includes(`${sep}test${sep}peers${sep}`));
  const others = files.filter((file) => !withPeers.includes(file));
  await runFiles(others, Math.max(2, availableParallelism()), FILE_TIMEOUT_MS, report);
  const samba = withPeers.length > 0 ? await holdSamba() : undefined;
  try {
    for (const file of withPeers) await runFiles([file], 1, PEERS_FILE_TIMEOUT_MS, report);
  } finally {
    await samba?.stop();
  }
  report.printSkips();
  const { passed, failed, skipped } = report.counts;
  const forbidden = peersAreRequired() && skipped > 0;
  if (forbidden) console.log('RPCH_REQUIRE_PEERS=1 allows no skip');
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  return failed > 0 || forbidden || files.length === 0 ? 1 : 0;
}

async function runFiles(
  files: readonly string[],
  concurrency: number,
  timeout: number,
  report: TestReport,
): Promise<void> {
  if (files.length === 0) return;
  for await (const event of run({ files, concurrency, timeout })) report.take(event as TestEvent);
  report.printFiles();
}

/**
 * Keeps one Samba peer up for all files, which would each start and stop their own. When it does not start, the tests
 * that need it try again and fail with the reason.
 */
async function holdSamba(): Promise<SambaPeer | undefined> {
  if (!hasPeer('samba') && !peersAreRequired()) return undefined;
  try {
    const samba = await startSamba();
    process.env.RPCH_SAMBA_DIR = samba.dir;
    return samba;
  } catch (error) {
    console.error(error);
    return undefined;
  }
}

process.exitCode = await main(process.argv.slice(2));
