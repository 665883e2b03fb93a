import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ServerStatistics } from '../../src/dcerpc/server-statistics.ts';
import { ifVersion } from '../../src/dcerpc/syntax-id.ts';
import { ECHO } from '../../src/interfaces/echo.ts';
import { mgmtDeclaration, mgmtServer } from '../../src/interfaces/mgmt.ts';
import { clientOf, rpcCall } from './support.ts';

const OTHER = { uuid: '12345678-1234-abcd-ef00-0123456789ab', version: ifVersion(3, 2) };

function begin(principalName?: (authType: number) => string | undefined) {
  const statistics = new ServerStatistics();
  const served = mgmtServer({
    interfaces: [ECHO, OTHER],
    statistics,
    ...(principalName === undefined ? {} : { principalName }),
  });
  return { served, statistics, mgmt: clientOf(mgmtDeclaration, served) };
}

test('inq_if_ids names what the endpoint offers', async () => {
  const { mgmt } = begin();
  assert.deepEqual(await mgmt.inqIfIds(), {
    if_id_vector: {
      if_id: [
        { uuid: ECHO.uuid, vers_major: 1, vers_minor: 0 },
        { uuid: OTHER.uuid, vers_major: 3, vers_minor: 2 },
      ],
    },
    result: 0,
  });
});

test('inq_stats gives as many counters as were asked for, in 32 bits', async () => {
  const { mgmt, statistics } = begin();
  statistics.callsIn = 2 ** 32 + 7;
  statistics.packetsIn = 9;
  statistics.packetsOut = 8;
  assert.deepEqual(await mgmt.inqStats({ count: 50 }), { statistics: [7, 0, 9, 8], result: 0 });
  assert.deepEqual(await mgmt.inqStats({ count: 1 }), { statistics: [7], result: 0 });
  assert.deepEqual(await mgmt.inqStats({ count: 0 }), { statistics: [], result: 0 });
});

test('more than 50 counters are no request ([MS-RPCE] 2.2.1.3)', () => {
  const { served } = begin();
  const stub = Uint8Array.of(51, 0, 0, 0);
  assert.throws(() => served.handle(1, stub, true, rpcCall()), { code: 'RPCH_OUT_OF_RANGE' });
});

test('the server listens, and nobody stops it from outside', async () => {
  const { mgmt } = begin();
  assert.deepEqual(await mgmt.isServerListening(), { status: 0, result: 1 });
  assert.deepEqual(await mgmt.stopServerListening(), { result: 5 });
});

test('inq_princ_name, its size and its absence', async () => {
  const { mgmt } = begin((authType) => (authType === 10 ? 'host/server' : undefined));
  const ask = (authn_proto: number, princ_name_size: number) => mgmt.inqPrincName({ authn_proto, princ_name_size });
  assert.deepEqual(await ask(10, 100), { princ_name: 'host/server', result: 0 });
  assert.deepEqual(await ask(10, 12), { princ_name: 'host/server', result: 0 });
  assert.deepEqual(await ask(10, 11), { princ_name: '', result: 122 });
  assert.deepEqual(await ask(16, 100), { princ_name: '', result: 0x6d3 });
  assert.deepEqual(await begin().mgmt.inqPrincName({ authn_proto: 10, princ_name_size: 9 }), {
    princ_name: '',
    result: 0x6d3,
  });
  await assert.rejects(ask(10, 0), { status: 0x6f7 });
});

test('what follows the input of an operation that has none is ignored, as Windows does', () => {
  const { served } = begin();
  const answer = served.handle(2, new Uint8Array(100), true, rpcCall());
  assert.deepEqual(answer, Uint8Array.of(0, 0, 0, 0, 1, 0, 0, 0));
});
