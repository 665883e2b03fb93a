import type { HttpCredentials } from './http-credentials.ts';

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
  /** This client's own certificate, with its chain, and private key, PEM. */
  readonly certificate?: { readonly cert: string; readonly key: string; readonly passphrase?: string };
}

/** An HTTP proxy on the client's own network, reached by plain TCP. */
export interface HttpProxySetting extends ProxyAddress {
  /** For the HTTP proxy's own login. */
  readonly credentials?: HttpCredentials;
}
