import { lookup } from 'node:dns';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import { RpchError } from '../errors.ts';

/** Silence after which TCP asks the proxy for a sign of life, ms; Node then asks each second and gives up after ten. */
export const CLIENT_TCP_KEEPALIVE = 30_000;
/** Addresses of one name that are tried. */
const MAX_ADDRESSES = 8;

/** Where an RPC Proxy accepts. */
export interface ProxyAddress {
  /** A host name, or an IP address without brackets. */
  readonly host: string;
  readonly port: number;
}

/** TLS to the proxy; `ca` in PEM, `insecure` checks nothing. */
export interface ClientTls {
  readonly ca?: string;
  readonly insecure?: boolean;
}

/** What dialling passes, in order. */
export type DialHop = 'DNS' | 'TCP' | 'TLS';

/** TLS to the proxy, made ready: the certificates are read once for all channels. */
export interface TlsSetting {
  readonly context: SecureContext;
  readonly insecure: boolean;
}

/** Makes TLS ready. Throws RpchError `RPCH_TLS` (configuration) for a `ca` that is no certificate. */
export function tlsSetting({ ca, insecure }: ClientTls): TlsSetting {
  try {
    return { context: createSecureContext(ca === undefined ? {} : { ca }), insecure: insecure === true };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new RpchError('RPCH_TLS', 'configuration', `the certificate authority cannot be used: ${why}`, { cause });
  }
}

export interface DialOptions {
  /** Undefined: plain http. */
  readonly tls: TlsSetting | undefined;
  /** Time for name, TCP and TLS together, ms. */
  readonly timeout: number;
  readonly onHop: ((hop: DialHop) => void) | undefined;
}

/**
 * Opens TCP, and TLS, to a proxy: asks for the name anew, and tries its addresses in order, each for its share of the time.
 * `done` is called once, never from within the constructor, and not after {@link cancel}: with a connected and paused socket
 * to which nobody listens, or with an RpchError `RPCH_CONNECT`.
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
    const { timeout } = options;
    this.#timer = setTimeout(() => this.#fail(`no answer within ${timeout / 1000} s`), timeout);
    lookup(proxy.host, { all: true }, (error, found) => {
      if (this.#over) return;
      if (error !== null) {
        this.#fail(error.message, error);
        return;
      }
      options.onHop?.('DNS');
      this.#addresses = found.slice(0, MAX_ADDRESSES).map(({ address }) => address);
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
      port: this.#proxy.port,
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
    this.#options.onHop?.('TCP');
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
      this.#options.onHop?.('TLS');
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
    if (this.#over) return;
    this.cancel();
    this.#done(new RpchError('RPCH_CONNECT', 'network', why, { cause }));
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
