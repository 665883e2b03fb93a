import { ProtocolError, TICK } from '@rpch/rpc/internal';
import type { ConnectionEnd } from './connection.ts';
import { InvariantError } from './invariant.ts';
import { CONNECTION_TIMEOUT, OPEN_WITHIN, STALL } from './limits.ts';
import type { Process } from './process.ts';
import type { Surroundings } from './surroundings.ts';

/** Bytes that wait, and a figure that changes with every progress. */
export interface Waiting {
  readonly bytes: number;
  readonly progress: number;
}

/**
 * Who surrounds a role and owns its connections: turns protocol errors into the end of all of them, tells the role the time,
 * and notices when it is not opened or when nothing moves any more.
 */
export abstract class Owner {
  readonly world: Surroundings;
  readonly process: Process;
  readonly #ends = new Set<ConnectionEnd>();
  readonly #since: number;
  #ended: string | undefined;
  #heard = { bytes: -1, at: 0 };
  readonly #stalls = new Map<object, { readonly progress: number; readonly since: number }>();

  constructor(world: Surroundings, process: Process) {
    this.world = world;
    this.process = process;
    this.#since = world.clock.now;
    world.ticks(process, this);
  }

  /** Why it has ended. */
  get ended(): string | undefined {
    return this.#ended;
  }

  /** Whether its end is one of the session's. */
  protected get countsAsEnd(): boolean {
    return true;
  }

  abstract get name(): string;
  protected abstract readonly opened: boolean;
  /** What waits inside the role. */
  protected abstract get waiting(): Waiting;
  protected abstract tickRole(now: number): void;
  /** After the connections: leaves tables and closes what else there is. */
  protected abstract onEnd(why: string): void;

  owns(end: ConnectionEnd): void {
    this.#ends.add(end);
    if (this.#ended !== undefined || this.process.dead) end.close();
  }

  /** Closes one connection: what was written goes out. */
  releases(end: ConnectionEnd): void {
    this.#ends.delete(end);
    this.#stalls.delete(end);
    end.close();
  }

  /** Does something that may end in a protocol error, and with it in the end of all connections. */
  guard(work: () => void): void {
    if (this.#ended !== undefined) return;
    try {
      work();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.world.protocolError(this.name, error);
      this.end(`protocol error: ${error.message}`);
    }
  }

  /** Ends everything that belongs to the role. */
  end(why: string): void {
    if (this.#ended !== undefined) return;
    this.#ended = why;
    if (this.countsAsEnd) this.world.ended(this.name, why);
    for (const end of this.#ends) end.close();
    this.#ends.clear();
    this.onEnd(why);
  }

  /** Whether it wants to be told the time. */
  get ticking(): boolean {
    return this.#ended === undefined;
  }

  tick(now: number): void {
    this.guard(() => this.tickRole(now));
    if (this.#ended !== undefined) return;
    if (!this.opened && now - this.#since > OPEN_WITHIN) this.end('not opened in time');
    else this.#findStall(now);
  }

  /**
   * Something must be heard within the ConnectionTimeout on one of these connections ([MS-RPCH] 3.2.2.6.1, 3.2.4.6), from a
   * conforming party, while nothing has happened to it.
   */
  protected expectWord(from: Iterable<ConnectionEnd>, now: number): void {
    const { plan, faults } = this.world;
    if (plan.client !== 'conforming-1.1' || faults.happened) return;
    let received = 0;
    for (const end of from) received += end.received;
    if (received !== this.#heard.bytes) this.#heard = { bytes: received, at: now };
    const silent = now - this.#heard.at;
    if (silent <= CONNECTION_TIMEOUT + TICK) return;
    throw new InvariantError('silent', `${this.name} has heard nothing for ${silent} ms`);
  }

  /** Each thing by itself: Pings that pass are no progress for a role whose PDUs wait. */
  #findStall(now: number): void {
    const { bytes, progress } = this.waiting;
    if (this.#stalled(this.process, bytes, progress, now)) this.end(`stalled: ${bytes} bytes wait in the role`);
    for (const end of this.#ends) {
      if (!this.#stalled(end, end.unsent, end.sent, now)) continue;
      this.end(`stalled: ${end.unsent} bytes wait on ${end.connection.name}`);
      return;
    }
  }

  /** Whether something has waited too long without progress. */
  #stalled(what: object, bytes: number, progress: number, now: number): boolean {
    const known = this.#stalls.get(what);
    if (bytes === 0) {
      if (known !== undefined) this.#stalls.delete(what);
      return false;
    }
    if (known !== undefined && known.progress === progress) return now - known.since > STALL;
    this.#stalls.set(what, { progress, since: now });
    return false;
  }
}
