import { randomBytes } from 'node:crypto';
import {
  connectRefusal,
  connectTargetOf,
  type HttpHead,
  type HttpReply,
  ProtocolError,
  type RpcHttpConnection,
  type RpcHttpHandler,
} from '@rpch/rpc/internal';
import type { Origin } from '../access/origin.ts';
import type { AccessPolicy } from '../access/policy.ts';
import { parseTarget, type Target } from '../access/target.ts';
import type { Counters } from '../counters.ts';
import type { Log } from '../log.ts';
import { ECHO_REPLY, newIncident, refusal } from '../sessions/responses.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { V1Sessions } from '../sessions/v1-sessions.ts';
import type { Admitted } from './connections.ts';
import type { Locate } from './forwarded-for.ts';
import type { HttpAuthentication } from './http-authentication.ts';
import { isRpcProxyPath } from './paths.ts';

/** A Content-Length up to this makes an RPC_IN_DATA or RPC_OUT_DATA an echo request ([MS-RPCH] 2.1.2.1.5), bytes. */
const ECHO_LIMIT = 0x10;
const KINDS: ReadonlyMap<string, 'in' | 'out'> = new Map([
  ['RPC_IN_DATA', 'in'],
  ['RPC_OUT_DATA', 'out'],
]);

/** For requests from an address that has too many connections. */
const OVERLOADED: HttpReply = { statusLine: 'HTTP/1.1 503 Service Unavailable', close: true };

export interface RpcRequestsOptions {
  readonly admitted: Admitted;
  readonly locate: Locate;
  readonly authentication: HttpAuthentication;
  readonly policy: () => AccessPolicy;
  readonly sessions: Sessions;
  /** Where version 1 is allowed on this listener. */
  readonly v1Sessions: V1Sessions | undefined;
  readonly log: Log;
  readonly counters: Counters;
}

/** The requests of one connection, until one becomes a channel: path, method, account, echo, target, access rules. */
export class RpcRequests implements RpcHttpHandler {
  readonly #options: RpcRequestsOptions;

  constructor(options: RpcRequestsOptions) {
    this.#options = options;
  }

  request(connection: RpcHttpConnection, head: HttpHead): void {
    this.#handle(connection, head).catch((error: unknown) => {
      const { log, admitted } = this.#options;
      log.error({ event: 'request.failed', ...admitted.origin, error: String(error) }, 'a fault of the proxy');
      connection.reply({ statusLine: 'HTTP/1.1 500 Internal Server Error', close: true });
    });
  }

  closed(_connection: RpcHttpConnection, why: string): void {
    const { log, admitted } = this.#options;
    log.debug({ event: 'connection.closed', ...admitted.origin, why }, 'connection closed');
  }

  async #handle(connection: RpcHttpConnection, head: HttpHead): Promise<void> {
    const { admitted, authentication, counters, locate, sessions } = this.#options;
    const kind = KINDS.get(head.method);
    const isV1 = head.method === 'RPC_CONNECT';
    counters.count('requests', kind === undefined && !isV1 ? 'other' : head.method);
    const origin = locate(head.fields('x-forwarded-for'));
    if (origin === undefined) {
      connection.reply(OVERLOADED);
      return;
    }
    const question = head.target.indexOf('?');
    const path = question < 0 ? head.target : head.target.slice(0, question);
    if (isV1 && this.#options.v1Sessions !== undefined) {
      this.#openV1(this.#options.v1Sessions, connection, head, origin);
      return;
    }
    if (!isRpcProxyPath(path)) {
      connection.reply({ statusLine: 'HTTP/1.1 404 Not Found' });
      return;
    }
    if (kind === undefined) {
      connection.reply({
        statusLine: 'HTTP/1.1 405 Method Not Allowed',
        fields: [['Allow', 'GET, HEAD, RPC_IN_DATA, RPC_OUT_DATA']],
      });
      return;
    }
    admitted.checking();
    const result = await authentication.check(head.field('authorization'), origin);
    if (!connection.active) return;
    if (result.kind === 'challenge') {
      admitted.idle();
      connection.reply({
        statusLine: 'HTTP/1.1 401 Unauthorized',
        fields: result.challenges.map((challenge) => ['WWW-Authenticate', challenge] as const),
      });
      return;
    }
    if (result.kind === 'undecided') {
      const incident = newIncident(randomBytes);
      this.#options.log.warn({ event: 'request.undecided', incident, ...origin }, 'login undecided');
      connection.reply(refusal(incident));
      return;
    }
    admitted.authenticated();
    if (head.contentLength <= ECHO_LIMIT) {
      connection.reply(ECHO_REPLY);
      return;
    }
    const target = this.#target(connection, question < 0 ? '' : head.target.slice(question + 1));
    if (target === undefined) return;
    const { account } = result;
    const decision = this.#options.policy().check({ ...target, account });
    sessions.open(kind, { connection, head, purpose: { account, origin, target, decision } });
  }

  /**
   * Version 1: no credentials, any path, and a body without length, which begins at once ([MS-RPCH] 2.1.1.1.1, 3.1.2.3). Rules
   * that name accounts or groups are not for it.
   */
  #openV1(v1Sessions: V1Sessions, connection: RpcHttpConnection, head: HttpHead, origin: Origin): void {
    const { admitted, policy } = this.#options;
    const why = connectRefusal(head.field);
    if (why !== undefined) {
      this.#malformed(connection, why);
      return;
    }
    const target = this.#target(connection, connectTargetOf(head.target) ?? '');
    if (target === undefined) return;
    const decision = policy().check({ ...target, account: undefined });
    admitted.authenticated();
    v1Sessions.open({ connection, head, origin, target, decision });
  }

  #target(connection: RpcHttpConnection, query: string): Target | undefined {
    try {
      return parseTarget(query);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#malformed(connection, error.message);
      return undefined;
    }
  }

  #malformed(connection: RpcHttpConnection, why: string): void {
    const { log, admitted } = this.#options;
    log.info({ event: 'request.malformed', ...admitted.origin, why }, 'malformed request');
    connection.reply({ statusLine: 'HTTP/1.1 400 Bad Request', close: true });
  }
}
