import { Deframer, type PduSink } from '../dcerpc/deframer.ts';
import { MAX_FRAG_LENGTH } from '../dcerpc/header.ts';
import { ProtocolError, RpchError } from '../errors.ts';
import {
  Client,
  type ClientInChannel,
  type ClientInPort,
  type ClientOutChannel,
  type ClientOutPort,
  type ClientPort,
} from '../rpch/client.ts';
import { CHANNEL_LIFETIME, CLIENT_KEEPALIVE, RECEIVE_WINDOW } from '../rpch/commands.ts';
import { type RoleEnd, TICK } from '../rpch/role.ts';
import { channelLost, roleEnded, successorUnreachable } from './channel-lost.ts';
import { type ChannelEnd, ClientChannel } from './client-channel.ts';
import { type ConnectionCounters, ConnectionCounting } from './connection-counters.ts';
import { type TlsSetting, tlsSetting } from './dial-proxy.ts';
import type { HopFound } from './hop-found.ts';
import type { HttpClientOptions, HttpVirtualConnection, OpeningHop } from './http-client-options.ts';
import { isAbsoluteForm } from './http-client-request.ts';
import type { HttpResponseHead } from './http-response.ts';
import { type ChannelKind, HttpStatusError, hopOf, statusInStream } from './http-status-error.ts';

/** Bytes not yet sent above which `send` asks its caller to wait, unless told otherwise. */
const SEND_BUFFER = 256 * 1024;
/** Bytes not yet sent above which `send` refuses: what a caller may pile up who does not wait. */
const MAX_UNSENT = 16 * 1024 * 1024;
const CONNECT_TIMEOUT = 15_000;
const OPEN_TIMEOUT = 60_000;
const RECYCLING_TIMEOUT = 60_000;

/** What a channel is used for. */
interface ChannelUse {
  /** The role's word on whether the end of this channel still matters. */
  readonly handle: { readonly over: boolean };
  connected?(): void;
  response(head: HttpResponseHead): void;
  body(chunk: Uint8Array): void;
}

/** A channel, and what it is used for just now. */
interface UsedChannel {
  readonly channel: ClientChannel;
  use: ChannelUse;
}

/** The client's side of one virtual connection over real sockets: the client role, and the HTTP requests that it asks for. */
export class ClientConnection implements ClientPort, HttpVirtualConnection {
  /** Fulfilled with CONN/C2. */
  readonly opening: Promise<HttpVirtualConnection>;
  readonly #options: HttpClientOptions;
  readonly #client: Client;
  readonly #counting: ConnectionCounting;
  readonly #sendBuffer: number;
  readonly #receiveWindow: number;
  readonly #lifetime: number;
  readonly #tls: TlsSetting | undefined;
  /** Those whose end matters, and those that the role has not closed yet. */
  readonly #channels = new Set<ClientChannel>();
  /** Those that have a successor and had something to send still; looked at every tick. */
  readonly #retired = new Set<ClientChannel>();
  readonly #dialled = { IN: 0, OUT: 0 };
  /** The first two, dialled before the role asks for them. */
  readonly #ready = new Map<ChannelKind, UsedChannel>();
  readonly #hops = new Set<OpeningHop>();
  readonly #openTimer: NodeJS.Timeout;
  #ticker: NodeJS.Timeout | undefined;
  #settle: { resolve(connection: HttpVirtualConnection): void; reject(error: unknown): void } | undefined;
  /** Something is being worked on; at its end everything is flushed. */
  #inTurn = false;
  #flushScheduled = false;
  #callerWaits = false;
  #paused = false;
  /** RPC bytes that came in while paused. */
  #whilePaused = 0;
  #over = false;

  constructor(options: HttpClientOptions) {
    this.#options = options;
    this.#tls = options.tls && tlsSetting(options.tls);
    this.#sendBuffer = options.sendBuffer ?? SEND_BUFFER;
    this.#receiveWindow = options.receiveWindow ?? RECEIVE_WINDOW.default;
    this.#lifetime = options.channelLifetime ?? CHANNEL_LIFETIME.default;
    this.#counting = new ConnectionCounting(options.onTransition);
    this.opening = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.#client = new Client(this, {
      receiveWindow: this.#receiveWindow,
      channelLifetime: this.#lifetime,
      clientKeepalive: options.clientKeepalive ?? CLIENT_KEEPALIVE.default,
      associationGroupId: options.random(16),
      random: options.random,
      recyclingTimeout: options.recyclingTimeout ?? RECYCLING_TIMEOUT,
      onTransition: this.#counting.onTransition,
    });
    this.#openTimer = setTimeout(this.#onTimedOut, options.openTimeout ?? OPEN_TIMEOUT);
    options.signal?.addEventListener('abort', this.#onTimedOut);
    this.#dialFirst('IN', () => this.#dialFirst('OUT', () => this.#begin()));
  }

  get counters(): ConnectionCounters {
    return this.#counting.counters;
  }

  get unsent(): number {
    let unsent = this.#client.queued;
    for (const channel of this.#channels) unsent += channel.unsent;
    for (const channel of this.#retired) unsent += channel.unsent;
    return unsent;
  }

  send(run: Uint8Array, count = 1): boolean {
    if (this.#over) return false;
    const unsent = this.unsent + run.length;
    if (unsent > MAX_UNSENT) {
      throw new RpchError('RPCH_SEND_OVERFLOW', 'caller', `${unsent} bytes would wait, more than ${MAX_UNSENT}`);
    }
    this.#client.fromRuntime(run, count);
    this.#flushSoon();
    if (this.#congested <= this.#sendBuffer) return true;
    this.#callerWaits = true;
    return false;
  }

  pause(): void {
    if (this.#paused || this.#over) return;
    this.#paused = true;
    this.#whilePaused = 0;
    this.#client.runtimeBlocked(true);
  }

  resume(): void {
    if (!this.#paused || this.#over) return;
    this.#paused = false;
    this.#client.runtimeBlocked(false);
    for (const channel of this.#channels) channel.pause(false);
    this.#flushSoon();
  }

  keepAlive(interval: number): void {
    if (this.#over) return;
    this.#client.keepAlive(interval);
    this.#counting.keepAlive(interval);
    this.#flushSoon();
  }

  close(): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#openTimer);
    clearInterval(this.#ticker);
    this.#options.signal?.removeEventListener('abort', this.#onTimedOut);
    for (const channel of this.#channels) channel.close();
    this.#channels.clear();
  }

  openIn(handle: ClientInChannel): ClientInPort {
    const channel = this.#use('IN', {
      handle,
      response: (head) => this.#refused(head, 'IN'),
      body: () => {},
    });
    channel.request(this.#lifetime);
    return {
      rpc: (run) => channel.write(run),
      rts: (pdu) => {
        this.#counting.sent(pdu);
        channel.write(pdu);
      },
      close: () => this.#retire(channel),
    };
  }

  openOut(handle: ClientOutChannel, contentLength: number): ClientOutPort {
    const deframer = new Deframer();
    const sink: PduSink = {
      rpc: (run, count) => handle.from.rpc(run, count),
      rts: (pdu) => {
        this.#counting.received(pdu);
        handle.from.rts(pdu);
      },
    };
    const channel = this.#use('OUT', {
      handle,
      response: (head) => {
        if (head.status !== 200) this.#refused(head, 'OUT');
        this.#reached(head);
        assertNotChunked(head);
        handle.responded();
        this.#passed('proxy', { head });
      },
      body: (chunk) => {
        try {
          deframer.push(chunk, sink);
        } catch (error) {
          throw statusInStream(chunk, error) ?? error;
        }
      },
    });
    channel.request(contentLength);
    return { send: (pdu) => channel.write(pdu), close: () => this.#retire(channel) };
  }

  toRuntime(run: Uint8Array, count: number): void {
    if (this.#paused) this.#holdOverrun(run.length);
    this.#options.onPdus(run, count);
  }

  opened(): void {
    clearTimeout(this.#openTimer);
    this.#passed('server', {});
    this.#settle?.resolve(this);
    this.#settle = undefined;
  }

  ended(end: RoleEnd): void {
    this.#fail(roleEnded(end));
  }

  /** A hop after those of dialling, whichever channel tells of it first. */
  #passed(hop: OpeningHop, found: HopFound): void {
    if (this.#hops.has(hop)) return;
    this.#hops.add(hop);
    this.#options.onHop?.(hop, found);
  }

  /** The RPC Proxy answered a leg of the login: every hop up to it has been passed. */
  #challenged(head: HttpResponseHead): void {
    const { httpProxy } = this.#options;
    if (isAbsoluteForm(this.#options) && httpProxy !== undefined) {
      this.#passed('HTTP proxy', { name: httpProxy.host, port: httpProxy.port });
    }
    this.#passed('HTTP', { head });
  }

  /** The RPC Proxy answered a channel's request: the login has been passed too where it does not ask for one. */
  #reached(head: HttpResponseHead): void {
    this.#challenged(head);
    const { credentials, authorization } = this.#options;
    if (head.status === 401 || (credentials === undefined && authorization === undefined)) return;
    const scheme = [...this.#channels].find((channel) => channel.scheme !== undefined)?.scheme;
    this.#passed('authentication', scheme === undefined ? {} : { scheme });
  }

  /** Dials one of the first two channels, so that the hops up to the proxy are known before anything is sent. */
  #dialFirst(kind: ChannelKind, connected: () => void): void {
    const handle = { over: false };
    const use: ChannelUse = { handle, connected, response: (head) => this.#refused(head, kind), body: () => {} };
    this.#ready.set(kind, this.#dial(kind, use, kind === 'IN' ? this.#options.onHop : undefined));
  }

  #begin(): void {
    this.#ticker = setInterval(this.#onTick, TICK);
    this.#client.open();
  }

  /** The channel that was dialled before, or a new one. */
  #use(kind: ChannelKind, use: ChannelUse): ClientChannel {
    const ready = this.#ready.get(kind);
    if (ready === undefined) return this.#dial(kind, use).channel;
    this.#ready.delete(kind);
    ready.use = use;
    return ready.channel;
  }

  #dial(kind: ChannelKind, use: ChannelUse, onHop?: HttpClientOptions['onHop']): UsedChannel {
    const { connectTimeout: timeout = CONNECT_TIMEOUT } = this.#options;
    const number = ++this.#dialled[kind];
    const proxy = this.#options.proxyFor?.(kind, number) ?? this.#options.proxy;
    const unlessOver = (work: () => void): void => {
      if (!used.use.handle.over) this.#turn(work);
    };
    const channel: ClientChannel = new ClientChannel(
      { kind, number, proxy },
      { tls: this.#tls, timeout, onHop },
      this.#options,
      {
        challenged: (head) => unlessOver(() => this.#challenged(head)),
        connected: () => this.#turn(() => used.use.connected?.()),
        response: (head) => unlessOver(() => used.use.response(head)),
        body: (chunk) => unlessOver(() => used.use.body(chunk)),
        drained: () => this.#turn(() => {}),
        failed: (error) => unlessOver(() => this.#fail(asRpchError(error))),
        unreachable: (error) => {
          this.#channels.delete(channel);
          unlessOver(() => this.#fail(number === 1 ? error : successorUnreachable(channel, error)));
        },
        lost: (end) => {
          this.#channels.delete(channel);
          unlessOver(() => this.#lost(channel, end));
        },
      },
    );
    const used: UsedChannel = { channel, use };
    this.#channels.add(channel);
    return used;
  }

  #retire(channel: ClientChannel): void {
    this.#channels.delete(channel);
    channel.retire();
    if (channel.unsent > 0) this.#retired.add(channel);
  }

  /** Any response on IN, any but 200 on OUT ([MS-RPCH] 3.2.2.5.2). */
  #refused(head: HttpResponseHead, kind: ChannelKind): never {
    const hop = hopOf(head, isAbsoluteForm(this.#options));
    if (hop === 'RPC Proxy') this.#reached(head);
    throw new HttpStatusError(head, kind, hop);
  }

  /** Who sends more than two channels' windows while the run-time takes nothing is held by TCP. */
  #holdOverrun(length: number): void {
    this.#whilePaused += length;
    if (this.#whilePaused <= 2 * this.#receiveWindow + MAX_FRAG_LENGTH) return;
    for (const channel of this.#channels) if (channel.kind === 'OUT') channel.pause(true);
  }

  /** Runs what an event asks for. Whatever is thrown ends the connection; what was written goes out in one call a channel. */
  #turn(work: () => void): void {
    if (this.#inTurn) {
      work();
      return;
    }
    this.#inTurn = true;
    try {
      work();
      this.#flush();
    } catch (error) {
      this.#fail(asRpchError(error));
    } finally {
      this.#inTurn = false;
    }
  }

  /** OUT goes first: where OUT_R2/C1 and OUT_R2/A7 are of one turn, gromox needs the former in before the latter. */
  #flushChannels(): void {
    for (const channel of this.#channels) if (channel.kind === 'OUT') channel.flush();
    for (const channel of this.#channels) if (channel.kind === 'IN') channel.flush();
  }

  #flush(): void {
    this.#flushChannels();
    if (!this.#callerMayGoOn) return;
    this.#callerWaits = false;
    this.#options.onDrain?.();
    this.#flushChannels();
    // All of that was taken at once: others first, then the caller again.
    if (this.#callerMayGoOn) setImmediate(() => this.#turn(() => {}));
  }

  /** What a caller with more to send should wait for, bytes. */
  get #congested(): number {
    let congested = this.#client.queued;
    for (const channel of this.#channels) congested += channel.congested;
    return congested;
  }

  get #callerMayGoOn(): boolean {
    return this.#callerWaits && !this.#over && this.#congested <= this.#sendBuffer / 2;
  }

  #flushSoon(): void {
    if (this.#inTurn || this.#flushScheduled) return;
    this.#flushScheduled = true;
    process.nextTick(() => {
      this.#flushScheduled = false;
      this.#turn(() => {});
    });
  }

  #lost(channel: ClientChannel, end: ChannelEnd): void {
    const { pingAfterOnIn, silenceOnOut } = this.#counting;
    const pingAfter = channel.kind === 'IN' ? pingAfterOnIn : silenceOnOut;
    this.#fail(channelLost({ channel, end, silence: channel.silence(this.#now()), pingAfter }));
  }

  #fail(error: RpchError): void {
    if (this.#over) return;
    this.close();
    if (this.#settle === undefined) this.#options.onClosed(error);
    else this.#settle.reject(error);
    this.#settle = undefined;
  }

  #now(): number {
    return this.#options.now?.() ?? performance.now();
  }

  readonly #onTick = (): void => {
    const now = this.#now();
    for (const channel of this.#channels) channel.tick(now);
    for (const channel of this.#retired) if (channel.unsent === 0) this.#retired.delete(channel);
    this.#turn(() => this.#client.tick(now));
  };

  readonly #onTimedOut = (): void => {
    this.#fail(new RpchError('RPCH_TIMED_OUT', 'network', 'no answer in time'));
  };
}

/** Application firewalls cut the response into chunks, whose heads would stand in the middle of PDUs ([MS-RPCH] 2.1.2.1). */
function assertNotChunked(head: HttpResponseHead): void {
  const coding = head.field('transfer-encoding');
  if (coding === undefined) return;
  throw new ProtocolError(
    'RPCH_TRANSFER_CODING',
    `the response to RPC_OUT_DATA has transfer coding "${coding}": something between client and proxy rewrites it`,
    '[MS-RPCH] 2.1.2.1',
  );
}

function asRpchError(error: unknown): RpchError {
  return error instanceof RpchError ? error : new RpchError('RPCH_INTERNAL', 'caller', String(error), { cause: error });
}
