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
 * where that refuses. What passes is only looked at, to tell afterwards whose channels were where.
 */
export class Balancer {
  readonly #hosts: readonly BalancedHost[];
  readonly #server: Server;
  readonly #open = new Set<Balanced>();
  #next = 0;
  /** Connections that one host refused and the other took, or none. */
  refused = 0;
  /** Channels so far, by host. */
  readonly opened = new Map<string, number>();

  private constructor(hosts: readonly BalancedHost[]) {
    this.#hosts = hosts;
    this.#server = createServer({ noDelay: true, allowHalfOpen: true, pauseOnConnect: true }, (client) => {
      this.#accept(client);
    });
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
    return [...this.#open].flatMap(({ channel }) => channel ?? []);
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const balanced of this.#open) balanced.end();
    await closed;
  }

  #accept(client: Socket): void {
    const first = ORDER[this.#next++ % ORDER.length] ?? 0;
    // One that gives up while hosts are tried concerns nobody.
    client.on('error', () => client.destroy());
    const order = this.#hosts.map((_, at) => this.#hosts[(first + at) % this.#hosts.length]);
    this.#dial(
      client,
      order.flatMap((host) => host ?? []),
    );
  }

  #dial(client: Socket, [host, ...others]: readonly BalancedHost[]): void {
    if (host === undefined) {
      client.destroy();
      return;
    }
    const target = connect({ host: host.host, port: host.port, noDelay: true, allowHalfOpen: true });
    const settled = (): void => {
      clearTimeout(timer);
      target.removeAllListeners('error').removeAllListeners('connect');
    };
    const refused = (): void => {
      settled();
      target.on('error', () => {}).destroy();
      this.refused++;
      this.#dial(client, others);
    };
    const timer = setTimeout(refused, CONNECT_PATIENCE);
    target.once('error', refused);
    target.once('connect', () => {
      settled();
      if (client.destroyed) {
        target.on('error', () => {}).destroy();
        return;
      }
      const balanced: Balanced = new Balanced(client, target, host.name, () => this.#open.delete(balanced));
      this.#open.add(balanced);
      this.opened.set(host.name, (this.opened.get(host.name) ?? 0) + 1);
    });
  }
}

/** One connection, relayed both ways: a half that ends, ends; an error of one side is the other's. */
class Balanced {
  channel: BalancedChannel | undefined;
  readonly #client: Socket;
  readonly #target: Socket;
  readonly #host: string;
  readonly #over: () => void;
  #opening: Buffer | undefined = Buffer.alloc(0);

  constructor(client: Socket, target: Socket, host: string, over: () => void) {
    this.#client = client;
    this.#target = target;
    this.#host = host;
    this.#over = over;
    client.on('data', (bytes) => this.#look(bytes));
    relay(client, target);
    relay(target, client);
    for (const socket of [client, target]) {
      socket.on('error', () => this.end());
      socket.on('close', () => {
        if (client.destroyed && target.destroyed) over();
      });
    }
    client.resume();
  }

  end(): void {
    this.#client.destroy();
    this.#target.destroy();
    this.#over();
  }

  /** Reads the request's method and the virtual connection cookie of its first PDU. */
  #look(bytes: Buffer): void {
    if (this.#opening === undefined) return;
    const opening = Buffer.concat([this.#opening, bytes]);
    this.#opening = opening.length > MAX_OPENING ? undefined : opening;
    const end = opening.indexOf('\r\n\r\n');
    const pdu = opening.subarray(end + 4);
    if (end < 0 || pdu.length < COOKIE_AT + 4) return;
    this.#opening = undefined;
    this.channel = {
      session: pdu.readUInt32BE(COOKIE_AT),
      kind: opening.toString('latin1', 0, 6) === 'RPC_IN' ? 'IN' : 'OUT',
      successor: (pdu.readUInt16LE(FLAGS_AT) & RECYCLE_CHANNEL) !== 0,
      host: this.#host,
      openedAt: performance.now(),
    };
  }
}

function relay(from: Socket, to: Socket): void {
  from.on('data', (bytes) => {
    if (!to.write(bytes)) from.pause();
  });
  to.on('drain', () => from.resume());
  from.on('end', () => to.end());
}
