import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { describeFailure, runCommand } from '../../../src/peers/commands.ts';
import { type RunningProxy, startProxy } from '../../../src/peers/proxy.ts';
import { requirePeer } from '../../../src/peers/requirePeer.ts';
import type { SambaPeer } from '../../../src/peers/samba.ts';
import { peerScript } from '../../../src/peers/scripts.ts';
import { PeerSession } from '../../../src/peers/session.ts';
import { smbtorture } from '../../../src/peers/smbtorture.ts';
import { RpcServerProcess } from '../../../src/rpc-server-process.ts';
import { ECHO_TESTS } from './suites.ts';

interface Scene {
  readonly folder: string;
  readonly samba: SambaPeer;
  readonly server: RpcServerProcess;
  readonly proxy: RunningProxy;
}

/** How the proxy reaches our server. */
const BACK_ENDS = ['plain', 'native'] as const;
type BackEnd = (typeof BACK_ENDS)[number];

/**
 * How Samba's client reaches the proxy, and how many associations it binds at once. The proxy offers TLS 1.2 at most: later session
 * tickets hang that client. It opens all its connections, two for each association, and makes its way through them together; a request
 * comes when all handshakes are done.
 */
const WAYS = [
  { name: 'http basic', tls: false, httpAuth: 'basic', binds: 100 },
  { name: 'https ntlm', tls: true, httpAuth: 'ntlm', binds: 20 },
] as const;
/** By default a connection without a request is closed after 10 seconds, which that client takes on a busy machine. */
const PATIENT = 'limits: { headTimeout: 60 }\n';
type Way = (typeof WAYS)[number];

/** Each level, each mechanism, and the other byte order. */
const OPTIONS = ['ntlm,connect', 'spnego,packet', 'ntlm,sign', 'spnego,seal', 'ntlm,seal', 'bigendian'];

const session = new PeerSession();
let running: Promise<Scene> | undefined;

function scene(): Promise<Scene> {
  running ??= (async () => {
    const samba = await session.samba();
    const { domain, realm, user } = samba;
    const server = await RpcServerProcess.start({ domain, realm, user: user.name, password: user.password });
    const { host, ports } = server;
    const allow = [`ncacn_ip_tcp:${host}[${ports.mapper},${ports.tcp}]`, `ncacn_http:${host}[${ports.http}]`];
    const folder = mkdtempSync(join(tmpdir(), 'rpch-patient-'));
    const config = join(folder, 'rpch.yaml');
    writeFileSync(config, PATIENT);
    return { folder, samba, server, proxy: await startProxy(samba, { allow, more: ['--config', config] }) };
  })();
  return running;
}

function bindingTo({ server, proxy }: Scene, port: number, way: Way, option: string): string {
  const at = way.tls ? proxy.https.port : proxy.http.port;
  const http = `RpcProxy=127.0.0.1:${at},HttpUseTls=${way.tls},HttpAuthOption=${way.httpAuth}`;
  return `ncacn_http:${server.host}[${port},${option},${http}]`;
}

describe("Samba's clients at our RPC server, through the proxy", { concurrency: 4 }, () => {
  after(async () => {
    const [started] = await Promise.allSettled([running]);
    const scenery = started.status === 'fulfilled' ? started.value : undefined;
    const ends = await Promise.allSettled([scenery?.proxy.stop(), scenery?.server.stop()]);
    if (scenery !== undefined) rmSync(scenery.folder, { recursive: true });
    await session.close();
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  });

  for (const backEnd of BACK_ENDS) {
    for (const way of WAYS) {
      for (const option of OPTIONS) {
        test(`smbtorture rpc.echo, ${backEnd} back end, ${way.name}, ${option}`, async (t) => {
          if (!(await requirePeer(t, 'samba'))) return;
          const there = await scene();
          const { samba, server } = there;
          const port = portOf(server, backEnd);
          const result = await smbtorture(samba, bindingTo(there, port, way, option), 'rpc.echo', { as: samba.user });
          const account = `${result.account}\n--- server\n${server.log.slice(-2000)}`;
          assert.deepEqual(result.failed, [], account);
          assert.equal(result.passed.length, ECHO_TESTS.length, account);
        });
      }
      test(`smbtorture rpc.epmapper, rpc.asyncbind, ${backEnd} back end, ${way.name}`, async (t) => {
        if (!(await requirePeer(t, 'samba'))) return;
        const there = await scene();
        const { samba, server } = there;
        const at = { mapper: mapperOf(server, backEnd), binds: portOf(server, backEnd) };
        const mapper = await smbtorture(samba, bindingTo(there, at.mapper, way, 'sign'), 'rpc.epmapper', {
          as: samba.user,
        });
        // As over TCP, see samba-clients.test.ts.
        assert.deepEqual(mapper.passed, ['epmapper.Map_simple', 'epmapper.Lookup_terminate_search'], mapper.account);
        const extra = ['--option=torture:async=yes', `--num-async=${way.binds}`];
        const how = { as: samba.user, extra };
        const binds = await smbtorture(samba, bindingTo(there, at.binds, way, 'seal'), 'rpc.asyncbind', how);
        assert.deepEqual(binds.passed, ['asyncbind'], binds.account);
      });
      test(`mgmt and epmapper by Samba's python client, ${backEnd} back end, ${way.name}`, async (t) => {
        if (!(await requirePeer(t, 'samba'))) return;
        const there = await scene();
        const { samba, server } = there;
        const port = mapperOf(server, backEnd);
        for (const option of ['connect', 'packet', 'sign', 'seal']) {
          const command = [
            ...[peerScript('mgmt-epm.py'), bindingTo(there, port, way, option)],
            ...['--user', `${samba.domain}/${samba.user.name}%${samba.user.password}`, '--conf', samba.clientConf],
          ];
          const result = await runCommand(samba.peerRun, command, { timeoutMs: 60_000 });
          assert.equal(result.code, 0, `${describeFailure(command, result)}\n--- server\n${server.log.slice(-2000)}`);
          const { offered, ...told } = JSON.parse(result.stdout);
          assert.ok(offered.includes('60a15ec5-4de8-11d7-a637-005056a20182'), result.stdout);
          const annotations = ['epmapper', 'lsarpc', 'netlogon', 'rpcecho'];
          assert.deepEqual(told, { listening: true, statistics: 4, annotations });
        }
      });
    }
  }
});

function portOf({ ports }: RpcServerProcess, backEnd: BackEnd): number {
  return backEnd === 'native' ? ports.http : ports.tcp;
}

function mapperOf({ ports }: RpcServerProcess, backEnd: BackEnd): number {
  return backEnd === 'native' ? ports.http : ports.mapper;
}
