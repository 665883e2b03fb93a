import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RpchError } from '@rpch/rpc';

/** The part of V8's .cpuprofile that is read here (Chrome DevTools Protocol, Profiler.Profile). Times in microseconds. */
export interface CpuProfile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: CallFrame }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
  /** On the clock of process.hrtime, which is the same in every process of a machine. */
  readonly startTime: number;
}

interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  /** Counted from 0. */
  readonly lineNumber: number;
}

/** A function's own time, without that of what it called. */
export interface SelfTime {
  readonly where: string;
  readonly milliseconds: number;
  /** Part of the time in which the process was not idle, 0 to 1. */
  readonly share: number;
}

const ROOT = new URL('../../../', import.meta.url).href;
const IDLE = '(idle)';

/**
 * Sums the self time of each function of a .cpuprofile, largest first, at most `count`. V8's own entries stay:
 * `(program)` is native code, system calls above all; `(garbage collector)`. Idle time is left out, and what came before
 * `since` (microseconds on the clock of process.hrtime): loading modules would drown the rest.
 */
export function topSelfTimes(profile: CpuProfile, count: number, since: number): SelfTime[] {
  const names = new Map(profile.nodes.map((node) => [node.id, describe(node.callFrame)]));
  const total = new Map<string, number>();
  let busy = 0;
  let now = profile.startTime;
  for (const [at, id] of profile.samples.entries()) {
    const where = names.get(id);
    // A delta is the time since the sample before: what a sample lasted is the delta that follows it.
    const lasted = profile.timeDeltas[at + 1] ?? 0;
    now += profile.timeDeltas[at] ?? 0;
    if (now < since || where === undefined || where === IDLE) continue;
    busy += lasted;
    total.set(where, (total.get(where) ?? 0) + lasted);
  }
  return [...total]
    .sort((a, b) => b[1] - a[1])
    .slice(0, count)
    .map(([where, time]) => ({ where, milliseconds: time / 1000, share: time / busy }));
}

/** Reads the one .cpuprofile in `folder`. Throws RpchError `RPCH_BENCH_PROFILE` when the process left none. */
export async function readProfile(folder: string): Promise<CpuProfile> {
  const file = (await readdir(folder)).find((name) => name.endsWith('.cpuprofile'));
  if (file === undefined) {
    throw new RpchError(
      'RPCH_BENCH_PROFILE',
      'configuration',
      'the proxy left no .cpuprofile: it did not end by itself',
    );
  }
  return JSON.parse(await readFile(join(folder, file), 'utf8')) as CpuProfile;
}

function describe({ functionName, url, lineNumber }: CallFrame): string {
  const name = functionName === '' ? '(anonymous)' : functionName;
  if (url === '') return name;
  const place = url.startsWith(ROOT) ? url.slice(ROOT.length) : url.startsWith('file:') ? fileURLToPath(url) : url;
  return `${name} ${place}:${lineNumber + 1}`;
}
