import type { ProcessMemory } from './memory-watch.ts';
import type { Goal, Layout, TransferOutcome, TransferProgress } from './transfer-client.ts';

/** Share of a transfer up to which a look stands for its half. */
const LATEST_HALF = 0.6;

/** How much of a transfer is done, 0 to 1. */
export function shareOf(goal: Goal, { received, counters }: TransferProgress): number {
  if ('bytes' in goal) return Math.min(1, received / goal.bytes);
  return Math.min(1, Math.min(inRecyclings({ counters }), outRecyclings({ counters })) / goal.recyclings);
}

/** Successors that took over on the IN side. */
export function inRecyclings({ counters }: Pick<TransferProgress, 'counters'>): number {
  return counters.recycledIn.R1 + counters.recycledIn.R2;
}

/** Successors that took over on the OUT side. */
export function outRecyclings({ counters }: Pick<TransferProgress, 'counters'>): number {
  return counters.recycledOut.R1 + counters.recycledOut.R2;
}

/** Where the two ends do not agree on what went over the wire: a sentence each. */
export function differences({ sent, sentSha256, received, receivedSha256, calls, server }: TransferOutcome): string[] {
  const faults: string[] = [];
  const compare = (what: string, client: unknown, there: unknown): void => {
    if (client !== there) faults.push(`${what}: ${client} at the client, ${there} at the server`);
  };
  compare('calls', calls, server.calls);
  compare('bytes of requests', sent, server.received);
  compare('SHA-256 of requests', sentSha256, server.receivedSha256);
  compare('bytes of responses', received, server.sent);
  compare('SHA-256 of responses', receivedSha256, server.sentSha256);
  return faults;
}

/** A goal that was not reached, channels that were not recycled as they must, or recyclings of a kind that cannot be. */
export function recyclingFaults(goal: Goal, layout: Layout, lifetime: number, outcome: TransferOutcome): string[] {
  const faults: string[] = [];
  const { recycledIn, recycledOut } = outcome.counters;
  const due = 'bytes' in goal ? Math.floor(goal.bytes / lifetime) : goal.recyclings;
  const counts = { IN: inRecyclings(outcome), OUT: outRecyclings(outcome) };
  for (const [channel, count] of Object.entries(counts)) {
    if (count < due) faults.push(`${channel} channels were recycled ${count} times, at least ${due} were due`);
  }
  const wrong = layout === 'alternate' ? recycledIn.R2 + recycledOut.R2 : recycledIn.R1 + recycledOut.R1;
  if (wrong > 0) faults.push(`${wrong} recyclings were ${layout === 'alternate' ? 'R2' : 'R1'}: ${layout} allows none`);
  if ('bytes' in goal && (outcome.sent < goal.bytes || outcome.received < goal.bytes)) {
    faults.push(`${outcome.sent} bytes were sent and ${outcome.received} received, ${goal.bytes} were to be`);
  }
  return faults;
}

/** Bytes that a process may gain in the second half of a transfer. */
export interface GrowthLimits {
  /** In what it keeps: objects and buffers that no collection frees. */
  readonly kept: number;
  /** In resident memory after a collection. */
  readonly rss: number;
}

/** Processes that grew by more than `limits` in the second half, or whose memory could not be looked at. */
export function growthFaults(memory: readonly ProcessMemory[], limits: GrowthLimits): string[] {
  return memory.flatMap(({ name, marks }) => {
    const [, half, end] = marks;
    if (half === undefined || end === undefined || half.share > LATEST_HALF) {
      return [`${name}: too short a run to say anything about its memory`];
    }
    const grew = (what: string, bytes: number, limit: number): string[] =>
      bytes > limit ? [`${name} ${what} by ${bytes} bytes in the second half, ${limit} are allowed`] : [];
    return [
      ...grew('keeps more', end.kept - half.kept, limits.kept),
      ...grew('is resident with more', end.rss - half.rss, limits.rss),
    ];
  });
}
