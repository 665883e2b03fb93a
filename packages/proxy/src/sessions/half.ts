import {
  type ClientConduct,
  InboundProxy,
  type InboundProxyPort,
  OutboundProxy,
  type OutboundProxyPort,
  type PduSink,
  type RoleEnd,
  Stall,
} from '@rpch/rpc/internal';
import type { AnyChannel } from './any-channel.ts';
import type { ChannelSession } from './channel.ts';
import { clientAddressOf, type InChannel } from './in-channel.ts';
import type { OutChannel } from './out-channel.ts';

export interface HalfOptions {
  /** Window that clients are told, bytes. */
  readonly receiveWindow: number;
  /** Window that the server is told, bytes. */
  readonly serverWindow: number;
  /** Content-Length of OUT channels, bytes. */
  readonly channelLifetime: number;
  /** ConnectionTimeout that clients are told, ms; MinConnTimeout of a request takes its place. */
  readonly connectionTimeout: number;
  /** How long others may take in a channel recycling, ms. */
  readonly stallTimeout: number;
}

/** The way from a proxy role to the server's role: a connection, or a few calls in this process. */
export interface ServerSide {
  readonly toServer: PduSink;
  /** TCP keep-alive towards the server, ms. */
  keepAlive(interval: number): void;
  /** Sends what this turn wrote. */
  flush(): void;
  /** Bytes that the server has not taken, and those that it has. */
  readonly unsent: number;
  readonly sent: number;
  /** Bytes of a PDU of the server whose rest is still to come, and all that has come. */
  readonly pending: number;
  readonly received: number;
  /** The server is not read at present. */
  readonly paused: boolean;
  /** The role has done its work: what was written goes out, then the connection is closed. */
  retire(): void;
  /** The session ends. */
  cut(): void;
}

/** The virtual connection that a half belongs to. */
export interface HalfOwner extends ChannelSession<AnyChannel> {
  wakeAfter(ms: number): void;
  opened(half: Half): void;
  /** The virtual channel is at another proxy now; this one sends what it still has. */
  leaving(half: Half): void;
  /** It has done so, or the role has ended otherwise. */
  halfEnded(half: Half, end: RoleEnd): void;
}

export type Half = InHalf | OutHalf;

/** A virtual channel at this proxy: what its two kinds have in common. */
abstract class HalfBase<Channel> {
  /** The client's connections that count: one, or two while it recycles. */
  readonly channels: Channel[];
  readonly createdAt: number;
  /** It is a successor that came from another proxy. */
  readonly isSuccessor: boolean;
  isOpened = false;
  side: ServerSide | undefined;
  protected readonly owner: HalfOwner;

  constructor(owner: HalfOwner, channel: Channel, isSuccessor: boolean, now: number) {
    this.owner = owner;
    this.channels = [channel];
    this.isSuccessor = isSuccessor;
    this.createdAt = now;
  }

  /** The roles speak to the server only after they have been told that it is reached. */
  get toServer(): PduSink {
    if (this.side === undefined) throw new Error('a proxy role spoke to a server that is not connected');
    return this.side.toServer;
  }

  opened(): void {
    this.isOpened = true;
    this.owner.opened(this.self());
  }

  leaving(): void {
    this.owner.leaving(this.self());
  }

  wakeAfter(ms: number): void {
    this.owner.wakeAfter(ms);
  }

  ended(end: RoleEnd): void {
    this.owner.halfEnded(this.self(), end);
  }

  protected abstract self(): Half;
}

/** A virtual IN channel at this proxy: the inbound proxy's role, the client's connections and the way to the server. */
export class InHalf extends HalfBase<InChannel> implements InboundProxyPort {
  readonly kind = 'in';
  readonly role: InboundProxy;
  readonly stalls = { toServer: new Stall(), fromClient: new Stall() };
  #keepAlive: number | undefined;

  constructor(owner: HalfOwner, channel: InChannel, options: HalfOptions, now: number) {
    const opening = openingOf(channel);
    super(owner, channel, opening.kind === 'IN_R/A1', now);
    const roleOptions = {
      receiveWindow: options.receiveWindow,
      connectionTimeout: options.connectionTimeout,
      recyclingTimeout: options.stallTimeout,
      clientAddress: clientAddressOf(channel.purpose.origin.address),
      conduct: channel.conduct,
    };
    this.role = new InboundProxy(this, roleOptions, channel, opening);
    channel.join(owner, this.role.client);
  }

  /** The client opens a successor here ([MS-RPCH] 3.2.3.5.5.1). Throws ProtocolError. */
  succeed(channel: InChannel): void {
    channel.join(this.owner, this.role.succeed(channel, openingOf(channel)));
    this.channels.push(channel);
  }

  /** The way to the server is open. */
  reach(side: ServerSide, conduct: ClientConduct): void {
    this.side = side;
    if (this.#keepAlive !== undefined) side.keepAlive(this.#keepAlive);
    this.role.serverConnected(conduct);
  }

  keepAlive(interval: number): void {
    this.#keepAlive = interval;
    this.side?.keepAlive(interval);
  }

  protected override self(): InHalf {
    return this;
  }
}

/** A virtual OUT channel at this proxy, likewise. */
export class OutHalf extends HalfBase<OutChannel> implements OutboundProxyPort {
  readonly kind = 'out';
  readonly role: OutboundProxy;
  readonly stalls = { toClient: new Stall(), fromServer: new Stall() };

  constructor(owner: HalfOwner, channel: OutChannel, options: HalfOptions, now: number) {
    const opening = openingOf(channel);
    super(owner, channel, opening.kind === 'OUT_R/A3', now);
    const roleOptions = {
      receiveWindow: options.serverWindow,
      channelLifetime: options.channelLifetime,
      connectionTimeout: channel.minConnTimeout ?? options.connectionTimeout,
      recyclingTimeout: options.stallTimeout,
      conduct: channel.conduct,
    };
    this.role = new OutboundProxy(this, roleOptions, channel, opening);
    channel.join(owner, this.role.client);
  }

  /** The client opens a successor here ([MS-RPCH] 3.2.4.5.6.1). Throws ProtocolError. */
  succeed(channel: OutChannel): void {
    channel.join(this.owner, this.role.succeed(channel, openingOf(channel)));
    this.channels.push(channel);
  }

  /** The way to the server is open. */
  reach(side: ServerSide, conduct: ClientConduct): void {
    this.side = side;
    this.role.serverConnected(conduct);
  }

  protected override self(): OutHalf {
    return this;
  }
}

/** A channel's first PDU, which it then keeps no longer: there are thousands of them, and they live for days. */
function openingOf<Opening>(channel: { opening: Opening | undefined }): Opening {
  const { opening } = channel;
  channel.opening = undefined;
  if (opening === undefined) throw new Error('a channel is paired before its first PDU');
  return opening;
}
