import {
  CONNECTION_TIMEOUT,
  type HttpHead,
  OutboundProxy,
  type OutboundProxyPort,
  type PduSink,
} from '@rpch/rpc/internal';
import { Channel, type ChannelOwner, type ChannelRequest } from './channel.ts';
import { successHead } from './responses.ts';

export interface OutChannelOptions {
  /** Bytes. */
  readonly receiveWindow: number;
  /** Content-Length of the response, bytes. */
  readonly channelLifetime: number;
  /** ms; MinConnTimeout of the request takes its place. */
  readonly connectionTimeout: number;
}

/** An OUT channel: the endless response to an RPC_OUT_DATA request, and the outbound proxy's role behind it. */
export class OutChannel extends Channel implements OutboundProxyPort {
  override readonly kind = 'out';
  readonly role: OutboundProxy;
  readonly toClient: PduSink;
  protected override readonly fromClient: PduSink;
  readonly #channelLifetime: number;
  #responded = false;

  constructor(request: ChannelRequest, owner: ChannelOwner, now: number, options: OutChannelOptions) {
    super(request, owner, now);
    this.#channelLifetime = options.channelLifetime;
    const { leg } = this;
    this.toClient = { rpc: (run) => leg.write(run), rts: (pdu) => leg.write(pdu) };
    this.role = new OutboundProxy(this, {
      ...options,
      connectionTimeout: minConnTimeout(request.head) ?? options.connectionTimeout,
      conduct: this.conduct,
    });
    this.fromClient = this.role.fromClient;
  }

  get toServer(): PduSink {
    return this.paired().server.fromOutboundProxy;
  }

  connect({ virtualConnectionCookie }: { readonly virtualConnectionCookie: Uint8Array }): void {
    this.owner.pair(this, virtualConnectionCookie);
  }

  respond(): void {
    this.#responded = true;
    this.leg.write(successHead(this.#channelLifetime));
  }

  opened(): void {}

  override blocked(blocked: boolean): void {
    this.guard(() => this.role.clientBlocked(blocked));
    this.connection?.flush();
  }

  override refuse(incident: string): void {
    if (this.#responded) this.close();
    else super.refuse(incident);
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
