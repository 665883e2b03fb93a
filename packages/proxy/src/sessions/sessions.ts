import { TICK } from '@rpch/rpc/internal';
import type { Lookup } from '../access/resolve.ts';
import { normaliseServerName } from '../access/target.ts';
import type { Counters } from '../counters.ts';
import type { Log } from '../log.ts';
import { dial } from './backend.ts';
import type { Channel, ChannelOwner, ChannelPurpose, ChannelRequest } from './channel.ts';
import { Deadline } from './deadline.ts';
import { InChannel } from './in-channel.ts';
import { OutChannel } from './out-channel.ts';
import { newIncident } from './responses.ts';
import type { SessionEnd } from './session-end.ts';
import { VirtualConnection } from './virtual-connection.ts';

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

/** Window between the proxy roles and the server role of one session, all in this process, bytes. */
const INNER_WINDOW = 128 * 1024;

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
  readonly address: string;
  /** While dialling. */
  dialling: Deadline | undefined;
  /** Why it cannot be opened; its channels are refused when their time comes. */
  refused: string | undefined;
}

/** All sessions of this process: pairs channels, dials servers, refuses uniformly, and ends what has ended. */
export class Sessions implements ChannelOwner {
  readonly #options: SessionsOptions;
  readonly #surroundings: SessionsSurroundings;
  readonly #byCookie = new Map<string, Session>();
  readonly #byConnection = new Map<VirtualConnection, Session>();
  readonly #perAccount = new Map<string, number>();
  /** Channels without a virtual connection: their first PDU is to come, or their refusal. */
  readonly #alone = new Set<Channel>();
  readonly #refusals = new Map<Channel, NodeJS.Timeout>();
  readonly #ticker: NodeJS.Timeout;
  /** Session ids must not repeat after a restart, where one log goes on. */
  readonly #idPrefix: string;
  #sessionsBegun = 0;

  constructor(options: SessionsOptions, surroundings: SessionsSurroundings) {
    this.#options = options;
    this.#surroundings = surroundings;
    this.#idPrefix = newIncident(surroundings.random).slice(0, 6);
    this.#ticker = setInterval(() => this.#tick(), LOOK);
    this.#ticker.unref();
  }

  /** Sessions and channels that are not over. */
  get size(): number {
    return this.#byConnection.size + this.#alone.size;
  }

  /** Turns an authenticated RPC_IN_DATA or RPC_OUT_DATA request into a channel. */
  open(kind: 'in' | 'out', request: ChannelRequest): void {
    const now = this.#surroundings.now();
    const channel =
      kind === 'in'
        ? new InChannel(request, this, now, this.#options)
        : new OutChannel(request, this, now, this.#options);
    this.#alone.add(channel);
    channel.leg.start();
  }

  pair(channel: Channel, virtualConnectionCookie: Uint8Array): void {
    const { purpose } = channel;
    channel.pairedAt = this.#surroundings.now();
    const key = Buffer.from(virtualConnectionCookie).toString('latin1');
    const session = this.#byCookie.get(key) ?? this.#begin(key, channel);
    if (session === undefined) return;
    const mismatch = mismatchOf(session, channel);
    if (mismatch !== undefined) {
      this.#refuseLater(channel, mismatch);
      return;
    }
    this.#alone.delete(channel);
    session.connection.attach(channel as InChannel | OutChannel);
    // What no rule allows becomes a session too, refused from the start: nothing that a client can do to its channels while
    // it waits for the answer tells it from a server that is not there.
    const refused = session.refused ?? (purpose.decision.allowed ? undefined : purpose.decision.why);
    if (refused !== undefined) this.#refuseLater(channel, refused, session);
  }

  ended(channel: Channel, end: SessionEnd): void {
    if (!this.#alone.delete(channel)) return;
    clearTimeout(this.#refusals.get(channel));
    this.#refusals.delete(channel);
    channel.close();
    this.#surroundings.counters.count('channels_ended_alone', end.reason);
    this.#surroundings.log.info(
      { event: 'channel.ended', ...describe(channel), ...end },
      'channel ended before it belonged to a session',
    );
  }

  /** Ends every session: after draining, or at once. */
  endAll(end: SessionEnd): void {
    for (const { connection } of this.#byConnection.values()) connection.end(end);
    for (const channel of this.#alone) channel.end(end);
    clearInterval(this.#ticker);
  }

  #begin(key: string, channel: Channel): Session | undefined {
    const { purpose } = channel;
    const { account } = purpose;
    const open = this.#perAccount.get(account.name) ?? 0;
    if (open >= this.#options.virtualConnectionsPerAccount) {
      this.#refuseLater(channel, `account has ${open} virtual connections, the most that it may have`);
      return undefined;
    }
    const connection = new VirtualConnection(
      { ...this.#options, innerWindow: INNER_WINDOW },
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
      address: purpose.address,
      dialling: undefined,
      refused: undefined,
    };
    this.#byCookie.set(key, session);
    this.#byConnection.set(connection, session);
    this.#perAccount.set(account.name, open + 1);
    this.#dial(session, purpose).catch((error: unknown) => {
      connection.end({ reason: 'internal-error', party: 'proxy', detail: String(error) });
    });
    return session;
  }

  async #dial(session: Session, purpose: ChannelPurpose): Promise<void> {
    if (!purpose.decision.allowed) return;
    const { rule, connect } = purpose.decision;
    const deadline = new Deadline(this.#options.connectTimeout);
    session.dialling = deadline;
    const dialled = await dial(connect, rule, this.#surroundings.lookup, deadline);
    deadline.lift();
    session.dialling = undefined;
    // Nobody is left to be refused where the client gave up meanwhile.
    if (dialled.kind === 'failed' && !this.#byConnection.has(session.connection)) return;
    if (dialled.kind === 'connected') {
      session.connection.connected(dialled.socket);
      return;
    }
    session.refused = dialled.why;
    const { in: inChannel, out } = session.connection;
    for (const channel of [inChannel, out]) if (channel !== undefined) this.#refuseLater(channel, dialled.why, session);
  }

  readonly #events = {
    opened: (connection: VirtualConnection): void => {
      const { counters, log } = this.#surroundings;
      const session = this.#byConnection.get(connection);
      counters.count('sessions_opened');
      log.debug({ event: 'session.opened', ...describeSession(session) }, 'session opened');
    },
    ended: (connection: VirtualConnection, end: SessionEnd): void => {
      const session = this.#byConnection.get(connection);
      if (session === undefined) return;
      session.dialling?.pass();
      this.#byConnection.delete(connection);
      this.#byCookie.delete(session.key);
      const left = (this.#perAccount.get(session.account) ?? 1) - 1;
      if (left === 0) this.#perAccount.delete(session.account);
      else this.#perAccount.set(session.account, left);
      for (const channel of [connection.in, connection.out]) {
        if (channel === undefined) continue;
        clearTimeout(this.#refusals.get(channel));
        this.#refusals.delete(channel);
      }
      this.#logEnd(session, end);
    },
  };

  #logEnd(session: Session, end: SessionEnd): void {
    const { counters, log, now } = this.#surroundings;
    const { connection } = session;
    const line = {
      event: 'session.ended',
      ...describeSession(session),
      ...end,
      opened: connection.wasOpened,
      seconds: Math.round(now() - connection.createdAt) / 1000,
      bytesIn: connection.in?.role.bytesReceived ?? 0,
      bytesOut: connection.out?.role.bytesReceived ?? 0,
      client: connection.in?.conduct.state ?? connection.out?.conduct.state,
    };
    counters.count('sessions_ended', end.reason);
    if (end.reason === 'internal-error') log.error(line, 'session ended by a fault of the proxy');
    else log.info(line, 'session ended');
  }

  /**
   * One uniform refusal, after one uniform time, whatever the cause (identity.md).
   * @param session of the channel, if it has one: it ends when the last of its channels was answered.
   */
  #refuseLater(channel: Channel, why: string, session?: Session): void {
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
        const { in: inChannel, out } = session?.connection ?? {};
        const answered = [inChannel, out].every((other) => other === undefined || !this.#refusals.has(other));
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
function mismatchOf(session: Session, { kind, purpose }: Channel): string | undefined {
  if (session.connection[kind] !== undefined) return `its session has an ${kind.toUpperCase()} channel already`;
  if (session.account !== purpose.account.name) return 'its session belongs to another account';
  if (session.server !== normaliseServerName(purpose.target.server) || session.port !== purpose.target.port) {
    return 'its session goes to another server';
  }
  return undefined;
}

function describe({ kind, purpose }: Channel): Record<string, unknown> {
  const { account, address, target } = purpose;
  return { channel: kind, account: account.name, address, server: target.server, port: target.port };
}

function describeSession(session: Session | undefined): Record<string, unknown> {
  if (session === undefined) return {};
  const { id, account, address, server, port } = session;
  return { session: id, account, address, server, port };
}
