import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { NetworkNamespace } from '../src/network-namespace.ts';
import { FARM_BACKENDS, type FarmBackend, type FarmRecyclings, FarmScene } from './farm-scene.ts';
import { type DrainOutcome, drainTrial, type KillOutcome, killTrial } from './farm-trials.ts';

const USAGE = `usage: npm run soak -- farm [--sessions N] [--seconds N] [--backends ${FARM_BACKENDS.join(',')}]

Two proxies on two hosts (network namespaces; needs root) behind a load balancer, one back end behind both, and N sessions
(default 40) that call all the time over channels of 128 KiB. After so many seconds (default 10) one proxy is killed; in a
second farm one proxy is drained, started again, and the other one drained (not where the proxies have the endpoints: what
is served there cannot leave). Exits 0 when only the killed proxy's sessions
end, and draining fails no call.`;

/** The smallest that a channel may be, bytes: every session recycles each of its channels every few seconds. */
const CHANNEL_LIFETIME = 128 * 1024;
const PAUSE = 10;
const DRAIN_TIMEOUT = 30;

interface Options {
  readonly sessions: number;
  readonly seconds: number;
}

async function run(backend: FarmBackend, { sessions, seconds }: Options): Promise<boolean> {
  const open = (): Promise<FarmScene> => {
    const pace = { channelLifetime: CHANNEL_LIFETIME, pause: PAUSE, drainTimeout: DRAIN_TIMEOUT };
    return FarmScene.open({ backend, sessions, namespaces: true, ...pace });
  };
  const faults: string[] = [];
  const warm = async (scene: FarmScene): Promise<void> => {
    const [calls, recyclings] = [scene.calls, scene.recyclings];
    await delay(seconds * 1000);
    const [in_, out] = [more(scene.recyclings.in, recyclings.in), more(scene.recyclings.out, recyclings.out)];
    console.log(
      `${backend}: ${sessions} sessions, ${seconds} s: ${scene.calls - calls} calls; recycled ${words({ in: in_, out })}`,
    );
  };

  const killing = await open();
  try {
    await warm(killing);
    const outcome = await killTrial(killing, 'A', seconds * 1000);
    console.log(killTable(outcome));
    faults.push(...outcome.faults);
  } finally {
    await killing.close();
  }

  // Whose server role is at a proxy cannot leave it: draining is for proxies without endpoints.
  if (backend === 'own-endpoints') return told(backend, faults);
  const draining = await open();
  try {
    await warm(draining);
    for (const name of ['A', 'B'] as const) {
      const outcome = await drainTrial(draining, name);
      console.log(drainTable(outcome));
      faults.push(...outcome.faults);
      if (name === 'A') await draining.restart(name);
      await warm(draining);
    }
  } finally {
    await draining.close();
  }
  return told(backend, faults);
}

function told(backend: FarmBackend, faults: readonly string[]): boolean {
  for (const fault of faults) console.log(`${backend}: WRONG: ${fault}`);
  return faults.length === 0;
}

function more(now: FarmRecyclings['in'], before: FarmRecyclings['in']): FarmRecyclings['in'] {
  return { R1: now.R1 - before.R1, R2: now.R2 - before.R2 };
}

function words({ in: inbound, out }: FarmRecyclings): string {
  return `IN ${inbound.R1} times R1, ${inbound.R2} R2; OUT ${out.R1} times R1, ${out.R2} R2`;
}

function killTable(outcome: KillOutcome): string {
  const { sessions, ended, toldClient, toldServer } = outcome;
  const row = (what: string, all: number, over: number): string =>
    `  ${what.padEnd(34)}${String(all).padStart(9)}${String(over).padStart(7)}`;
  return [
    `  ${'SIGKILL to proxy A'.padEnd(34)} sessions  ended`,
    row('with a channel or its server there', sessions.there, ended.there),
    row('with one that was being replaced', sessions.between, ended.between),
    row('with nothing there', sessions.elsewhere, ended.elsewhere),
    `  the last made ${outcome.callsElsewhere} calls afterwards, of which ${outcome.failedElsewhere} failed; recycled ${words(outcome.recyclings)}`,
    `  told the clients after ${ms(toldClient)}: ${list(outcome.errors)}`,
    `  told the server after ${ms(toldServer)}; proxy B logged ${list(outcome.otherProxy)}`,
  ].join('\n');
}

function drainTable(outcome: DrainOutcome): string {
  const { host, sessions, channels, exit, exitAfter, calls, failed, ended, reasons } = outcome;
  return [
    `  SIGTERM to proxy ${host}, which has ${channels.in} IN and ${channels.out} OUT channels of ${sessions} sessions`,
    `  exit code ${exit} after ${(exitAfter / 1000).toFixed(1)} s; meanwhile ${calls} calls, of which ${failed} failed; ${ended} sessions ended`,
    `  recycled ${words(outcome.recyclings)}; it logged ${list(reasons)}`,
    ...outcome.stories.map((story) => `  ${story}`),
  ].join('\n');
}

function ms({ median, most }: { readonly median: number; readonly most: number }): string {
  return `${median.toFixed(0)} ms (median), ${most.toFixed(0)} ms (last)`;
}

function list(tally: ReadonlyMap<string, number>): string {
  return tally.size === 0 ? 'nothing' : [...tally].map(([word, count]) => `${word} ${count} times`).join(', ');
}

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      sessions: { type: 'string', default: '40' },
      seconds: { type: 'string', default: '10' },
      backends: { type: 'string', default: FARM_BACKENDS.join(',') },
      help: { type: 'boolean', default: false },
    },
  });
  const [sessions, seconds] = [Number(values.sessions), Number(values.seconds)];
  const backends = values.backends.split(',') as FarmBackend[];
  const wrong =
    !Number.isInteger(sessions) ||
    sessions < 4 ||
    !(seconds > 0) ||
    backends.some((name) => !FARM_BACKENDS.includes(name));
  if (values.help || wrong) {
    console[wrong ? 'error' : 'log'](USAGE);
    return wrong ? 2 : 0;
  }
  const obstacle = await NetworkNamespace.obstacle();
  if (obstacle !== undefined) {
    console.log(`farm: skipped, for it ${obstacle}`);
    return 0;
  }
  let ok = true;
  for (const backend of backends) ok = (await run(backend, { sessions, seconds })) && ok;
  return ok ? 0 : 1;
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
