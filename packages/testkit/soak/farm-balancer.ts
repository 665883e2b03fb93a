import { connect, createServer, type Server, type Socket } from 'node:net';

/** A proxy's address behind the balancer. */
export interface BalancedHost {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

/** A channel that went through the balancer: one TCP connection. Times in ms on the clock of `performance.now()`. */
export interface BalancedChannel {
  /** The session's number, which its cookies begin with. */
  readonly session: number;
  /** Of its virtual connection. */
  readonly cookie: Buffer;
  readonly kind: 'IN' | 'OUT';
  /** It takes the place of an earlier one ([MS-RPCH] 3.2.1.5.3). */
  readonly successor: boolean;
  readonly host: string;
  readonly openedAt: number;
}

/**
 * In which order connections go to two hosts: half of them to each, and of sessions that are opened one after the other, IN
 * before OUT, each of the four combinations is a quarter.
 */
const ORDER = [0, 0, 0, 1, 1, 1, 1, 0] as const;
/** Silence of a host that neither accepts nor refuses, after which the next one is tried, ms. */
const CONNECT_PATIENCE = 1000;
/** Where a request's head and its first PDU must have ended, bytes. */
const MAX_OPENING = 4096;
/** In CONN/A1, CONN/B1, IN_R/A1 and OUT_R/A3: the header's Flags, and the virtual connection cookie behind the version. */
const [FLAGS_AT, COOKIE_AT, RECYCLE_CHANNEL] = [16, 32, 0x0004];

/**
 * A load balancer for two proxies that understands nothing: each TCP connection goes to the next host, and to the other one
 * where that refuses. A connection's beginning is looked at before it goes anywhere, only to tell afterwards whose channels
 * were where.
 */
export class Balancer {
  readonly #hosts: readonly BalancedHost[];
  readonly #server: Server;
  readonly #clients = new Set<Socket>();
  readonly #open = new Set<BalancedChannel>();
  readonly #dialled: BalancedChannel[] = [];
  #next = 0;

  private constructor(hosts: readonly BalancedHost[]) {
    this.#hosts = hosts;
    this.#server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => this.#accept(client));
  }

  static async start(hosts: readonly BalancedHost[]): Promise<Balancer> {
    const balancer = new Balancer(hosts);
    await new Promise<void>((resolve, reject) => {
      balancer.#server.once('error', reject);
      balancer.#server.listen({ host: '127.0.0.1', port: 0 }, resolve);
    });
    return balancer;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** Channels that are open now, in the order in which they were opened. */
  get channels(): readonly BalancedChannel[] {
    return [...this.#open];
  }

  /** Every channel that a host accepted so far, if only by its kernel. */
  get dialled(): readonly BalancedChannel[] {
    return this.#dialled;
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const client of this.#clients) client.destroy();
    await closed;
  }

  /** Reads so much that it is known whose channel this is. */
  #accept(client: Socket): void {
    this.#clients.add(client);
    client.on('close', () => this.#clients.delete(client));
    // One that gives up before it goes anywhere concerns nobody.
    const giveUp = (): void => {
      client.destroy();
    };
    client.on('error', giveUp);
    let read: Buffer = Buffer.alloc(0);
    const look = (bytes: Buffer): void => {
      read = Buffer.concat([read, bytes]);
      const opening = openingOf(read);
      if (opening === undefined && read.length < MAX_OPENING) return;
      client.off('data', look);
      client.off('end', giveUp);
      client.pause();
      if (opening === undefined) client.destroy();
      else this.#dial(client, read, opening, this.#order());
    };
    client.on('data', look);
    client.on('end', giveUp);
  }

  #order(): BalancedHost[] {
    const first = ORDER[this.#next++ % ORDER.length] ?? 0;
    return this.#hosts.flatMap((_, at) => this.#hosts[(first + at) % this.#hosts.length] ?? []);
  }

  #dial(client: Socket, read: Buffer, opening: Opening, [host, ...others]: readonly BalancedHost[]): void {
    if (host === undefined) {
      client.destroy();
      return;
    }
    const target = connect({ host: host.host, port: host.port, noDelay: true, allowHalfOpen: true });
    const settled = (): void => {
      clearTimeout(timer);
      target.removeAllListeners('error').removeAllListeners('connect');
      target.on('error', () => target.destroy());
    };
    const refused = (): void => {
      settled();
      target.destroy();
      this.#dial(client, read, opening, others);
    };
    const timer = setTimeout(refused, CONNECT_PATIENCE);
    target.once('error', refused);
    target.once('connect', () => {
      settled();
      const channel: BalancedChannel = { ...opening, host: host.name, openedAt: performance.now() };
      this.#dialled.push(channel);
      if (client.destroyed) {
        target.destroy();
        return;
      }
      this.#open.add(channel);
      target.write(read);
      join(client, target, () => this.#open.delete(channel));
    });
  }
}

type Opening = Omit<BalancedChannel, 'host' | 'openedAt'>;

/** What the beginning of a connection says: the request's method, and the cookie in its first PDU. Undefined: not yet. */
function openingOf(bytes: Buffer): Opening | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  const pdu = bytes.subarray(end + 4);
  if (end < 0 || pdu.length < COOKIE_AT + 16) return undefined;
  return {
    session: pdu.readUInt32BE(COOKIE_AT),
    cookie: Buffer.copyBytesFrom(pdu, COOKIE_AT, 16),
    kind: bytes.toString('latin1', 0, 6) === 'RPC_IN' ? 'IN' : 'OUT',
    successor: (pdu.readUInt16LE(FLAGS_AT) & RECYCLE_CHANNEL) !== 0,
  };
}

/** Relays both ways: a half that ends, ends; what goes wrong with one side ends the other. */
function join(client: Socket, target: Socket, over: () => void): void {
  const end = (): void => {
    client.destroy();
    target.destroy();
    over();
  };
  for (const [from, to] of [
    [client, target],
    [target, client],
  ] as const) {
    from.on('data', (bytes) => {
      if (!to.write(bytes)) from.pause();
    });
    to.on('drain', () => from.resume());
    from.on('end', () => to.end());
    from.on('error', end);
    from.on('close', () => {
      if (to.destroyed) over();
    });
  }
  client.resume();
}
