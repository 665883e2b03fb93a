import { type ClientAddress, type InboundClientPort, type InOpening, readInOpening } from '@rpch/rpc/internal';
import { ipv6Groups, parseIp } from '../access/ip.ts';
import { KEEPALIVE_DELAY } from './backend.ts';
import { Channel, type ChannelOwner, type ChannelRequest } from './channel.ts';

/** An IN channel: the body of an RPC_IN_DATA request. */
export class InChannel extends Channel<InChannel> implements InboundClientPort {
  override readonly kind = 'in';
  /** Its first PDU, from when that is in until a role has taken it. */
  opening: InOpening | undefined;

  constructor(request: ChannelRequest, owner: ChannelOwner<InChannel>, now: number) {
    super(request, owner, now);
    // Of both channels this is the one on which nothing is ever under way to the client, so the probes of a silent one go out.
    this.leg.keepAlive(KEEPALIVE_DELAY);
  }

  pauseClient(paused: boolean): void {
    this.leg.pause(paused);
  }

  override blocked(): void {
    // Nothing but a refusal is ever written on an IN channel.
  }

  protected override begin(pdu: Uint8Array): void {
    this.opening = readInOpening(pdu);
    this.owner.pair(this);
  }

  protected override self(): InChannel {
    return this;
  }
}

/** An address as CONN/B2 has it. */
export function clientAddressOf(address: string): ClientAddress {
  const ip = parseIp(address);
  if (ip?.family === 6) {
    return {
      family: 6,
      address: Uint8Array.from((ipv6Groups(ip.address) ?? []).flatMap((group) => [group >> 8, group & 0xff])),
    };
  }
  return { family: 4, address: Uint8Array.from((ip?.address ?? '0.0.0.0').split('.').map(Number)) };
}
