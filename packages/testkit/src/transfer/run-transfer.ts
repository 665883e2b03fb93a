import { setTimeout as delay } from 'node:timers/promises';
import { differences, type GrowthLimits, growthFaults, recyclingFaults, shareOf } from './checks.ts';
import { TransferChild } from './children.ts';
import type { ClientMessage } from './client-child.ts';
import { ACCOUNT, Installation, type InstallationOptions, SERVER } from './installation.ts';
import { MemoryWatch, type ProcessMemory } from './memory-watch.ts';
import type { Goal, TransferOptions, TransferOutcome, TransferProgress } from './transfer-client.ts';

/** How long after a failure the proxies' log has said what there is to say, ms. */
const LOG_LATENESS = 500;

/** One transfer: what it goes through, and when it ends. */
export interface Combination extends InstallationOptions {
  readonly goal: Goal;
}

/** What came of a transfer. */
export interface TransferResult {
  readonly combination: Combination;
  /** What both ends saw; undefined where it did not come to its end. */
  readonly outcome: TransferOutcome | undefined;
  /** Empty where it did not come to its end. */
  readonly memory: readonly ProcessMemory[];
  /** What is wrong, one sentence each; empty when nothing is. */
  readonly failures: readonly string[];
}

export interface RunOptions {
  /** Time between two looks at the processes' memory, ms. */
  readonly sampleEvery: number;
  /** Undefined: growth is not held against a process. */
  readonly growthLimits: GrowthLimits | undefined;
  /** Time without any progress after which the transfer is given up, ms. */
  readonly stallTimeout: number;
  /** How far it is, 0 to 1, and the resident memory of each process, bytes; called as often as memory is looked at. */
  onProgress?(share: number, progress: TransferProgress, memory: ReadonlyMap<string, number>): void;
}

/** Runs one transfer in processes of its own, and checks what both ends saw. */
export async function runTransfer(combination: Combination, options: RunOptions): Promise<TransferResult> {
  const { goal, layout, lifetime } = combination;
  const installation = await Installation.start(combination);
  const client = TransferChild.program('client', 'client-child.ts', JSON.stringify(taskOf(combination, installation)));
  const children = [...installation.children, client];
  const watch = new MemoryWatch(children);
  try {
    const outcome = await followed(client, installation, goal, options, watch);
    if (typeof outcome === 'string') {
      await delay(LOG_LATENESS);
      const said = children
        .filter(({ lastLines }) => lastLines !== '')
        .map((child) => `${child.name}: ${child.lastLines}`);
      return { combination, outcome: undefined, memory: [], failures: [outcome, ...said] };
    }
    watch.look(1);
    const memory = await watch.report();
    const failures = [...differences(outcome), ...recyclingFaults(goal, layout, lifetime, outcome)];
    if (options.growthLimits !== undefined) failures.push(...growthFaults(memory, options.growthLimits));
    return { combination, outcome, memory, failures };
  } finally {
    await client.stop();
    await installation.stop();
  }
}

/** Waits for the client's outcome, or for a sentence on why there is none. */
async function followed(
  client: TransferChild,
  installation: Installation,
  goal: Goal,
  { sampleEvery, stallTimeout, onProgress }: RunOptions,
  watch: MemoryWatch,
): Promise<TransferOutcome | string> {
  let last: TransferProgress | undefined;
  let movedAt = performance.now();
  const end = Promise.withResolvers<TransferOutcome | string>();
  client.onMessage((message) => {
    const news = message as ClientMessage;
    if (news.kind === 'done') end.resolve(news.outcome);
    else if (news.kind === 'failed') end.resolve(news.why);
    else {
      if (last === undefined || news.progress.received + news.progress.sent > last.received + last.sent) {
        movedAt = performance.now();
      }
      last = news.progress;
    }
  });
  for (const child of [client, ...installation.children]) child.ended().then(end.resolve);
  const sampler = setInterval(() => {
    if (performance.now() - movedAt > stallTimeout) {
      end.resolve(`nothing moved for ${stallTimeout} ms: ${JSON.stringify(last)}`);
    }
    if (last === undefined) return;
    const share = shareOf(goal, last);
    watch.look(share);
    onProgress?.(share, last, watch.last);
  }, sampleEvery);
  try {
    return await end.promise;
  } finally {
    clearInterval(sampler);
  }
}

function taskOf({ scheme, layout, lifetime, window, goal }: Combination, { proxies }: Installation): TransferOptions {
  const credentials = Buffer.from(`${ACCOUNT.name}:${ACCOUNT.password}`).toString('base64');
  const authorization = `Basic ${credentials}`;
  return { proxies, layout, https: scheme === 'https', server: SERVER, authorization, lifetime, window, goal };
}
