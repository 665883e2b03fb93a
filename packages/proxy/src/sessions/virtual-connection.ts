import type { Socket } from 'node:net';
import type { ClientConduct, RoleEnd } from '@rpch/rpc/internal';
import type { AnyChannel } from './any-channel.ts';
import { type Half, type HalfOptions, type HalfOwner, InHalf, OutHalf } from './half.ts';
import type { InChannel } from './in-channel.ts';
import type { OutChannel } from './out-channel.ts';
import type { SessionEnd } from './session-end.ts';
import { Silence } from './silence.ts';

export interface VirtualConnectionOptions extends HalfOptions {
  /** How long one channel waits for the other, ms. */
  readonly pairTimeout: number;
}

export interface VirtualConnectionEvents {
  opened(connection: VirtualConnection): void;
  /** A channel was replaced, or is about to be. */
  recycled(connection: VirtualConnection, kind: 'in' | 'out', how: 'r1' | 'r2' | 'left'): void;
  ended(connection: VirtualConnection, end: SessionEnd): void;
}

/** What to do with a connection to the server that a half needs. */
export type Reach = (socket: Socket) => void;

/**
 * A session: what of one virtual connection is at this proxy. That is an IN half and an OUT half, or one of them where the
 * other is at another proxy, and for a while what is left of halves that have moved away. Whatever leg ends, all end, but for
 * those that have been replaced.
 */
export abstract class VirtualConnection implements HalfOwner {
  readonly createdAt: number;
  in: InHalf | undefined;
  out: OutHalf | undefined;
  protected readonly options: VirtualConnectionOptions;
  protected readonly now: () => number;
  protected conduct: ClientConduct | undefined;
  /** Halves that have moved away and still send what they have; seldom any. */
  #leaving: readonly Half[] = NONE;
  readonly #events: VirtualConnectionEvents;
  readonly #silence = { in: new Silence(), out: new Silence() };
  /** RPC PDU bytes of halves that have moved away. */
  #movedIn = 0;
  #movedOut = 0;
  /** When the OUT channel was last seen to be in the midst of recycling. */
  #recycledOutAt = Number.NEGATIVE_INFINITY;
  #opened = false;
  #ended = false;
  #wake: NodeJS.Timeout | undefined;
  #wakeAt = 0;

  constructor(options: VirtualConnectionOptions, events: VirtualConnectionEvents, now: () => number) {
    this.options = options;
    this.#events = events;
    this.now = now;
    this.createdAt = now();
  }

  /** Whether it ever got as far as CONN/C2 and CONN/B3, or what stands for them in a recycling. */
  get wasOpened(): boolean {
    return this.#opened;
  }

  get hasEnded(): boolean {
    return this.#ended;
  }

  /** RPC PDU bytes that came from the client, and from the server. */
  get bytes(): { readonly in: number; readonly out: number } {
    return {
      in: this.#movedIn + (this.in?.role.bytesReceived ?? 0),
      out: this.#movedOut + (this.out?.role.bytesReceived ?? 0),
    };
  }

  /** How the client behaves, as far as it is known. */
  get clientState(): string | undefined {
    return (this.conduct ?? this.in?.channels[0]?.conduct)?.state;
  }

  /**
   * Gives the session a channel of a kind that it has not got: a first one, or a successor from another proxy. Returns what
   * to do with a connection to the server, where one is needed.
   */
  attach(channel: AnyChannel): Reach | undefined {
    this.conduct ??= channel.conduct;
    const half =
      channel.kind === 'in'
        ? new InHalf(this, channel, this.options, this.now())
        : new OutHalf(this, channel, this.options, this.now());
    if (half.kind === 'in') this.in = half;
    else this.out = half;
    return this.reach(half);
  }

  /** A channel succeeds the one that is here. Throws ProtocolError, which is to end the session. */
  succeed(channel: AnyChannel): void {
    if (channel.kind === 'in') this.in?.succeed(channel as InChannel);
    else this.out?.succeed(channel as OutChannel);
    this.#events.recycled(this, channel.kind, 'r2');
    this.flush();
  }

  /** Has the server move the OUT channel to another proxy, where it can. */
  drain(): void {
    this.out?.role.drain();
    this.flush();
  }

  opened(half?: Half): void {
    if (half?.isSuccessor === true) this.#events.recycled(this, half.kind, 'r1');
    if (this.#opened) return;
    this.#opened = true;
    this.#events.opened(this);
  }

  leaving(half: Half): void {
    if (half.kind === 'in') this.in = undefined;
    else this.out = undefined;
    this.#leaving = [...this.#leaving, half];
    if (half.kind === 'in') this.#movedIn += half.role.bytesReceived;
    else this.#movedOut += half.role.bytesReceived;
    this.#events.recycled(this, half.kind, 'left');
  }

  halfEnded(half: Half, end: RoleEnd): void {
    if (end !== 'recycled') {
      this.end({ reason: end, party: 'client', detail: `${half.kind} channel: ${end}` });
      return;
    }
    this.#leaving = this.#leaving.filter((other) => other !== half);
    half.side?.retire();
    for (const channel of [...half.channels]) channel.close();
    if (this.in === undefined && this.out === undefined && this.#leaving.length === 0) {
      this.end({ reason: 'recycled', party: 'client', detail: 'both channels are at other proxies now' });
    }
  }

  retired(channel: AnyChannel): void {
    for (const half of [this.in, this.out, ...this.#leaving]) {
      const channels: AnyChannel[] = half?.channels ?? [];
      const at = channels.indexOf(channel);
      if (at >= 0) channels.splice(at, 1);
    }
  }

  /** Ticks once more in so many ms, or before. */
  wakeAfter(ms: number): void {
    const at = this.now() + ms;
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
    const now = this.now();
    this.#noteSilence(now);
    this.#noteRecycling(now);
    for (const half of [this.in, this.out]) {
      if (half === undefined || half.isOpened || half.isSuccessor) continue;
      if (now - half.createdAt > this.options.pairTimeout) {
        this.end({ reason: 'setup-timeout', party: 'client', detail: 'one channel came, the other did not' });
        return;
      }
    }
    this.guard(() => {
      this.tickServer(now);
      this.in?.role.tick(now);
      this.out?.role.tick(now);
      for (const half of this.#leaving) half.role.tick(now);
      this.flush();
      if (!this.#ended) this.#findStalls(now);
    });
  }

  /**
   * Sends what this turn wrote, on every leg. A predecessor goes before its successor: FreeRDP up to 2.4.0 takes a response on
   * the successor that it reads before OUT_R2/B3 for an error.
   */
  flush(): void {
    this.flushServer();
    const channels = this.out?.channels;
    if (channels !== undefined) for (const channel of channels) channel.leg.flush();
    if (this.#leaving.length > 0) this.#flushLeaving();
    this.flushed();
  }

  /** Ends the session on all legs. */
  end(end: SessionEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#wake);
    this.#events.ended(this, this.#explained(end));
    for (const half of [this.in, this.out, ...this.#leaving]) {
      half?.side?.cut();
      for (const channel of [...(half?.channels ?? [])]) channel.cut();
    }
    this.#leaving = NONE;
    this.cutServer();
  }

  /** Seconds for which nothing has come on IN and nothing has been sent on OUT. */
  get silentSeconds(): { readonly in: number; readonly out: number } {
    const now = this.now();
    return { in: this.#silence.in.seconds(now), out: this.#silence.out.seconds(now) };
  }

  /** Brings a half to the server; returns what to do with a connection, where one is needed. */
  protected abstract reach(half: Half): Reach | undefined;
  protected abstract tickServer(now: number): void;
  protected abstract flushServer(): void;
  /** All was sent: the server may be read, or not. */
  protected abstract flushed(): void;
  protected abstract cutServer(): void;
  /** Runs what works on the server's bytes or on time; a broken protocol ends the session. */
  protected abstract guard(work: () => void): void;

  #flushLeaving(): void {
    for (const half of this.#leaving) {
      half.side?.flush();
      for (const channel of half.channels) channel.leg.flush();
    }
  }

  #noteSilence(now: number): void {
    let heard = 0;
    for (const channel of this.in?.channels ?? []) heard += channel.bytes;
    let said = 0;
    for (const channel of this.out?.channels ?? []) said += channel.leg.sent;
    this.#silence.in.observe(heard, now);
    this.#silence.out.observe(said, now);
  }

  #noteRecycling(now: number): void {
    if (this.out?.role.recycles === true) this.#recycledOutAt = now;
  }

  /**
   * What the log adds of its own knowledge: a connection that was silent for long and is lost then was most likely forgotten by
   * something on the way; a client that goes in the midst of a recycling most likely cannot.
   */
  #explained(end: SessionEnd): SessionEnd {
    const [, kind] = /^(in|out)-(?:closed|reset|vanished|failed)$/.exec(end.reason) ?? [];
    if (kind !== 'in' && kind !== 'out') return end;
    const now = this.now();
    this.#noteRecycling(now);
    if (now - this.#recycledOutAt < JUST_RECYCLED) {
      const detail = `${end.detail}, while its OUT channel was being recycled or just after: not every client can (docs/recycling-peers.md)`;
      return { ...end, detail };
    }
    const seconds = this.#silence[kind].seconds(now);
    if (seconds < LONG_SILENCE) return end;
    const ping = Math.round(this.options.connectionTimeout / 2000);
    return {
      ...end,
      detail:
        `${end.detail}; it had been silent for ${seconds} s (pings are due after ${ping} s): ` +
        'something between client and proxy may drop connections that are idle for that long',
    };
  }

  #findStalls(now: number): void {
    this.#findStallIn(now);
    if (!this.#ended) this.#findStallOut(now);
  }

  #findStallIn(now: number): void {
    const half = this.in;
    const side = half?.side;
    if (half === undefined || side === undefined || !half.isOpened) return;
    const toServer = side.unsent + half.role.held;
    if (half.stalls.toServer.observe(toServer > 0, side.sent, now) > this.options.stallTimeout) {
      this.end({ reason: 'server-stalled', party: 'server', detail: `${toServer} bytes wait for the server` });
      return;
    }
    let pending = 0;
    let bytes = 0;
    for (const channel of half.channels) {
      pending += channel.pending;
      bytes += channel.bytes;
    }
    if (half.stalls.fromClient.observe(pending > 0 && toServer === 0, bytes, now) > this.options.stallTimeout) {
      this.end({ reason: 'in-stalled', party: 'client', detail: `${pending} bytes of a PDU wait for the rest` });
    }
  }

  #findStallOut(now: number): void {
    const half = this.out;
    const side = half?.side;
    if (half === undefined || side === undefined || !half.isOpened) return;
    const { role, channels, stalls } = half;
    let unsent = 0;
    let sent = 0;
    for (const { leg } of channels) {
      unsent += leg.unsent;
      sent += leg.sent;
    }
    const toClient = unsent + role.held;
    // The server is not read while the client owes an acknowledgement: that much it has taken from us and not from itself.
    const waitsForClient = toClient > 0 || side.paused;
    // Pings pass a client that acknowledges nothing: they are no progress.
    const passed = unsent > 0 ? sent : role.bytesReceived - role.held;
    if (stalls.toClient.observe(waitsForClient, passed, now) > this.options.stallTimeout) {
      const detail = `${toClient} bytes, and more at the server, wait for the client`;
      this.end({ reason: 'out-stalled', party: 'client', detail });
    } else if (
      stalls.fromServer.observe(side.pending > 0 && !waitsForClient, side.received, now) > this.options.stallTimeout
    ) {
      this.end({ reason: 'server-stalled', party: 'server', detail: 'half a PDU waits for the rest' });
    }
  }
}

const NONE: readonly Half[] = [];
/** A client that cannot recycle goes this soon after it was asked to, ms. */
const JUST_RECYCLED = 5000;
/** Silence before a loss that is worth telling of, s. */
const LONG_SILENCE = 10;
