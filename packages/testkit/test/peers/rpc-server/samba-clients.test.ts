import assert from 'node:assert/strict';
import { after, describe, type TestContext, test } from 'node:test';
import { describeFailure, runCommand } from '../../../src/peers/commands.ts';
import { RPCMAP, SYSTEM_PYTHON } from '../../../src/peers/impacket.ts';
import { requirePeer } from '../../../src/peers/requirePeer.ts';
import { peerScript } from '../../../src/peers/scripts.ts';
import { PeerSession } from '../../../src/peers/session.ts';
import { smbtorture, type TortureOptions } from '../../../src/peers/smbtorture.ts';
import { RpcServerProcess } from '../../../src/rpc-server-process.ts';
import { ECHO_TESTS } from './suites.ts';

/** MAX_NUM_AUTH of the tests of the bare protocol. */
const SECURITY_CONTEXTS = 8;

const session = new PeerSession();
let running: Promise<RpcServerProcess> | undefined;

/** Our server for the accounts of the Samba peer, whose clients are what is wanted of it. */
async function scene() {
  const samba = await session.samba();
  running ??= RpcServerProcess.start({
    domain: samba.domain,
    realm: samba.realm,
    user: samba.user.name,
    password: samba.user.password,
    maxSecurityContexts: SECURITY_CONTEXTS,
  });
  return { samba, server: await running };
}

/** Every option that passes against Samba's own server: levels, mechanisms, byte order, padding. */
const OPTIONS = ['connect', 'packet', 'sign', 'seal'].flatMap((level) => [`ntlm,${level}`, `spnego,${level}`]);

async function torture(suite: string, where: (server: RpcServerProcess) => string, options?: Partial<TortureOptions>) {
  const { samba, server } = await scene();
  const result = await smbtorture(samba, `ncacn_ip_tcp:${where(server)}`, suite, { as: samba.user, ...options });
  return { ...result, account: `${result.account}\n--- server\n${server.log.slice(-2000)}` };
}

/** Samba's tests of the bare protocol against our server; the arguments are raw-protocol.py's. */
async function rawProtocol(...args: string[]) {
  const { samba, server } = await scene();
  const command = [peerScript('raw-protocol.py'), '--no-kerberos', ...args];
  const result = await runCommand(samba.peerRun, command, {
    timeoutMs: 180_000,
    env: {
      SERVER: server.host,
      // Named pipes are opened there, too: not at the Samba peer, which has them.
      TARGET_HOSTNAME: server.host,
      DOMAIN: samba.domain,
      REALM: samba.realm,
      USERNAME: samba.user.name,
      PASSWORD: samba.user.password,
      MAX_NUM_AUTH: String(SECURITY_CONTEXTS),
    },
  });
  assert.equal(result.code, 0, describeFailure(command, result));
  return JSON.parse(result.stdout) as { readonly passed: readonly string[]; readonly failed: Record<string, string> };
}

/**
 * What no server without Kerberos ([MS-RPCE] 2.2.1.1.7) passes: nine tests of it, and one of header signing ([MS-RPCE] 3.3.1.5.2.2), which
 * NTLM does not leave open ([MS-NLMP] 3.4.4).
 */
const KERBEROS = [
  ...['delayed1_fail1', 'delayed1_ok1', 'delayed2_fail1', 'delayed2_ok1', 'delayed3_fail1'].map(
    (name) => `test_krb5_hdr_sign_${name}`,
  ),
  ...['hdr_signing_integrity', 'hdr_signing_packet', 'signing_integrity', 'signing_packet'].map(
    (name) => `test_krb5_${name}`,
  ),
  'test_spnego_multiple_auth_hdr_signing',
];
/** They want NDR64 ([MS-RPCE] 2.2.5), and fail against Samba too. */
const NDR64 = ['test_spnego_change_auth_type2', 'test_spnego_change_transfer'];
/** What needs named pipes over SMB ([MS-RPCE] 2.1.1.2). */
const PIPES = [
  ...[1, 2, 3, 4].flatMap((i) => [`test_lsa_multi_auth_connect${i}a`, `test_lsa_multi_auth_connect${i}u`]),
  ...['test_lsa_multi_auth_sign_connect1a', 'test_lsa_multi_auth_sign_connect1u'],
  ...['test_assoc_group_fail3', 'test_assoc_group_ok2'],
];
/** Of these, what wants the caller to be who logged on over SMB, where it has no security context of its own. */
const SMB_LOGINS = PIPES.filter((name) => /^test_lsa_.*u$/.test(name));

describe("Samba's clients at our RPC server", { concurrency: 4 }, () => {
  after(async () => {
    const [stopped] = await Promise.allSettled([running?.then((server) => server.stop())]);
    await session.close();
    if (stopped.status === 'rejected') throw stopped.reason;
  });

  for (const option of [...OPTIONS, 'bigendian', 'padcheck']) {
    test(`smbtorture rpc.echo, ${option}`, async (t) => {
      if (!(await requirePeer(t, 'samba'))) return;
      const result = await torture('rpc.echo', ({ host, ports }) => `${host}[${ports.tcp},${option}]`);
      assert.deepEqual(result.failed, [], result.account);
      assert.deepEqual(
        [...result.passed].sort(),
        ECHO_TESTS.map((name) => `echo.${name}`),
        result.account,
      );
    });
  }

  test('smbtorture rpc.echo, without authentication', async (t) => {
    if (!(await requirePeer(t, 'samba'))) return;
    const result = await torture('rpc.echo', ({ host, ports }) => `${host}[${ports.tcp}]`, { as: 'anonymous' });
    assert.deepEqual(result.failed, [], result.account);
    assert.equal(result.passed.length, ECHO_TESTS.length, result.account);
  });

  for (const option of [...OPTIONS, 'bigendian']) {
    test(`smbtorture rpc.mgmt, rpc.asyncbind, ${option}`, async (t) => {
      if (!(await requirePeer(t, 'samba'))) return;
      // It asks the endpoint mapper for each interface that it knows, and skips those that are not registered.
      const management = await torture('rpc.mgmt', ({ host }) => `${host}[${option}]`);
      assert.deepEqual(management.passed, ['mgmt'], management.account);
      const extra = ['--option=torture:async=yes'];
      const binds = await torture('rpc.asyncbind', ({ host, ports }) => `${host}[${ports.tcp},${option}]`, { extra });
      assert.deepEqual(binds.passed, ['asyncbind'], binds.account);
    });
  }

  test("smbtorture rpc.epmapper: what passes against Samba's own server, and more", async (t) => {
    if (!(await requirePeer(t, 'samba'))) return;
    const { samba } = await scene();
    const ours = await torture('rpc.epmapper', ({ host }) => `${host}[135]`);
    const theirs = await smbtorture(samba, `ncacn_ip_tcp:${samba.ip}[135]`, 'rpc.epmapper', { as: samba.user });
    assert.deepEqual(theirs.passed, ['epmapper.Lookup_terminate_search'], theirs.account);
    assert.deepEqual(ours.passed, ['epmapper.Map_simple', ...theirs.passed], ours.account);
    // The first maps what it has inserted, which nobody may from outside; the second wants ept_s_not_registered together with the
    // last page, where C706 appendix O has it for a page of none.
    assert.deepEqual(ours.failed, ['epmapper.Map_full', 'epmapper.Lookup_simple'], ours.account);
    assert.deepEqual(theirs.failed, ['epmapper.Map_simple', ...ours.failed], theirs.account);
    assert.deepEqual(ours.skipped, theirs.skipped);
  });

  test('samba.tests.dcerpc.raw_protocol as it is', async (t) => {
    if (!(await requirePeer(t, 'samba'))) return;
    assertFailed(t, await rawProtocol(), [...KERBEROS, ...NDR64, ...PIPES]);
  });

  test('samba.tests.dcerpc.raw_protocol with TCP for pipes: anonymous and named contexts on one connection', async (t) => {
    if (!(await requirePeer(t, 'samba'))) return;
    const { server } = await scene();
    const result = await rawProtocol('--pipes-on', String(server.ports.tcp));
    assertFailed(t, result, [...KERBEROS, ...NDR64, ...SMB_LOGINS]);
  });

  test("impacket's rpcmap.py at the endpoint mapper, sealed", async (t) => {
    if (!(await requirePeer(t, 'samba')) || !(await requirePeer(t, 'impacket'))) return;
    const { samba, server } = await scene();
    const account = `${samba.domain}/${samba.user.name}:${samba.user.password}`;
    const args = [RPCMAP, `ncacn_ip_tcp:${server.host}[135]`, '-auth-rpc', account, '-auth-level', '6'];
    const result = await runCommand(SYSTEM_PYTHON, args, { timeoutMs: 60_000 });
    for (const uuid of ['60A15EC5-4DE8-11D7', 'AFA8BD80-7D8A-11C9', 'E1AF8308-5D1F-11C9']) {
      assert.ok(result.stdout.includes(`UUID: ${uuid}`), describeFailure(args, result));
    }
  });
});

function assertFailed(
  t: TestContext,
  { passed, failed }: { readonly passed: readonly string[]; readonly failed: Record<string, string> },
  expected: readonly string[],
): void {
  t.diagnostic(`${passed.length} of ${passed.length + Object.keys(failed).length} passed`);
  assert.deepEqual(Object.keys(failed).sort(), [...expected].sort(), JSON.stringify(failed, undefined, 1));
  assert.equal(passed.length + expected.length, 194);
}
