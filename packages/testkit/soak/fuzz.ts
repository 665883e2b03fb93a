/**
 * Coverage-guided fuzzing of every decoder and of what is fed by the network: `npm run soak -- fuzz`, see `--help`. Inputs that
 * reach new source are kept below corpus/, where the next run begins, so that one that is broken off has lost
 * nothing. An input that makes a target throw what it must not, break its promise, take long, never end, or allocate or
 * keep too much is kept as corpus/TARGET/finding-…, printed, and makes the exit code 1.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { LiveFuzz } from './fuzz-live.ts';
import type { LivePlan } from './fuzz-live-plan.ts';
import { FuzzRun } from './fuzz-run.ts';
import { give, type Target } from './fuzz-target.ts';
import { TARGETS } from './fuzz-targets.ts';

const DEFAULT_MINUTES = 10;
const USAGE = `usage: npm run soak -- fuzz [OPTION…]
  --minutes N     for each target (${DEFAULT_MINUTES}); they take turns
  --jobs N        targets at the same time (all processors)
  --only NAME     only this target; repeatable
  --seed N        of what is random
  --live          attacks a server over sockets instead; without --only that comes last
  --replay FILE   gives one input to the target of --only, or a server what --live has kept
targets: ${TARGETS.map(({ name }) => name).join(', ')}`;

async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  if (options === undefined) {
    console.error(USAGE);
    return 2;
  }
  const { targets, minutes, seed, replay, live } = options;
  if (replay !== undefined && targets.length === 0) return await replayLive(replay);
  const [target] = targets;
  if (replay !== undefined && target !== undefined) {
    await give(target, readFileSync(replay));
    console.log(`fuzz: ${target.name} takes it`);
    return 0;
  }
  const failed = targets.length > 0 && (await fuzzTargets(targets, options));
  const broken = live && (await fuzzLive(minutes, seed));
  return failed || broken ? 1 : 0;
}

async function fuzzTargets(
  targets: readonly Target[],
  { minutes, jobs, seed }: { readonly minutes: number; readonly jobs: number; readonly seed: number },
): Promise<boolean> {
  console.log(`fuzz: seed ${seed}, ${targets.length} targets, ${minutes} minutes each, ${jobs} at a time`);
  const run = new FuzzRun(
    targets.map(({ name }) => name),
    { milliseconds: minutes * 60_000, seed },
  );
  const stop = (): void => run.stop();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  await run.run(jobs);
  process.off('SIGINT', stop).off('SIGTERM', stop);
  for (const line of run.report()) console.log(line);
  return run.findings > 0;
}

async function fuzzLive(minutes: number, seed: number): Promise<boolean> {
  console.log(`fuzz: seed ${seed}, a live server for ${minutes} minutes`);
  const live = await LiveFuzz.start();
  try {
    const { sessions, bound, calls, memory, findings } = await live.run({
      seed,
      until: { milliseconds: minutes * 60_000 },
    });
    const kept = memory.map((look) => `${(look.kept / 2 ** 20).toFixed(1)} MiB`).join(', ');
    console.log(
      `live: ${sessions} sessions, ${bound} of them authenticated, ${calls} good calls, ${findings.length} findings; the server keeps ${kept}`,
    );
    for (const finding of findings) console.log(finding);
    return findings.length > 0;
  } finally {
    await live.stop();
  }
}

async function replayLive(file: string): Promise<number> {
  const live = await LiveFuzz.start();
  try {
    const findings = await live.replay(JSON.parse(readFileSync(file, 'utf8')) as LivePlan[]);
    for (const finding of findings) console.log(finding);
    if (findings.length === 0) console.log('fuzz: the server stands it');
    return findings.length > 0 ? 1 : 0;
  } finally {
    await live.stop();
  }
}

function readOptions(args: readonly string[]) {
  const text = { type: 'string' } as const;
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        minutes: text,
        jobs: text,
        seed: text,
        replay: text,
        live: { type: 'boolean' },
        only: { ...text, multiple: true },
      },
    });
    const only = values.only ?? TARGETS.map(({ name }) => name);
    const targets = TARGETS.filter(({ name }) => only.includes(name));
    const minutes = Number(values.minutes ?? DEFAULT_MINUTES);
    const jobs = Number(values.jobs ?? availableParallelism());
    const seed = Number(values.seed ?? Date.now() % 1_000_000);
    const unknown = only.find((name) => !TARGETS.some((target) => target.name === name));
    if (unknown !== undefined) throw new Error(`there is no target ${unknown}`);
    if (!(minutes > 0) || !(Number.isInteger(jobs) && jobs > 0) || !Number.isInteger(seed))
      throw new Error('no number');
    const { replay, live = false } = values;
    if (replay !== undefined && !live && values.only?.length !== 1)
      throw new Error('--replay needs one --only, or --live');
    const targetsToo = !live || values.only !== undefined;
    return { targets: targetsToo ? targets : [], live: live || values.only === undefined, minutes, jobs, seed, replay };
  } catch (error) {
    console.error(`fuzz: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

process.exitCode = await main(process.argv.slice(2));
