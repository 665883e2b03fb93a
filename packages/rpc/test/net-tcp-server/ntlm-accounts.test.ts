import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Initiator } from '@rpch/testkit/ntlm-initiator';
import type { CallPeer, RpcInterface } from '../../src/dcerpc/rpc-interface.ts';
import { AuthLevel, type PeerIdentity } from '../../src/dcerpc/security-context.ts';
import { echoDeclaration, echoInterface } from '../../src/interfaces/echo.ts';
import { type NtlmAccountsOptions, ntlmAccounts } from '../../src/net/ntlm-accounts.ts';
import { RpcClient } from '../../src/net/rpc-client.ts';
import type { RpcClientOptions } from '../../src/net/rpc-client-options.ts';
import { serveTcp } from '../../src/net/tcp-server.ts';
import { ntowfv1 } from '../../src/security/mod.ts';

const PASSWORD = 'Schlüssel 🔑';

/** A server that takes only signed calls; `call` makes one as `user`. */
async function begin(t: TestContext, options: Partial<NtlmAccountsOptions> = {}) {
  const asked: string[] = [];
  const lookup = (user: string) => {
    asked.push(user);
    return user === 'alice' ? PASSWORD : undefined;
  };
  const security = ntlmAccounts({ domain: 'EXAMPLE', computer: 'SERVER', lookup, ...options });
  const identities: (PeerIdentity | undefined)[] = [];
  const echo: RpcInterface = {
    ...echoInterface,
    handle: (opnum, stub, littleEndian, call) => {
      identities.push(call.identity);
      return echoInterface.handle(opnum, stub, littleEndian, call);
    },
  };
  const interfaces = [{ interface: echo, minimumLevel: AuthLevel.packet }];
  const server = await serveTcp({ host: '127.0.0.1', port: 0, interfaces, security });
  t.after(() => server.close());
  const call = async (user: string, more: RpcClientOptions & { readonly password?: string } = {}): Promise<number> => {
    const { password = PASSWORD, ...rest } = more;
    await using client = new RpcClient(`ncacn_ip_tcp:127.0.0.1[${server.port}]`, {
      credentials: { user, password },
      ...rest,
    });
    return (await (await client.bind(echoDeclaration)).addOne({ in_data: 1 })).out_data;
  };
  return { asked, identities, call };
}

const DENIED = { name: 'RpcFaultError', status: 5 };

test('one account in all its spellings, with SPNEGO around NTLM and without', async (t) => {
  const { asked, identities, call } = await begin(t, { dnsDomain: 'example.org' });
  const spellings = ['alice', 'ALICE', 'EXAMPLE\\alice', 'example\\Alice', 'alice@example.org', 'Alice@EXAMPLE'];
  for (const user of [...spellings, 'EXAMPLE.ORG\\alice', 'SERVER\\alice']) {
    for (const provider of ['ntlm', 'spnego'] as const) assert.equal(await call(user, { provider }), 2, user);
  }
  assert.deepEqual([...new Set(asked)], ['alice']);
  assert.equal(identities.length, 16);
  for (const identity of identities) {
    assert.deepEqual([identity?.user, identity?.domain], ['alice', 'EXAMPLE']);
  }
});

test('accounts of other domains are not asked for', async (t) => {
  const { asked, call } = await begin(t);
  for (const user of ['OTHER\\alice', 'alice@example.org', 'EXAMPLE\\alice@example.org']) {
    await assert.rejects(call(user), DENIED, user);
  }
  assert.deepEqual(asked, ['alice@example.org']);
});

test('a wrong password, and an account that is not there', async (t) => {
  const { call } = await begin(t);
  await assert.rejects(call('alice', { password: 'x' }), DENIED);
  await assert.rejects(call('alice', { password: '' }), DENIED);
  await assert.rejects(call('bob'), DENIED);
});

test('an NT hash does for a password, later too; one of another length is the fault of the server', async (t) => {
  const hashed = await begin(t, { lookup: async () => ntowfv1(PASSWORD) });
  assert.equal(await hashed.call('alice'), 2);
  const short = await begin(t, { lookup: () => new Uint8Array(15) });
  await assert.rejects(short.call('alice'));
});

test('nobody is let in where that is said, without a name, and then only to what has no level', async () => {
  const peer: CallPeer = { transport: 'tcp', address: '', label: '', clientAddressHint: undefined };
  const nothing = Buffer.alloc(0);
  const nobody = { user: '', domain: '', ntHash: nothing, ntResponse: nothing, lmResponse: nothing, mic: false };
  for (const [options, expected] of [
    [{}, 'refused'],
    [{ anonymous: false }, 'refused'],
    [{ anonymous: true }, 'anonymous'],
  ] as const) {
    const { ntlm, spnego } = ntlmAccounts({
      domain: 'EXAMPLE',
      lookup: () => assert.fail('nobody to look up'),
      ...options,
    });
    for (const accept of [ntlm, spnego]) {
      const acceptor = accept?.(peer) ?? assert.fail();
      const initiator = new Initiator(nobody);
      const challenge = await acceptor.step(initiator.negotiate);
      assert.ok(challenge.kind === 'challenge');
      const result = await acceptor.step(initiator.authenticate(challenge.token));
      assert.equal(result.kind, expected);
      assert.equal(acceptor.complete, expected === 'anonymous');
      if (result.kind === 'anonymous') assert.ok(!('user' in result));
    }
  }
});

test('names that are no NetBIOS names are refused at once', () => {
  const lookup = () => undefined;
  for (const names of [{ domain: '' }, { domain: 'SIXTEEN-LETTERS-' }, { domain: 'EXAMPLE', computer: '' }]) {
    assert.throws(() => ntlmAccounts({ lookup, ...names }), { code: 'RPCH_NTLM_TARGET', fault: 'configuration' });
  }
  // The name of this computer, whatever it is, does.
  assert.ok(ntlmAccounts({ domain: 'EXAMPLE', lookup }).ntlm !== undefined);
});
