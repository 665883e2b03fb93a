import {
  CHANNEL_LIFETIME,
  ClientConduct,
  Deframer,
  type HttpHead,
  type Leg,
  type LegEvents,
  OpenStart,
  type PduSink,
  ProtocolError,
  type RpcHttpConnection,
} from '@rpch/rpc/internal';
import type { Origin } from '../access/origin.ts';
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
  /** Where the client is, for the log and for CONN/B2. */
  readonly origin: Origin;
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
export interface ChannelSession<Self> {
  /** Sends what this turn wrote, on every leg. */
  flush(): void;
  /** Ends the session on all legs. */
  end(end: SessionEnd): void;
  /** A channel that was replaced closes; nothing of it is heard again. */
  retired(channel: Self): void;
}

/** What a proxy role says of a connection of its client. */
export interface ChannelHandle {
  readonly from: PduSink;
  readonly over: boolean;
}

/** Whoever keeps the channels that belong to no virtual connection yet. */
export interface ChannelOwner<Self> {
  /** The channel's first PDU names its virtual connection: {@link Channel.join} follows, or a refusal. */
  pair(channel: Self): void;
  /** The channel ended alone. */
  ended(channel: Self, end: SessionEnd): void;
  /** A channel that was replaced still sends; to be called with false when it is gone. */
  lingers(channel: Self, lingering: boolean): void;
}

/** How long a channel that was replaced may take to send what was written, ms: its client may be slow. */
const RETIREMENT = 120_000;

/** One channel: the endless body of an HTTP request or response, and a proxy role behind it. `Self` is its own kind. */
export abstract class Channel<Self> implements LegEvents {
  abstract readonly kind: 'in' | 'out';
  readonly purpose: ChannelPurpose;
  readonly conduct: ClientConduct;
  readonly createdAt: number;
  readonly leg: Leg;
  /** When its first PDU came in; refusals are timed from here. */
  pairedAt = 0;
  protected readonly owner: ChannelOwner<Self>;
  protected session: ChannelSession<Self> | undefined;
  #handle: ChannelHandle | undefined;
  readonly #deframer = new Deframer();
  readonly #pdus: OpenStart;
  readonly #contentLength: number;
  #bytes = 0;
  #over = false;

  /** Of the request only its purpose is kept: a channel may live for days, and there are thousands. */
  constructor({ connection, head, purpose }: ChannelRequest, owner: ChannelOwner<Self>, now: number) {
    this.purpose = purpose;
    this.owner = owner;
    this.createdAt = now;
    this.conduct = new ClientConduct(head.minorVersion);
    this.#contentLength = Math.min(head.contentLength, CHANNEL_LIFETIME.max);
    this.#pdus = new OpenStart((pdu) => {
      this.begin(pdu);
      return this.#handle?.from ?? NOTHING_MORE;
    });
    connection.continue();
    this.leg = connection.accept(this);
  }

  /** Takes the first PDU, and has itself paired. Throws ProtocolError where it cannot be a first one. */
  protected abstract begin(pdu: Uint8Array): void;

  /** Bytes of a PDU that has not come in whole. */
  get pending(): number {
    return this.#deframer.pending;
  }

  /** Bytes of the request's body so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** It belongs to a session from now on, and the role behind it is this one. */
  join(session: ChannelSession<Self>, handle: ChannelHandle): void {
    this.session = session;
    this.#handle = handle;
  }

  data(chunk: Uint8Array): void {
    if (this.#over) return;
    const left = this.#contentLength - this.#bytes;
    this.#bytes += chunk.length;
    const body = chunk.length > left ? chunk.subarray(0, left) : chunk;
    this.guard(() => this.#deframer.push(body, this.#handle?.from ?? this.#pdus));
    this.session?.flush();
    if (chunk.length <= left) return;
    this.end({
      reason: `${this.kind}-channel-used-up`,
      party: 'client',
      detail: `body of ${this.#contentLength} bytes is used up`,
    });
  }

  abstract blocked(blocked: boolean): void;

  closed(error: Error | undefined): void {
    if (this.#over) return;
    if (this.#handle?.over !== true) {
      this.end(endOfLeg(this.kind, error));
      return;
    }
    this.#over = true;
    this.session?.retired(this.self());
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
    if (this.session !== undefined) this.session.end(end);
    else this.owner.ended(this.self(), end);
  }

  /** For the role: it has been replaced. What was written goes out, and what still comes is dropped. */
  close(): void {
    if (this.#over) return;
    this.#over = true;
    const self = this.self();
    this.owner.lingers(self, true);
    this.leg.close(RETIREMENT, true, () => this.owner.lingers(self, false));
    this.session?.retired(self);
  }

  /** Closes the connection at the end of its session; nothing of it is heard again. */
  cut(): void {
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

  protected abstract self(): Self;
}

/** What follows on a channel that is going to be refused is as wrong as on one whose server is still being connected to. */
const NOTHING_MORE: PduSink = {
  rpc: () => {
    throw new ProtocolError('RPCH_RPC_TOO_EARLY', 'RPC PDU before the virtual connection is open', '[MS-RPCH] 3.2');
  },
  rts: () => {
    throw new ProtocolError('RPCH_RTS_UNEXPECTED', 'RTS PDU before the virtual connection is open', '[MS-RPCH] 3.2');
  },
};

/** The end that an exception means: a protocol error of that party, or a fault of ours, which the log must show whole. */
export function endOfError(error: unknown, party: 'client' | 'server'): SessionEnd {
  if (error instanceof ProtocolError) {
    return { reason: 'protocol-error', party, detail: `${error.code} (${error.section}): ${error.message}` };
  }
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { reason: 'internal-error', party: 'proxy', detail };
}
