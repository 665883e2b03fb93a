import assert from 'node:assert/strict';
import { test } from 'node:test';
import { schemesOn } from '@rpch/proxy';
import { md4 } from '@rpch/rpc/internal';
import { ALICE } from '../../src/live-proxy.ts';
import { Initiator } from '../../src/ntlm-initiator.ts';
import { basic, ScriptedClient } from '../../src/scripted-client.ts';
import { GOOD, Scene, takeResponse, WRONG } from './scene.ts';

const NT_HASH = md4(Buffer.from(ALICE.password, 'utf16le'));

for (const version of ['1.0', '1.1'] as const) {
  test(`HTTP/${version}: NTLM in legs without a body on one connection for each channel, then the session`, async () => {
    await using scene = await Scene.open();
    const script = new ScriptedClient({ port: scene.live.port, server: scene.target, version });
    const channels = { RPC_OUT_DATA: script.connA1(), RPC_IN_DATA: script.connB1() };
    for (const [method, firstPdu] of Object.entries(channels)) {
      const connection = await scene.connect();
      const initiator = new Initiator({ user: ALICE.name, domain: '', ntHash: NT_HASH });
      const token = (bytes: Uint8Array) => `NTLM ${Buffer.from(bytes).toString('base64')}`;
      connection.send(scene.head(method, { version, authorization: token(initiator.negotiate), contentLength: 0 }));
      const challenge = await takeResponse(connection);
      assert.equal(challenge.status, 401);
      assert.deepEqual(challenge.field('content-length'), ['0']);
      assert.deepEqual(challenge.field('connection'), ['Keep-Alive']);
      const [offered = ''] = challenge.field('www-authenticate');
      const answer = initiator.authenticate(Buffer.from(offered.replace(/^NTLM /, ''), 'base64'));
      connection.send(scene.head(method, { version, authorization: token(answer) }));
      connection.send(firstPdu);
      script.adopt(method === 'RPC_OUT_DATA' ? 'out' : 'in', connection);
    }
    await script.opened();
    assert.equal((await script.call(Buffer.from('by ntlm'))).toString(), 'by ntlm');
    script.cut('FIN');
  });
}

test('after NTLM the connection is authenticated: an echo request without Authorization is answered', async () => {
  await using scene = await Scene.open();
  const connection = await scene.connect();
  const initiator = new Initiator({ user: ALICE.name, domain: '', ntHash: NT_HASH });
  const token = (bytes: Uint8Array) => `NTLM ${Buffer.from(bytes).toString('base64')}`;
  connection.send(scene.head('RPC_IN_DATA', { authorization: token(initiator.negotiate), contentLength: 0 }));
  const [offered = ''] = (await takeResponse(connection)).field('www-authenticate');
  const answer = initiator.authenticate(Buffer.from(offered.replace(/^NTLM /, ''), 'base64'));
  connection.send(scene.head('RPC_IN_DATA', { authorization: token(answer), contentLength: 0 }));
  assert.equal((await takeResponse(connection)).body.length, 20);
  connection.send(scene.head('RPC_IN_DATA', { authorization: undefined, contentLength: 0 }));
  assert.equal((await takeResponse(connection)).body.length, 20);
  connection.cut('FIN');
});

test('401 offers the schemes and keeps the connection, on which the next request succeeds', async () => {
  await using scene = await Scene.open();
  const connection = await scene.connect();
  connection.send(scene.head('RPC_IN_DATA', { authorization: undefined, contentLength: 0 }));
  const refused = await takeResponse(connection);
  assert.equal(refused.status, 401);
  assert.deepEqual(refused.field('www-authenticate'), ['Basic realm="rpch", charset="UTF-8"', 'NTLM']);
  connection.send(scene.head('RPC_IN_DATA', { contentLength: 0 }));
  assert.equal((await takeResponse(connection)).status, 200);
  connection.cut('FIN');
});

test('401 before the body of 1 GiB has come, and the end of the connection', async () => {
  await using scene = await Scene.open();
  const connection = await scene.connect();
  connection.send(scene.head('RPC_IN_DATA', { authorization: WRONG }));
  const refused = await takeResponse(connection);
  assert.equal(refused.status, 401);
  assert.deepEqual(refused.field('connection'), ['close']);
  assert.equal((await connection.ended).how, 'FIN');
});

test('a wrong password slows its own address down and nobody else', async () => {
  await using scene = await Scene.open();
  const attempt = async (localAddress: string, authorization: string) => {
    const connection = await scene.connect({ localAddress });
    connection.send(scene.head('RPC_IN_DATA', { authorization, contentLength: 0 }));
    const { status } = await takeResponse(connection);
    connection.cut('FIN');
    return { status, at: performance.now() };
  };
  for (let i = 0; i < 4; i++) assert.equal((await attempt('127.0.0.2', WRONG)).status, 401);
  const slowed = attempt('127.0.0.2', GOOD);
  const other = await attempt('127.0.0.3', GOOD);
  assert.equal(other.status, 200, 'alice can log in from elsewhere');
  assert.ok((await slowed).at > other.at, 'the guesser waits, right or wrong');
});

test('where only NTLM is offered, Basic is not looked at', async () => {
  await using scene = await Scene.open({ flags: { auth: 'ntlm' } });
  const connection = await scene.connect();
  connection.send(scene.head('RPC_IN_DATA', { authorization: GOOD, contentLength: 0 }));
  const refused = await takeResponse(connection);
  assert.equal(refused.status, 401);
  assert.deepEqual(refused.field('www-authenticate'), ['NTLM']);
  assert.equal(scene.live.logged('login').length, 0);
  connection.cut('FIN');
});

test('Basic is offered on loopback and over TLS, and on plain HTTP only where it was allowed', () => {
  const listener = (host: string, tls = false) => ({ url: '', host, port: 80, tls });
  const auth = { schemes: ['basic', 'ntlm'], allowInsecureBasic: false, channelBinding: 'off', users: [] } as const;
  assert.deepEqual(schemesOn(listener('192.0.2.1'), { auth }), ['ntlm']);
  assert.deepEqual(schemesOn(listener('0.0.0.0'), { auth }), ['ntlm']);
  assert.deepEqual(schemesOn(listener('::'), { auth }), ['ntlm']);
  assert.deepEqual(schemesOn(listener('127.0.0.1'), { auth }), ['basic', 'ntlm']);
  assert.deepEqual(schemesOn(listener('192.0.2.1', true), { auth }), ['basic', 'ntlm']);
  const allowed = { auth: { ...auth, allowInsecureBasic: true } };
  assert.deepEqual(schemesOn(listener('192.0.2.1'), allowed), ['basic', 'ntlm']);
});

test('an unknown account and a malformed Authorization are refused like a wrong password', async () => {
  await using scene = await Scene.open();
  const connection = await scene.connect();
  const refusals = new Set<string>();
  for (const authorization of [
    WRONG,
    basic('nobody', 'x'),
    'Basic',
    'Basic !!!',
    'NTLM AAAA',
    'Digest x',
    'Negotiate AA==',
  ]) {
    connection.send(scene.head('RPC_IN_DATA', { authorization, contentLength: 0 }));
    refusals.add(await connection.takeHead());
  }
  assert.equal(refusals.size, 1, [...refusals].join('\n'));
  connection.cut('FIN');
});
