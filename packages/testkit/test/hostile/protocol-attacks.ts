import { randomBytes } from 'node:crypto';
import { FLOW_CONTROL_ACK_WITH_DESTINATION, KEEP_ALIVE, PING_PDU, RTS_PDUS } from '@rpch/rpc/internal';
import { requestPdu, responsePdu } from '../../src/plain-pdus.ts';
import { requestHead, ScriptedClient } from '../../src/scripted-client.ts';
import type { Arena } from './arena.ts';
import { ended } from './stream-attacks.ts';

type Job = () => Promise<void>;
type Channel = 'in' | 'out';
const METHODS = { in: 'RPC_IN_DATA', out: 'RPC_OUT_DATA' } as const;

/** A value for each field of any RTS PDU; cookies are zero, but for the virtual connection's. */
const VALUES = {
  version: 1,
  inChannelCookie: new Uint8Array(16),
  outChannelCookie: new Uint8Array(16),
  predecessorCookie: new Uint8Array(16),
  successorCookie: new Uint8Array(16),
  associationGroupId: new Uint8Array(16),
  receiveWindowSize: 65_536,
  connectionTimeout: 120_000,
  channelLifetime: 1024 ** 3,
  clientKeepalive: 300_000,
  clientAddress: { family: 4, address: new Uint8Array(4) },
  destination: 1,
  ack: { bytesReceived: 0, availableWindow: 65_536, channelCookie: new Uint8Array(16) },
  pingTrafficSent: 20,
} as const;

/** What a client may send at any time on an open IN channel. */
const WELCOME: ReadonlySet<string> = new Set(
  [KEEP_ALIVE, PING_PDU, FLOW_CONTROL_ACK_WITH_DESTINATION].map(({ name }) => name),
);

/** Every RTS PDU there is: as the first of each channel, after the first, and in an open session. */
export function* rtsInWrongStates(arena: Arena): Iterable<Job> {
  for (const { name, encode } of RTS_PDUS) {
    // A cookie of its own for each, or CONN/A1 and CONN/B1 would find each other and make a session.
    const pdu = encode({ ...VALUES, virtualConnectionCookie: randomBytes(16) } as never);
    for (const channel of ['in', 'out'] as const) {
      yield () => alone(arena, channel, [pdu], `${name} first on ${channel}`);
      yield () => alone(arena, channel, ['first', pdu], `${name} second on ${channel}`);
    }
    if (WELCOME.has(name)) continue;
    yield () => inOpenSession(arena, 'in', pdu, name);
    yield () => inOpenSession(arena, 'out', pdu, name);
  }
}

/** RPC PDUs where there must be none, and PDUs that promise 65,535 bytes and never bring them. */
export function* pdusOutOfPlace(arena: Arena): Iterable<Job> {
  const request = requestPdu(1, Buffer.alloc(32));
  const giant = requestPdu(1, Buffer.alloc(32));
  giant.writeUInt16LE(0xffff, 8);
  const giantRts = Buffer.from(PING_PDU.encode({}));
  giantRts.writeUInt16LE(0xffff, 8);
  const noLength = requestPdu(1, Buffer.alloc(32));
  noLength.writeUInt16LE(0, 8);
  const bigEndian = requestPdu(1, Buffer.alloc(32));
  bigEndian[4] = 0;
  for (const [what, pdu] of Object.entries({
    request,
    giant,
    giantRts,
    noLength,
    bigEndian,
    response: responsePdu(1, giant),
  })) {
    for (const channel of ['in', 'out'] as const) {
      yield () => alone(arena, channel, [pdu], `${what} first on ${channel}`);
      yield () => alone(arena, channel, ['first', pdu], `${what} second on ${channel}`);
    }
    yield () => inOpenSession(arena, 'out', pdu, what);
  }
  for (const [what, pdu] of Object.entries({ giant, giantRts, noLength })) {
    yield () => inOpenSession(arena, 'in', pdu, what);
  }
}

/** Content-Lengths that are not what follows, or not a number at all. */
export function* contentLengthLies(arena: Arena): Iterable<Job> {
  const lies: readonly (readonly [Channel, number | string])[] = [
    ...[17, 75, 77, 96, 120, 10_000, 2 ** 31, 9_999_999_999].map((length) => ['out', length] as const),
    ...[17, 103, 105, 120, 10_000, 9_999_999_999].map((length) => ['in', length] as const),
    ...['-1', '+76', '0x4c', '7 6', '76,76', '1e2', '99999999999', ''].map((length) => ['out', length] as const),
  ];
  for (const [channel, length] of lies) {
    const fields = typeof length === 'string' ? [] : [`Content-Length: ${length}`];
    yield () => lie(arena, channel, [`Content-Length: ${length}`], `Content-Length ${length} on ${channel}`);
    yield () =>
      lie(arena, channel, [`Content-Length: ${length}`, 'Content-Length: 76'], `${length} and 76 on ${channel}`);
    yield () => lie(arena, channel, [...fields, 'Transfer-Encoding: chunked'], `chunked on ${channel}`);
  }
}

async function lie(arena: Arena, channel: Channel, lines: readonly string[], what: string): Promise<void> {
  const client = new ScriptedClient(arena.options());
  const connection = await arena.connect();
  const head = requestHead(METHODS[channel], { ...arena.options(), contentLength: 0 });
  connection.send(head.replace(/Content-Length: 0\r\n/, `${lines.join('\r\n')}\r\n`));
  connection.send(channel === 'out' ? client.connA1() : client.connB1());
  connection.send(Buffer.alloc(200));
  await ended(connection, what);
}

/** One channel whose partner never comes. */
async function alone(
  arena: Arena,
  channel: Channel,
  pdus: readonly (Uint8Array | 'first')[],
  what: string,
): Promise<void> {
  const client = new ScriptedClient(arena.options());
  const connection = await arena.connect();
  connection.send(requestHead(METHODS[channel], arena.options()));
  for (const pdu of pdus) {
    const first = channel === 'out' ? client.connA1() : client.connB1();
    connection.send(pdu === 'first' ? first : pdu);
  }
  await ended(connection, what);
}

async function inOpenSession(arena: Arena, channel: Channel, pdu: Uint8Array, what: string): Promise<void> {
  const client = await ScriptedClient.open(arena.options());
  client[channel].send(pdu);
  await Promise.all([client.in, client.out].map((connection) => ended(connection, `${what} on open ${channel}`)));
}
