import type { Socket } from 'node:net';
import { throttleKey } from '../accounts/throttle.ts';

export interface ConnectionLimits {
  readonly connections: number;
  readonly connectionsPerAddress: number;
  readonly unauthenticated: number;
  readonly unauthenticatedPerAddress: number;
}

/** A connection as the quotas see it. */
export interface Admitted {
  readonly address: string;
  /** Its client's credentials are being checked: it is not idle, so it is not the one to go. */
  checking(): void;
  /** The check has ended without success: it waits for another request. */
  idle(): void;
  /** Its client has proven who it is: it no longer counts as unauthenticated. */
  authenticated(): void;
}

/** Connections of one address, or of all. */
interface Group {
  all: number;
  unauthenticated: number;
  /** In the order in which they became idle. */
  readonly idle: Set<Entry>;
}

class Entry implements Admitted {
  readonly address: string;
  readonly socket: Socket;
  readonly #groups: readonly Group[];
  #counted = true;

  constructor(socket: Socket, address: string, groups: readonly Group[]) {
    this.socket = socket;
    this.address = address;
    this.#groups = groups;
    for (const group of groups) group.unauthenticated++;
    this.idle();
  }

  checking(): void {
    for (const { idle } of this.#groups) idle.delete(this);
  }

  idle(): void {
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
 * flood displaces itself first. Where none is idle, the newcomer is turned away.
 */
export class Connections {
  readonly #limits: ConnectionLimits;
  readonly #perAddress = new Map<string, Group>();
  readonly #total: Group = { all: 0, unauthenticated: 0, idle: new Set() };
  readonly #sockets = new Set<Socket>();

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#total.all;
  }

  /** Admits a connection just accepted, or says why not. It is counted until its socket closes. */
  admit(socket: Socket): Admitted | string {
    const address = socket.remoteAddress;
    if (address === undefined) return 'gone before it was accepted';
    const key = throttleKey(address);
    const ofAddress = this.#perAddress.get(key) ?? { all: 0, unauthenticated: 0, idle: new Set() };
    const full = this.#makeRoom(ofAddress);
    if (full !== undefined) return full;
    const entry = new Entry(socket, address, [ofAddress, this.#total]);
    this.#sockets.add(socket);
    this.#total.all++;
    ofAddress.all++;
    this.#perAddress.set(key, ofAddress);
    socket.once('close', () => {
      entry.authenticated();
      this.#sockets.delete(socket);
      this.#total.all--;
      ofAddress.all--;
      if (ofAddress.all === 0) this.#perAddress.delete(key);
    });
    return entry;
  }

  /** Ends all connections at once. */
  destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #makeRoom(ofAddress: Group): string | undefined {
    const limits = this.#limits;
    if (this.#total.all >= limits.connections) return 'too many connections';
    if (ofAddress.all >= limits.connectionsPerAddress) return 'too many connections from this address';
    if (ofAddress.unauthenticated >= limits.unauthenticatedPerAddress && !evictFirst(ofAddress.idle)) {
      return 'too many connections from this address are logging in';
    }
    if (this.#total.unauthenticated >= limits.unauthenticated && !evictFirst(this.#total.idle)) {
      return 'too many connections are logging in';
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
