import type { PduSink } from '../dcerpc/deframer.ts';
import type { ClientConduct } from './client-conduct.ts';
import type { OnTransition, RoleEnd } from './role.ts';

/** What the outbound proxy does to its surroundings. */
export interface OutboundProxyPort {
  /** The leg to the server: TCP, or the server role in this process. */
  readonly toServer: PduSink;
  /** RPC PDUs pass: CONN/C2 went out, or OUT_R1/A11 is in. */
  opened(): void;
  /**
   * OUT_R1/A9 is in: the virtual OUT channel is at another proxy now, and may come back as a new one while this role sends
   * what it still holds. {@link ended} follows.
   */
  leaving(): void;
  /** Call `tick` after this many ms, besides the regular ticks. */
  wakeAfter(ms: number): void;
  ended(end: RoleEnd): void;
}

/** One connection of the client, as the role acts on it. */
export interface OutboundClientPort {
  /** The body of the response to RPC_OUT_DATA. */
  readonly toClient: PduSink;
  /** Send the head of the response: 200, Content-Length as in the options ([MS-RPCH] 2.1.2.1.4). */
  respond(): void;
  /** It has been replaced, or was not wanted: what was written goes out, then it is closed. */
  close(): void;
}

/** One connection of the client, as its surroundings see it. */
export interface OutboundClient {
  /** What comes in the body of the RPC_OUT_DATA request. */
  readonly from: PduSink;
  /** The connection takes no more for now, or takes it again. */
  blocked(blocked: boolean): void;
  /** It has been replaced: its close ends nothing. Of any other connection it ends the virtual OUT channel. */
  readonly over: boolean;
}

export interface OutboundProxyOptions {
  /** Window that the server is told, bytes. */
  readonly receiveWindow: number;
  /** Content-Length of each response, bytes. */
  readonly channelLifetime: number;
  /** ConnectionTimeout announced in CONN/A3, ms; a client's MinConnTimeout takes its place ([MS-RPCH] 3.2.4.5.1). */
  readonly connectionTimeout: number;
  readonly conduct: ClientConduct;
  /** How long a channel recycling may wait for one of the others, ms. */
  readonly recyclingTimeout: number;
  readonly onTransition?: OnTransition | undefined;
}
