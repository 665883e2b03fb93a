import assert from 'node:assert/strict';
import { VirtualClock } from '@rpch/testkit';
import { ClientConduct } from '../../src/rpch/client-conduct.ts';
import { OutboundProxy } from '../../src/rpch/outbound-proxy.ts';
import { CONN_A1, CONN_C1, FLOW_CONTROL_ACK_WITH_DESTINATION, OUT_R1_A3 } from '../../src/rpch/pdus.ts';
import { readOutOpening } from '../../src/rpch/proxy-opening.ts';
import { type RoleEnd, TICK } from '../../src/rpch/role.ts';
import { Journal, NEXT_OUT, OUT, VC, watch } from './support.ts';

export const C1 = CONN_C1.encode({ version: 1, receiveWindowSize: 65_536, connectionTimeout: 150_000 });
export const RECYCLING_TIMEOUT = 60_000;
const A3_VALUES = {
  version: 1,
  virtualConnectionCookie: VC,
  predecessorCookie: OUT,
  successorCookie: NEXT_OUT,
  receiveWindowSize: 65_536,
};

export function a1(receiveWindowSize = 65_536): Uint8Array {
  return CONN_A1.encode({ version: 1, virtualConnectionCookie: VC, outChannelCookie: OUT, receiveWindowSize });
}

/** OUT_R1/A3 and OUT_R2/A3. */
export function outA3(changed: Partial<typeof A3_VALUES> = {}): Uint8Array {
  return OUT_R1_A3.encode({ ...A3_VALUES, ...changed });
}

export interface OutboundOptions {
  readonly minor?: 0 | 1;
  readonly receiveWindow?: number;
  readonly channelLifetime?: number;
  readonly clientWindow?: number;
  /** The first PDU of the client; CONN/A1 otherwise. */
  readonly first?: Uint8Array;
}

/** An outbound proxy in virtual time, and the journal of what it does. */
export function startOutbound({
  minor = 1,
  receiveWindow = 65_536,
  channelLifetime = 1024 ** 3,
  clientWindow = 65_536,
  first = a1(clientWindow),
}: OutboundOptions = {}) {
  const journal = new Journal();
  const clock = new VirtualClock();
  const conduct = new ClientConduct(minor);
  const port = {
    toServer: journal.sink('server'),
    opened: () => journal.note('opened'),
    leaving: () => journal.note('leaving'),
    wakeAfter: (ms: number) => clock.after(ms, () => role.tick(clock.now)),
    ended: (end: RoleEnd) => journal.note(`ended ${end}`),
  };
  const connection = (name: string, head: string) => ({
    toClient: journal.sink(name),
    respond: () => journal.note(head),
    close: () => journal.note(`${name} close`),
  });
  const options = {
    receiveWindow,
    channelLifetime,
    connectionTimeout: 120_000,
    conduct,
    recyclingTimeout: RECYCLING_TIMEOUT,
    onTransition: watch,
  };
  const role = new OutboundProxy(port, options, connection('client', '200'), readOutOpening(first));
  const { from } = role.client;
  /** The client opens a successor at this proxy; in the journal its connection has this name. */
  const succeed = (a3 = outA3(), name = 'successor') =>
    role.succeed(connection(name, `${name} 200`), readOutOpening(a3));
  return { role, from, journal, clock, conduct, succeed };
}

/** The same, Opened. Time begins to tick. */
export function openedOutbound(options: OutboundOptions = {}) {
  const made = startOutbound(options);
  const { role, journal, clock } = made;
  role.serverConnected();
  role.fromServer.rts(C1);
  assert.equal(role.state, 'Opened');
  journal.take();
  const tick = () => {
    role.tick(clock.now);
    clock.after(TICK, tick);
  };
  clock.after(TICK, tick);
  return made;
}

/** The client acknowledges. */
export function clientAck(bytesReceived: number, availableWindow: number, channelCookie = OUT): Uint8Array {
  return FLOW_CONTROL_ACK_WITH_DESTINATION.encode({
    destination: 3,
    ack: { bytesReceived, availableWindow, channelCookie },
  });
}
