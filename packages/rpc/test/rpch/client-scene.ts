import assert from 'node:assert/strict';
import { Client, type ClientInChannel, type ClientOutChannel } from '../../src/rpch/client.ts';
import { CONN_A3, CONN_C2, FLOW_CONTROL_ACK_WITH_DESTINATION } from '../../src/rpch/pdus.ts';
import type { RoleEnd } from '../../src/rpch/role.ts';
import { cookie, GROUP, IN, Journal, OUT, VC, watch } from './support.ts';

export const A3 = CONN_A3.encode({ connectionTimeout: 150_000 });
export const RECYCLING_TIMEOUT = 60_000;
/** Cookies of the first and the second successor that the client opens. */
export const FIRST = cookie(0x51);
export const SECOND = cookie(0x52);

export function c2(receiveWindowSize = 65_536): Uint8Array {
  return CONN_C2.encode({ version: 1, receiveWindowSize, connectionTimeout: 120_000 });
}

/**
 * A client role and the journal of what it does. Its connections are `in`, `in2`, … and `out`, `out2`, … in the order in
 * which it opens them.
 */
export function startClient({ receiveWindow = 65_536, channelLifetime = 1024 ** 3 } = {}) {
  const journal = new Journal();
  const runtime = journal.sink('runtime');
  const cookies = [VC, IN, OUT, FIRST, SECOND];
  const ins: ClientInChannel[] = [];
  const outs: ClientOutChannel[] = [];
  const numbered = (name: string, count: number): string => (count === 1 ? name : `${name}${count}`);
  const port = {
    openIn: (channel: ClientInChannel) => {
      const name = numbered('in', ins.push(channel));
      journal.note(`open ${name}`);
      return { ...journal.sink(name), close: () => journal.note(`${name} close`) };
    },
    openOut: (channel: ClientOutChannel, contentLength: number) => {
      const name = numbered('out', outs.push(channel));
      journal.note(`open ${name} ${contentLength}`);
      return { send: journal.sink(name).rts, close: () => journal.note(`${name} close`) };
    },
    toRuntime: runtime.rpc,
    opened: () => journal.note('opened'),
    ended: (end: RoleEnd) => journal.note(`ended ${end}`),
  };
  const role = new Client(port, {
    receiveWindow,
    channelLifetime,
    clientKeepalive: 300_000,
    associationGroupId: GROUP,
    random: (length) => (cookies.shift() ?? cookie(0x5f)).slice(0, length),
    recyclingTimeout: RECYCLING_TIMEOUT,
    onTransition: watch,
  });
  const at = <Channel>(channels: readonly Channel[], number: number): Channel => {
    const channel = channels[number - 1];
    assert.ok(channel !== undefined, `connection ${number} was not opened`);
    return channel;
  };
  return {
    role,
    journal,
    /** The client's IN connections, counted from 1. */
    inChannel: (number: number) => at(ins, number),
    /** The client's OUT connections, counted from 1. */
    outChannel: (number: number) => at(outs, number),
  };
}

/** The same, Opened. */
export function openedClient(options: { receiveWindow?: number; channelLifetime?: number; inWindow?: number } = {}) {
  const made = startClient(options);
  made.role.open();
  const out = made.outChannel(1);
  out.responded();
  out.from.rts(A3);
  out.from.rts(c2(options.inWindow));
  assert.equal(made.role.state, 'Opened');
  made.journal.take();
  return { ...made, out };
}

/** The inbound proxy acknowledges. */
export function inAck(
  bytesReceived: number,
  availableWindow: number,
  channelCookie = IN,
  destination: 0 | 1 | 2 | 3 = 0,
): Uint8Array {
  return FLOW_CONTROL_ACK_WITH_DESTINATION.encode({
    destination,
    ack: { bytesReceived, availableWindow, channelCookie },
  });
}
