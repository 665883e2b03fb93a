import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AuthLevel, bindClient, type Call, type RpcCall, rfrDeclaration } from '@rpch/rpc/internal';
import { ErrorCode } from '../../../src/mapi/error-code.ts';
import { rfrServer } from '../../../src/services/rfr/rfr-server.ts';
import { constant, directoryOf, keptLog, ORGANIZATION, rpcCall } from '../nspi/support.ts';

function clientOf(call: RpcCall) {
  const server = rfrServer({ directory: constant(directoryOf()), log: keptLog() });
  const make: Call = async (opnum, stub, decode) => decode(await server.handle(opnum, stub, true, call), true);
  return bindClient(rfrDeclaration, make);
}

const alice = clientOf(rpcCall());
const dsa = { ulFlags: 0, pUserDN: '/o=Test/cn=alice', ppszUnused: null, ppszServer: '' };

test('privacy is asked for, unless it is said otherwise', () => {
  const options = { directory: constant(directoryOf()), log: keptLog() };
  assert.equal(rfrServer(options).minimumLevel, AuthLevel.privacy);
  assert.equal(rfrServer({ ...options, minimumLevel: AuthLevel.connect }).minimumLevel, AuthLevel.connect);
});

test('RfrGetNewDSA names the server, whoever the user is said to be', async () => {
  const answer = { ppszUnused: null, ppszServer: 'mail.example.org', result: ErrorCode.Success };
  assert.deepEqual(await alice.getNewDSA(dsa), answer);
  assert.deepEqual(await alice.getNewDSA({ ...dsa, pUserDN: '', ppszServer: null }), answer);
});

test("RfrGetFQDNFromServerDN: the server's DN, in any case, with its database or without", async () => {
  const { serverDn } = ORGANIZATION;
  const of = (szMailboxServerDN: string) => alice.getFQDNFromServerDN({ ulFlags: 0, szMailboxServerDN });
  const known = { ppszServerFQDN: 'mail.example.org', result: ErrorCode.Success };
  for (const dn of [serverDn, serverDn.toUpperCase(), `${serverDn}/cn=Microsoft Private MDB`]) {
    assert.deepEqual(await of(dn), known);
  }
  for (const dn of [`${serverDn}x`, '/o=Test/ou=X/cn=Configuration/cn=Servers/cn=other', 'not a DN at all']) {
    assert.deepEqual(await of(dn), { ppszServerFQDN: null, result: ErrorCode.NotFound });
  }
});

test('nobody in particular learns nothing', async () => {
  const nobody = clientOf(rpcCall({ identity: undefined }));
  const nothing = { ppszUnused: null, ppszServer: null, result: ErrorCode.LoginFailure };
  assert.deepEqual(await nobody.getNewDSA(dsa), nothing);
  const refused = await nobody.getFQDNFromServerDN({ ulFlags: 0, szMailboxServerDN: ORGANIZATION.serverDn });
  assert.deepEqual(refused, { ppszServerFQDN: null, result: ErrorCode.LoginFailure });
});
