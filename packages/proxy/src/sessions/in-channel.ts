import { type ClientAddress, InboundProxy, type InboundProxyPort, type PduSink } from '@rpch/rpc/internal';
import { ipv6Groups, parseIp } from '../access/ip.ts';
import { KEEPALIVE_DELAY } from './backend.ts';
import { Channel, type ChannelOwner, type ChannelRequest } from './channel.ts';

/** An IN channel: the body of an RPC_IN_DATA request, and the inbound proxy's role behind it. */
export class InChannel extends Channel implements InboundProxyPort {
  override readonly kind = 'in';
  readonly role: InboundProxy;
  protected override readonly fromClient: PduSink;

  /** @param options `receiveWindow` in bytes, `connectionTimeout` in ms. */
  constructor(
    request: ChannelRequest,
    owner: ChannelOwner,
    now: number,
    options: { readonly receiveWindow: number; readonly connectionTimeout: number },
  ) {
    super(request, owner, now);
    this.role = new InboundProxy(this, {
      ...options,
      conduct: this.conduct,
      clientAddress: clientAddressOf(request.purpose.address),
    });
    this.fromClient = this.role.fromClient;
    // Of both channels this is the one on which nothing is ever under way to the client, so the probes of a silent one go out.
    this.leg.keepAlive(KEEPALIVE_DELAY);
  }

  get toServer(): PduSink {
    return this.paired().server.fromInboundProxy;
  }

  connect({ virtualConnectionCookie }: { readonly virtualConnectionCookie: Uint8Array }): void {
    this.owner.pair(this, virtualConnectionCookie);
  }

  opened(): void {}

  keepAlive(interval: number): void {
    this.connection?.keepServerAlive(interval);
  }

  pauseClient(paused: boolean): void {
    this.leg.pause(paused);
  }

  override blocked(): void {
    // Nothing but a refusal is ever written on an IN channel.
  }
}

function clientAddressOf(address: string): ClientAddress {
  const ip = parseIp(address);
  if (ip?.family === 6) {
    return {
      family: 6,
      address: Uint8Array.from((ipv6Groups(ip.address) ?? []).flatMap((group) => [group >> 8, group & 0xff])),
    };
  }
  return { family: 4, address: Uint8Array.from((ip?.address ?? '0.0.0.0').split('.').map(Number)) };
}
