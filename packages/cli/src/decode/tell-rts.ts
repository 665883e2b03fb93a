import {
  type ClientAddress,
  COMMANDS,
  type CommandCodec,
  type Destination,
  Destination as Destinations,
  type FlowControlAck,
  type HiddenRange,
  namesOf,
  parseRts,
  RTS_HEADER_LENGTH,
  RTS_PDUS,
  type RtsCommand,
  RtsFlag,
} from '@rpch/rpc/internal';
import { hex, hiddenCookie, type Json, shortCookie, type Told } from './told.ts';

/** The hop and the way on which an RTS PDU was met: between client and proxy or proxy and server, of which channel, which way. */
export type Hop = `${'client' | 'server'}-${'in' | 'out'}-${'up' | 'down'}`;

const HOPS: Readonly<Record<Hop, string>> = {
  'client-in-up': 'CONN/B1 IN_R1/A1 IN_R1/A5 IN_R2/A1 IN_R2/A5 OUT_R1/A7 OUT_R2/A7',
  'client-in-down': '',
  'client-out-up': 'CONN/A1 OUT_R1/A3 OUT_R1/A11 OUT_R2/A3 OUT_R2/C1',
  'client-out-down': 'CONN/A3 CONN/C2 IN_R1/A4 IN_R2/A4 OUT_R1/A2 OUT_R1/A6 OUT_R1/A10 OUT_R2/A2 OUT_R2/A6 OUT_R2/B3',
  'server-in-up': 'CONN/B2 IN_R1/A2 IN_R1/A6 IN_R1/B1 IN_R2/A2 OUT_R1/A8 OUT_R2/A8',
  'server-in-down': 'CONN/B3 IN_R1/B2',
  'server-out-up': 'CONN/A2 OUT_R1/A4 OUT_R2/A4',
  'server-out-down': 'CONN/C1 IN_R1/A3 IN_R2/A3 OUT_R1/A1 OUT_R1/A5 OUT_R1/A9 OUT_R2/A1 OUT_R2/A5 OUT_R2/B1 OUT_R2/B2',
};

const ROWS = new Map(RTS_PDUS.map((row) => [row.name, row]));

/** An RTS PDU, told; and what connections are paired by. */
export interface ToldRts extends Told {
  /** Every name that it may have. */
  readonly names: readonly string[];
  readonly virtualConnection: Uint8Array | undefined;
  /** Values of the PDU's commands by the field's name; empty where the PDU has no name. */
  readonly values: ReadonlyMap<string, RtsCommand['value']>;
}

/**
 * Tells one RTS PDU ([MS-RPCH] 2.2.4). Where several share flags and commands, `hop` leaves those that can come there. Throws
 * ProtocolError for a damaged one.
 */
export function tellRts(bytes: Uint8Array, hop: Hop | undefined): ToldRts {
  const pdu = parseRts(bytes);
  const possible = namesOf(pdu);
  const there = hop === undefined ? [] : HOPS[hop].split(' ');
  const expected = possible.filter((name) => there.includes(name));
  const names = expected.length > 0 ? expected : possible;
  const fields = ROWS.get(names[0] ?? '')?.fields ?? pdu.commands.map(({ name }) => [name, name] as const);
  const values = new Map(pdu.commands.map(({ value }, i) => [fields[i]?.[1] ?? '', value]));
  const cookie = values.get('virtualConnectionCookie');
  const told = pdu.commands.map((command, i) => describe(fields[i]?.[1] ?? command.name, command));
  const flags = Object.entries(RtsFlag).filter(([, bit]) => (pdu.flags & bit) !== 0);
  return {
    name: names.length === 0 ? 'RTS PDU without a name' : names.join('|'),
    names,
    virtualConnection: cookie instanceof Uint8Array ? cookie : undefined,
    values,
    words: told.filter((text) => text !== ''),
    details: [
      `RTS flags ${hex(pdu.flags, 4)} ${flags.map(([name]) => name).join(' ')}`.trimEnd(),
      `commands ${pdu.commands.map(({ name }) => name).join(' ') || 'none'}`,
    ],
    fields: {
      names: [...names],
      rtsFlags: pdu.flags,
      commands: pdu.commands.map((command) => ({ command: command.name, value: jsonOf(command) })),
    },
    notes:
      names.length === 0
        ? [`an RTS PDU that the specification does not know: ${pdu.commands.map(({ name }) => name).join(' ')}`]
        : [],
    hidden: hiddenIn(pdu.commands),
  };
}

const LABELS: Readonly<Record<string, string>> = {
  virtualConnectionCookie: 'virtual connection',
  inChannelCookie: 'IN channel',
  outChannelCookie: 'OUT channel',
  predecessorCookie: 'predecessor',
  successorCookie: 'successor',
  associationGroupId: 'association group',
};

function describe(field: string, { name, value }: RtsCommand): string {
  const label = LABELS[field] ?? field;
  switch (name) {
    case 'Cookie':
    case 'AssociationGroupId':
      return `${label} ${shortCookie(value as Uint8Array)}`;
    case 'ReceiveWindowSize':
      return `window ${value} bytes`;
    case 'ConnectionTimeout':
      return `connection timeout ${Number(value) / 1000} s`;
    case 'ClientKeepalive':
      return value === 0 ? 'keep-alive default' : `keep-alive ${Number(value) / 1000} s`;
    case 'ChannelLifetime':
      return `lifetime ${value} bytes`;
    case 'PingTrafficSentNotify':
      return `${value} bytes of pings`;
    case 'Destination':
      return `for ${destinationName(value as Destination)}`;
    case 'ClientAddress':
      return `client ${addressOf(value as ClientAddress)}`;
    case 'FlowControlAck':
      return ackText(value as FlowControlAck);
    case 'Padding':
      return `padding ${value} bytes`;
    case 'Version':
      return value === 1 ? '' : `version ${value}`;
    default:
      return '';
  }
}

function ackText({ bytesReceived, availableWindow, channelCookie }: FlowControlAck): string {
  return `${bytesReceived} bytes received, window ${availableWindow}, channel ${shortCookie(channelCookie)}`;
}

function destinationName(value: Destination): string {
  return Object.entries(Destinations).find(([, number]) => number === value)?.[0] ?? String(value);
}

function addressOf({ family, address }: ClientAddress): string {
  if (family === 4) return address.join('.');
  return (Buffer.from(address).toString('hex').match(/.{4}/g) ?? []).join(':');
}

function jsonOf({ name, value }: RtsCommand): Json {
  if (value === undefined) return null;
  if (value instanceof Uint8Array) return shortCookie(value);
  if (typeof value === 'number') return name === 'Destination' ? destinationName(value as Destination) : value;
  if ('family' in value) return addressOf(value);
  const { bytesReceived, availableWindow, channelCookie } = value;
  return { bytesReceived, availableWindow, channelCookie: shortCookie(channelCookie) };
}

/** Where the cookies lie: commands follow each other without padding ([MS-RPCH] 2.2.3.6.2). */
function hiddenIn(commands: readonly RtsCommand[]): HiddenRange[] {
  const hidden: HiddenRange[] = [];
  let at = RTS_HEADER_LENGTH;
  for (const { name, value } of commands) {
    const size = (COMMANDS[name] as CommandCodec<unknown>).size(value);
    const [valueAt, end] = [at + 4, at + 4 + size];
    if (name === 'Cookie' || name === 'AssociationGroupId') hidden.push(hiddenCookie(valueAt, size));
    if (name === 'FlowControlAck') hidden.push(hiddenCookie(valueAt + 8, size - 8));
    at = end;
  }
  return hidden;
}

/** The one hop on which a PDU of these names can stand; undefined where there is none, or more than one. */
export function hopOf(names: readonly string[]): Hop | undefined {
  const hops = (Object.keys(HOPS) as Hop[]).filter((hop) => names.some((name) => HOPS[hop].split(' ').includes(name)));
  return hops.length === 1 ? hops[0] : undefined;
}
