import type { Cursor } from '../bytes/cursor.ts';
import type { Writer } from '../bytes/writer.ts';
import { ProtocolError } from '../errors.ts';

/** Command numbers of RTS PDUs ([MS-RPCH] 2.2.3.5). */
export const CommandType = {
  ReceiveWindowSize: 0x0,
  FlowControlAck: 0x1,
  ConnectionTimeout: 0x2,
  Cookie: 0x3,
  ChannelLifetime: 0x4,
  ClientKeepalive: 0x5,
  Version: 0x6,
  Empty: 0x7,
  Padding: 0x8,
  NegativeANCE: 0x9,
  ANCE: 0xa,
  ClientAddress: 0xb,
  AssociationGroupId: 0xc,
  Destination: 0xd,
  PingTrafficSentNotify: 0xe,
} as const;
export type CommandType = (typeof CommandType)[keyof typeof CommandType];

/** Who a relayed RTS PDU is for ([MS-RPCH] 2.2.3.3). */
export const Destination = { FDClient: 0, FDInProxy: 1, FDServer: 2, FDOutProxy: 3 } as const;
export type Destination = (typeof Destination)[keyof typeof Destination];

/** How much of a channel a receiver has consumed and can take ([MS-RPCH] 2.2.3.4). */
export interface FlowControlAck {
  /** RPC PDU bytes received on the channel instance, in all. */
  readonly bytesReceived: number;
  /** Bytes that the receiver can take beyond those. */
  readonly availableWindow: number;
  /** The channel that is acknowledged. */
  readonly channelCookie: Uint8Array;
}

/** The Internet address of a client, a hint and never a proof ([MS-RPCH] 2.2.3.2). */
export interface ClientAddress {
  readonly family: 4 | 6;
  /** 4 or 16 bytes in network order. */
  readonly address: Uint8Array;
}

/** Value carried by each command; `undefined` for those that carry none. */
export interface CommandValues {
  ReceiveWindowSize: number;
  FlowControlAck: FlowControlAck;
  ConnectionTimeout: number;
  Cookie: Uint8Array;
  ChannelLifetime: number;
  ClientKeepalive: number;
  Version: number;
  Empty: undefined;
  Padding: number;
  NegativeANCE: undefined;
  ANCE: undefined;
  ClientAddress: ClientAddress;
  AssociationGroupId: Uint8Array;
  Destination: Destination;
  PingTrafficSentNotify: number;
}
export type CommandName = keyof CommandValues;

/** How one command lies on the wire. */
export interface CommandCodec<Value> {
  /** Bytes after the 4-byte command number, for this value. */
  size(value: Value): number;
  write(writer: Writer, value: Value): void;
  /** Reads and bounds the value; throws {@link ProtocolError}. */
  read(cursor: Cursor): Value;
}

/** Length of cookies and of association group ids, in bytes. */
export const COOKIE_LENGTH = 16;
/** Receive windows in bytes. The wire's range ends at 256 KiB; Windows' registry lets peers advertise up to 1 GiB. */
export const RECEIVE_WINDOW = { min: 8 * 1024, max: 256 * 1024, accepted: 1024 ** 3, default: 64 * 1024 } as const;
/** Channel lifetimes in bytes ([MS-RPCH] 2.2.3.5.5). */
export const CHANNEL_LIFETIME = { min: 128 * 1024, max: 2 * 1024 ** 3, default: 1024 ** 3 } as const;
/** Connection time-outs in milliseconds ([MS-RPCH] 2.2.3.5.3); section 3.2.1.1.6.1 speaks of 30 s, so that is taken too. */
export const CONNECTION_TIMEOUT = { min: 120_000, max: 14_400_000, accepted: 30_000 } as const;
/** Client keep-alive in milliseconds ([MS-RPCH] 2.2.3.5.6). On the wire 0 means the default. */
export const CLIENT_KEEPALIVE = { min: 60_000, max: 0xffff_ffff, default: 300_000 } as const;
const PADDING_MAX = 0xffff;

function outOfRange(section: string, value: number): ProtocolError {
  return new ProtocolError('RPCH_RTS_VALUE', `value ${value} is out of range`, section);
}

function u32(min: number, max: number, section: string): CommandCodec<number> {
  return {
    size: () => 4,
    write: (writer, value) => {
      writer.u32(value);
    },
    read: (cursor) => {
      const value = cursor.u32();
      if (value < min || value > max) throw outOfRange(section, value);
      return value;
    },
  };
}

/** A copy, also of a Buffer, whose own `slice` would be a view of what came in. */
function copyOfCookie(cursor: Cursor): Uint8Array {
  return new Uint8Array(cursor.bytes(COOKIE_LENGTH));
}

const cookie: CommandCodec<Uint8Array> = {
  size: () => COOKIE_LENGTH,
  write: (writer, value) => {
    writer.bytes(value);
  },
  read: copyOfCookie,
};

const nothing: CommandCodec<undefined> = { size: () => 0, write: () => {}, read: () => undefined };

const flowControlAck: CommandCodec<FlowControlAck> = {
  size: () => 8 + COOKIE_LENGTH,
  write: (writer, value) => {
    writer.u32(value.bytesReceived).u32(value.availableWindow).bytes(value.channelCookie);
  },
  read: (cursor) => ({
    bytesReceived: cursor.u32(),
    availableWindow: cursor.u32(),
    channelCookie: copyOfCookie(cursor),
  }),
};

const padding: CommandCodec<number> = {
  size: (count) => 4 + count,
  write: (writer, count) => {
    writer.u32(count).zeros(count);
  },
  read: (cursor) => {
    const count = cursor.u32();
    if (count > PADDING_MAX) throw outOfRange('[MS-RPCH] 2.2.3.5.9', count);
    cursor.skip(count);
    return count;
  },
};

/**
 * [MS-RPCH] 2.2.3.2 says: type, address, 12 bytes of padding. Windows writes what follows a sockaddr's family and port:
 * for IPv4 four zero bytes, then the address in network order, then eight zero bytes. That form is written here; on
 * reading the address is where the first four bytes are not all zero. (A 0.0.0.0 reads as itself either way.)
 */
const clientAddress: CommandCodec<ClientAddress> = {
  size: ({ family }) => 4 + (family === 4 ? 4 : 16) + 12,
  write: (writer, { family, address }) => {
    if (family === 4) writer.u32(0).zeros(4).bytes(address).zeros(8);
    else writer.u32(1).bytes(address).zeros(12);
  },
  read: (cursor) => {
    const type = cursor.u32();
    if (type > 1) throw outOfRange('[MS-RPCH] 2.2.3.2', type);
    if (type === 1) {
      const address = new Uint8Array(cursor.bytes(16));
      cursor.skip(12);
      return { family: 6, address };
    }
    const [first, second] = [cursor.bytes(4), cursor.bytes(4)];
    cursor.skip(8);
    return { family: 4, address: new Uint8Array(first.some((byte) => byte !== 0) ? first : second) };
  },
};

const destination: CommandCodec<Destination> = {
  size: () => 4,
  write: (writer, value) => {
    writer.u32(value);
  },
  read: (cursor) => {
    const value = cursor.u32();
    if (value > 3) throw outOfRange('[MS-RPCH] 2.2.3.3', value);
    return value as Destination;
  },
};

const ANY = 0xffff_ffff;

/** The codec of every command. */
export const COMMANDS: { readonly [Name in CommandName]: CommandCodec<CommandValues[Name]> } = {
  ReceiveWindowSize: u32(RECEIVE_WINDOW.min, RECEIVE_WINDOW.accepted, '[MS-RPCH] 2.2.3.5.1'),
  FlowControlAck: flowControlAck,
  ConnectionTimeout: u32(CONNECTION_TIMEOUT.accepted, CONNECTION_TIMEOUT.max, '[MS-RPCH] 2.2.3.5.3'),
  Cookie: cookie,
  ChannelLifetime: u32(CHANNEL_LIFETIME.min, CHANNEL_LIFETIME.max, '[MS-RPCH] 2.2.3.5.5'),
  ClientKeepalive: u32(0, CLIENT_KEEPALIVE.max, '[MS-RPCH] 2.2.3.5.6'),
  Version: u32(0, ANY, '[MS-RPCH] 2.2.3.5.7'),
  Empty: nothing,
  Padding: padding,
  NegativeANCE: nothing,
  ANCE: nothing,
  ClientAddress: clientAddress,
  AssociationGroupId: cookie,
  Destination: destination,
  PingTrafficSentNotify: u32(0, ANY, '[MS-RPCH] 2.2.3.5.15'),
};

const BY_NUMBER: readonly CommandName[] = Object.entries(CommandType)
  .sort(([, a], [, b]) => a - b)
  .map(([name]) => name as CommandName);

/** The name of a command number, or `undefined` for a number that has no meaning and therefore no length. */
export function commandName(type: number): CommandName | undefined {
  return BY_NUMBER[type];
}
