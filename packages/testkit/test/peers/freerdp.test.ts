import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { startCapture } from '../../src/peers/capture.ts';
import { describeFailure } from '../../src/peers/commands.ts';
import { runFreerdp, TSPROXY_INTERFACE } from '../../src/peers/freerdp.ts';
import { inspectCapture } from '../../src/peers/inspect.ts';
import { requirePeer } from '../../src/peers/requirePeer.ts';
import { PeerSession } from '../../src/peers/session.ts';
import { readFields } from '../../src/peers/tshark.ts';

describe('FreeRDP', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rpch-freerdp-test-'));
  const keylogFile = join(folder, 'keys');
  const session = new PeerSession({ keylogFile });
  after(async () => {
    await session.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('its bind reaches the server, and the answer comes back to it', async (t) => {
    for (const peer of ['samba', 'freerdp', 'tshark'] as const) if (!(await requirePeer(t, peer))) return;
    const samba = await session.samba();
    const proxy = await session.proxy();
    const capture = await startCapture(join(folder, 'freerdp.pcap'), [proxy.https.port, samba.rpcPort]);
    const result = await runFreerdp(samba, proxy.https.port);
    await capture.stop();
    const account = describeFailure(['xfreerdp'], result);
    assert.equal(result.timedOut, false, account);

    const isServers = `tcp.port == ${samba.rpcPort}`;
    const binds = await readFields(capture.file, `${isServers} && dcerpc.pkt_type == 11`, ['dcerpc.cn_bind_to_uuid']);
    assert.ok(binds.length > 0, `no bind reached the server\n${account}`);
    assert.ok(
      binds.every(([uuids = '']) => uuids.split(',').includes(TSPROXY_INTERFACE)),
      JSON.stringify(binds),
    );
    const answers = await readFields(capture.file, `${isServers} && dcerpc.pkt_type in {12, 13}`, ['dcerpc.pkt_type']);
    assert.ok(answers.length > 0, 'the server did not answer the bind');

    const inspection = await inspectCapture(capture.file, {
      httpPorts: [],
      httpsPorts: [proxy.https.port],
      keylogFile,
      serverPort: samba.rpcPort,
      scratch: folder,
    });
    assert.deepEqual(inspection.malformed, []);
    assert.deepEqual(new Set(inspection.channels.map((channel) => channel.server)), new Set(['localhost:3388']));
    assert.deepEqual(inspection.carried.in, inspection.carried.toServer);
    assert.deepEqual(inspection.carried.out, inspection.carried.fromServer);
  });
});
