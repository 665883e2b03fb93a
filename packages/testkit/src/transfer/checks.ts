import type { ProcessMemory } from './memory-watch.ts';
import type { Goal, Layout, TransferOutcome, TransferProgress } from './transfer-client.ts';

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

/** Processes that grew by more than `limit` bytes in the second half, or whose memory could not be looked at. */
export function growthFaults(memory: readonly ProcessMemory[], limit: number): string[] {
  return memory.flatMap(({ name, half, late }) => {
    if (Number.isNaN(half) || Number.isNaN(late)) return [`${name}: too short a run to say anything about its memory`];
    return late - half > limit ? [`${name} grew by ${late - half} bytes in the second half, ${limit} are allowed`] : [];
  });
}
