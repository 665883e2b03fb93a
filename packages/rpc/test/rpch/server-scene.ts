import assert from 'node:assert/strict';
import {
  CONN_A2,
  CONN_B2,
  FLOW_CONTROL_ACK,
  FLOW_CONTROL_ACK_WITH_DESTINATION,
  IN_R1_A2,
  OUT_R1_A4,
} from '../../src/rpch/pdus.ts';
import type { RoleEnd } from '../../src/rpch/role.ts';
import { Server, type ServerLeg } from '../../src/rpch/server.ts';
import { readServerOpening } from '../../src/rpch/server-opening.ts';
import { GROUP, IN, Journal, NEXT_IN, NEXT_OUT, OUT, VC, watch } from './support.ts';

export const LIFETIME = 1024 ** 3;
/** The shortest that the specification allows. */
export const SHORT_LIFETIME = 128 * 1024;
export const RECYCLING_TIMEOUT = 60_000;

export const A2_VALUES = {
  version: 1,
  virtualConnectionCookie: VC,
  outChannelCookie: OUT,
  channelLifetime: LIFETIME,
  receiveWindowSize: 65_536,
};
export const B2_VALUES = {
  version: 1,
  virtualConnectionCookie: VC,
  inChannelCookie: IN,
  receiveWindowSize: 49_152,
  connectionTimeout: 150_000,
  associationGroupId: GROUP,
  clientAddress: { family: 4 as const, address: Uint8Array.of(127, 0, 0, 1) },
};
export const IN_R1_A2_VALUES = {
  version: 1,
  virtualConnectionCookie: VC,
  predecessorCookie: IN,
  successorCookie: NEXT_IN,
  receiveWindowSize: 32_768,
  connectionTimeout: 130_000,
};
export const OUT_R1_A4_VALUES = {
  version: 1,
  virtualConnectionCookie: VC,
  predecessorCookie: OUT,
  successorCookie: NEXT_OUT,
  channelLifetime: LIFETIME,
  receiveWindowSize: 65_536,
  connectionTimeout: 140_000,
};
export const A2 = CONN_A2.encode(A2_VALUES);
export const B2 = CONN_B2.encode(B2_VALUES);

/** A server role, the journal of what it does, and its legs by the names that the journal gives them. */
export function startServer({ receiveWindow = 65_536, setupTimeout = 900_000, mayRecycle = true } = {}) {
  const journal = new Journal();
  const runtime = journal.sink('runtime');
  const port = {
    mayRecycle,
    toRuntime: runtime.rpc,
    opened: () => journal.note('opened'),
    pauseRuntime: (paused: boolean) => journal.note(paused ? 'pause' : 'resume'),
    ended: (end: RoleEnd) => journal.note(`ended ${end}`),
  };
  const role = new Server(port, {
    receiveWindow,
    setupTimeout,
    recyclingTimeout: RECYCLING_TIMEOUT,
    onTransition: watch,
  });
  /** A proxy connects, and this is its first PDU. */
  const attach = (name: string, first: Uint8Array): ServerLeg =>
    role.attach({ ...journal.sink(name), close: () => journal.note(`${name} close`) }, readServerOpening(first));
  return { role, journal, port, attach };
}

/** The same, Opened, with the legs `in` and `out`. */
export function openedServer({
  receiveWindow = 65_536,
  setupTimeout = 900_000,
  mayRecycle = true,
  outWindow = 65_536,
  channelLifetime = LIFETIME,
} = {}) {
  const made = startServer({ receiveWindow, setupTimeout, mayRecycle });
  const outLeg = made.attach('out', CONN_A2.encode({ ...A2_VALUES, channelLifetime, receiveWindowSize: outWindow }));
  const inLeg = made.attach('in', B2);
  assert.equal(made.role.state, 'Opened');
  made.journal.take();
  return { ...made, inLeg, outLeg };
}

/** FlowControlAck of an outbound proxy. */
export function outAck(bytesReceived: number, availableWindow: number, channelCookie = OUT): Uint8Array {
  return FLOW_CONTROL_ACK.encode({ ack: { bytesReceived, availableWindow, channelCookie } });
}

/** FlowControlAckWithDestination of a client, for an outbound proxy. */
export function clientAck(bytesReceived: number, availableWindow: number, channelCookie = OUT): Uint8Array {
  return FLOW_CONTROL_ACK_WITH_DESTINATION.encode({
    destination: 3,
    ack: { bytesReceived, availableWindow, channelCookie },
  });
}

/** The first PDU of a successor inbound proxy. */
export function inR1A2(changed: Partial<typeof IN_R1_A2_VALUES> = {}): Uint8Array {
  return IN_R1_A2.encode({ ...IN_R1_A2_VALUES, ...changed });
}

/** The first PDU of a successor outbound proxy. */
export function outR1A4(changed: Partial<typeof OUT_R1_A4_VALUES> = {}): Uint8Array {
  return OUT_R1_A4.encode({ ...OUT_R1_A4_VALUES, ...changed });
}
