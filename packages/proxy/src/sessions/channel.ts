import {
  CHANNEL_LIFETIME,
  ClientConduct,
  Deframer,
  type HttpHead,
  type Leg,
  type LegEvents,
  type PduSink,
  ProtocolError,
  type RoleEnd,
  type RpcHttpConnection,
} from '@rpch/rpc/internal';
import type { AccessDecision } from '../access/policy.ts';
import type { Target } from '../access/target.ts';
import type { Account } from '../accounts/provider.ts';
import { rawRefusal } from './responses.ts';
import { endOfLeg, type SessionEnd } from './session-end.ts';

/** What sessions ended on purpose linger, so that the last bytes still go out, ms. */
export const LINGER = 500;

/** Whose channel it is and where it is to lead. */
export interface ChannelPurpose {
  readonly account: Account;
  /** The client's address, for the log and for CONN/B2. */
  readonly address: string;
  readonly target: Target;
  readonly decision: AccessDecision;
}

/** An authenticated request that becomes a channel. */
export interface ChannelRequest {
  readonly connection: RpcHttpConnection;
  readonly head: HttpHead;
  readonly purpose: ChannelPurpose;
}

/** What a channel sees of its session. */
export interface ChannelSession {
  /** The server role behind both channels. */
  readonly server: { readonly fromInboundProxy: PduSink; readonly fromOutboundProxy: PduSink };
  /** Sends what this turn wrote, on every leg. */
  flush(): void;
  /** Ends the session on all legs. */
  end(end: SessionEnd): void;
  wakeAfter(ms: number): void;
  /** TCP keep-alive towards the RPC server, ms. */
  keepServerAlive(interval: number): void;
}

/** Whoever keeps the channels that belong to no virtual connection yet. */
export interface ChannelOwner {
  /** The channel's first PDU names its virtual connection. */
  pair(channel: Channel, virtualConnectionCookie: Uint8Array): void;
  /** The channel ended alone. */
  ended(channel: Channel, end: SessionEnd): void;
}

/** One channel: the endless body of an HTTP request or response, and a proxy role behind it. */
export abstract class Channel implements LegEvents {
  abstract readonly kind: 'in' | 'out';
  readonly purpose: ChannelPurpose;
  readonly conduct: ClientConduct;
  readonly createdAt: number;
  readonly leg: Leg;
  /** When its first PDU came in; refusals are timed from here. */
  pairedAt = 0;
  /** The virtual connection that it belongs to, once its first PDU is in. */
  connection: ChannelSession | undefined;
  protected readonly owner: ChannelOwner;
  protected abstract readonly fromClient: PduSink;
  readonly #deframer = new Deframer();
  readonly #contentLength: number;
  #bytes = 0;
  #over = false;

  /** Of the request only its purpose is kept: a channel may live for days, and there are thousands. */
  constructor({ connection, head, purpose }: ChannelRequest, owner: ChannelOwner, now: number) {
    this.purpose = purpose;
    this.owner = owner;
    this.createdAt = now;
    this.conduct = new ClientConduct(head.minorVersion);
    this.#contentLength = Math.min(head.contentLength, CHANNEL_LIFETIME.max);
    connection.continue();
    this.leg = connection.accept(this);
  }

  /** Bytes of a PDU that has not come in whole. */
  get pending(): number {
    return this.#deframer.pending;
  }

  /** Bytes of the request's body so far. */
  get bytes(): number {
    return this.#bytes;
  }

  data(chunk: Uint8Array): void {
    if (this.#over) return;
    this.#bytes += chunk.length;
    if (this.#bytes > this.#contentLength) {
      this.end({
        reason: `${this.kind}-channel-used-up`,
        party: 'client',
        detail: `body of ${this.#contentLength} bytes is used up`,
      });
      return;
    }
    this.guard(() => this.#deframer.push(chunk, this.fromClient));
    this.connection?.flush();
  }

  abstract blocked(blocked: boolean): void;

  closed(error: Error | undefined): void {
    this.end(endOfLeg(this.kind, error));
  }

  /** The virtual connection, where the protocol guarantees that there is one. */
  protected paired(): ChannelSession {
    if (this.connection === undefined) throw new Error(`${this.kind} channel has no virtual connection yet`);
    return this.connection;
  }

  /** Runs what works on the client's bytes; a broken protocol ends the session. */
  guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.end(endOfError(error, 'client'));
    }
  }

  /** Ends the session that this channel belongs to, or the channel alone. */
  end(end: SessionEnd): void {
    if (this.#over) return;
    if (this.connection !== undefined) this.connection.end(end);
    else this.owner.ended(this, end);
  }

  /** Closes the connection; nothing of it is heard again. */
  close(): void {
    if (this.#over) return;
    this.#over = true;
    this.leg.close(LINGER);
  }

  /** Answers 503 and closes. Only while no response has begun. */
  refuse(incident: string): void {
    if (this.#over) return;
    this.#over = true;
    this.leg.write(rawRefusal(incident));
    this.leg.close(LINGER, true);
  }

  wakeAfter(ms: number): void {
    this.connection?.wakeAfter(ms);
  }

  ended(end: RoleEnd): void {
    this.end({ reason: end, party: 'client', detail: `${this.kind} channel: ${end}` });
  }
}

/** The end that an exception means: a protocol error of that party, or a fault of ours, which the log must show whole. */
export function endOfError(error: unknown, party: 'client' | 'server'): SessionEnd {
  if (error instanceof ProtocolError) {
    return { reason: 'protocol-error', party, detail: `${error.code} (${error.section}): ${error.message}` };
  }
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { reason: 'internal-error', party: 'proxy', detail };
}
