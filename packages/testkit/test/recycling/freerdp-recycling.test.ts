import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../src/live-proxy.ts';
import type { FreerdpClient } from '../../src/scripted-peers/freerdp-client.ts';
import { FreerdpScene, pattern, SHORT_LIFETIME, wants } from './freerdp-scene.ts';

/** OUT_R2 as FreeRDP goes through it, to its end. */
const UP_TO_A3 = ['< OUT_R2/A2', '> RPC_OUT_DATA 0', '> RPC_OUT_DATA 120', '> OUT_R2/A3'];
const UP_TO_B3 = [...UP_TO_A3, '< OUT_R2/A6', '> OUT_R2/C1', '> OUT_R2/A7', '< OUT_R2/B3'];
const WHOLE = [...UP_TO_B3, '< 200'];

/** Takes so many bytes from the pipe, which must be right. */
async function take(client: FreerdpClient, bytes: number): Promise<void> {
  assert.ok((await client.receive(wants(bytes))).equals(pattern(bytes)), 'the pipe brought other bytes than were sent');
}

/** Takes from the pipe until the session is over; returns why. */
async function takeUntilEnded(client: FreerdpClient, bytes: number): Promise<string> {
  for (let over: string | undefined; ; ) {
    const taken = take(client, bytes).catch((error: unknown) => {
      if (error instanceof assert.AssertionError) throw error;
    });
    over = await Promise.race([taken.then(() => undefined), client.ended]);
    if (over !== undefined) return over;
  }
}

for (const backend of ['ncacn_ip_tcp', 'ncacn_http'] as const) {
  test(`${backend}: FreeRDP 2.0.0 to 2.4.0 recycles OUT again and again, and loses nothing of its pipe`, async () => {
    await using scene = await FreerdpScene.open(backend);
    const client = await scene.freerdp({ version: '2.0.0' });
    for (let i = 0; i < 20; i++) {
      await take(client, 30_000);
      client.send(Buffer.from('input'));
    }
    assert.ok(client.steps.length >= 4 * WHOLE.length, `${client.steps.length / WHOLE.length} recyclings`);
    for (const [at, step] of client.steps.entries()) assert.equal(step, WHOLE[at % WHOLE.length]);
    // Counters begin anew with each instance, and each acknowledgement names the one that it counts.
    const instances = new Set(client.acks.map(({ instance }) => instance));
    assert.deepEqual([...instances], [...instances].sort());
    assert.ok(instances.size >= 4);
    for (const { bytesReceived, availableWindow } of client.acks) {
      assert.ok(bytesReceived > 32_768 && bytesReceived < SHORT_LIFETIME);
      assert.equal(availableWindow, 65_536);
    }
    // Nothing told it that it is open again: what is not for the pipe is thrown away from the first recycling on.
    client.call(1, Buffer.from('MakeTunnelCall')).catch(() => {});
    await take(client, 10);
    assert.equal(client.lost, 1);
    client.close();
    assert.deepEqual(
      scene.proxy.lines.filter(({ level }) => level === 'error' || level === 'warn'),
      [],
    );
  });

  test(`${backend}: FreeRDP 2.4.1 to 2.11.7 goes through OUT_R2, and ends with the first PDU on the successor`, async () => {
    await using scene = await FreerdpScene.open(backend);
    const client = await scene.freerdp({ version: '2.4.1' });
    assert.match(await takeUntilEnded(client, 30_000), /^error parsing RTS PDU: RTS command \d+ does not exist/);
    assert.deepEqual(client.steps, WHOLE);
    const { fields } = await scene.proxy.line('session.ended');
    assert.match(String(fields.reason), /^(in|out)-(closed|reset)$/);
  });

  test(`${backend}: FreeRDP 3 opens the successor and ends over the PDU that made it do so`, async () => {
    await using scene = await FreerdpScene.open(backend);
    const client = await scene.freerdp({ version: '3.0.0' });
    assert.equal(await takeUntilEnded(client, 3000), 'not all of 28 bytes parsed');
    assert.deepEqual(client.steps, ['< OUT_R2/A2', '> RPC_OUT_DATA 0']);
    const { fields } = await scene.proxy.line('session.ended');
    assert.match(String(fields.reason), /^(in|out)-(closed|reset)$/);
  });
}

test('FreeRDP has no IN recycling: the session ends with the request body, and the log says why', async () => {
  await using scene = await FreerdpScene.open('ncacn_ip_tcp');
  const client = await scene.freerdp({ version: '2.0.0', inBody: SHORT_LIFETIME });
  const input = Buffer.alloc(1000);
  for (let sent = 0; sent <= SHORT_LIFETIME; sent += input.length) client.send(input);
  assert.match(await client.ended, /^RPC_(IN|OUT)_DATA ended with (FIN|RST)$/);
  const { fields } = await scene.proxy.line('session.ended');
  assert.equal(fields.reason, 'in-channel-used-up');
});

test('OUT_R1, the successor at another proxy: FreeRDP does not know OUT_R1/A6 and ends; each side says so', async () => {
  await using scene = await FreerdpScene.open('ncacn_http', 2);
  const [first, second] = scene.proxies;
  const client = await scene.freerdp({ version: '2.0.0', successorTarget: { port: second?.port ?? 0 } });
  assert.equal(await takeUntilEnded(client, 30_000), 'error parsing RTS PDU with flags 0x10 of 44 bytes in OPENED_A6W');
  assert.deepEqual(client.steps, UP_TO_A3);
  // The predecessor's proxy has IN as well; the successor's has never got as far as OUT_R1/A11.
  const ended = await first?.line('session.ended');
  assert.match(String(ended?.fields.reason), /^(in|out)-(closed|reset)$/);
  assert.equal(ended?.fields.opened, true);
  const unborn = await second?.line('session.ended');
  assert.match(String(unborn?.fields.reason), /^out-(closed|reset)$/);
  assert.equal(unborn?.fields.opened, false);
  // To the server it is one virtual connection over three connections, and no fault.
  await eventually(
    () => scene.endpoint.connections === 0 && scene.endpoint.sessions === 0,
    () => `the server has ${scene.endpoint.connections} connections, ${scene.endpoint.sessions} sessions`,
  );
  assert.deepEqual([scene.endpoint.counts.accepted, scene.endpoint.counts.sessions], [3, 1]);
  assert.deepEqual(scene.serverLines, []);
});

test('FreeRDP takes no Content-Length of 2 GiB, so the largest that is announced is one byte less', async () => {
  await using longest = await FreerdpScene.open('ncacn_ip_tcp', 1, 2 ** 31);
  const client = await longest.freerdp({ version: '2.4.1' });
  await take(client, 300_000);
  assert.deepEqual(client.steps, []);
  client.close();
});
