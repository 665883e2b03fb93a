import { Client } from '@rpch/rpc/internal';
import { CLIENT_QUEUE } from './client-process.ts';
import { CHUNK, type ConnectionEnd } from './connection.ts';
import type { TransitionCoverage } from './coverage.ts';
import { type Invariant, InvariantError } from './invariant.ts';
import { END_WITHIN, HOSTILE_PATIENCE, PATIENCE, SETUP_TIMEOUT, TIMERS_WITHIN } from './limits.ts';
import type { Plan } from './plan.ts';
import type { Trace } from './surroundings.ts';
import { AT_ONCE, StreamError } from './traffic.ts';
import { World } from './world.ts';

const MAX_PDU = 65_535;
/** RTS PDUs of all parties that may wait on a connection, bytes: no window holds them back. */
const RTS_ALLOWANCE = 65_536;
/** Steps between two looks at what every connection holds. */
const LOOK_EVERY = 64;
/** Time in which the OUT channels of a host that is drained must have moved, ms. */
const DRAIN_WITHIN = 300_000;

/** Time in which a cookie that is another one must have been found out, ms. */
const REFUSED_WITHIN = 200_000;

/** What a schedule without delays may take besides its applications' breaks, and what each call adds, ms. */
const BRISK = 4000;
const BRISK_CALL = 1000;

/** What a schedule that went well did. */
export interface SimulationResult {
  readonly plan: Plan;
  /** `delivered`: everything. `cut`: the session ended before, for a reason that the plan has. */
  readonly outcome: 'delivered' | 'cut';
  /** ms of virtual time. */
  readonly time: number;
  readonly steps: number;
}

/**
 * Runs a plan once. Invariants: see {@link InvariantError}; the first that breaks is thrown.
 * @param coverage counts the transitions of the roles.
 * @param trace is told what happens.
 */
export function runPlan(plan: Plan, coverage: TransitionCoverage, trace?: Trace): SimulationResult {
  try {
    return new Schedule(plan, coverage, trace).run();
  } catch (error) {
    if (error instanceof InvariantError) throw error;
    if (error instanceof StreamError) throw new InvariantError('bytes', error.message, { cause: error });
    const why = error instanceof Error ? error.message : String(error);
    throw new InvariantError('exception', why, { cause: error });
  }
}

class Schedule {
  readonly #world: World;
  #steps = 0;
  /** The hostile party has been ended. */
  #hostileEnded = false;

  constructor(plan: Plan, coverage: TransitionCoverage, trace?: Trace) {
    this.#world = new World(plan, coverage, trace);
  }

  run(): SimulationResult {
    const world = this.#world;
    const { plan, clock } = world;
    world.start();
    this.#untilDeliveredOrEnded();
    const delivered = world.conversation.over;
    if (!delivered) this.#judgeEnd();
    const time = clock.now;
    if (delivered) {
      this.#judgePace();
      this.#linger();
      this.#untilRefused();
      if (world.firstEnd === undefined) this.#untilDrained();
    }
    // Where rules were broken, somebody may have ended who takes no part in the session any more.
    if (world.firstEnd === undefined || world.faults.rulesAreBroken) this.#end();
    this.#endHostile();
    this.#untilAllEnded();
    this.#untilNothingIsLeft();
    return { plan, outcome: delivered ? 'delivered' : 'cut', time, steps: this.#steps };
  }

  #untilDeliveredOrEnded(): void {
    const { conversation, client, clock, server, backend, faults, plan } = this.#world;
    while (!conversation.over && client.ended === undefined && !client.process.dead) {
      if ((server ?? backend)?.over === true) return;
      if (faults.rulesAreBroken && clock.now > HOSTILE_PATIENCE + plan.silence) this.#endHostile();
      if (this.#isSpoilt) return;
      this.#step(PATIENCE, 'waits-for-ever');
      this.#expectNews();
    }
  }

  /** A hostile party, which is gone by now, may have swallowed the last of what it carried: nobody can know. */
  get #isSpoilt(): boolean {
    const { conversation, clock, plan } = this.#world;
    const { requests, answers } = conversation.trusted;
    return this.#hostileEnded && !(requests && answers) && clock.now > HOSTILE_PATIENCE + plan.silence + END_WITHIN;
  }

  /** Who was told nothing by then never will be. */
  #expectNews(): void {
    const { firstEnd, clock, faults } = this.#world;
    if (firstEnd === undefined || faults.rulesAreBroken || clock.now < firstEnd + END_WITHIN) return;
    throw new InvariantError('not-all-ended', this.#progress);
  }

  #judgeEnd(): void {
    const { faults, plan, ends } = this.#world;
    if (faults.happened || this.#hostileEnded) return;
    // Who is not known to take RTS PDUs cannot recycle.
    const usedUp = plan.client !== 'conforming-1.1' && ends.some((end) => end.endsWith('out-channel-used-up'));
    if (!usedUp) throw new InvariantError('ended-too-early', this.#progress);
  }

  /** Where nobody pauses and no PDU is too large for its window, a schedule takes as long as its applications do. */
  #judgePace(): void {
    const { plan, clock } = this.#world;
    const { hosts, windows, calls, breaks } = plan;
    const window = Math.min(
      windows.client,
      windows.server,
      ...hosts.flatMap(({ inbound, outbound }) => [inbound, outbound]),
    );
    const messages = calls.flatMap(({ request, answer }) => [request, answer]);
    const isBrisk =
      plan.client === 'conforming-1.1' &&
      plan.slowest === 1 &&
      plan.faults.length === 0 &&
      plan.hiccups + plan.pauses + plan.silence === 0 &&
      messages.every(({ longest }) => longest <= window / 4);
    if (!isBrisk) return;
    const pdus = messages.reduce((sum, { fragments }) => sum + fragments, 0);
    const most = BRISK + pdus * Math.max(breaks.client, breaks.server) + calls.length * BRISK_CALL;
    if (clock.now > most) throw new InvariantError('slow', `it took ${clock.now} ms, ${most} at most are allowed`);
  }

  /** Nothing more is said, and nobody ends the session. */
  #linger(): void {
    const { clock, plan, ends } = this.#world;
    const until = clock.now + plan.lingers;
    while (clock.now < until && ends.length === 0 && clock.pending > 0) this.#step(PATIENCE, 'waits-for-ever');
    if (ends.length > 0) this.#judgeEnd();
  }

  /** Whoever has to compare a cookie that is another one ends the session. */
  #untilRefused(): void {
    const { faults, clock, ends } = this.#world;
    const until = clock.now + REFUSED_WITHIN;
    while (faults.mustEnd && ends.length === 0) this.#step(until, 'wrong-cookie');
  }

  /** The OUT channels of a host that is drained move to others. */
  #untilDrained(): void {
    const { hosts, clock, plan } = this.#world;
    if (plan.faults.some(({ kind }) => kind !== 'drain')) return;
    const until = clock.now + DRAIN_WITHIN;
    while (hosts.some((host) => host.draining && host.out.size > 0)) this.#step(until, 'waits-for-ever');
  }

  /** Ends the session, as the plan says by whom. */
  #end(): void {
    const { client, hosts, server, joined, processes, plan, trace } = this.#world;
    const ways: (() => void)[] = [
      () => client.end('closed on purpose'),
      () => {
        for (const connection of (server ?? joined)?.table.values() ?? []) connection.end('closed on purpose');
      },
    ];
    for (const host of hosts) {
      if (host.in.size + host.out.size > 0) ways.push(() => host.process.die(plan.ends % 2 === 0 ? 'close' : 'reset'));
    }
    const last = processes.at(-1);
    ways.push(() => last?.die('close'));
    trace?.('! the session is to end');
    ways[plan.ends % ways.length]?.();
  }

  #endHostile(): void {
    const { faults, processes, plan } = this.#world;
    if (this.#hostileEnded) return;
    this.#hostileEnded = true;
    const hostile = processes.find(({ name }) => faults.isHostile(name));
    hostile?.die(plan.ends % 2 === 0 ? 'close' : 'reset');
  }

  #untilAllEnded(): void {
    const { clock, faults } = this.#world;
    // A virtual connection that somebody made up lives as long as a server waits for its other half.
    const until = clock.now + END_WITHIN + (faults.rulesAreBroken ? SETUP_TIMEOUT : 0);
    while (!this.#allEnded) this.#step(until, 'not-all-ended');
  }

  get #allEnded(): boolean {
    const { client, hosts, server, joined } = this.#world;
    if (!client.process.dead && client.ended === undefined) return false;
    if (server !== undefined && !server.process.dead && server.table.size > 0) return false;
    for (const host of hosts) {
      if (host.process.dead) continue;
      if (host.in.size + host.out.size + host.leaving.size > 0) return false;
      if (joined !== undefined && joined.table.size + joined.links > 0) return false;
    }
    return true;
  }

  #untilNothingIsLeft(): void {
    const { clock, connections, plan } = this.#world;
    // An application that fell silent does not know that nobody listens any more.
    const until = clock.now + TIMERS_WITHIN + plan.silence;
    while (clock.pending > 0) this.#step(until, 'left-behind');
    const left = [...connections].map(({ name }) => name);
    if (left.length > 0) throw new InvariantError('left-behind', `connections: ${left.join(', ')}`);
  }

  #step(until: number, otherwise: Invariant): void {
    const world = this.#world;
    if (world.clock.now > until || !world.clock.step()) throw new InvariantError(otherwise, this.#progress);
    world.afterStep();
    if (this.#steps++ % LOOK_EVERY === 0) this.#lookAtConnections();
    this.#lookAtRoles();
  }

  /** Nobody holds more than a window or two and what is read at once. */
  #lookAtRoles(): void {
    const { hosts, client, server, joined, plan, faults } = this.#world;
    const unruly = plan.client === 'samba' || faults.rulesAreBroken ? CHUNK + MAX_PDU : 0;
    for (const { in: inbound, out, planned } of hosts) {
      // In IN_R2 the predecessor's bytes may still wait for the server while the successor fills its window.
      for (const { role } of inbound.values()) {
        atMost('an inbound proxy', role.held, 2 * Math.max(planned.inbound, MAX_PDU) + unruly);
      }
      for (const { role } of out.values()) atMost('an outbound proxy', role.held, Math.max(planned.outbound, MAX_PDU));
    }
    for (const { role } of (server ?? joined)?.table.values() ?? []) {
      atMost('the server', role.queued, AT_ONCE * MAX_PDU);
    }
    if (client.role instanceof Client) {
      atMost('the client', client.role.queued, CLIENT_QUEUE + AT_ONCE * MAX_PDU);
      atMost('the client of a successor', client.role.held, Math.max(plan.windows.client, MAX_PDU) + unruly);
    }
  }

  #lookAtConnections(): void {
    const { connections, faults } = this.#world;
    for (const { a, b, name } of connections) {
      for (const end of [a, b]) {
        if (faults.isHostile(end.process.name)) continue;
        atMost(`${end.process.name} on ${name}`, end.unsent, end.capacity + this.#mostBeyond(end));
      }
    }
  }

  /** What may be written when a connection has asked to stop: what is held by then, and what the window lets come. */
  #mostBeyond({ process, connection: { kind, a } }: ConnectionEnd): number {
    const { hosts, windows } = this.#world.plan;
    const written = process === a.process ? kind : `${kind} back`;
    const most = (...bytes: number[]) => 2 * Math.max(MAX_PDU, ...bytes) + RTS_ALLOWANCE;
    switch (written) {
      case 'C>IP':
      case 'B>S back':
        return AT_ONCE * MAX_PDU + most(...hosts.map(({ inbound }) => inbound));
      case 'IP>S':
        return most(...hosts.map(({ inbound }) => inbound));
      case 'C>OP back':
      case 'OP>S back':
        return most(...hosts.map(({ outbound }) => outbound));
      case 'B>S':
        return most(windows.server);
      default:
        return RTS_ALLOWANCE;
    }
  }

  get #progress(): string {
    const { conversation, client, hosts, server, joined, ends, connections, clock } = this.#world;
    const parts = [
      conversation.progress,
      client.role instanceof Client ? `client ${client.role.state}, ${client.role.queued} bytes queued` : 'Samba',
    ];
    for (const host of hosts) {
      if (host.process.dead) parts.push(`${host.process.name} is dead`);
      for (const { role } of host.in.values())
        parts.push(`inbound at ${host.process.name} ${role.state} holds ${role.held}`);
      for (const { role } of host.out.values())
        parts.push(`outbound at ${host.process.name} ${role.state} holds ${role.held}`);
    }
    for (const { role } of (server ?? joined)?.table.values() ?? []) {
      parts.push(`server ${role.state}, ${role.queued} bytes queued`);
    }
    parts.push(
      `ends: ${ends.join(', ') || 'none'}`,
      `connections: ${[...connections].map(({ name }) => name).join(', ')}`,
    );
    parts.push(`${clock.pending} timers`);
    return parts.join('; ');
  }
}

function atMost(who: string, bytes: number, limit: number): void {
  if (bytes < 0 || bytes > limit) {
    throw new InvariantError('memory', `${who} holds ${bytes} bytes, ${limit} at most are allowed`);
  }
}
