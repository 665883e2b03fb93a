import type { X509Certificate } from 'node:crypto';
import type { BindFound } from '../dcerpc/client-handshake.ts';
import type { HttpResponseHead } from './http-response.ts';

/** TLS as it was agreed on. */
export interface TlsFound {
  /** For instance `TLSv1.3`. */
  readonly version: string;
  readonly cipher: string;
  readonly certificate: X509Certificate | undefined;
  /** Undefined where the certificate was checked and is good; else why it is not, which `insecure` passes over. */
  readonly distrust: string | undefined;
}

/** What was found at a hop, for people who look for a fault; which of these is there depends on the hop. */
export interface HopFound extends BindFound {
  /** DNS, and the hop of an HTTP proxy: the name. */
  readonly name?: string;
  /** DNS: in the order in which they are tried. */
  readonly addresses?: readonly string[];
  /** TCP: the address that accepted. */
  readonly address?: string;
  /** TCP, and the hop of an HTTP proxy. */
  readonly port?: number;
  readonly tls?: TlsFound;
  /** HTTP: the first answer of the RPC Proxy, which may ask for a login; proxy: that to the OUT channel. */
  readonly head?: HttpResponseHead;
  /** authentication: the scheme of HTTP, lower case. */
  readonly scheme?: string;
}
