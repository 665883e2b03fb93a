import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../src/live-proxy.ts';
import type { FarmRecyclings, FarmScene, HostName } from './farm-scene.ts';
import type { FarmSession } from './farm-session.ts';

/** How long every party may take to tell of an end, ms. */
export const TOLD_WITHIN = 2_000;
/** Beyond its drainTimeout a proxy may take so long to be gone, ms. */
const EXIT_SLACK = 3_000;

/** Sessions, by what they had on a host at the moment in which it was killed. */
export interface Standing {
  /** A channel that had no successor yet, or the server role of its own: they must end. */
  readonly there: readonly FarmSession[];
  /** A channel that was about to be replaced, or to replace another, or on its way: they may end. */
  readonly between: readonly FarmSession[];
  /** Nothing: they must not notice. */
  readonly elsewhere: readonly FarmSession[];
}

/** What killing a proxy did. Times in ms after the kill. */
export interface KillOutcome {
  readonly sessions: { readonly there: number; readonly between: number; readonly elsewhere: number };
  readonly ended: { readonly there: number; readonly between: number; readonly elsewhere: number };
  /** Of the sessions elsewhere, after the kill. */
  readonly callsElsewhere: number;
  readonly failedElsewhere: number;
  readonly toldClient: { readonly median: number; readonly most: number };
  readonly toldServer: { readonly median: number; readonly most: number };
  /** Of the clients whose session ended: how many got which error. */
  readonly errors: ReadonlyMap<string, number>;
  /** Of the proxy that was left: lines of sessions that ended, by reason. */
  readonly otherProxy: ReadonlyMap<string, number>;
  readonly recyclings: FarmRecyclings;
  readonly faults: readonly string[];
}

/** What draining a proxy did. Times in ms after the signal. */
export interface DrainOutcome {
  readonly host: HostName;
  readonly sessions: number;
  /** Channels that it had when it was told to drain. */
  readonly channels: { readonly in: number; readonly out: number };
  readonly exit: number | string;
  readonly exitAfter: number;
  readonly calls: number;
  readonly failed: number;
  readonly ended: number;
  /** What happened to those: the session, when, and why. */
  readonly stories: readonly string[];
  /** Of the drained proxy, from the signal on: lines of sessions that ended, by reason. */
  readonly reasons: ReadonlyMap<string, number>;
  /** From the signal to the exit. */
  readonly recyclings: FarmRecyclings;
  readonly faults: readonly string[];
}

/**
 * Kills one proxy in mid-session, and watches for `watch` ms: only its sessions end, all of them, and everybody is told in
 * time; the others make not one failed call. Sessions that ended stay ended.
 */
export async function killTrial(scene: FarmScene, name: HostName, watch: number): Promise<KillOutcome> {
  const other = name === 'A' ? 'B' : 'A';
  const { backend } = scene;
  await eventually(
    () => isTelling(standingOf(scene, name)),
    () => 'expected some sessions to have channels on the host that is to be killed, and some not',
  );
  const [endingsBefore, linesBefore] = [backend.endings.length, scene.host(other).lines.length];
  const before = standingOf(scene, name);
  const callsBefore = new Map(scene.sessions.map((session) => [session, session.calls]));
  const recycled = scene.recyclings;
  const at = performance.now();
  scene.host(name).signal('SIGKILL');
  await delay(watch);
  const standing = withLate(scene, name, before, at);
  const ended = scene.sessions.filter((session) => hasEnded(session));
  const after = ended.map(({ endedAt, failure }) => (endedAt ?? failure?.at ?? Number.NaN) - at);
  const endings = backend.endings.slice(endingsBefore).map((ending) => ending - at);
  const outcome = {
    sessions: counts(standing, () => true),
    ended: counts(standing, hasEnded),
    callsElsewhere: sum(standing.elsewhere.map((session) => session.calls - (callsBefore.get(session) ?? 0))),
    failedElsewhere: standing.elsewhere.filter(({ failure }) => failure !== undefined).length,
    toldClient: { median: medianOf(after), most: Math.max(...after, 0) },
    toldServer: { median: medianOf(endings), most: Math.max(...endings, 0) },
    errors: tally(ended.map(({ failure }) => failure?.error.code ?? 'none')),
    otherProxy: tally(endReasons(scene, other, linesBefore)),
    recyclings: difference(scene.recyclings, recycled),
  };
  return { ...outcome, faults: killFaults(outcome, standing, backend.open, endings.length) };
}

/**
 * Tells one proxy to drain: its sessions go over to the other one by recycling, without a failed call, and it exits with 0
 * within its drainTimeout, with no session ended by force.
 */
export async function drainTrial(scene: FarmScene, name: HostName): Promise<DrainOutcome> {
  const { drainTimeout } = scene.options;
  const host = scene.host(name);
  const channels = scene.channelsOn(name);
  const [callsBefore, linesBefore, recycled] = [scene.calls, host.lines.length, scene.recyclings];
  const at = performance.now();
  host.signal('SIGTERM');
  let exit: { readonly code: number | string; readonly at: number } | undefined;
  host.exit.then((how) => {
    exit = how;
  });
  await eventually(
    () => exit !== undefined,
    () => `the proxy that drains is still there, with ${scene.channelsOn(name).length} channels`,
    drainTimeout * 1000 + EXIT_SLACK,
  ).catch(() => {}); // That it is still there is a result.
  const outcome = {
    host: name,
    sessions: scene.sessions.length,
    channels: {
      in: channels.filter(({ kind }) => kind === 'IN').length,
      out: channels.filter(({ kind }) => kind === 'OUT').length,
    },
    exit: exit?.code ?? 'still running',
    exitAfter: (exit?.at ?? performance.now()) - at,
    calls: scene.calls - callsBefore,
    failed: scene.sessions.filter(({ failure }) => failure !== undefined).length,
    ended: scene.sessions.filter(hasEnded).length,
    stories: scene.sessions.filter(hasEnded).map((session) => storyOf(session, at)),
    reasons: tally(endReasons(scene, name, linesBefore)),
    recyclings: difference(scene.recyclings, recycled),
  };
  return { ...outcome, faults: drainFaults(outcome, drainTimeout) };
}

/** Who has what on a host now. */
function standingOf(scene: FarmScene, name: HostName): Standing {
  const standing = { there: [] as FarmSession[], between: [] as FarmSession[], elsewhere: [] as FarmSession[] };
  const all = scene.balancer.channels;
  for (const session of scene.sessions) {
    const own = all.filter((channel) => channel.session === session.number);
    const kinds = (['IN', 'OUT'] as const).map((kind) => own.filter((channel) => channel.kind === kind));
    const only = kinds.some((channels) => channels.length === 1 && channels[0]?.host === name);
    const any = own.some(({ host }) => host === name);
    const isServed = own.some(({ cookie }) => scene.roleOf(cookie) === name);
    standing[only || isServed ? 'there' : any ? 'between' : 'elsewhere'].push(session);
  }
  return standing;
}

/** Whether a kill would show both: who ends and who goes on. A few of the latter may turn out to have been on their way. */
function isTelling({ there, elsewhere }: Standing): boolean {
  return there.length > 0 && elsewhere.length >= 3;
}

/** A dead host's kernel accepts for a moment longer than its proxy: who came then had something there after all. */
function withLate(
  scene: FarmScene,
  name: HostName,
  { there, between, elsewhere }: Standing,
  killedAt: number,
): Standing {
  const late = scene.balancer.dialled.filter(({ host, openedAt }) => host === name && openedAt >= killedAt);
  const isLate = ({ number }: FarmSession): boolean => late.some(({ session }) => session === number);
  return {
    there,
    between: [...between, ...elsewhere.filter(isLate)],
    elsewhere: elsewhere.filter((session) => !isLate(session)),
  };
}

/** What a kill did that it must not do, or left undone. */
export function killFaults(
  outcome: Omit<KillOutcome, 'faults'>,
  { there, between, elsewhere }: Standing,
  openAtServer: number,
  endingsAtServer: number,
): string[] {
  const faults: string[] = [];
  const { ended, toldClient, toldServer } = outcome;
  const open = [...there, ...between, ...elsewhere].filter((session) => !hasEnded(session)).length;
  const all = ended.there + ended.between + ended.elsewhere;
  if (there.length === 0 || elsewhere.length === 0) faults.push('the trial says nothing: all sessions stood alike');
  if (ended.there < there.length) faults.push(`${there.length - ended.there} sessions with a channel there go on`);
  if (ended.elsewhere > 0) faults.push(`${ended.elsewhere} sessions ended that had nothing there`);
  if (outcome.failedElsewhere > 0)
    faults.push(`${outcome.failedElsewhere} calls failed of sessions that had nothing there`);
  if (outcome.callsElsewhere < elsewhere.length) faults.push('sessions that had nothing there stopped calling');
  if (toldClient.most > TOLD_WITHIN) faults.push(`a client was told after ${toldClient.most.toFixed(0)} ms`);
  if (toldServer.most > TOLD_WITHIN) faults.push(`the server was told after ${toldServer.most.toFixed(0)} ms`);
  if (openAtServer !== open) faults.push(`the server has ${openAtServer} sessions open, the clients ${open}`);
  if (endingsAtServer !== all) faults.push(`${endingsAtServer} sessions ended at the server, ${all} at the clients`);
  return faults;
}

/** What draining did that it must not do, or left undone. */
export function drainFaults(outcome: Omit<DrainOutcome, 'faults'>, drainTimeout: number): string[] {
  const faults: string[] = [];
  const { channels, exit, exitAfter, calls, sessions, failed, ended, reasons, recyclings } = outcome;
  if (channels.in === 0 || channels.out === 0) faults.push('the trial says nothing: there was nothing to move');
  if (failed > 0) faults.push(`${failed} calls failed`);
  if (ended > 0) faults.push(`${ended} sessions ended`);
  if (exit !== 0) faults.push(`exit code ${exit}`);
  if (exitAfter > drainTimeout * 1000) faults.push(`it took ${exitAfter.toFixed(0)} ms`);
  if (calls < sessions) faults.push('sessions stopped calling');
  if (reasons.has('proxy-stopped')) faults.push(`${reasons.get('proxy-stopped')} sessions were ended by force`);
  if (recyclings.out.R1 === 0) faults.push('no OUT channel went to the other proxy');
  return faults;
}

function storyOf({ number, calls, endedAt, failure }: FarmSession, since: number): string {
  const after = (at: number | undefined): string => (at === undefined ? 'never' : `${(at - since).toFixed(0)} ms`);
  const failed = `call ${calls + 1} failed after ${after(failure?.at)}: ${failure?.error.code}: ${failure?.error.message}`;
  return `session ${number}: ended after ${after(endedAt)}; ${failed}`;
}

function hasEnded({ endedAt, failure }: FarmSession): boolean {
  return endedAt !== undefined || failure !== undefined;
}

function counts(standing: Standing, which: (session: FarmSession) => boolean): KillOutcome['ended'] {
  const { there, between, elsewhere } = standing;
  const count = (sessions: readonly FarmSession[]): number => sessions.filter(which).length;
  return { there: count(there), between: count(between), elsewhere: count(elsewhere) };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function endReasons(scene: FarmScene, name: HostName, from: number): string[] {
  const lines = scene.host(name).lines.slice(from);
  return lines.flatMap(({ fields }) => (fields.event === 'session.ended' ? String(fields.reason) : []));
}

function tally(words: readonly string[]): Map<string, number> {
  const tally = new Map<string, number>();
  for (const word of words) tally.set(word, (tally.get(word) ?? 0) + 1);
  return tally;
}

function difference(now: FarmRecyclings, before: FarmRecyclings): FarmRecyclings {
  const of = (channel: 'in' | 'out'): FarmRecyclings['in'] => ({
    R1: now[channel].R1 - before[channel].R1,
    R2: now[channel].R2 - before[channel].R2,
  });
  return { in: of('in'), out: of('out') };
}

function medianOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}
