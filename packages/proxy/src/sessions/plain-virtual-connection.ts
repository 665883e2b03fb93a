import type { Socket } from 'node:net';
import {
  Deframer,
  Leg,
  OpenStart,
  type PduSink,
  ProtocolError,
  type RoleEnd,
  readServerOpening,
  Server,
  type ServerPort,
} from '@rpch/rpc/internal';
import { KEEPALIVE_DELAY } from './backend.ts';
import { endOfError, LINGER } from './channel.ts';
import type { Half, ServerSide } from './half.ts';
import { endOfLeg } from './session-end.ts';
import {
  type Reach,
  VirtualConnection,
  type VirtualConnectionEvents,
  type VirtualConnectionOptions,
} from './virtual-connection.ts';

/**
 * Of a client with a window smaller than this, so much is read ahead that window and what waits come to it, bytes: its
 * acknowledgement then finds work done. With a larger window that would only cost copies.
 */
const READ_AHEAD = 96 * 1024;
/** The server's leg is read while this much may be read, bytes: a usual fragment fits. */
const LEAST_READ = 8 * 1024;

/**
 * A session in front of a plain TCP server (`ncacn_ip_tcp`): the proxy plays the server's role as well, in memory, and hands
 * plain PDUs to the server. Both channels must be in this process; successors can only come here.
 */
export class PlainVirtualConnection extends VirtualConnection implements ServerPort {
  readonly #server: Server;
  readonly #backend = new Backend();
  readonly #fromBackend: PduSink;
  #isDialled = false;
  #serverQueues = false;

  constructor(options: VirtualConnectionOptions, events: VirtualConnectionEvents, now: () => number) {
    super(options, events, now);
    this.#server = new Server(this, {
      receiveWindow: options.serverWindow,
      setupTimeout: options.pairTimeout,
      recyclingTimeout: options.stallTimeout,
    });
    this.#fromBackend = {
      rpc: (run, count) => this.#server.fromRuntime(run, count),
      rts: () => {
        throw new ProtocolError('RPCH_RTS_ON_TCP', 'RTS PDU from a plain TCP server', '[MS-RPCH] 3.2.5');
      },
    };
  }

  get mayRecycle(): boolean {
    return this.conduct?.takesRts ?? true;
  }

  toRuntime(run: Uint8Array): void {
    this.#backend.leg?.write(run);
  }

  pauseRuntime(paused: boolean): void {
    this.#serverQueues = paused;
  }

  ended(end: RoleEnd): void {
    this.end({ reason: end, party: 'client', detail: END_OF_SERVER[end] ?? end });
  }

  protected override reach(half: Half): Reach | undefined {
    half.side = new LocalSide(this.#server, half, this.#backend);
    if (this.#backend.leg !== undefined) this.#connect(half);
    if (this.#isDialled) return undefined;
    this.#isDialled = true;
    return (socket) => this.#connected(socket);
  }

  protected override tickServer(now: number): void {
    this.#server.tick(now);
  }

  protected override flushServer(): void {
    this.#backend.leg?.flush();
  }

  /** Leaves in the kernel most of what the client has no window for: read, it would have to be copied into a queue. */
  protected override flushed(): void {
    const out = this.out?.role;
    const backend = this.#backend;
    if (out === undefined || backend.leg === undefined) return;
    const room = out.room + Math.max(0, READ_AHEAD - out.clientWindow);
    const paused = this.#serverQueues || room < Math.min(LEAST_READ, out.clientWindow / 2);
    backend.leg.readLimit = Math.max(room, 1);
    if (paused === backend.paused) return;
    backend.paused = paused;
    backend.leg.pause(paused);
  }

  protected override cutServer(): void {
    this.#backend.leg?.close(LINGER);
  }

  protected override guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.end(endOfError(error, 'server'));
    }
  }

  /** TCP to the server is open: the channels that wait go on. */
  #connected(socket: Socket): void {
    if (this.hasEnded) {
      socket.destroy();
      return;
    }
    const leg = new Leg(socket, {
      data: (chunk) => this.#dataFromBackend(chunk),
      blocked: (blocked) => {
        this.guard(() => this.#server.runtimeBlocked(blocked));
        this.flush();
      },
      closed: (error) => this.end(endOfLeg('server', error)),
    });
    this.#backend.leg = leg;
    leg.keepAlive(this.#backend.keepAlive);
    for (const half of [this.out, this.in]) if (half !== undefined) this.#connect(half);
    this.flush();
    leg.start();
  }

  #connect(half: Half): void {
    const [channel] = half.channels;
    const side = half.side;
    if (channel === undefined || side === undefined) return;
    channel.guard(() => half.reach(side, this.conduct ?? channel.conduct));
  }

  #dataFromBackend(chunk: Uint8Array): void {
    if (this.hasEnded) return;
    this.#backend.received += chunk.length;
    this.guard(() => this.#backend.deframer.push(chunk, this.#fromBackend));
    this.flush();
  }
}

/** The way to the server's role is a call; its measures are those of the connection behind that. */
class LocalSide implements ServerSide {
  toServer: PduSink;
  readonly #backend: Backend;

  constructor(server: Server, half: Half, backend: Backend) {
    this.#backend = backend;
    const { rpc, rts } = half.role.fromServer;
    const port = { rpc, rts, close: nothing };
    this.toServer = new OpenStart((pdu) => {
      this.toServer = server.attach(port, readServerOpening(pdu)).from;
      return this.toServer;
    });
  }

  get unsent(): number {
    return this.#backend.leg?.unsent ?? 0;
  }

  get sent(): number {
    return this.#backend.leg?.sent ?? 0;
  }

  get pending(): number {
    return this.#backend.deframer.pending;
  }

  get received(): number {
    return this.#backend.received;
  }

  get paused(): boolean {
    return this.#backend.paused;
  }

  keepAlive(interval: number): void {
    this.#backend.keepAlive = interval;
    this.#backend.leg?.keepAlive(interval);
  }

  // The connection itself is the session's.
  flush(): void {}
  retire(): void {}
  cut(): void {}
}

/** The connection to the plain TCP server. */
class Backend {
  readonly deframer = new Deframer();
  leg: Leg | undefined;
  received = 0;
  paused = false;
  /** TCP keep-alive, ms. */
  keepAlive = KEEPALIVE_DELAY;
}

function nothing(): void {}

const END_OF_SERVER: Partial<Record<RoleEnd, string>> = {
  'setup-timeout': 'one channel came, the other did not',
  'out-channel-used-up': 'the Content-Length of the OUT channel is used up, and the client does not recycle it',
  'recycling-timeout': 'the recycling of a channel was not brought to its end',
};
