import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { proxyBinding, transports } from '../../src/peers/bindings.ts';
import { startCapture } from '../../src/peers/capture.ts';
import { describeFailure } from '../../src/peers/commands.ts';
import { curl } from '../../src/peers/curl.ts';
import { echoLarge } from '../../src/peers/echo-large.ts';
import { runImpacket } from '../../src/peers/impacket.ts';
import { type Inspection, inspectCapture, TsharkLostItsPlace } from '../../src/peers/inspect.ts';
import { writePcap } from '../../src/peers/pcap.ts';
import type { RunningProxy } from '../../src/peers/proxy.ts';
import { requirePeer } from '../../src/peers/requirePeer.ts';
import type { SambaPeer } from '../../src/peers/samba.ts';
import { PeerSession } from '../../src/peers/session.ts';
import { smbtorture } from '../../src/peers/smbtorture.ts';
import { findMalformed } from '../../src/peers/tshark.ts';

/** What every virtual connection begins with, in tshark's words. It names both readings of one pair of PDUs. */
const OPENING = ['CONN/A1', 'CONN/A3', 'CONN/B1', 'CONN/C1,CONN/C2'];

describe('tshark', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rpch-tshark-'));
  const keylogFile = join(folder, 'keys');
  const session = new PeerSession({ keylogFile });
  after(async () => {
    await session.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('finds a damaged RTS PDU malformed: what it does not find is no accident', async (t) => {
    if (!(await requirePeer(t, 'tshark'))) return;
    // CONN/A3 that announces two commands and has one.
    const damaged = Buffer.from('05001403100000001c000000000000000000020002000000c0d40100', 'hex');
    const file = join(folder, 'damaged.pcap');
    writePcap(file, [{ clientPort: 10000, serverPort: 593, fromClient: [], fromServer: [damaged] }]);
    assert.equal((await findMalformed(file)).length, 1);
  });

  test('finds nothing malformed in what clients, proxy and server say, and nothing changed on the way', async (t) => {
    for (const peer of ['samba', 'impacket', 'curl', 'tshark'] as const) if (!(await requirePeer(t, peer))) return;
    const samba = await session.samba();
    const proxy = await session.proxy();
    const ports = [proxy.http.port, proxy.https.port, samba.rpcPort];
    const inspected = async (): Promise<Inspection> => {
      const capture = await startCapture(join(folder, 'peers.pcap'), ports);
      await makeTraffic(samba, proxy);
      await capture.stop();
      return await inspectCapture(capture.file, {
        httpPorts: [proxy.http.port],
        httpsPorts: [proxy.https.port],
        keylogFile,
        serverPort: samba.rpcPort,
        scratch: folder,
      });
    };
    const seen = await unlessTsharkIsLost(inspected, ATTEMPTS);
    assert.deepEqual(seen.malformed, []);
    assert.deepEqual(seen.undissected, []);
    const connections = seen.carried.toServer.length;
    assert.ok(connections > 0, 'no connection to the server was captured');
    assert.equal(seen.channels.length, 2 * connections);
    for (const name of OPENING) assert.equal(seen.rts.filter((rts) => rts === name).length, connections, name);
    assert.deepEqual(seen.carried.in, seen.carried.toServer);
    assert.deepEqual(seen.carried.out, seen.carried.fromServer);
  });
});

/** Captures at most so many times: about every seventh is one in which tshark loses its place. */
const ATTEMPTS = 4;

async function unlessTsharkIsLost<T>(inspected: () => Promise<T>, attempts: number): Promise<T> {
  try {
    return await inspected();
  } catch (error) {
    if (!(error instanceof TsharkLostItsPlace) || attempts === 1) throw error;
    return await unlessTsharkIsLost(inspected, attempts - 1);
  }
}

/** Samba, impacket and curl, on both listeners, with and without RPC-level authentication. */
async function makeTraffic(samba: SambaPeer, proxy: RunningProxy): Promise<void> {
  for (const transport of transports) {
    const binding = proxyBinding(samba, proxy, transport, 'seal');
    const quick = ['--option=torture:quick=yes'];
    const torture = await smbtorture(samba, binding, 'rpc.echo', { as: samba.user, extra: quick });
    assert.deepEqual(torture.failed, [], torture.account);
    await echoLarge(samba, binding, { calls: 2, size: 1024 * 1024, timeoutMs: 60_000 });
  }
  for (const scheme of ['http', 'https'] as const) {
    const impacket = await runImpacket(samba, proxy[scheme].url, { httpAuth: 'auto', level: 'none' });
    assert.equal(impacket.code, 0, describeFailure(['impacket-rpch.py'], impacket));
    const user = `${samba.domain}\\${samba.user.name}:${samba.user.password}`;
    assert.equal((await curl(proxy[scheme].url, { user, auth: 'ntlm' })).status, 200);
  }
}
