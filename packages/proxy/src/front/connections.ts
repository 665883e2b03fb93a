import type { Socket } from 'node:net';
import type { Origin } from '../access/origin.ts';
import { throttleKey } from '../accounts/throttle.ts';

export interface ConnectionLimits {
  readonly connections: number;
  readonly connectionsPerAddress: number;
  readonly unauthenticated: number;
  readonly unauthenticatedPerAddress: number;
}

/** A connection as the quotas see it. */
export interface Admitted {
  /** Where its client is, as far as it is known: at first, whoever has connected. */
  readonly origin: Origin;
  /**
   * The trusted proxy that has connected says which address its client, or the client of its next request, has; undefined: it
   * is its own client. From then on the connection counts among those of that address; returns why it may not, if it may not.
   */
  comesFrom(address: string | undefined): string | undefined;
  /** Its client's credentials are being checked: it is not idle, so it is not the one to go. */
  checking(): void;
  /** The check has ended without success: it waits for another request. */
  idle(): void;
  /** Its client has proven who it is: it no longer counts as unauthenticated. */
  authenticated(): void;
}

/** Connections of one address, or of all. */
class Group {
  all = 0;
  unauthenticated = 0;
  /** In the order in which they became idle. */
  readonly idle = new Set<Entry>();
}

class Entry implements Admitted {
  readonly socket: Socket;
  origin: Origin;
  readonly #move: (entry: Entry, address: string) => string | undefined;
  readonly #groups = new Set<Group>();
  #counted = true;
  #isIdle = true;

  constructor(socket: Socket, peer: string, move: (entry: Entry, address: string) => string | undefined) {
    this.socket = socket;
    this.origin = { address: peer };
    this.#move = move;
  }

  /** Whether it has not logged in. */
  get counted(): boolean {
    return this.#counted;
  }

  join(group: Group): void {
    this.#groups.add(group);
    group.all++;
    if (this.#counted) group.unauthenticated++;
    if (this.#counted && this.#isIdle) group.idle.add(this);
  }

  leave(group: Group): void {
    this.#groups.delete(group);
    group.all--;
    if (this.#counted) group.unauthenticated--;
    group.idle.delete(this);
  }

  comesFrom(address: string | undefined): string | undefined {
    const peer = this.origin.via ?? this.origin.address;
    this.origin = address === undefined ? { address: peer } : { address, via: peer };
    return this.#move(this, this.origin.address);
  }

  checking(): void {
    this.#isIdle = false;
    for (const { idle } of this.#groups) idle.delete(this);
  }

  idle(): void {
    this.#isIdle = true;
    if (this.#counted) for (const { idle } of this.#groups) idle.add(this);
  }

  authenticated(): void {
    this.checking();
    if (!this.#counted) return;
    this.#counted = false;
    for (const group of this.#groups) group.unauthenticated--;
  }
}

/**
 * Quotas for connections, per address (IPv6: per /64) and in all. Before authentication a connection costs little: where
 * there are too many such, the one that has been idle longest goes, of the same address where that has too many, so that a
 * flood displaces itself first. Where none is idle, the newcomer is turned away. A connection that a trusted proxy has made
 * counts in all alone until it is known whose it is: the proxy's address has them from everybody.
 */
export class Connections {
  readonly #limits: ConnectionLimits;
  readonly #perAddress = new Map<string, Group>();
  readonly #total = new Group();
  readonly #placed = new Map<Entry, string | undefined>();

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#total.all;
  }

  /**
   * Admits a connection just accepted, or says why not. It is counted until its socket closes.
   * @param peer address of whoever has connected.
   * @param trusted it is a trusted proxy, and will say whose connection it is: {@link Admitted.comesFrom}.
   */
  admit(socket: Socket, peer: string, trusted: boolean): Admitted | string {
    const limits = this.#limits;
    if (this.#total.all >= limits.connections) return 'too many connections';
    const key = trusted ? undefined : throttleKey(peer);
    const full = key === undefined ? undefined : this.#makeRoom(this.#groupOf(key), true);
    if (full !== undefined) return full;
    if (this.#total.unauthenticated >= limits.unauthenticated && !evictFirst(this.#total.idle)) {
      return 'too many connections are logging in';
    }
    const entry = new Entry(socket, peer, this.#move);
    entry.join(this.#total);
    this.#place(entry, key);
    socket.once('close', () => {
      this.#leaveAddress(entry);
      entry.leave(this.#total);
      this.#placed.delete(entry);
    });
    return entry;
  }

  /** Ends all connections at once. */
  destroyAll(): void {
    for (const { socket } of this.#placed.keys()) socket.destroy();
  }

  readonly #move = (entry: Entry, address: string): string | undefined => {
    if (!this.#placed.has(entry)) return 'gone';
    const key = throttleKey(address);
    if (this.#placed.get(entry) === key) return undefined;
    const full = this.#makeRoom(this.#groupOf(key), entry.counted);
    if (full !== undefined) return full;
    this.#leaveAddress(entry);
    this.#place(entry, key);
    return undefined;
  };

  #groupOf(key: string): Group {
    return this.#perAddress.get(key) ?? new Group();
  }

  #place(entry: Entry, key: string | undefined): void {
    this.#placed.set(entry, key);
    if (key === undefined) return;
    const group = this.#groupOf(key);
    this.#perAddress.set(key, group);
    entry.join(group);
  }

  #leaveAddress(entry: Entry): void {
    const key = this.#placed.get(entry);
    const group = key === undefined ? undefined : this.#perAddress.get(key);
    if (key === undefined || group === undefined) return;
    entry.leave(group);
    if (group.all === 0) this.#perAddress.delete(key);
  }

  #makeRoom(ofAddress: Group, unauthenticated: boolean): string | undefined {
    const limits = this.#limits;
    if (ofAddress.all >= limits.connectionsPerAddress) return 'too many connections from this address';
    if (
      unauthenticated &&
      ofAddress.unauthenticated >= limits.unauthenticatedPerAddress &&
      !evictFirst(ofAddress.idle)
    ) {
      return 'too many connections from this address are logging in';
    }
    return undefined;
  }
}

/** Ends the connection that has been idle longest; false where none is idle. */
function evictFirst(idle: Set<Entry>): boolean {
  const [first] = idle;
  first?.authenticated();
  first?.socket.destroy();
  return first !== undefined;
}
