import type { Socket } from 'node:net';
import {
  type ClientConduct,
  Deframer,
  Leg,
  type PduSink,
  ProtocolError,
  type RoleEnd,
  Server,
  type ServerPort,
} from '@rpch/rpc/internal';
import { KEEPALIVE_DELAY } from './backend.ts';
import { type ChannelSession, endOfError, LINGER } from './channel.ts';
import type { InChannel } from './in-channel.ts';
import type { OutChannel } from './out-channel.ts';
import { endOfLeg, type SessionEnd } from './session-end.ts';
import { Stall } from './stall.ts';

/**
 * Of a client with a window smaller than this, so much is read ahead that window and what waits come to it, bytes: its
 * acknowledgement then finds work done. With a larger window that would only cost copies.
 */
const READ_AHEAD = 96 * 1024;
/** The server's leg is read while this much may be read, bytes: a usual fragment fits. */
const LEAST_READ = 8 * 1024;

export interface VirtualConnectionOptions {
  /** Window between the roles in this process, bytes. */
  readonly innerWindow: number;
  /** How long one channel waits for the other, ms. */
  readonly pairTimeout: number;
  /** How long bytes may wait for a peer that takes none, or half a PDU for its rest, ms. */
  readonly stallTimeout: number;
}

export interface VirtualConnectionEvents {
  opened(connection: VirtualConnection): void;
  ended(connection: VirtualConnection, end: SessionEnd): void;
}

/**
 * A session: an IN channel, an OUT channel, the server's role behind both, and plain TCP to an RPC server
 * (`ncacn_ip_tcp`). Whatever leg ends, all end.
 */
export class VirtualConnection implements ServerPort, ChannelSession {
  readonly server: Server;
  readonly createdAt: number;
  in: InChannel | undefined;
  out: OutChannel | undefined;
  readonly #options: VirtualConnectionOptions;
  readonly #events: VirtualConnectionEvents;
  readonly #backendDeframer = new Deframer();
  readonly #fromBackend: PduSink;
  #backend: Leg | undefined;
  #backendBytes = 0;
  #backendPaused = false;
  #serverQueues = false;
  #serverKeepAlive: number | undefined;
  #conduct: ClientConduct | undefined;
  #opened = false;
  #ended = false;
  #wake: NodeJS.Timeout | undefined;
  #wakeAt = 0;
  readonly #now: () => number;
  readonly #stalls = { in: new Stall(), out: new Stall(), toServer: new Stall(), fromServer: new Stall() };

  constructor(options: VirtualConnectionOptions, events: VirtualConnectionEvents, now: () => number) {
    this.#options = options;
    this.#events = events;
    this.#now = now;
    this.createdAt = now();
    this.server = new Server(this, { receiveWindow: options.innerWindow, setupTimeout: options.pairTimeout });
    this.#fromBackend = {
      rpc: (run, count) => this.server.fromRuntime(run, count),
      rts: () => {
        throw new ProtocolError('RPCH_RTS_ON_TCP', 'RTS PDU from a plain TCP server', '[MS-RPCH] 3.2.5');
      },
    };
  }

  /** Whether it ever got as far as CONN/C2 and CONN/B3. */
  get wasOpened(): boolean {
    return this.#opened;
  }

  /** Gives the session a channel of a kind that it has not got. */
  attach(channel: InChannel | OutChannel): void {
    if (channel.kind === 'in') this.in = channel;
    else this.out = channel;
    channel.connection = this;
    this.#conduct ??= channel.conduct;
    if (this.#backend !== undefined) channel.guard(() => channel.role.serverConnected(this.#conduct));
  }

  /** TCP to the server is open: the channels that wait go on. */
  connected(socket: Socket): void {
    if (this.#ended) {
      socket.destroy();
      return;
    }
    const backend = new Leg(socket, {
      data: (chunk) => this.#dataFromBackend(chunk),
      blocked: (blocked) => {
        this.#guardServer(() => this.server.runtimeBlocked(blocked));
        this.flush();
      },
      closed: (error) => this.end(endOfLeg('server', error)),
    });
    this.#backend = backend;
    backend.keepAlive(this.#serverKeepAlive ?? KEEPALIVE_DELAY);
    for (const channel of [this.out, this.in]) channel?.guard(() => channel.role.serverConnected(this.#conduct));
    this.flush();
    backend.start();
  }

  get toInboundProxy(): PduSink {
    return attached(this.in).role.fromServer;
  }

  get toOutboundProxy(): PduSink {
    return attached(this.out).role.fromServer;
  }

  toRuntime(run: Uint8Array): void {
    this.#backend?.write(run);
  }

  opened(): void {
    this.#opened = true;
    this.#events.opened(this);
  }

  pauseRuntime(paused: boolean): void {
    this.#serverQueues = paused;
  }

  keepServerAlive(interval: number): void {
    this.#serverKeepAlive = interval;
    this.#backend?.keepAlive(interval);
  }

  ended(end: RoleEnd): void {
    this.end({ reason: end, party: 'client', detail: 'one channel came, the other did not' });
  }

  /** Ticks once more in so many ms, or before. */
  wakeAfter(ms: number): void {
    const at = this.#now() + ms;
    if (this.#wake !== undefined && this.#wakeAt <= at) return;
    clearTimeout(this.#wake);
    this.#wakeAt = at;
    // A timer may fire a little before its time, which to the roles would be too early.
    this.#wake = setTimeout(() => {
      this.#wake = undefined;
      this.tick();
    }, ms + 1);
  }

  /** Time goes on. */
  tick(): void {
    if (this.#ended) return;
    const now = this.#now();
    if (!this.#opened && now - this.createdAt > this.#options.pairTimeout) {
      this.ended('setup-timeout');
      return;
    }
    this.#guardServer(() => {
      this.server.tick(now);
      this.in?.role.tick(now);
      this.out?.role.tick(now);
      this.flush();
      this.#findStalls(now);
    });
  }

  /** Sends what this turn wrote, on every leg. */
  flush(): void {
    this.#backend?.flush();
    this.out?.leg.flush();
    this.#regulate();
  }

  /** Leaves in the kernel most of what the client has no window for: read, it would have to be copied into a queue. */
  #regulate(): void {
    const out = this.out?.role;
    if (out === undefined || this.#backend === undefined) return;
    const room = out.room + Math.max(0, READ_AHEAD - out.clientWindow);
    const paused = this.#serverQueues || room < Math.min(LEAST_READ, out.clientWindow / 2);
    this.#backend.readLimit = Math.max(room, 1);
    if (paused === this.#backendPaused) return;
    this.#backendPaused = paused;
    this.#backend.pause(paused);
  }

  /** Ends the session on all legs. */
  end(end: SessionEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#wake);
    this.#events.ended(this, end);
    this.#backend?.close(LINGER);
    this.in?.close();
    this.out?.close();
  }

  #dataFromBackend(chunk: Uint8Array): void {
    if (this.#ended) return;
    this.#backendBytes += chunk.length;
    this.#guardServer(() => this.#backendDeframer.push(chunk, this.#fromBackend));
    this.flush();
  }

  #guardServer(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.end(endOfError(error, 'server'));
    }
  }

  #findStalls(now: number): void {
    const { stallTimeout } = this.#options;
    const stalls = this.#stalls;
    const [backend, inbound, outbound] = [this.#backend, this.in, this.out];
    if (this.#ended || backend === undefined || inbound === undefined || outbound === undefined) return;
    const toServer = backend.unsent + inbound.role.held;
    const toClient = outbound.leg.unsent + outbound.role.held;
    const rest = this.#backendDeframer.pending;
    // The server's leg is paused when the client owes an acknowledgement: that much it has taken from us and not from itself.
    const waitsForClient = toClient > 0 || this.#backendPaused;
    // Pings pass a client that acknowledges nothing: they are no progress.
    const passed = outbound.leg.unsent > 0 ? outbound.leg.sent : outbound.role.bytesReceived - outbound.role.held;
    if (stalls.toServer.observe(toServer > 0, backend.sent, now) > stallTimeout) {
      this.end({ reason: 'server-stalled', party: 'server', detail: `${toServer} bytes wait for the server` });
    } else if (stalls.out.observe(waitsForClient, passed, now) > stallTimeout) {
      this.end({
        reason: 'out-stalled',
        party: 'client',
        detail: `${toClient} bytes, and more at the server, wait for the client`,
      });
    } else if (stalls.in.observe(inbound.pending > 0 && toServer === 0, inbound.bytes, now) > stallTimeout) {
      this.end({
        reason: 'in-stalled',
        party: 'client',
        detail: `${inbound.pending} bytes of a PDU wait for the rest`,
      });
    } else if (stalls.fromServer.observe(rest > 0 && !waitsForClient, this.#backendBytes, now) > stallTimeout) {
      this.end({ reason: 'server-stalled', party: 'server', detail: 'half a PDU waits for the rest' });
    }
  }
}

/** The server's role speaks to the proxies only after both have spoken to it. */
function attached<C>(channel: C | undefined): C {
  if (channel === undefined) throw new Error('the server spoke to a channel that does not exist');
  return channel;
}
