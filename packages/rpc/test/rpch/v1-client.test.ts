import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseHead } from '../../src/net/http-head.ts';
import { PING_PDU } from '../../src/rpch/pdus.ts';
import { connectRefusal, connectRequest, connectTargetOf, V1Client } from '../../src/rpch/v1-client.ts';
import { refused, rpc, run } from './support.ts';

const BANNER = Buffer.from('ncacn_http/1.0', 'latin1');

function start(direct: boolean) {
  const lines: string[] = [];
  const client = new V1Client(
    {
      toRuntime: (bytes, count) => lines.push(`rpc ${count}/${bytes.length}`),
      opened: () => lines.push('opened'),
      ended: (end) => lines.push(end),
    },
    { direct, setupTimeout: 1000 },
  );
  client.open();
  return { client, take: () => lines.splice(0) };
}

test('the request is as [MS-RPCH] 2.1.1.1.1 has it', () => {
  const bytes = Buffer.from(connectRequest({ host: 'mail01', port: 593 }, 'proxy.example.org'));
  assert.equal(
    bytes.toString('latin1'),
    'RPC_CONNECT /rpc/rpcproxy.dll?mail01:593 HTTP/1.1\r\n' +
      'Host: proxy.example.org\r\nPragma: No-cache\r\nUser-Agent: RPC\r\n\r\n',
  );
  const head = parseHead(bytes);
  assert.equal(connectTargetOf(head.target), 'mail01:593');
  assert.equal(connectRefusal(head.field), undefined);
});

test('names that would break the request apart are refused', () => {
  for (const name of ['a b', 'a\r\nX: y', '', 'a/b', 'a?b', 'a%41', 'ü', 'x'.repeat(1024)]) {
    for (const [server, proxy] of [
      [name, 'proxy'],
      ['server', name],
    ] as const) {
      assert.throws(() => connectRequest({ host: server, port: 1 }, proxy), { code: 'RPCH_BAD_NAME', fault: 'caller' });
    }
  }
});

test('server and port are found below any path, or without one', () => {
  for (const [target, found] of [
    ['/rpc/rpcproxy.dll?a:1', 'a:1'],
    ['/?a:1', 'a:1'],
    ['a.example.org:593', 'a.example.org:593'],
    ['http://proxy.example.org/?a:1', 'a:1'],
    ['::1:593', '::1:593'],
    ['/', undefined],
    ['/rpc/rpcproxy.dll', undefined],
    ['http://proxy:80/', undefined],
    ['a', undefined],
  ] as const) {
    assert.equal(connectTargetOf(target), found, target);
  }
});

test('a request with a length, a type or a coding is none', () => {
  for (const field of ['content-length', 'content-type', 'transfer-encoding']) {
    const why = connectRefusal((name) => (name === field ? '0' : undefined));
    assert.match(why ?? '', new RegExp(field));
  }
});

test('any status from 200 to 299 opens; what comes then is for the run-time', () => {
  for (const status of [200, 204, 299]) {
    const { client, take } = start(false);
    assert.deepEqual([client.state, client.maySend], ['Wait', false]);
    assert.equal(client.responded(status), true);
    assert.deepEqual([client.state, client.maySend, take()], ['Opened', true, ['opened']]);
    client.receive(run(50, 60));
    const pdu = rpc(70);
    client.receive(pdu.subarray(0, 30));
    client.receive(pdu.subarray(30));
    assert.deepEqual(take(), ['rpc 2/110', 'rpc 1/70']);
    assert.equal(client.responded(200), false);
  }
  for (const status of [100, 199, 300, 401, 503]) {
    const { client, take } = start(false);
    assert.equal(client.responded(status), false);
    assert.deepEqual([client.state, take()], ['Finished', []]);
  }
});

test('straight to a server, the banner opens, in pieces or together with PDUs', () => {
  const stream = Buffer.concat([BANNER, rpc(50)]);
  for (let at = 1; at < stream.length; at++) {
    const { client, take } = start(true);
    client.receive(stream.subarray(0, at));
    client.receive(stream.subarray(at));
    assert.deepEqual(take(), ['opened', 'rpc 1/50']);
  }
  refused(() => start(true).client.receive(rpc(50)), 'RPCH_BANNER');
  refused(() => start(true).client.receive(Buffer.from('ncacn_http/2.0')), 'RPCH_BANNER');
  assert.equal(start(true).client.responded(200), false);
});

test('PDUs before the answer, and RTS PDUs at any time, are errors', () => {
  refused(() => start(false).client.receive(rpc(50)), 'RPCH_RPC_TOO_EARLY');
  const { client } = start(false);
  client.responded(200);
  refused(() => client.receive(PING_PDU.encode({})), 'RPCH_RTS_IN_V1');
});

test('the connection setup timer', () => {
  for (const direct of [true, false]) {
    const { client, take } = start(direct);
    client.tick(100);
    client.tick(1099);
    assert.deepEqual(take(), []);
    client.tick(1100);
    assert.deepEqual([client.state, take()], ['Finished', ['setup-timeout']]);
    client.receive(rpc(50));
    client.tick(9999);
    assert.deepEqual(take(), []);
  }
  const { client, take } = start(true);
  client.receive(BANNER);
  client.tick(0);
  client.tick(1e9);
  client.close();
  client.receive(rpc(50));
  assert.deepEqual(take(), ['opened']);
});
