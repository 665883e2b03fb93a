import type { RpchError } from '../errors.ts';

/** What carries the PDUs of a client's association: a TCP connection, or a virtual connection of RPC over HTTP. */
export interface PduTransport {
  /**
   * Sends `count` whole PDUs that fill `run`, at the end of this turn. The bytes must not change while they are among the
   * last {@link PduTransport.unsent}. False: better wait for `onDrain`. Throws RpchError `RPCH_SEND_OVERFLOW` (caller) where
   * 16 MiB wait already. Nothing happens once the connection is over.
   */
  send(run: Uint8Array, count?: number): boolean;
  /** Bytes that the kernel has not taken yet. */
  readonly unsent: number;
  /** The server is to send no more for now, until `resume`. */
  pause(): void;
  resume(): void;
  /** Ends the connection: what was sent still goes out. Nothing is reported afterwards. */
  close(): void;
}

/** What happens on a transport. */
export interface PduTransportEvents {
  /** PDUs from the server; a view that is valid during the call. */
  onPdus(run: Uint8Array, count: number): void;
  /** `send` returned false, and half of the send buffer is free again. */
  onDrain?(): void;
  /** The open connection ended, not by `close`. */
  onClosed(error: RpchError): void;
}
