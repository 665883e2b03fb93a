import {
  CONNECTION_TIMEOUT,
  type HttpHead,
  type OutboundClient,
  type OutboundClientPort,
  type OutOpening,
  type PduSink,
  readOutOpening,
} from '@rpch/rpc/internal';
import { Channel, type ChannelOwner, type ChannelRequest, type ChannelSession } from './channel.ts';
import { successHead } from './responses.ts';

/** An OUT channel: the endless response to an RPC_OUT_DATA request. */
export class OutChannel extends Channel<OutChannel> implements OutboundClientPort {
  override readonly kind = 'out';
  /** Its first PDU, from when that is in until a role has taken it. */
  opening: OutOpening | undefined;
  readonly toClient: PduSink;
  /** What the client wants to be told as ConnectionTimeout, ms. */
  readonly minConnTimeout: number | undefined;
  readonly #channelLifetime: number;
  #role: OutboundClient | undefined;
  #responded = false;

  /** @param channelLifetime Content-Length of the response, bytes. */
  constructor(request: ChannelRequest, owner: ChannelOwner<OutChannel>, now: number, channelLifetime: number) {
    super(request, owner, now);
    this.#channelLifetime = channelLifetime;
    this.minConnTimeout = minConnTimeout(request.head);
    const { leg } = this;
    this.toClient = { rpc: (run) => leg.write(run), rts: (pdu) => leg.write(pdu) };
  }

  override join(session: ChannelSession<OutChannel>, role: OutboundClient): void {
    super.join(session, role);
    this.#role = role;
  }

  respond(): void {
    this.#responded = true;
    this.leg.write(successHead(this.#channelLifetime));
  }

  override blocked(blocked: boolean): void {
    this.guard(() => this.#role?.blocked(blocked));
    this.session?.flush();
  }

  override refuse(incident: string): void {
    if (this.#responded) this.cut();
    else super.refuse(incident);
  }

  protected override begin(pdu: Uint8Array): void {
    this.opening = readOutOpening(pdu);
    this.owner.pair(this);
  }

  protected override self(): OutChannel {
    return this;
  }
}

/** `Pragma: MinConnTimeout=T`, T in seconds within the wire's range; returned in ms ([MS-RPCH] 2.1.2.1.2, 3.2.4.5.1). */
function minConnTimeout(head: HttpHead): number | undefined {
  for (const pragma of head.fields('pragma')) {
    for (const part of pragma.split(',')) {
      const match = /^\s*MinConnTimeout\s*=\s*(\d{1,5})\s*$/i.exec(part);
      const timeout = Number(match?.[1]) * 1000;
      if (timeout >= CONNECTION_TIMEOUT.min && timeout <= CONNECTION_TIMEOUT.max) return timeout;
    }
  }
  return undefined;
}
