import type { PduSink } from '../dcerpc/deframer.ts';
import type { ClientConduct } from './client-conduct.ts';
import type { ClientAddress } from './commands.ts';
import type { OnTransition, RoleEnd } from './role.ts';

/** What the inbound proxy does to its surroundings. */
export interface InboundProxyPort {
  /** The leg to the server: TCP, or the server role in this process. */
  readonly toServer: PduSink;
  /** RPC PDUs pass: CONN/B3 or IN_R1/B2 is in. */
  opened(): void;
  /**
   * IN_R1/A5 is in: the virtual IN channel is at another proxy now, and may come back as a new one while this role sends what
   * it still holds. {@link ended} follows.
   */
  leaving(): void;
  /** TCP keep-alive wanted on the leg to the server, ms ([MS-RPCH] 2.2.4.46, 3.2.3.2.1). */
  keepAlive(interval: number): void;
  /** Call `tick` after this many ms, besides the regular ticks. */
  wakeAfter(ms: number): void;
  ended(end: RoleEnd): void;
}

/** One connection of the client, as the inbound proxy acts on it. */
export interface InboundClientPort {
  /** Stop or go on reading: TCP's own back-pressure, for clients that do not wait for acknowledgements. */
  pauseClient(paused: boolean): void;
  /** Bytes of a PDU whose rest is still to come: while there are any, the client waits for nothing. */
  readonly pending: number;
  /** It has been replaced, or was not wanted. */
  close(): void;
}

/** One connection of the client, as its surroundings see it. */
export interface InboundClient {
  /** What comes in the body of the RPC_IN_DATA request. */
  readonly from: PduSink;
  /** It has been replaced: its close ends nothing. Of any other connection it ends the virtual IN channel. */
  readonly over: boolean;
}

export interface InboundProxyOptions {
  /** Window that the client is told, bytes. */
  readonly receiveWindow: number;
  /** ConnectionTimeout announced in CONN/B2 and IN_R1/A2, ms. */
  readonly connectionTimeout: number;
  readonly clientAddress: ClientAddress;
  readonly conduct: ClientConduct;
  /** How long a channel recycling may wait for one of the others, ms. */
  readonly recyclingTimeout: number;
  readonly onTransition?: OnTransition | undefined;
}
