import { TICK } from '@rpch/rpc/internal';
import { chooseEndpoint } from '../access/choose-endpoint.ts';
import type { Origin } from '../access/origin.ts';
import type { Lookup } from '../access/resolve.ts';
import { normaliseServerName } from '../access/target.ts';
import type { Counters } from '../counters.ts';
import type { Log } from '../log.ts';
import type { AnyChannel } from './any-channel.ts';
import { dial } from './backend.ts';
import { type ChannelOwner, type ChannelPurpose, type ChannelRequest, endOfError } from './channel.ts';
import { Deadline } from './deadline.ts';
import { InChannel } from './in-channel.ts';
import { NativeVirtualConnection } from './native-virtual-connection.ts';
import { OutChannel } from './out-channel.ts';
import { PlainVirtualConnection } from './plain-virtual-connection.ts';
import { newIncident } from './responses.ts';
import type { SessionEnd } from './session-end.ts';
import type { Reach, VirtualConnection } from './virtual-connection.ts';

export interface SessionsOptions {
  /** Window that clients are told, bytes. */
  readonly receiveWindow: number;
  /** Content-Length of OUT channels, bytes. */
  readonly channelLifetime: number;
  /** ConnectionTimeout that clients are told, ms. */
  readonly connectionTimeout: number;
  /** How long one channel waits for the other, and for its first PDU, ms. */
  readonly pairTimeout: number;
  /** How long dialling may take. Refusals are answered after exactly this time, whatever their cause, ms. */
  readonly connectTimeout: number;
  readonly stallTimeout: number;
  readonly virtualConnectionsPerAccount: number;
}

export interface SessionsSurroundings {
  readonly log: Log;
  readonly counters: Counters;
  readonly lookup: Lookup;
  /** A steady clock, ms. */
  readonly now: () => number;
  readonly random: (length: number) => Uint8Array;
}

/** Window that servers are told, in this process and elsewhere, bytes. */
const SERVER_WINDOW = 128 * 1024;

/** FreeRDP refuses a larger Content-Length, and with it the connection; the specification allows a byte more. */
const MOST_CONTENT_LENGTH = 2 ** 31 - 1;

/** How often time-outs are looked at, ms: none is late by more than twice this. */
const LOOK = TICK / 2;

/** What the channels of one virtual connection must have in common: the cookie alone never suffices. */
interface Session {
  readonly connection: VirtualConnection;
  readonly key: string;
  /** For the log; the cookie is a secret. */
  readonly id: string;
  readonly account: string;
  readonly server: string;
  readonly port: number;
  readonly origin: Origin;
  readonly protocol: string | undefined;
  /** While dialling. */
  readonly dialling: Set<Deadline>;
  /** Why it cannot be opened; its channels are refused when their time comes. */
  refused: string | undefined;
}

/** All sessions of this process: pairs channels, dials servers, refuses uniformly, and ends what has ended. */
export class Sessions implements ChannelOwner<AnyChannel> {
  readonly #options: SessionsOptions;
  readonly #surroundings: SessionsSurroundings;
  readonly #byCookie = new Map<string, Session>();
  readonly #byConnection = new Map<VirtualConnection, Session>();
  readonly #perAccount = new Map<string, number>();
  /** Channels without a virtual connection: their first PDU is to come, or their refusal. */
  readonly #alone = new Set<AnyChannel>();
  /** Channels that were replaced, and send what was written. */
  readonly #lingering = new Set<AnyChannel>();
  readonly #refusals = new Map<AnyChannel, NodeJS.Timeout>();
  readonly #ticker: NodeJS.Timeout;
  /** Session ids must not repeat after a restart, where one log goes on. */
  readonly #idPrefix: string;
  #sessionsBegun = 0;

  constructor(options: SessionsOptions, surroundings: SessionsSurroundings) {
    this.#options = { ...options, channelLifetime: Math.min(options.channelLifetime, MOST_CONTENT_LENGTH) };
    this.#surroundings = surroundings;
    this.#idPrefix = newIncident(surroundings.random).slice(0, 6);
    this.#ticker = setInterval(() => this.#tick(), LOOK);
    this.#ticker.unref();
  }

  /** Sessions and channels that are not over. */
  get size(): number {
    return this.#byConnection.size + this.#alone.size;
  }

  /** Channels that were replaced and still send what was written. */
  get lingering(): number {
    return this.#lingering.size;
  }

  /** Turns an authenticated RPC_IN_DATA or RPC_OUT_DATA request into a channel. */
  open(kind: 'in' | 'out', request: ChannelRequest): void {
    const now = this.#surroundings.now();
    const channel =
      kind === 'in'
        ? new InChannel(request, this, now)
        : new OutChannel(request, this, now, this.#options.channelLifetime);
    this.#alone.add(channel);
    channel.leg.start();
  }

  pair(channel: AnyChannel): void {
    const { opening } = channel;
    if (opening === undefined) return;
    channel.pairedAt = this.#surroundings.now();
    const key = Buffer.from(opening.virtualConnectionCookie).toString('latin1');
    const known = this.#byCookie.get(key);
    if (opening.kind === 'IN_R/A1' || opening.kind === 'OUT_R/A3') {
      if (known?.connection[channel.kind] !== undefined) this.#succeed(known, channel);
      else this.#moveHere(known, key, channel, opening.virtualConnectionCookie);
      return;
    }
    const session = known ?? this.#begin(key, channel);
    if (session !== undefined) this.#join(session, channel, opening.virtualConnectionCookie);
  }

  ended(channel: AnyChannel, end: SessionEnd): void {
    if (!this.#alone.delete(channel)) return;
    clearTimeout(this.#refusals.get(channel));
    this.#refusals.delete(channel);
    channel.cut();
    this.#surroundings.counters.count('channels_ended_alone', end.reason);
    this.#surroundings.log.info(
      { event: 'channel.ended', ...describe(channel), ...end },
      'channel ended before it belonged to a session',
    );
  }

  lingers(channel: AnyChannel, lingering: boolean): void {
    if (lingering) this.#lingering.add(channel);
    else this.#lingering.delete(channel);
  }

  /** Asks for every OUT channel to be recycled, so that it comes to life again at another proxy, where there is one. */
  drain(): void {
    for (const { connection, protocol } of this.#byConnection.values()) {
      // In front of plain TCP the server's role is here, and with it the session.
      if (protocol === 'ncacn_http') connection.drain();
    }
  }

  /** Ends every session: after draining, or at once. */
  endAll(end: SessionEnd): void {
    for (const { connection } of this.#byConnection.values()) connection.end(end);
    for (const channel of this.#alone) channel.end(end);
    clearInterval(this.#ticker);
  }

  /** A channel joins a session: a first one, or a successor from another proxy ([MS-RPCH] 3.2.3.5.5.2, 3.2.4.5.6.2). */
  #join(session: Session, channel: AnyChannel, cookie: Uint8Array): void {
    const { purpose } = channel;
    const mismatch = mismatchOf(session, channel) ?? occupied(session, channel);
    if (mismatch !== undefined) {
      this.#refuseLater(channel, mismatch);
      return;
    }
    this.#alone.delete(channel);
    const reach = session.connection.attach(channel);
    // What no rule allows becomes a session too, refused from the start: nothing that a client can do to its channels while
    // it waits for the answer tells it from a server that is not there.
    const refused = session.refused ?? (purpose.decision.allowed ? undefined : purpose.decision.why);
    if (refused !== undefined) this.#refuseLater(channel, refused, session);
    else if (reach !== undefined) this.#dial(session, purpose, cookie, reach);
  }

  /** The channel's predecessor is here ([MS-RPCH] 3.2.3.5.5.1, 3.2.4.5.6.1). */
  #succeed(session: Session, channel: AnyChannel): void {
    const mismatch = mismatchOf(session, channel);
    if (mismatch !== undefined) {
      this.#refuseLater(channel, mismatch);
      return;
    }
    this.#alone.delete(channel);
    try {
      session.connection.succeed(channel);
    } catch (error) {
      channel.cut();
      session.connection.end(endOfError(error, 'client'));
    }
  }

  /** The channel's predecessor is at another proxy; with a plain TCP server the session itself is, out of reach. */
  #moveHere(known: Session | undefined, key: string, channel: AnyChannel, cookie: Uint8Array): void {
    const { decision } = channel.purpose;
    if (decision.allowed && decision.protocol !== 'ncacn_http') {
      this.#refuseLater(channel, 'its virtual connection is not at this proxy');
      return;
    }
    const session = known ?? this.#begin(key, channel);
    if (session !== undefined) this.#join(session, channel, cookie);
  }

  #begin(key: string, channel: AnyChannel): Session | undefined {
    const { purpose } = channel;
    const { account, decision } = purpose;
    const open = this.#perAccount.get(account.name) ?? 0;
    if (open >= this.#options.virtualConnectionsPerAccount) {
      this.#refuseLater(channel, `account has ${open} virtual connections, the most that it may have`);
      return undefined;
    }
    const protocol = decision.allowed ? decision.protocol : undefined;
    const Kind = protocol === 'ncacn_http' ? NativeVirtualConnection : PlainVirtualConnection;
    const connection = new Kind(
      { ...this.#options, serverWindow: SERVER_WINDOW },
      this.#events,
      this.#surroundings.now,
    );
    const session: Session = {
      connection,
      key,
      id: `${this.#idPrefix}-${++this.#sessionsBegun}`,
      account: account.name,
      server: normaliseServerName(purpose.target.server),
      port: purpose.target.port,
      origin: purpose.origin,
      protocol,
      dialling: new Set(),
      refused: undefined,
    };
    this.#byCookie.set(key, session);
    this.#byConnection.set(connection, session);
    this.#perAccount.set(account.name, open + 1);
    return session;
  }

  #dial(session: Session, purpose: ChannelPurpose, cookie: Uint8Array, reach: Reach): void {
    this.#reach(session, purpose, cookie, reach).catch((error: unknown) => {
      session.connection.end({ reason: 'internal-error', party: 'proxy', detail: String(error) });
    });
  }

  async #reach(session: Session, purpose: ChannelPurpose, cookie: Uint8Array, reach: Reach): Promise<void> {
    if (!purpose.decision.allowed) return;
    const { rule, endpoints } = purpose.decision;
    const deadline = new Deadline(this.#options.connectTimeout);
    session.dialling.add(deadline);
    const dialled = await dial(chooseEndpoint(endpoints, cookie), rule, this.#surroundings.lookup, deadline);
    deadline.lift();
    session.dialling.delete(deadline);
    // Nobody is left to be refused where the client gave up meanwhile.
    if (dialled.kind === 'failed' && !this.#byConnection.has(session.connection)) return;
    if (dialled.kind === 'connected') {
      reach(dialled.socket);
      return;
    }
    session.refused = dialled.why;
    const { in: inHalf, out } = session.connection;
    for (const half of [inHalf, out]) {
      for (const channel of half?.channels ?? []) this.#refuseLater(channel, dialled.why, session);
    }
  }

  readonly #events = {
    opened: (connection: VirtualConnection): void => {
      const { counters, log } = this.#surroundings;
      const session = this.#byConnection.get(connection);
      counters.count('sessions_opened');
      log.debug({ event: 'session.opened', ...describeSession(session) }, 'session opened');
    },
    recycled: (connection: VirtualConnection, kind: 'in' | 'out', how: 'r1' | 'r2' | 'left'): void => {
      const { counters, log } = this.#surroundings;
      const session = this.#byConnection.get(connection);
      counters.count('channels_recycled', `${kind}-${how}`);
      log.debug({ event: 'channel.recycled', channel: kind, how, ...describeSession(session) }, 'channel recycled');
    },
    ended: (connection: VirtualConnection, end: SessionEnd): void => {
      const session = this.#byConnection.get(connection);
      if (session === undefined) return;
      for (const deadline of session.dialling) deadline.pass();
      this.#byConnection.delete(connection);
      this.#byCookie.delete(session.key);
      const left = (this.#perAccount.get(session.account) ?? 1) - 1;
      if (left === 0) this.#perAccount.delete(session.account);
      else this.#perAccount.set(session.account, left);
      for (const half of [connection.in, connection.out]) {
        for (const channel of half?.channels ?? []) {
          clearTimeout(this.#refusals.get(channel));
          this.#refusals.delete(channel);
        }
      }
      this.#logEnd(session, end);
    },
  };

  #logEnd(session: Session, end: SessionEnd): void {
    const { counters, log, now } = this.#surroundings;
    const { connection } = session;
    const { bytes, silentSeconds } = connection;
    const line = {
      event: 'session.ended',
      ...describeSession(session),
      ...end,
      opened: connection.wasOpened,
      seconds: Math.round(now() - connection.createdAt) / 1000,
      bytesIn: bytes.in,
      bytesOut: bytes.out,
      silentIn: silentSeconds.in,
      silentOut: silentSeconds.out,
      client: connection.clientState,
    };
    counters.count('sessions_ended', end.reason);
    if (end.reason === 'internal-error') log.error(line, 'session ended by a fault of the proxy');
    else log.info(line, 'session ended');
  }

  /**
   * One uniform refusal, after one uniform time, whatever the cause (identity.md).
   * @param session of the channel, if it has one: it ends when the last of its channels was answered.
   */
  #refuseLater(channel: AnyChannel, why: string, session?: Session): void {
    if (this.#refusals.has(channel)) return;
    const { counters, log, now, random } = this.#surroundings;
    const incident = newIncident(random);
    counters.count('channels_refused');
    log.warn({ event: 'channel.refused', incident, ...describe(channel), why }, 'channel refused');
    const wait = Math.max(0, channel.pairedAt + this.#options.connectTimeout - now());
    this.#refusals.set(
      channel,
      setTimeout(() => {
        this.#refusals.delete(channel);
        channel.refuse(incident);
        if (this.#alone.delete(channel)) counters.count('channels_ended_alone', 'refused');
        const { in: inHalf, out } = session?.connection ?? {};
        const others: AnyChannel[] = [...(inHalf?.channels ?? []), ...(out?.channels ?? [])];
        const answered = others.every((other) => !this.#refusals.has(other));
        if (answered) session?.connection.end({ reason: 'refused', party: 'proxy', detail: why });
      }, wait),
    );
  }

  #tick(): void {
    const now = this.#surroundings.now();
    for (const connection of this.#byConnection.keys()) connection.tick();
    for (const channel of this.#alone) {
      if (now - channel.createdAt > this.#options.pairTimeout) {
        channel.end({ reason: 'setup-timeout', party: 'client', detail: 'no CONN/A1 or CONN/B1 in time' });
      }
    }
  }
}

/** Why a channel may not join a session; undefined when it may. */
function mismatchOf(session: Session, { purpose }: AnyChannel): string | undefined {
  if (session.account !== purpose.account.name) return 'its session belongs to another account';
  if (session.server !== normaliseServerName(purpose.target.server) || session.port !== purpose.target.port) {
    return 'its session goes to another server';
  }
  const { decision } = purpose;
  if (session.protocol !== (decision.allowed ? decision.protocol : undefined)) {
    return 'the rules have changed since its session began';
  }
  return undefined;
}

/** Why a channel that is no successor of the one that is here may not join; undefined when there is none. */
function occupied(session: Session, { kind }: AnyChannel): string | undefined {
  return session.connection[kind] === undefined
    ? undefined
    : `its session has an ${kind.toUpperCase()} channel already`;
}

function describe({ kind, purpose }: AnyChannel): Record<string, unknown> {
  const { account, origin, target } = purpose;
  return { channel: kind, account: account.name, ...origin, server: target.server, port: target.port };
}

function describeSession(session: Session | undefined): Record<string, unknown> {
  if (session === undefined) return {};
  const { id, account, origin, server, port } = session;
  return { session: id, account, ...origin, server, port };
}
