import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { echoDeclaration, RpcClient } from '@rpch/rpc';
import { startCapture } from '../../src/peers/capture.ts';
import { requirePeer } from '../../src/peers/requirePeer.ts';
import { findMalformed, type ReadOptions, readFields } from '../../src/peers/tshark.ts';
import { RpcServerProcess } from '../../src/rpc-server-process.ts';

const ACCOUNT = { domain: 'PEER', realm: 'PEER.TEST', user: 'alice', password: 'Al1ce.Passw0rd' } as const;
/** What is echoed: one fragment, for tshark loses its place in RC4's stream where a frame holds two PDUs. */
const DATA = Uint8Array.from({ length: 3000 }, (_, i) => Math.imul(i, 2654435761) >>> 24);

const ECHOES = 5;
/** bytes of rpc_sec_verification_trailer ([MS-RPCE] 2.2.2.13). */
const VERIFICATION_TRAILER = '8ae3137102f43671';

const folder = mkdtempSync(join(tmpdir(), 'rpch-sealed-'));
after(() => rmSync(folder, { recursive: true, force: true }));

for (const provider of ['ntlm', 'spnego'] as const) {
  test(`tshark, told the password, reads what is sealed with ${provider}; without it, it cannot`, async (t) => {
    if (!(await requirePeer(t, 'tshark'))) return;
    const server = await RpcServerProcess.start(ACCOUNT);
    const { tcp } = server.ports;
    const capture = await startCapture(join(folder, `${provider}.pcap`), [tcp]);
    const credentials = { user: `${ACCOUNT.domain}\\${ACCOUNT.user}`, password: ACCOUNT.password };
    const client = new RpcClient(`ncacn_ip_tcp:${server.host}[${tcp}]`, { credentials, provider, level: 'privacy' });
    const echo = await client.bind(echoDeclaration);
    assert.deepEqual(await echo.addOne({ in_data: 0x01020304 }), { out_data: 0x01020305 });
    for (let i = 0; i < ECHOES; i++) assert.deepEqual((await echo.echoData({ in_data: DATA })).out_data, DATA);
    client.close();
    await capture.stop();
    await server.stop();

    const options = { dcerpcPorts: [tcp], ntlmPassword: ACCOUNT.password };
    assert.deepEqual(await findMalformed(capture.file, options), []);
    const decrypted = await stubs(capture.file, 'dcerpc.decrypted_stub_data', options);
    const [addOne = '', ...more] = decrypted;
    assert.match(addOne, new RegExp(`^04030201${VERIFICATION_TRAILER}`));
    assert.match(more[0] ?? '', /^05030201/);
    const data = Buffer.from(DATA).toString('hex');
    // tshark loses its place in RC4's stream behind a mechListMIC, which restarts it ([MS-SPNG] 3.3.5.1): Samba does not.
    const whole = provider === 'ntlm' ? 2 * ECHOES : 0;
    assert.equal(decrypted.filter((stub) => stub.includes(data)).length, whole, 'the data there and back');
    const sealed = await stubs(capture.file, 'dcerpc.encrypted_stub_data', options);
    assert.equal(sealed.length, decrypted.length);
    assert.ok(!sealed.join('').includes(data.slice(0, 64)));
    assert.deepEqual(await stubs(capture.file, 'dcerpc.decrypted_stub_data', { dcerpcPorts: [tcp] }), []);
  });
}

/** What one field says of the stub of each request and response, in order; a packet may hold several. */
async function stubs(file: string, field: string, options: ReadOptions): Promise<string[]> {
  const rows = await readFields(file, `dcerpc.pkt_type in {0, 2} && ${field}`, [field], options);
  return rows.flatMap(([values = '']) => values.split(','));
}
