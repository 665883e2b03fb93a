import assert from 'node:assert/strict';
import { VirtualClock } from '@rpch/testkit';
import { ClientConduct } from '../../src/rpch/client-conduct.ts';
import { InboundProxy } from '../../src/rpch/inbound-proxy.ts';
import { CONN_B1, CONN_B3, FLOW_CONTROL_ACK, IN_R1_A1 } from '../../src/rpch/pdus.ts';
import { readInOpening } from '../../src/rpch/proxy-opening.ts';
import { type RoleEnd, TICK } from '../../src/rpch/role.ts';
import { GROUP, IN, Journal, NEXT_IN, VC, watch } from './support.ts';

export const B1_VALUES = {
  version: 1,
  virtualConnectionCookie: VC,
  inChannelCookie: IN,
  channelLifetime: 1024 ** 3,
  clientKeepalive: 300_000,
  associationGroupId: GROUP,
};
export const B1 = CONN_B1.encode(B1_VALUES);
export const B3 = CONN_B3.encode({ receiveWindowSize: 65_536, version: 1 });
export const ADDRESS = { family: 4 as const, address: Uint8Array.of(192, 168, 2, 254) };
export const RECYCLING_TIMEOUT = 60_000;
const A1_VALUES = { version: 1, virtualConnectionCookie: VC, predecessorCookie: IN, successorCookie: NEXT_IN };

/** IN_R1/A1 and IN_R2/A1. */
export function inA1(changed: Partial<typeof A1_VALUES> = {}): Uint8Array {
  return IN_R1_A1.encode({ ...A1_VALUES, ...changed });
}

export interface InboundOptions {
  readonly minor?: 0 | 1;
  readonly receiveWindow?: number;
  /** The first PDU of the client. */
  readonly first?: Uint8Array;
}

/** An inbound proxy in virtual time, and the journal of what it does. */
export function startInbound({ minor = 1, receiveWindow = 65_536, first = B1 }: InboundOptions = {}) {
  const journal = new Journal();
  const clock = new VirtualClock();
  const conduct = new ClientConduct(minor);
  const port = {
    toServer: journal.sink('server'),
    opened: () => journal.note('opened'),
    leaving: () => journal.note('leaving'),
    keepAlive: (interval: number) => journal.note(`keepAlive ${interval}`),
    wakeAfter: (ms: number) => clock.after(ms, () => role.tick(clock.now)),
    ended: (end: RoleEnd) => journal.note(`ended ${end}`),
  };
  const connection = (name: string) => ({
    pending: 0,
    pauseClient: (paused: boolean) => journal.note(`${paused ? 'pause' : 'resume'}${name}`),
    close: () => journal.note(`close${name}`),
  });
  const clientPort = connection('');
  const options = {
    receiveWindow,
    connectionTimeout: 120_000,
    clientAddress: ADDRESS,
    conduct,
    recyclingTimeout: RECYCLING_TIMEOUT,
    onTransition: watch,
  };
  const role = new InboundProxy(port, options, clientPort, readInOpening(first));
  const { from } = role.client;
  /** The client opens a successor at this proxy; in the journal its connection has this name. */
  const succeed = (a1 = inA1(), name = ' successor') => role.succeed(connection(name), readInOpening(a1));
  return { role, from, journal, clock, conduct, clientPort, succeed };
}

/** The same, Opened. Time begins to tick. */
export function openedInbound(options: InboundOptions = {}, serverWindow = 262_144) {
  const made = startInbound(options);
  const { role, journal, clock } = made;
  role.serverConnected();
  role.fromServer.rts(CONN_B3.encode({ receiveWindowSize: serverWindow, version: 1 }));
  assert.equal(role.state, 'Opened');
  journal.take();
  const tick = () => {
    role.tick(clock.now);
    clock.after(TICK, tick);
  };
  clock.after(TICK, tick);
  return made;
}

/** FlowControlAck of the server. */
export function serverAck(bytesReceived: number, availableWindow: number, channelCookie = IN): Uint8Array {
  return FLOW_CONTROL_ACK.encode({ ack: { bytesReceived, availableWindow, channelCookie } });
}
