import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { faultOf } from '../../soak/idle.ts';
import { type IdleResult, IdleScene } from '../../soak/idle-scene.ts';
import { FirewalledNamespace } from '../../src/firewalled-namespace.ts';
import { eventually } from '../../src/live-proxy.ts';
import { peersAreRequired } from '../../src/peers/requirePeer.ts';
import { requestPdu, responsePdu } from '../../src/plain-pdus.ts';
import { RpcServerStub } from '../../src/rpc-server-stub.ts';
import { IdlePath } from './idle-path.ts';

const CONNECTION_TIMEOUT = 120_000;
/** Roles look at the time once a second, and what they send takes its time. */
const LATE = 2_000;
const [MINUTE, HOUR] = [60_000, 3_600_000];

test('an idle session pings on both channels, so that no middlebox of more than half the ConnectionTimeout forgets it', () => {
  const path = new IdlePath(CONNECTION_TIMEOUT);
  path.open();
  path.pass(HOUR);
  for (const { pdus, longestSilence } of [path.in, path.out]) {
    assert.ok(longestSilence <= CONNECTION_TIMEOUT / 2 + LATE, `${longestSilence} ms of silence`);
    assert.ok(pdus >= 58 && pdus <= 60, `${pdus} pings`);
  }
  path.toServer(requestPdu(7, Buffer.from('after an hour')));
  path.pass(MINUTE);
  path.toClient(responsePdu(7, Buffer.from('still there')));
  path.pass(MINUTE);
  assert.deepEqual([path.atServer.length, path.atClient.length, path.ends], [1, 1, []]);
});

test('traffic on one channel does not keep the other one silent', () => {
  const onlyIn = new IdlePath(CONNECTION_TIMEOUT);
  onlyIn.open();
  for (let minute = 0; minute < 60; minute += 0.25) {
    onlyIn.toServer(requestPdu(1, Buffer.from('no answer')));
    onlyIn.pass(MINUTE / 4);
  }
  assert.ok(onlyIn.out.longestSilence <= CONNECTION_TIMEOUT / 2 + LATE, `OUT: ${onlyIn.out.longestSilence} ms`);

  const onlyOut = new IdlePath(CONNECTION_TIMEOUT);
  onlyOut.open();
  for (let minute = 0; minute < 60; minute += 0.25) {
    onlyOut.toClient(responsePdu(1, Buffer.from('more of it')));
    onlyOut.pass(MINUTE / 4);
  }
  assert.ok(onlyOut.in.longestSilence <= CONNECTION_TIMEOUT / 2 + LATE, `IN: ${onlyOut.in.longestSilence} ms`);
  assert.deepEqual([onlyIn.atServer.length, onlyOut.atClient.length], [240, 240]);
});

test('a middlebox that resets silent connections ends the session, and both sides say what it was', async (t) => {
  const silence = 3;
  const scene = await IdleScene.open({ silence, kinds: ['resets'], callTimeout: 2_000 });
  t.after(() => scene.close());
  await eventually(
    () => scene.settled,
    () => `${scene.open} sessions are still open`,
  );
  for (const result of await scene.finish()) {
    t.diagnostic(`${result.scheme} ${result.backend}: ${result.client} | ${JSON.stringify(result.proxy)}`);
    assert.equal(faultOf(result, silence), undefined);
    assert.match(result.client ?? '', /^RPCH_CHANNEL_LOST: the (IN|OUT) channel .* was reset/);
    assert.match(String(result.proxy?.reason), /^(in|out)-reset$/);
  }
});

test('what lives must, what dies must, and both must name the silence', () => {
  const lives: IdleResult = {
    ...{ kind: 'resets', scheme: 'http', backend: 'native', lives: true, client: undefined, proxy: undefined },
    ...{ pingsSent: 1, pingsReceived: 1, longestSilence: { in: 60, out: 60 } },
  };
  const dies = {
    ...lives,
    lives: false,
    client: 'RPCH_CHANNEL_LOST: reset; nothing sent for 20 s',
    proxy: { reason: 'in-reset', silentIn: 20, silentOut: 5 },
  };
  assert.equal(faultOf(lives, 120), undefined);
  assert.equal(faultOf(dies, 20), undefined);
  assert.equal(faultOf(dies, 120), 'must live');
  assert.equal(faultOf(lives, 20), 'must die');
  assert.equal(faultOf({ ...lives, kind: 'firewall' }, 40), undefined, 'TCP keep-alive is enough for a firewall');
  assert.match(faultOf({ ...dies, client: 'RPCH_CHANNEL_LOST: reset' }, 20) ?? '', /client/);
  assert.match(faultOf({ ...dies, proxy: undefined }, 20) ?? '', /not noticed/);
  const swallowed = {
    ...dies,
    kind: 'swallows',
    client: 'RPCH_CHANNEL_ENDED: … (out-silent): …',
    proxy: undefined,
  } as const;
  assert.equal(faultOf(swallowed, 20), undefined);
  assert.match(faultOf({ ...swallowed, client: 'RPCH_NO_ANSWER: …' }, 20) ?? '', /client/);
  assert.match(faultOf({ ...dies, client: 'RPCH_CHANNEL_LOST: reset; nothing sent for 2 s' }, 20) ?? '', /client/);
  assert.match(faultOf({ ...dies, proxy: { reason: 'in-reset' } }, 20) ?? '', /proxy/);
  assert.match(faultOf({ ...dies, proxy: { reason: 'in-reset', silentIn: 0, silentOut: 0 } }, 20) ?? '', /proxy/);
});

/** Relays its standard input to the host and port of its arguments. */
const TALKER =
  'const [host, port] = process.argv.slice(-2); process.stdin.pipe(require("net").connect({ host, port }))';

test('a firewall forgets a silent connection and drops what comes of it later', async (t) => {
  const obstacle = peersAreRequired() ? undefined : await FirewalledNamespace.obstacle();
  if (obstacle !== undefined) {
    t.skip(obstacle);
    return;
  }
  const firewall = await FirewalledNamespace.make(1);
  t.after(() => firewall.remove());
  const listener = await RpcServerStub.listen(firewall.here);
  t.after(() => listener.close());
  const [program = '', ...enter] = firewall.enter;
  const args = [...enter, process.execPath, '--eval', TALKER, firewall.here, String(listener.port)];
  const talker = spawn(program, args, { stdio: ['pipe', 'ignore', 'inherit'] });
  t.after(() => talker.kill());

  const connection = await listener.connection();
  talker.stdin.write('.');
  await connection.take(1);
  assert.deepEqual(
    (await firewall.connections()).map(({ targetPort, state }) => [targetPort, state]),
    [[listener.port, 'ESTABLISHED']],
  );
  assert.equal(await firewall.dropped(), 0);
  // Past the whole second after which it forgets.
  await delay(2100);
  talker.stdin.write('.');
  while ((await firewall.dropped()) === 0) await delay(20);
  assert.equal(connection.received.length, 0);
  assert.equal(connection.over, undefined);
});
