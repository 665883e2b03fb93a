import type { Socket } from 'node:net';

export interface ConnectionLimits {
  readonly connections: number;
  readonly connectionsPerAddress: number;
  readonly unauthenticated: number;
  readonly unauthenticatedPerAddress: number;
}

/** A connection as the quotas see it. */
export interface Admitted {
  readonly address: string;
  /** Its client has proven who it is: it no longer counts as unauthenticated. */
  authenticated(): void;
}

interface Entry extends Admitted {
  readonly socket: Socket;
}

/**
 * Quotas for connections, per address and in all. Before authentication a connection costs little: when there are too many
 * such, the oldest one goes, of the same address where that has too many, so that a flood displaces itself first.
 */
export class Connections {
  readonly #limits: ConnectionLimits;
  readonly #perAddress = new Map<string, { all: number; unauthenticated: Set<Entry> }>();
  /** In order of arrival. */
  readonly #unauthenticated = new Set<Entry>();
  #all = 0;

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#all;
  }

  /** Admits a connection just accepted, or says why not. It is counted until its socket closes. */
  admit(socket: Socket): Admitted | string {
    const address = socket.remoteAddress;
    if (address === undefined) return 'gone before it was accepted';
    const limits = this.#limits;
    const ofAddress = this.#perAddress.get(address) ?? { all: 0, unauthenticated: new Set<Entry>() };
    if (this.#all >= limits.connections) return 'too many connections';
    if (ofAddress.all >= limits.connectionsPerAddress) return 'too many connections from this address';
    if (ofAddress.unauthenticated.size >= limits.unauthenticatedPerAddress) evictOldest(ofAddress.unauthenticated);
    else if (this.#unauthenticated.size >= limits.unauthenticated) evictOldest(this.#unauthenticated);

    const entry: Entry = {
      address,
      socket,
      authenticated: () => {
        this.#unauthenticated.delete(entry);
        ofAddress.unauthenticated.delete(entry);
      },
    };
    this.#all++;
    ofAddress.all++;
    this.#perAddress.set(address, ofAddress);
    this.#unauthenticated.add(entry);
    ofAddress.unauthenticated.add(entry);
    socket.once('close', () => {
      entry.authenticated();
      this.#all--;
      ofAddress.all--;
      if (ofAddress.all === 0) this.#perAddress.delete(address);
    });
    return entry;
  }
}

function evictOldest(entries: Set<Entry>): void {
  const [oldest] = entries;
  oldest?.authenticated();
  oldest?.socket.destroy();
}
