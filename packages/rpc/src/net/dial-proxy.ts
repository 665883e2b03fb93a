import { X509Certificate } from 'node:crypto';
import { lookup } from 'node:dns';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import { RpchError } from '../errors.ts';
import type { HopFound, TlsFound } from './hop-found.ts';
import { peerCertificate } from './peer-certificate.ts';
import type { ClientTls, HttpProxySetting, ProxyAddress } from './proxy-address.ts';
import { openTunnel } from './tunnel.ts';

/** Silence after which TCP asks the proxy for a sign of life, ms; Node then asks each second and gives up after ten. */
export const CLIENT_TCP_KEEPALIVE = 30_000;
/** Addresses of one name that are tried. */
const MAX_ADDRESSES = 8;

/** What dialling passes, in order; DNS and TCP are those of the HTTP proxy where there is one. */
export type DialHop = 'DNS' | 'TCP' | 'HTTP proxy' | 'TLS';

/** TLS to the proxy, made ready: the certificates are read once for all channels. */
export interface TlsSetting {
  readonly context: SecureContext;
  readonly insecure: boolean;
}

/** Makes TLS ready. Throws RpchError `RPCH_TLS` (configuration) for certificates or a key that are none. */
export function tlsSetting({ ca, insecure, certificate }: ClientTls): TlsSetting {
  let of = 'certificate authority';
  try {
    const authority = ca === undefined ? {} : { ca: checkedPem(ca) };
    of = "client's certificate";
    return { context: createSecureContext({ ...authority, ...certificate }), insecure: insecure === true };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new RpchError('RPCH_TLS', 'configuration', `the ${of} cannot be used: ${why}`, { cause });
  }
}

/** `createSecureContext` passes over what is no certificate, and trusts nobody then. */
function checkedPem(ca: string): string {
  new X509Certificate(ca);
  return ca;
}

export interface DialOptions {
  /** Undefined: plain http. */
  readonly tls: TlsSetting | undefined;
  /** The connection goes to it; through it, with TLS or `tunnel`. */
  readonly httpProxy?: HttpProxySetting | undefined;
  /** Whether a tunnel is to be had without TLS too: what is sent is no HTTP that an HTTP proxy understands. */
  readonly tunnel?: boolean;
  /** Time for name, TCP, HTTP proxy and TLS together, ms. */
  readonly timeout: number;
  readonly onHop: ((hop: DialHop, found: HopFound) => void) | undefined;
}

/**
 * Opens TCP, and TLS, to a proxy, through an HTTP proxy where there is one: asks for the name anew, and tries its addresses in
 * order, each for its share of the time. `done` is called once, never from within the constructor, and not after
 * {@link cancel}: with a connected and paused socket to which nobody listens, with an RpchError `RPCH_CONNECT`, or with what
 * {@link openTunnel} rejected with.
 */
export class ProxyDial {
  readonly #proxy: ProxyAddress;
  readonly #options: DialOptions;
  readonly #done: (outcome: Socket | RpchError) => void;
  readonly #timer: NodeJS.Timeout;
  #addresses: string[] = [];
  /** Time for one address, ms. */
  #share = 0;
  #shareTimer: NodeJS.Timeout | undefined;
  #tcp: Socket | undefined;
  #tls: TLSSocket | undefined;
  #over = false;

  constructor(proxy: ProxyAddress, options: DialOptions, done: (outcome: Socket | RpchError) => void) {
    this.#proxy = proxy;
    this.#options = options;
    this.#done = done;
    const { timeout, httpProxy } = options;
    this.#timer = setTimeout(() => this.#fail(`no answer within ${timeout / 1000} s`), timeout);
    lookup((httpProxy ?? proxy).host, { all: true }, (error, found) => {
      if (this.#over) return;
      if (error !== null) {
        this.#fail(error.message, error);
        return;
      }
      this.#addresses = found.slice(0, MAX_ADDRESSES).map(({ address }) => address);
      options.onHop?.('DNS', { name: (httpProxy ?? proxy).host, addresses: [...this.#addresses] });
      this.#share = timeout / Math.max(1, this.#addresses.length);
      this.#tryNext('the name has no address');
    });
  }

  /** Gives up: nothing is reported. */
  cancel(): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    this.#drop();
  }

  #tryNext(why: string, cause?: Error): void {
    this.#drop();
    const address = this.#addresses.shift();
    if (address === undefined) {
      this.#fail(why, cause);
      return;
    }
    const tcp = connectTcp({
      host: address,
      port: (this.#options.httpProxy ?? this.#proxy).port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: CLIENT_TCP_KEEPALIVE,
    });
    this.#tcp = tcp;
    tcp.once('error', this.#onError);
    tcp.once('connect', () => this.#connected(tcp));
    if (this.#addresses.length > 0) {
      this.#shareTimer = setTimeout(() => this.#tryNext(`no answer from ${address}`), this.#share);
    }
  }

  #connected(tcp: Socket): void {
    const { tls, httpProxy, tunnel } = this.#options;
    const { port } = httpProxy ?? this.#proxy;
    this.#options.onHop?.('TCP', { address: tcp.remoteAddress ?? '', port });
    if (httpProxy === undefined || (tls === undefined && tunnel !== true)) {
      this.#through(tcp);
      return;
    }
    // Who has accepted is to be asked, not the next address.
    clearTimeout(this.#shareTimer);
    this.#addresses = [];
    openTunnel(tcp, this.#proxy, httpProxy.credentials).then(
      () => {
        if (this.#over) return;
        this.#options.onHop?.('HTTP proxy', { name: httpProxy.host, port });
        this.#through(tcp);
      },
      (error: unknown) => this.#give(error),
    );
  }

  /** TCP leads to the proxy. */
  #through(tcp: Socket): void {
    const { tls } = this.#options;
    if (tls === undefined) {
      this.#succeed(tcp);
      return;
    }
    const { host } = this.#proxy;
    const secure = connectTls({
      socket: tcp,
      // A server name is never an address (RFC 6066 3).
      servername: /^[\d.]+$|:/.test(host) ? '' : host,
      host,
      rejectUnauthorized: !tls.insecure,
      secureContext: tls.context,
    });
    this.#tls = secure;
    tcp.off('error', this.#onError).on('error', () => {}); // What fails there fails on the TLS socket too.
    secure.once('error', this.#onError);
    secure.once('secureConnect', () => {
      this.#options.onHop?.('TLS', { tls: tlsFound(secure) });
      this.#succeed(secure);
    });
  }

  #succeed(socket: Socket): void {
    this.#over = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#shareTimer);
    socket.off('error', this.#onError);
    this.#done(socket);
  }

  #fail(why: string, cause?: Error): void {
    this.#give(new RpchError('RPCH_CONNECT', 'network', why, { cause }));
  }

  #give(error: unknown): void {
    if (this.#over) return;
    this.cancel();
    this.#done(
      error instanceof RpchError ? error : new RpchError('RPCH_CONNECT', 'network', String(error), { cause: error }),
    );
  }

  /** Lets go of the attempt under way; what still becomes of it concerns nobody. */
  #drop(): void {
    clearTimeout(this.#shareTimer);
    for (const socket of [this.#tls, this.#tcp]) {
      if (socket === undefined) continue;
      socket.removeAllListeners('connect').removeAllListeners('secureConnect').off('error', this.#onError);
      socket.on('error', () => {});
      socket.destroy();
    }
    this.#tls = undefined;
    this.#tcp = undefined;
  }

  readonly #onError = (error: Error): void => this.#tryNext(error.message, error);
}

function tlsFound(socket: TLSSocket): TlsFound {
  return {
    version: socket.getProtocol() ?? '',
    cipher: socket.getCipher().name,
    certificate: peerCertificate(socket),
    distrust: socket.authorized ? undefined : String(socket.authorizationError),
  };
}
