import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { FirewalledNamespace } from '../src/firewalled-namespace.ts';
import { IDLE_KINDS, type IdleKind, type IdleResult, IdleScene } from './idle-scene.ts';

const USAGE = `usage: npm run soak -- idle [--minutes N] [--middlebox SECONDS] [--kinds ${IDLE_KINDS.join(',')}]

Sessions that call once, are idle for so many minutes (default 60) and call again, through middleboxes that forget
connections which have been silent for so many seconds (default 120): relays that reset them or swallow their bytes, and a
firewall in a network namespace (root). Exits 0 when what lives and what dies is as it must be, and both sides say why; of a
relay that swallows bytes and goes on answering TCP only the client learns, which misses the proxy's pings, in five minutes.`;

/** Pings go after half of the smallest ConnectionTimeout, at a tick; TCP keep-alive after 30 s. Seconds. */
const [PING_INTERVAL, TCP_KEEP_ALIVE] = [61, 31];
/** Time for an answer, ms. */
const CALL_TIMEOUT = 15_000;
const PROGRESS_EVERY = 60_000;
/** How often it is looked whether anything is left to wait for, ms. */
const LOOK_EVERY = 1_000;
/** What a client that hears nothing any more needs until it gives up: twice the ConnectionTimeout, minutes. */
const CLIENT_PATIENCE = 5;
/** Silence is told by parties who look at the time once a second, s. */
const INEXACT = 2;

/** Whether the middlebox is patient enough for what keeps a session alive through it: pings, or also TCP keep-alive. */
function mustLive(kind: IdleKind, silence: number): boolean {
  return silence > (kind === 'firewall' ? TCP_KEEP_ALIVE : PING_INTERVAL);
}

/** What is wrong with a result; undefined when nothing is. */
export function faultOf(result: IdleResult, silence: number): string | undefined {
  if (mustLive(result.kind, silence)) return result.lives ? undefined : 'must live';
  if (result.lives) return 'must die';
  if (result.kind === 'swallows') {
    return result.client?.includes('(out-silent)') === true ? undefined : 'the client does not name the silence';
  }
  if (silenceSaid(result.client ?? '') < silence - INEXACT) return 'the client does not name the silence';
  if (result.proxy === undefined) return 'the proxy has not noticed';
  return silenceLogged(result.proxy) < silence - INEXACT ? 'the proxy does not name the silence' : undefined;
}

/** The longest silence that an error speaks of, s; -Infinity when it speaks of none. */
function silenceSaid(error: string): number {
  return Math.max(...[...error.matchAll(/ for (\d+) s\b/g)].map(([, seconds]) => Number(seconds)));
}

/** The longest silence in a line `session.ended`, s. */
function silenceLogged({ silentIn, silentOut }: Readonly<Record<string, unknown>>): number {
  return Math.max(...[silentIn, silentOut].map((seconds) => (typeof seconds === 'number' ? seconds : -Infinity)));
}

function printed(results: readonly IdleResult[], silence: number): string {
  const lines = results.map((result) => {
    const { kind, scheme, backend, pingsSent, pingsReceived, longestSilence } = result;
    const seconds = (value: number | undefined): string => (value === undefined ? '-' : `${value.toFixed(1)} s`);
    const fault = faultOf(result, silence);
    return [
      `${kind.padEnd(10)}${scheme.padEnd(7)}${backend.padEnd(8)}${(result.lives ? 'lives' : 'dies').padEnd(7)}`,
      `${String(pingsSent).padStart(5)}${String(pingsReceived).padStart(10)}`,
      `${seconds(longestSilence?.in).padStart(10)}${seconds(longestSilence?.out).padStart(10)}  `,
      fault === undefined ? 'as it must be' : `WRONG: ${fault}`,
    ].join('');
  });
  const head = 'middlebox scheme back end      pings sent, received  silence: IN       OUT';
  const said = results.filter(({ lives }) => !lives).map(sayings);
  return [head, ...lines, ...said].join('\n');
}

function sayings({ kind, scheme, backend, client, proxy }: IdleResult): string {
  const { reason, party, detail } = proxy ?? {};
  const line =
    proxy === undefined
      ? 'nothing'
      : `session.ended ${reason} (${party}): ${detail}\n             ${JSON.stringify(proxy)}`;
  return `${kind} ${scheme} ${backend}\n    client:  ${client ?? 'nothing'}\n    proxy:   ${line}`;
}

/** Whether there is nothing left to wait for. Of what is swallowed the proxy does not learn. */
function settled(scene: IdleScene, swallowed: boolean): boolean {
  return swallowed ? scene.open === 0 : scene.settled;
}

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '60' },
      middlebox: { type: 'string', default: '120' },
      kinds: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const asked = Number(values.minutes);
  const silence = Number(values.middlebox);
  const kinds = (values.kinds?.split(',') ?? IDLE_KINDS) as readonly IdleKind[];
  const wrong =
    !(asked > 0) || !Number.isInteger(silence) || silence < 1 || kinds.some((kind) => !IDLE_KINDS.includes(kind));
  if (values.help || wrong) {
    console[wrong ? 'error' : 'log'](USAGE);
    return wrong ? 2 : 0;
  }
  const obstacle = kinds.includes('firewall') ? await FirewalledNamespace.obstacle() : undefined;
  if (obstacle !== undefined) console.log(`idle: without the firewall, which ${obstacle}`);
  const possible = kinds.filter((kind) => kind !== 'firewall' || obstacle === undefined);
  const swallowed = possible.includes('swallows') && !mustLive('swallows', silence);
  const minutes = swallowed ? Math.max(asked, CLIENT_PATIENCE) : asked;
  const scene = await IdleScene.open({ silence, kinds: possible, callTimeout: CALL_TIMEOUT });
  try {
    const begun = performance.now();
    const until = begun + minutes * 60_000;
    for (
      let next = begun + PROGRESS_EVERY;
      performance.now() < until && !settled(scene, swallowed);
      await delay(LOOK_EVERY)
    ) {
      if (performance.now() < next) continue;
      next += PROGRESS_EVERY;
      const passed = Math.round((performance.now() - begun) / 60_000);
      console.log(`idle: ${passed} of ${minutes} minutes, ${scene.open} sessions open`);
    }
    const idle = (performance.now() - begun) / 60_000;
    const results = await scene.finish();
    const dropped = await scene.dropped();
    console.log(`idle for ${idle.toFixed(1)} minutes, middleboxes forget after ${silence} s`);
    console.log(printed(results, silence));
    if (dropped !== undefined) console.log(`packets that the firewall dropped: ${dropped}`);
    return results.every((result) => faultOf(result, silence) === undefined) ? 0 : 1;
  } finally {
    await scene.close();
  }
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
