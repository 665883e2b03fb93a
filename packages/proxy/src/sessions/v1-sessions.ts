import { type HttpHead, MixedSession, type MixedSessionEnd, type RpcHttpConnection, TICK } from '@rpch/rpc/internal';
import { chooseEndpoint } from '../access/choose-endpoint.ts';
import type { Origin } from '../access/origin.ts';
import type { AccessDecision } from '../access/policy.ts';
import type { Target } from '../access/target.ts';
import { dial } from './backend.ts';
import { Deadline } from './deadline.ts';
import { newIncident, rawRefusal } from './responses.ts';
import type { SessionsSurroundings } from './sessions.ts';

export interface V1SessionsOptions {
  /** How long dialling, and then the server's banner, may take; refusals are answered after exactly this time, ms. */
  readonly connectTimeout: number;
  readonly stallTimeout: number;
}

/** An RPC connect request. Nobody has logged in: version 1 knows no credentials. */
export interface V1Request {
  readonly connection: RpcHttpConnection;
  readonly head: HttpHead;
  readonly origin: Origin;
  readonly target: Target;
  readonly decision: AccessDecision;
}

interface V1Session {
  readonly request: V1Request;
  readonly id: string;
  readonly begunAt: number;
  readonly deadline: Deadline;
  refusal: NodeJS.Timeout | undefined;
}

/** All sessions of version 1 of this process (RPC_CONNECT, [MS-RPCH] 3.1.2): dials servers, refuses uniformly, keeps the log. */
export class V1Sessions {
  readonly #options: V1SessionsOptions;
  readonly #surroundings: SessionsSurroundings;
  readonly #sessions = new Map<MixedSession, V1Session>();
  readonly #ticker: NodeJS.Timeout;

  constructor(options: V1SessionsOptions, surroundings: SessionsSurroundings) {
    this.#options = options;
    this.#surroundings = surroundings;
    this.#ticker = setInterval(() => {
      const now = surroundings.now();
      for (const session of this.#sessions.keys()) session.tick(now);
    }, TICK / 2);
    this.#ticker.unref();
  }

  /** Sessions that are not over. */
  get size(): number {
    return this.#sessions.size;
  }

  open(request: V1Request): void {
    const { connectTimeout, stallTimeout } = this.#options;
    const { decision } = request;
    const session = new MixedSession(
      request.connection,
      {
        banner: decision.allowed && decision.protocol === 'ncacn_http',
        setupTimeout: connectTimeout,
        stallTimeout,
      },
      {
        opened: () => this.#surroundings.counters.count('v1_sessions_opened'),
        ended: (end) => this.#ended(session, end),
      },
    );
    const entry: V1Session = {
      request,
      id: newIncident(this.#surroundings.random),
      begunAt: this.#surroundings.now(),
      deadline: new Deadline(connectTimeout),
      refusal: undefined,
    };
    this.#sessions.set(session, entry);
    session.start();
    if (!decision.allowed) this.#refuseLater(session, entry, decision.why);
    else void this.#dial(session, entry);
  }

  endAll(): void {
    clearInterval(this.#ticker);
    for (const [session, entry] of this.#sessions) {
      this.#forget(session, entry);
      session.end();
    }
  }

  async #dial(session: MixedSession, entry: V1Session): Promise<void> {
    const { decision } = entry.request;
    if (!decision.allowed) return;
    const cookie = this.#surroundings.random(16);
    const endpoint = chooseEndpoint(decision.endpoints, cookie);
    const dialled = await dial(endpoint, decision.rule, this.#surroundings.lookup, entry.deadline);
    entry.deadline.lift();
    if (dialled.kind === 'connected') session.connected(dialled.socket);
    else this.#refuseLater(session, entry, dialled.why);
  }

  #ended(session: MixedSession, end: MixedSessionEnd): void {
    const entry = this.#sessions.get(session);
    if (entry === undefined) return;
    const detail = 'detail' in end ? end.detail : 'error' in end ? `${end.error.code}: ${end.error.message}` : end.kind;
    if (!session.responded && end.kind !== 'client-closed' && end.kind !== 'client-failed') {
      this.#refuseLater(session, entry, detail);
      return;
    }
    this.#forget(session, entry);
    session.end();
    const { counters, log, now } = this.#surroundings;
    const line = {
      event: 'session.ended',
      version: 1,
      ...describe(entry),
      reason: end.kind === 'error' ? 'protocol-error' : end.kind,
      detail,
      opened: session.responded,
      seconds: Math.round(now() - entry.begunAt) / 1000,
      bytesIn: session.bytesIn,
      bytesOut: session.bytesOut,
    };
    counters.count('v1_sessions_ended', line.reason);
    log.info(line, 'session of version 1 ended');
  }

  /** The one uniform refusal, after the one uniform time (identity.md says why). */
  #refuseLater(session: MixedSession, entry: V1Session, why: string): void {
    if (entry.refusal !== undefined || !this.#sessions.has(session)) return;
    const { counters, log, now, random } = this.#surroundings;
    const incident = newIncident(random);
    counters.count('channels_refused');
    log.warn({ event: 'channel.refused', incident, channel: 'v1', ...describe(entry), why }, 'channel refused');
    const wait = Math.max(0, entry.begunAt + this.#options.connectTimeout - now());
    entry.refusal = setTimeout(() => {
      this.#forget(session, entry);
      session.refuse(rawRefusal(incident));
    }, wait);
  }

  #forget(session: MixedSession, entry: V1Session): void {
    clearTimeout(entry.refusal);
    entry.deadline.pass();
    this.#sessions.delete(session);
  }
}

function describe({ id, request }: V1Session): Record<string, unknown> {
  return { session: id, ...request.origin, server: request.target.server, port: request.target.port };
}
