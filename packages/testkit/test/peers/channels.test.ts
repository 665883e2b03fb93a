import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { channelsOf, rpcBytes } from '../../src/peers/channels.ts';
import { peerScript } from '../../src/peers/scripts.ts';

const captures = peerScript('captures');

/** The PDUs of a capture's session.txt that went over one channel in one direction. */
function recorded(name: string, channel: string, way: string): Buffer[] {
  const lines = readFileSync(join(captures, name, 'session.txt'), 'utf8').split('\n');
  return lines.flatMap((line, index) =>
    line.startsWith(`${channel} ${way} pdu `) ? [Buffer.from((lines[index + 1] ?? '').trim(), 'hex')] : [],
  );
}

/** The HTTP heads of one channel, in order. */
function heads(name: string, channel: string, kind: 'request' | 'reply'): Buffer[] {
  const files = readdirSync(join(captures, name)).filter((file) => file.startsWith(`${channel}-${kind}-`));
  return files.sort().map((file) => readFileSync(join(captures, name, file)));
}

describe('channels are cut out of what real clients and a proxy said', () => {
  for (const name of readdirSync(captures)) {
    for (const channel of ['in', 'out'] as const) {
      test(`${name}, ${channel}`, () => {
        const fromClient = recorded(name, channel, 'from-client');
        const fromProxy = recorded(name, channel, 'to-client');
        const [cut, ...others] = channelsOf([
          {
            port: 80,
            fromClient: Buffer.concat([...heads(name, channel, 'request'), ...fromClient]),
            fromServer: Buffer.concat([...heads(name, channel, 'reply'), ...fromProxy]),
          },
        ]);
        assert.deepEqual(others, []);
        assert.equal(cut?.direction, channel);
        assert.match(cut.server, /^[\w.]+:\d+$/);
        assert.ok(fromClient.length > 0);
        assert.deepEqual(cut.fromClient, fromClient);
        assert.deepEqual(cut.fromProxy, fromProxy);
      });
    }
  }
});

const CONN_A3 = Buffer.from('05001403100000001c000000000000000000010002000000c0d40100', 'hex');
const REQUEST = Buffer.from('RPC_OUT_DATA /rpc/rpcproxy.dll?a:1 HTTP/1.1\r\nContent-Length: 76\r\n\r\n');
const REPLY = Buffer.from('HTTP/1.1 200 Success\r\nContent-Length: 1073741824\r\n\r\n');

test('connections without a channel are left out: other requests, echo, refused', () => {
  const requests = [
    'GET /rpc/rpcproxy.dll HTTP/1.1\r\n\r\n',
    'RPC_IN_DATA /rpc/rpcproxy.dll?a:1 HTTP/1.1\r\nContent-Length: 4\r\n\r\nabcd',
    'RPC_IN_DATA /rpc/rpcproxy.dll?a:1 HTTP/1.1\r\nContent-Length: 1073741824\r\n\r\n',
    'RPC_IN_DATA /rpc/rpcproxy.dll?a:1 HTTP/1.1\r\nContent-Le',
  ];
  const streams = requests.map((text) => ({ port: 80, fromClient: Buffer.from(text), fromServer: Buffer.alloc(0) }));
  assert.deepEqual(channelsOf(streams), []);
});

test('a channel that ends inside a PDU is an error', () => {
  const fromClient = Buffer.concat([REQUEST, CONN_A3]);
  const fromServer = Buffer.concat([REPLY, CONN_A3, CONN_A3.subarray(0, 27)]);
  assert.throws(() => channelsOf([{ port: 80, fromClient, fromServer }]), /27 bytes of 55 at the end/);
});

test('RPC bytes are what is left without RTS', () => {
  const rpc = Buffer.from('0500000310000000100000000100000005', 'hex').subarray(0, 16);
  assert.deepEqual(rpcBytes([CONN_A3, rpc, CONN_A3, rpc]), Buffer.concat([rpc, rpc]));
});
