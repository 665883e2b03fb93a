import type { RpchError } from '../errors.ts';
import type { OnTransition } from '../rpch/role.ts';
import type { ConnectionCounters } from './connection-counters.ts';
import type { HopFound } from './hop-found.ts';
import type { HttpCredentials } from './http-credentials.ts';
import type { ChannelKind } from './http-status-error.ts';
import type { ClientTls, HttpProxySetting, ProxyAddress } from './proxy-address.ts';

/**
 * The hops that opening passes, in order. 'HTTP proxy' is passed where there is one, after TLS or before it, as its tunnel is
 * needed for TLS or not; 'authentication' where there were credentials and the RPC Proxy did not refuse them.
 */
export type OpeningHop = 'DNS' | 'TCP' | 'HTTP proxy' | 'TLS' | 'HTTP' | 'authentication' | 'proxy' | 'server';

/** Where a virtual connection goes, and how. */
export interface HttpClientOptions {
  /** The RPC Proxy. Its name is asked for anew for each channel. */
  readonly proxy: ProxyAddress;
  /**
   * The proxy for one channel, where not all go to `proxy`: `number` is 1 for the first channel of its kind, 2 for that
   * one's successor, and so on.
   */
  proxyFor?(channel: ChannelKind, number: number): ProxyAddress;
  /** TLS to the proxy. Undefined: plain http. */
  readonly tls?: ClientTls;
  /** The RPC server as the proxy sees it. */
  readonly server: { readonly host: string; readonly port: number };
  /** Value of the Authorization field of every request, sent as it is whatever the connection. */
  readonly authorization?: string;
  /** For the login to the RPC Proxy, on every connection anew; instead of `authorization`. */
  readonly credentials?: HttpCredentials;
  /**
   * The HTTP proxy on the client's own network. With TLS the RPC Proxy is reached through a tunnel; without, the requests go
   * to the HTTP proxy in absolute form.
   */
  readonly httpProxy?: HttpProxySetting;
  readonly random: (length: number) => Uint8Array;
  /** Content-Length of IN channels, bytes, 128 KiB to 2 GiB. Default 1 GiB. */
  readonly channelLifetime?: number;
  /** ReceiveWindowSize for OUT channels, bytes, 8 to 256 KiB. Default 64 KiB. */
  readonly receiveWindow?: number;
  /** Keep-alive towards the server that the inbound proxy is asked for, ms, 60,000 at least. Default 300,000. */
  readonly clientKeepalive?: number;
  /** Bytes not yet sent above which `send` returns false. Default 256 KiB. */
  readonly sendBuffer?: number;
  /** Time for name, TCP, tunnel and TLS of one channel, ms. Default 15,000. */
  readonly connectTimeout?: number;
  /** Time from the beginning to CONN/C2, ms. Default 60,000. */
  readonly openTimeout?: number;
  /** Time for the recycling of a channel, ms. Default 60,000. */
  readonly recyclingTimeout?: number;
  /** Ends the opening, or the connection. */
  readonly signal?: AbortSignal;
  /** A steady clock, ms. Default `performance.now`. */
  readonly now?: () => number;
  /** A hop has been passed, and what was found there. */
  onHop?(hop: OpeningHop, found: HopFound): void;
  /** RPC PDUs from the server; valid during the call. */
  onPdus(run: Uint8Array, count: number): void;
  /** `send` returned false, and half of the send buffer is free again. */
  onDrain?(): void;
  /** The open connection ended, not by `close`. */
  onClosed(error: RpchError): void;
  /** Every transition of the client's state machines: for tests and traces. */
  readonly onTransition?: OnTransition;
}

/** An open virtual connection of RPC over HTTP v2. */
export interface HttpVirtualConnection {
  /**
   * Sends `count` whole RPC PDUs that fill `run`, at the end of this turn where the proxy's window allows. The bytes must not
   * change while they are among the last {@link HttpVirtualConnection.unsent}. False: better wait for `onDrain`. Throws
   * RpchError `RPCH_SEND_OVERFLOW` (caller) where 16 MiB wait already. Nothing happens once the connection is over.
   */
  send(run: Uint8Array, count?: number): boolean;
  /** Bytes that the kernel has not taken yet, RTS PDUs among them. */
  readonly unsent: number;
  /** The server is to send no more than a window's worth, until `resume`. */
  pause(): void;
  resume(): void;
  /** Asks the inbound proxy for another keep-alive interval towards the server, ms ([MS-RPCH] 2.2.4.46). */
  keepAlive(interval: number): void;
  readonly counters: ConnectionCounters;
  close(): void;
}
