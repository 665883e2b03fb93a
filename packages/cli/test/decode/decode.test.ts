import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  CONN_A1,
  CONN_A2,
  CONN_A3,
  CONN_B1,
  CONN_C1,
  CONN_C2,
  encodeFault,
  FaultStatus,
  FLOW_CONTROL_ACK_WITH_DESTINATION,
  OUT_R1_A2,
} from '@rpch/rpc/internal';
import { connection, decode, names, pcap, type Said } from './support.ts';

const cookie = (seed: number): Uint8Array => Uint8Array.from({ length: 16 }, (_, i) => seed * 16 + i);
const VC = cookie(1);
const IN = cookie(2);
const OUT = cookie(3);
const A1 = CONN_A1.encode({
  version: 1,
  virtualConnectionCookie: VC,
  outChannelCookie: OUT,
  receiveWindowSize: 65_536,
});
const B1 = CONN_B1.encode({
  version: 1,
  virtualConnectionCookie: VC,
  inChannelCookie: IN,
  channelLifetime: 1024 ** 3,
  clientKeepalive: 300_000,
  associationGroupId: cookie(4),
});
const A3 = CONN_A3.encode({ connectionTimeout: 120_000 });
const C2 = CONN_C2.encode({ version: 1, receiveWindowSize: 65_536, connectionTimeout: 120_000 });
const BIND = Buffer.from(
  '05000b03100000004800000001000000d016d016000000000100000000000100c55ea160e84dd711a637005056a2018201000000045d888aeb1cc9119fe808002b10486002000000',
  'hex',
);
const REQUEST = Buffer.from('0500000310000000' + '1c000000' + '03000000' + '04000000' + '00000000' + '2a000000', 'hex');
const FAULT = encodeFault({
  pfcFlags: 0x20,
  callId: 3,
  littleEndian: true,
  contextId: 0,
  cancelCount: 0,
  status: FaultStatus.nca_s_unk_if,
});

const head = (method: string, length: number, more = ''): string =>
  `${method} /rpc/rpcproxy.dll?mail:6001 HTTP/1.1\r\nHost: proxy\r\n${more}Content-Length: ${length}\r\n\r\n`;
const SUCCESS = 'HTTP/1.1 200 Success\r\nContent-Type: application/rpc\r\nContent-Length: 1073741824\r\n\r\n';

/** One capture of several connections, the packets of each in a row. */
function capture(...conversations: (readonly Said[])[]): Buffer {
  return pcap(conversations.flatMap((said, i) => connection(said, { clientPort: 50_000 + i })));
}

const up = (...data: (Uint8Array | string)[]): Said[] => data.map((piece) => ({ fromClient: true, data: piece }));
const down = (...data: (Uint8Array | string)[]): Said[] => data.map((piece) => ({ fromClient: false, data: piece }));

describe('a virtual connection', () => {
  const out = [...up(head('RPC_OUT_DATA', 76), A1), ...down(SUCCESS, A3, C2, FAULT)];
  const input = up(head('RPC_IN_DATA', 1024 ** 3), B1, BIND, REQUEST);

  test('is paired by its cookie and told PDU by PDU, in the words of the specification', () => {
    const told = decode(capture(input, out));
    assert.deepEqual(names(told), [
      'RPC_IN_DATA',
      'CONN/B1',
      'bind',
      'request',
      'RPC_OUT_DATA',
      'CONN/A1',
      'HTTP response',
      'CONN/A3',
      'CONN/C2',
      'fault',
    ]);
    assert.deepEqual(told.summary.virtualConnections, [
      {
        cookie: '10111213…',
        legs: [
          { side: 'client', channel: 'in', stream: 1 },
          { side: 'client', channel: 'out', stream: 2 },
        ],
        opened: true,
        recycled: false,
      },
    ]);
    // The bind went by on the IN channel; that the call is one of rpcecho is known on the OUT channel through the pairing.
    assert.deepEqual(told.summary.noteworthy, ['#2: fault nca_s_unk_if on call 3 (rpcecho opnum 0 AddOne)']);
    assert.match(told.text, /#1 {2}client → proxy {3}bind +72 bytes, call 1, context 0 rpcecho v1\.0 \(NDR\)$/m);
  });

  test('whole cookies are nowhere, neither in lines, nor in dumps, nor in the fields for programs', () => {
    const ack = FLOW_CONTROL_ACK_WITH_DESTINATION.encode({
      destination: 3,
      ack: { bytesReceived: 1, availableWindow: 2, channelCookie: OUT },
    });
    const told = decode(capture([...input, ...up(ack)], out));
    assert.match(
      told.text,
      /FlowControlAckWithDestination +56 bytes, for FDOutProxy, 1 bytes received, window 2, channel 30313233…/,
    );
    const everything = told.verbose + JSON.stringify(told.events.map((event) => event.told));
    for (const secret of [VC, IN, OUT, cookie(4)]) {
      const [a, b] = [Buffer.from(secret.subarray(4, 8)), Buffer.from(secret.subarray(8, 12))];
      for (const part of [a, b]) {
        assert.ok(!everything.includes(part.toString('hex')));
        assert.ok(!everything.includes((part.toString('hex').match(/../g) ?? []).join(' ')));
      }
    }
  });

  test('that is not opened says where it stopped', () => {
    const silent = decode(capture(input, up(head('RPC_OUT_DATA', 76), A1)));
    assert.match(silent.summary.noteworthy.join(), /10111213…: the proxy never sent CONN\/A3/);
    const half = decode(capture(input, [...up(head('RPC_OUT_DATA', 76), A1), ...down(SUCCESS, A3)]));
    assert.match(half.summary.noteworthy.join(), /CONN\/C2 never came: the proxy did not reach the server/);
    const alone = decode(capture([...up(head('RPC_OUT_DATA', 76), A1), ...down(SUCCESS, A3)]));
    assert.match(alone.summary.noteworthy.join(), /its IN channel is not in the capture/);
  });

  test('names that share a form are told apart by where they stand', () => {
    const recycle = OUT_R1_A2.encode({ destination: 0 });
    assert.deepEqual(names(decode(capture([...out, ...down(recycle)]))).slice(-1), ['OUT_R1/A2|OUT_R2/A2']);
    assert.equal(decode(capture(input, [...out, ...down(recycle)])).summary.virtualConnections[0]?.recycled, true);
    // Of CONN/C1 and C2, without knowing where: both.
    assert.deepEqual(names(decode(C2.subarray(0), 'raw')), ['CONN/C1|CONN/C2']);
  });

  test('a call without an answer is noted', () => {
    const more = Buffer.from(REQUEST);
    more.writeUInt32LE(9, 12);
    const told = decode(capture([...input, ...up(more)], out));
    assert.ok(
      told.summary.noteworthy.includes(
        'virtual connection 10111213…: call 9 (rpcecho opnum 0 AddOne) has no answer in the capture',
      ),
    );
  });
});

describe('HTTP', () => {
  const refused = (line: string, more = ''): Said[] => down(`${line}\r\nContent-Length: 2\r\n${more}\r\nno`);

  test('a refusal is noted in plain words, a step of an authentication is not', () => {
    const basic = 'Authorization: Basic YWxpY2U6c2VjcmV0\r\n';
    const told = decode(
      capture([
        ...up(head('RPC_OUT_DATA', 76, basic)),
        ...refused('HTTP/1.1 401 Unauthorized', 'WWW-Authenticate: NTLM\r\n'),
      ]),
    );
    assert.deepEqual(told.summary.noteworthy, [
      '#1: the OUT channel was answered with 401 Unauthorized: the credentials were refused',
    ]);
    assert.ok(!/YWxp|secret/.test(told.verbose + JSON.stringify(told.events.map((event) => event.told))));
    const reached = decode(
      capture([
        ...up(head('RPC_OUT_DATA', 0)),
        ...refused('HTTP/1.1 401 Unauthorized'),
        ...up(head('RPC_OUT_DATA', 76), A1),
        ...down(SUCCESS, A3, C2),
      ]),
    );
    assert.ok(!reached.summary.noteworthy.join().includes('401'));
    const unavailable = decode(
      capture([...up(head('RPC_IN_DATA', 1024 ** 3), B1), ...refused('HTTP/1.0 503 RPC Error: 6ba')]),
    );
    assert.deepEqual(unavailable.summary.noteworthy, [
      '#1: the IN channel was answered with 503 RPC Error: 6ba: the RPC server is unavailable, or may not be reached through this proxy',
    ]);
  });

  test('the head of a second request is found behind a body that was announced and never sent', () => {
    const told = decode(
      capture([
        ...up(head('RPC_IN_DATA', 1024 ** 3)),
        ...refused('HTTP/1.1 401 Unauthorized'),
        ...up(head('RPC_IN_DATA', 1024 ** 3), B1),
      ]),
    );
    assert.deepEqual(names(told), ['RPC_IN_DATA', 'HTTP response', 'RPC_IN_DATA', 'CONN/B1']);
  });

  test('an OUT channel in chunks is read, and noted', () => {
    const chunk = (bytes: Uint8Array): Buffer =>
      Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
    const both = Buffer.concat([A3, C2]);
    const said = [
      ...up(head('RPC_OUT_DATA', 76), A1),
      ...down(
        'HTTP/1.1 200 OK\r\nContent-Type: application/rpc\r\nTransfer-Encoding: chunked\r\n\r\n',
        chunk(both.subarray(0, 5)),
        chunk(both.subarray(5)),
      ),
    ];
    const told = decode(capture(said));
    assert.deepEqual(names(told), ['RPC_OUT_DATA', 'CONN/A1', 'HTTP response', 'CONN/A3', 'CONN/C2']);
    assert.match(told.summary.noteworthy.join(), /chunked transfer coding: an intermediary has put it on/);
  });

  test('terminals are safe from what heads say', () => {
    const told = decode(
      capture(up('GET /\x1b[31m HTTP/1.1\r\nX: \x07\r\n\r\n'), [
        ...up('GET / HTTP/1.1\r\n\r\n'),
        ...down('HTTP/1.1 200 \x1b]0;x\x07\r\nContent-Length: 0\r\n\r\n'),
      ]),
    );
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    assert.doesNotMatch(told.verbose, /[\x00-\x09\x0b-\x1f]/);
  });
});

describe('streams', () => {
  test('TLS and other protocols are said to be such', () => {
    const hello = Buffer.from('16030100050100000100', 'hex');
    const told = decode(capture(up(hello), up('SSH-2.0-OpenSSH_9.2\r\n'), up('EHLO there\r\n')));
    assert.deepEqual(told.summary.streams, { TLS: 1, other: 2 });
    assert.match(told.text, /#1 .*TLS; nothing within can be read/);
  });

  test('a server leg is known by its banner, or by its first RTS PDU', () => {
    const direct = decode(capture([...down('ncacn_http/1.0'), ...up(BIND)]));
    assert.deepEqual(names(direct), ['ncacn_http/1.0', 'bind']);
    assert.deepEqual(direct.summary.streams, { ncacn_http: 1 });
    assert.match(direct.text, /client → server {2}bind/);
  });

  test('the legs of both sides of a proxy are one virtual connection', () => {
    const serverOut = [
      ...down('ncacn_http/1.0'),
      ...up(
        CONN_A2.encode({
          version: 1,
          virtualConnectionCookie: VC,
          outChannelCookie: OUT,
          channelLifetime: 1024 ** 3,
          receiveWindowSize: 65_536,
        }),
      ),
      ...down(CONN_C1.encode({ version: 1, receiveWindowSize: 65_536, connectionTimeout: 120_000 })),
    ];
    const told = decode(capture([...up(head('RPC_OUT_DATA', 76), A1), ...down(SUCCESS, A3, C2)], serverOut));
    assert.deepEqual(names(told).slice(-3), ['ncacn_http/1.0', 'CONN/A2', 'CONN/C1']);
    assert.match(told.text, /#2 {2}server → proxy {3}CONN\/C1/);
    const [both] = told.summary.virtualConnections;
    assert.deepEqual(both?.legs, [
      { side: 'client', channel: 'out', stream: 1 },
      { side: 'server', channel: 'out', stream: 2 },
    ]);
  });

  test('plain RPC over TCP, whose opening was not captured, from whichever side it is seen first', () => {
    const frames = connection([...up(BIND), ...down(FAULT)], { clientPort: 1025, serverPort: 49_001 }, 'open').slice(2);
    const told = decode(pcap(frames));
    assert.match(told.text, /client → server {2}bind/);
    assert.match(told.text, /server → client {2}fault/);
  });

  test('a reset and a PDU cut short are noted', () => {
    const told = decode(
      pcap(connection([...up(BIND), ...down(FAULT.subarray(0, 20))], { serverPort: 49_001 }, 'reset')),
    );
    assert.deepEqual(told.summary.noteworthy, ['#1: ends in mid-PDU: 20 of 32 bytes', '#1 was reset by the server']);
  });
});

describe('damage', () => {
  test('a PDU that breaks the protocol is told with its section, and the next one is read', () => {
    const damaged = Buffer.from(A3);
    damaged.writeUInt16LE(2, 18);
    const told = decode(capture([...up(head('RPC_OUT_DATA', 76), A1), ...down(SUCCESS, damaged, C2)]));
    assert.deepEqual(names(told).slice(-2), ['damaged', 'CONN/C2']);
    assert.match(told.text, /damaged +28 bytes, PTYPE 20, RTS PDU: 4 bytes wanted at offset 28, 0 left/);
  });

  test('reading goes on at the next boundary behind garbage', () => {
    const told = decode(capture([...up(BIND), ...up(Buffer.from('garbage of any kind'), REQUEST)]));
    assert.deepEqual(names(told), ['bind', 'damaged', 'request']);
    assert.match(told.summary.noteworthy.join(), /0x67 stands where a PDU or an HTTP head must begin/);
  });

  test('bytes that the capture lacks: within a PDU the place is kept, elsewhere a boundary is looked for', () => {
    const frames = connection(up(BIND.subarray(0, 20), BIND.subarray(20, 40), BIND.subarray(40), REQUEST), {
      serverPort: 49_001,
    });
    const within = decode(pcap(frames.filter((_, i) => i !== 3)));
    assert.deepEqual(names(within), ['damaged', 'request']);
    assert.match(within.text, /20 bytes of a PDU of 72 bytes are not in the capture/);
    const whole = connection(up(BIND, BIND, BIND, REQUEST), { serverPort: 49_001 });
    const between = decode(pcap(whole.filter((_, i) => i !== 3)));
    assert.deepEqual(names(between), ['bind', 'damaged', 'bind', 'request']);
    const short = decode(pcap(connection(up(BIND, REQUEST), { serverPort: 49_001 }), { snapLength: 100 }));
    assert.deepEqual(names(short), ['damaged', 'request']);
  });
});
