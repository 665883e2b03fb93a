import type { RpchError } from '../errors.ts';

/** Who is at the other end of a connection, as far as its transport can know. */
export interface RuntimePeer {
  /** Plain TCP (`ncacn_ip_tcp`), or one of the dialects of `ncacn_http`. */
  readonly transport: 'tcp' | 'http-v1' | 'http-v2';
  /**
   * The address of the TCP connection, empty for a Unix socket. Over `ncacn_http` that is a proxy (of version 2: the inbound
   * one), or whoever speaks to the port directly.
   */
  readonly address: string;
  /** The same for logs, with its port. */
  readonly label: string;
  /**
   * What CONN/B2 calls the client's address: a hint for logs, which anyone can have written, and never a proof ([MS-RPCH]
   * 2.2.4.6).
   */
  readonly clientAddressHint: string | undefined;
  /** Of CONN/B2: the same for all virtual connections of one association of a client ([MS-RPCH] 2.2.3.5.13). A secret. */
  readonly associationGroupId: Uint8Array | undefined;
}

/**
 * One connection of a client, as the run-time behind it sees it. None of these calls back into the run-time before it
 * returns, but for {@link EndpointRuntime.blocked}.
 */
export interface RuntimeConnection {
  /**
   * Sends `count` whole RPC PDUs that fill `run`. Their bytes must not change afterwards. They go out at the end of the turn
   * of the event loop; views of a buffer that is read into again need a {@link flush} before that happens.
   */
  send(run: Uint8Array, count: number): void;
  /** Sends what this turn wrote, now. */
  flush(): void;
  /**
   * Back-pressure to the client: it is to send no more for now (over version 2 its window is not renewed, otherwise it is
   * not read). What is under way still arrives, up to {@link MAX_IN_FLIGHT} bytes.
   */
  pause(paused: boolean): void;
  /** Ends the connection: what was sent still goes out. `why` is for the log; without one it was no failure. */
  end(why?: RpchError): void;
}

/** What an endpoint may give to a run-time that has asked it to pause, bytes. */
export const MAX_IN_FLIGHT = 256 * 1024;

/**
 * What stands behind one connection of an RPC server's endpoint: a run-time of this process, or a connection to another
 * server. An error thrown by a method ends the connection; what is a ProtocolError is taken for the client's fault.
 */
export interface EndpointRuntime {
  /** Takes `count` whole RPC PDUs that fill `run`: a view that is valid until the call returns. */
  receive(run: Uint8Array, count: number): void;
  /** Back-pressure from the client: it takes no more for now, or takes it again. What is sent all the same is kept. */
  blocked(blocked: boolean): void;
  /** The turn in which `receive` was called is over: what was written on views of its PDUs must be sent now. */
  flush(): void;
  /** Time goes on, once a second or so: `now` in ms on any steady clock. */
  tick(now: number): void;
  /** The connection is over, called once; nothing of it is heard any more. */
  close(): void;
}

/** Makes the run-time of each connection: of version 2 when the virtual connection is open, otherwise with the first PDU. */
export interface RuntimeFactory {
  open(peer: RuntimePeer, connection: RuntimeConnection): EndpointRuntime;
}
