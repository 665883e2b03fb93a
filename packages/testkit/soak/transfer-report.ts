import { type GrowthLimits, inRecyclings, outRecyclings } from '../src/transfer/checks.ts';
import type { Combination, TransferResult } from '../src/transfer/run-transfer.ts';
import { formatSize } from '../src/transfer/sizes.ts';
import type { TransferProgress } from '../src/transfer/transfer-client.ts';

const MIB = 1024 * 1024;

/** A combination in a few words. */
export function nameOf({ scheme, backend, layout, goal, lifetime }: Combination): string {
  const what = 'bytes' in goal ? `${formatSize(goal.bytes)} each way` : `${goal.recyclings} recyclings each`;
  return `${scheme}, ${backend} back end, ${PROXIES[layout]}: ${what}, lifetime ${formatSize(lifetime)}`;
}

const PROXIES = { one: 'one proxy', split: 'IN and OUT at two proxies', alternate: 'two proxies in turn' } as const;

/** One line on how far a transfer is. */
export function progressLine(
  share: number,
  { sent, received, counters }: TransferProgress,
  memory: ReadonlyMap<string, number>,
): string {
  const way = `${formatMiB(sent)} MiB there, ${formatMiB(received)} MiB back`;
  const recycled = `recycled ${inRecyclings({ counters })} IN, ${outRecyclings({ counters })} OUT`;
  const resident = [...memory].map(([name, bytes]) => `${name} ${formatMiB(bytes)}`).join(', ');
  return `  ${(share * 100).toFixed(1).padStart(5)} %  ${way}, ${recycled}; memory ${resident} MiB`;
}

/** What came of a transfer, for people. */
export function resultLines({ outcome, memory, failures }: TransferResult, limits: GrowthLimits): string[] {
  const lines: string[] = [];
  if (outcome !== undefined) {
    const { sent, received, seconds, counters, calls } = outcome;
    const { recycledIn, recycledOut, pingsSent, pingsReceived } = counters;
    const rate = ((sent + received) / MIB / seconds).toFixed(1);
    lines.push(
      `  ${formatMiB(sent)} MiB there, ${formatMiB(received)} MiB back in ${seconds.toFixed(1)} s: ${rate} MiB/s, ${calls} calls`,
    );
    lines.push(
      `  recycled: IN R1 ${recycledIn.R1}, R2 ${recycledIn.R2}; OUT R1 ${recycledOut.R1}, R2 ${recycledOut.R2}; ` +
        `pings ${pingsSent} there, ${pingsReceived} back`,
    );
    lines.push(
      `  SHA-256 there ${outcome.sentSha256} ${verdict(outcome.sentSha256 === outcome.server.receivedSha256)}`,
    );
    lines.push(
      `  SHA-256 back  ${outcome.receivedSha256} ${verdict(outcome.receivedSha256 === outcome.server.sentSha256)}`,
    );
  }
  const flat = `${formatMiB(limits.kept)} and ${formatMiB(limits.rss)} MiB more in the second half are flat`;
  lines.push(`  memory, garbage collected, at 10 %, 50 % and the end, MiB: kept; resident (peak between); ${flat}`);
  for (const { name, marks, peak } of memory) {
    const row = (bytes: readonly number[]): string => bytes.map((each) => formatMiB(each).padStart(7)).join('');
    lines.push(
      `    ${name.padEnd(10)}${row(marks.map(({ kept }) => kept))};${row(marks.map(({ rss }) => rss))} (${formatMiB(peak)})`,
    );
  }
  lines.push(...failures.map((failure) => `  FAILED: ${failure}`));
  return lines;
}

function verdict(same: boolean): string {
  return same ? 'at both ends' : 'AT THE CLIENT ONLY';
}

function formatMiB(bytes: number): string {
  return Number.isNaN(bytes) ? '-' : (bytes / MIB).toFixed(1);
}
