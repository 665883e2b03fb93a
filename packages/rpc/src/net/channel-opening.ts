import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { ProtocolError } from '../errors.ts';
import { tlsServerEndPoint } from './channel-bindings.ts';
import { type DrainedResponse, ResponseDrain } from './drained-response.ts';
import { type ChannelRequestOptions, channelRequestHead, isAbsoluteForm } from './http-client-request.ts';
import { type HttpCredentials, isLoopback } from './http-credentials.ts';
import { closesInLogin, HttpLogin } from './http-login.ts';
import type { HttpResponseHead } from './http-response.ts';
import { type ChannelKind, HttpStatusError, hopOf } from './http-status-error.ts';
import { peerCertificate } from './peer-certificate.ts';
import type { ProxyAddress } from './proxy-address.ts';

/** What the opening of a channel does to its surroundings. None of these is called after `cancel`. */
export interface ChannelOpeningEvents {
  /** To be sent at once. */
  send(bytes: Uint8Array): void;
  /** The RPC Proxy has answered a leg: everything up to it works. */
  challenged(head: HttpResponseHead): void;
  /**
   * `head` is that of the request proper: the channel's bytes may follow it; `scheme` is that of the login to the RPC Proxy.
   * Nothing follows.
   */
  opened(head: Uint8Array, scheme: string | undefined): void;
  /** The RPC Proxy has said which schemes it takes, and closes: the login is to begin with `scheme` on another connection. Nothing follows. */
  again(scheme: 'basic' | 'ntlm'): void;
  /** Nothing follows. */
  failed(error: unknown): void;
}

export interface ChannelOpeningOptions {
  readonly kind: ChannelKind;
  readonly contentLength: number;
  readonly proxy: ProxyAddress;
  readonly request: ChannelRequestOptions;
}

/** Both of them, whether or not there is anything to do. */
interface Logins {
  readonly rpcProxy: HttpLogin;
  readonly httpProxy: HttpLogin;
}

/** Whether a channel's request cannot be sent before a login has been thought about. */
export function needsLogin(options: ChannelRequestOptions): boolean {
  return options.credentials !== undefined || (isAbsoluteForm(options) && options.httpProxy?.credentials !== undefined);
}

/**
 * What stands before a channel's request on its connection: the legs of the login to the RPC Proxy, and, where requests go in
 * absolute form, of that to the HTTP proxy, which may take turns. Every leg but the last has Content-Length 0 and no body, so
 * that the proxy has nothing to wait for or to drop; the last is the channel's request, with its real Content-Length. Whether
 * that is refused is for its response to tell.
 *
 * A leg without a body is an echo request once the proxy asks for nothing more ([MS-RPCH] 2.1.2.1.5): its answer, 200 and an
 * Echo PDU of 20 bytes, says that the request proper may go.
 */
export class ChannelOpening {
  readonly #options: ChannelOpeningOptions;
  readonly #events: ChannelOpeningEvents;
  #logins: Logins | undefined;
  #drain: ResponseDrain | undefined;
  #over = false;

  constructor(socket: Socket, options: ChannelOpeningOptions, events: ChannelOpeningEvents) {
    this.#options = options;
    this.#events = events;
    this.#guard(this.#begin(socket));
  }

  /** Nothing is reported any more. */
  cancel(): void {
    this.#over = true;
  }

  /** Bytes came in. Throws ProtocolError. */
  received(chunk: Uint8Array): void {
    const response = this.#drain?.push(chunk);
    if (this.#drain === undefined || (response !== undefined && response.rest.length > 0)) {
      throw new ProtocolError('RPCH_HTTP_BODY', 'more than one answer to one request', 'RFC 9112 6.3');
    }
    if (response === undefined) return;
    this.#drain = undefined;
    this.#guard(this.#answered(response));
  }

  async #begin(socket: Socket): Promise<void> {
    const { request, proxy } = this.#options;
    const secure = socket instanceof TLSSocket;
    const certificate = secure ? peerCertificate(socket) : undefined;
    const local = isLoopback(socket.remoteAddress ?? '');
    const toHttpProxy = isAbsoluteForm(request);
    const login = (hop: 'RPC Proxy' | 'HTTP proxy', credentials: HttpCredentials | undefined): Promise<HttpLogin> =>
      HttpLogin.begin({
        hop,
        credentials,
        private: secure || (local && (hop === 'HTTP proxy' || !toHttpProxy || isLoopback(proxy.host))),
        channelBindings: certificate && tlsServerEndPoint(certificate.raw),
      });
    this.#logins = {
      rpcProxy: await login('RPC Proxy', request.credentials),
      httpProxy: await login('HTTP proxy', toHttpProxy ? request.httpProxy?.credentials : undefined),
    };
    this.#next(this.#logins);
  }

  #next({ rpcProxy, httpProxy }: Logins): void {
    if (this.#over) return;
    const { kind, contentLength, proxy, request } = this.#options;
    const last = rpcProxy.last && httpProxy.last;
    const head = channelRequestHead(
      {
        kind,
        contentLength: last ? contentLength : 0,
        authorization: rpcProxy.field ?? request.authorization,
        proxyAuthorization: httpProxy.field,
      },
      proxy,
      request,
    );
    if (last) {
      this.#over = true;
      this.#events.opened(head, rpcProxy.scheme);
      return;
    }
    this.#drain = new ResponseDrain(false);
    this.#events.send(head);
  }

  async #answered({ head, reusable }: DrainedResponse): Promise<void> {
    const logins = this.#logins;
    if (logins === undefined) return;
    const { kind, request } = this.#options;
    const hop = hopOf(head, isAbsoluteForm(request));
    const login = hop === 'HTTP proxy' ? logins.httpProxy : logins.rpcProxy;
    if (login === logins.rpcProxy) {
      logins.httpProxy.accepted();
      if (hop === 'RPC Proxy' && !this.#over) this.#events.challenged(head);
    }
    if (head.status >= 200 && head.status <= 299) login.accepted();
    else if ((head.status !== 401 && head.status !== 407) || !(await login.refused(head))) {
      throw new HttpStatusError(head, kind, hop);
    }
    if (reusable) this.#next(logins);
    else this.#closing(login, hop === 'HTTP proxy' ? 'HTTP proxy' : 'RPC Proxy');
  }

  #closing({ begins, scheme }: HttpLogin, hop: 'HTTP proxy' | 'RPC Proxy'): void {
    if (hop === 'HTTP proxy' || !begins || scheme === undefined) throw closesInLogin(hop);
    if (this.#over) return;
    this.#over = true;
    this.#events.again(scheme);
  }

  #guard(work: Promise<void>): void {
    work.catch((error: unknown) => {
      if (this.#over) return;
      this.#over = true;
      this.#events.failed(error);
    });
  }
}
