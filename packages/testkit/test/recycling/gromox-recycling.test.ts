import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GromoxServer } from '../../src/scripted-peers/gromox-server.ts';
import { answer, CallingClient, FRAGMENT, withGromox } from './gromox-scene.ts';

/** gromox with a short OUT channel, of which 64 KiB are used before it is to be replaced. */
const SHORT = { outLength: 256 * 1024, recycleAt: 192 * 1024 };
/** Enough to make {@link SHORT} replace its OUT channel once, bytes. */
const ONE_CHANNEL = 64 * 1024;

/** The steps of one recycling. */
const RECYCLING = [
  '> OUT_R2/A2',
  '< OUT_R2/A3',
  '> OUT_R2/A6',
  '< OUT_R2/A7',
  '< OUT_R2/C1',
  '> 200',
  '> OUT_R2/B3',
  '! successor opened',
  '! predecessor OUT closed',
];

test('OUT_R2, again and again: all bytes arrive, and our client closes what was replaced', async () => {
  await withGromox(SHORT, {}, async (gromox, client) => {
    for (let i = 0; i < 30; i++) await client.call(20_000);
    await client.call(0);
    const { R1, R2 } = client.connection.counters.recycledOut;
    assert.equal(R1, 0);
    assert.ok(R2 >= 6, `${R2} recyclings`);
    await gromox.until(() => gromox.open === 2, 'two connections');
    assert.deepEqual(
      [...gromox.steps].sort(),
      Array.from({ length: R2 }, () => RECYCLING)
        .flat()
        .sort(),
    );
  });
});

test('OUT_R2: its 200 comes as soon as OUT_R2/C1 is in, before OUT_R2/B3, and is taken', async () => {
  await withGromox(SHORT, {}, async (gromox, client) => {
    gromox.delay('OUT_R2/A7');
    await client.call(ONE_CHANNEL);
    await gromox.untilStep('> 200');
    assert.ok(!gromox.steps.includes('> OUT_R2/B3'));
    gromox.hurry();
    await gromox.untilStep('! predecessor OUT closed');
    await client.call(20_000);
    assert.deepEqual(client.events.slice(-3), [
      'client-out: OUT_Rx/A2',
      'client-out: OUT_R2/A6',
      'client-out: OUT_R2/B3',
    ]);
  });
});

test('OUT_R2: what the successor brings before OUT_R2/B3 waits for it', async () => {
  await withGromox(SHORT, {}, async (gromox, client) => {
    gromox.delay('OUT_R2/B3');
    await client.call(ONE_CHANNEL);
    await gromox.untilStep('! successor opened');
    const answered = client.call(20_000);
    await gromox.until(() => gromox.window?.left === 65_536 - 20_000 - 4 * 24, 'the answer to be under way');
    assert.ok(!client.events.includes('client-out: OUT_R2/B3'));
    gromox.hurry();
    await answered;
    assert.ok(client.events.includes('client-out: OUT_R2/B3'));
  });
});

test('OUT_R2: an answer that is ready between OUT_R2/A7 and OUT_R2/C1 makes gromox drop the successor', async () => {
  await withGromox(SHORT, {}, async (gromox, client) => {
    gromox.delay('OUT_R2/C1');
    await client.call(ONE_CHANNEL);
    await gromox.untilStep('> OUT_R2/B3');
    client.call(4).catch(() => {});
    await gromox.until(() => gromox.window?.left === 65_536, 'the successor');
    await gromox.until(() => gromox.waiting > 0, 'the answer');
    gromox.hurry();
    const { code, message } = await client.ended.promise;
    assert.ok(gromox.steps.includes('! successor taken for lost'));
    assert.equal(code, 'RPCH_CHANNEL_LOST');
    assert.match(message, /^the OUT channel \(number 2\) to \S+ was closed by the other side/);
  });
});

test('OUT_R2: gromox counts an acknowledgement of the predecessor for the successor, and our client bears it', async () => {
  await withGromox({ ...SHORT, recycleAt: 216 * 1024 }, {}, async (gromox, client) => {
    gromox.delay('OUT_R2/B3');
    client.connection.pause();
    await client.call(45_000);
    await gromox.untilStep('! successor opened');
    assert.equal(gromox.window?.left, 65_536);
    client.connection.resume();
    await gromox.until(() => gromox.window?.left === 65_536 + 45_000 + 8 * 24, 'the acknowledgement');
    gromox.hurry();
    await client.call(100_000);
  });
});

test('a PDU that is cut at the edge of the window arrives whole once there is window again', async () => {
  await withGromox({}, {}, async (gromox, client) => {
    client.connection.pause();
    const answered = client.call(4 * 65_536);
    await gromox.until(() => gromox.window?.left === 0, 'no window left');
    assert.equal(gromox.window?.cutAt, 65_536 % (FRAGMENT + 24));
    client.connection.resume();
    await answered;
  });
});

test('our client keeps to the window that gromox gives it, which is the one it gave itself', async () => {
  await withGromox({}, { receiveWindow: 8192 }, async (gromox, client) => {
    for (let i = 0; i < 20; i++)
      await Promise.all([client.call(12_000, 2000), client.call(0, 3000), client.call(4, 4000)]);
    const most = gromox.mostUnacknowledged;
    assert.ok(most > 4096 && most <= 8192, `${most} bytes in a window of 8,192`);
  });
});

test('IN_R2: gromox does not understand IN_R2/A5, and closes the successor at its first RPC PDU', async () => {
  await withGromox({}, { channelLifetime: 128 * 1024 }, async (gromox, client) => {
    const { code, message } = await client.callUntilEnded(4, 4000);
    assert.equal(code, 'RPCH_CHANNEL_LOST');
    assert.match(message, /^the IN channel \(number 2\) to \S+ was closed by the other side/);
    assert.deepEqual(gromox.steps, [
      '< IN_R2/A1',
      '> IN_R2/A4',
      '< IN_R2/A5',
      '! IN_R2/A5 is not understood',
      '! RPC PDU on a channel that is not the IN channel: closed',
    ]);
    assert.deepEqual(client.connection.counters.recycledIn, { R1: 0, R2: 1 });
  });
});

test('IN_R2 while OUT is being replaced: gromox holds IN_R2/A4 back for ever, and our client gives up', async () => {
  const client = { channelLifetime: 128 * 1024, recyclingTimeout: 200 };
  await withGromox(SHORT, client, async (gromox, client) => {
    // 128 KiB are recycled when a quarter is left.
    for (let i = 0; i < 23; i++) await client.call(4, 4000);
    gromox.delay('OUT_R2/A3');
    await client.call(ONE_CHANNEL);
    for (let i = 0; i < 4; i++) client.call(4, 4000).catch(() => {});
    await gromox.untilStep('! IN_R2/A4 held back');
    gromox.hurry();
    const { code, message } = await client.ended.promise;
    assert.equal(code, 'RPCH_CHANNEL_ENDED');
    assert.match(message, /recycling-timeout/);
    assert.ok(gromox.steps.includes('! successor opened'));
  });
});

test('IN_R1: a second gromox does not know the virtual connection and closes', async () => {
  const other = await GromoxServer.listen({ answer });
  try {
    const proxyFor = (kind: 'IN' | 'OUT', number: number) => ({
      host: '127.0.0.1',
      port: kind === 'IN' && number === 2 ? other.port : first.port,
    });
    const first = await GromoxServer.listen({ answer });
    try {
      const client = await CallingClient.open(first.port, { channelLifetime: 128 * 1024, proxyFor });
      const { code, message } = await client.callUntilEnded(4, 4000);
      assert.equal(code, 'RPCH_CHANNEL_LOST');
      assert.match(message, /^the IN channel \(number 2\)/);
      assert.deepEqual([...first.steps, ...other.steps], []);
    } finally {
      await first.close();
    }
  } finally {
    await other.close();
  }
});
