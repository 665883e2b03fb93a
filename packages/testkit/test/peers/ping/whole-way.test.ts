import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AuthLevel,
  echoInterface,
  epmDeclaration,
  ndr,
  type OfferedInterface,
  serverInterface,
} from '@rpch/rpc/internal';
import { AUTHORITY, GOOD } from './certificates.ts';
import { AS_ALICE, rpch, Stage, through } from './stage.ts';

const ENTRY = {
  syntax: echoInterface.syntax,
  protocol: 'ncacn_http',
  port: 6001,
  address: '0.0.0.0',
  annotation: '',
} as const;

test('the whole way: endpoint mapper, TLS with a good certificate, both logins, sealed call; what was found at each hop', async () => {
  await using stage = new Stage();
  const sealed: OfferedInterface = { interface: echoInterface, minimumLevel: AuthLevel.privacy };
  const port = await stage.mapper([ENTRY], [sealed]);
  const live = await stage.proxyTo(port, {
    flags: {
      listen: ['https://127.0.0.1:0'],
      tlsCert: stage.file(GOOD.cert),
      tlsKey: stage.file(GOOD.key),
      channelBinding: 'required',
    },
  });
  const args = [through(live.port, '', 'HttpUseTls=true'), ...AS_ALICE, '--ca', stage.file(AUTHORITY)];
  const { code, out, err } = await rpch(['ping', ...args, '--rpc-auth', 'spnego', '-n', '2', '--json']);
  assert.deepEqual([code, err], [0, '']);
  const { hops, calls } = JSON.parse(out) as {
    hops: { hop: string; found: string; took: number; ms: number }[];
    calls: unknown;
  };
  const toProxy: readonly (readonly [string, RegExp])[] = [
    ['DNS', /^127\.0\.0\.1 is an address already$/],
    ['TCP', /^127\.0\.0\.1, port \d+$/],
    [
      'TLS',
      /^TLSv1\.3, TLS_\w+; certificate CN=proxy\.example\.org for IP Address:127\.0\.0\.1, issued by CN=Example Authority, valid until Jan {2}1 00:00:00 2120 GMT$/,
    ],
    ['HTTP', /^401 Unauthorized, offers Basic, NTLM$/],
    ['HTTP authentication', /^NTLM is accepted$/],
    ['proxy', /^200 Success$/],
  ];
  const expected: readonly (readonly [string, RegExp])[] = [
    ...toProxy,
    ['server', /^demo:593 is connected$/],
    [
      'bind',
      /^association group 0x[0-9a-f]+, fragments of 5840 bytes, concurrent calls; the server calls its endpoint \d+$/,
    ],
    ['endpoint mapper', /^rpcecho v1\.0 is at port 6001$/],
    ...toProxy,
    ['server', /^demo:6001 is connected$/],
    ['bind', /^association group 0x/],
    ['RPC authentication', /^spnego, level privacy$/],
    ['interface', /^rpcecho v1\.0 is offered$/],
    ['call', /^rpcecho: 0 and 1 are 1$/],
    ['call', /^rpcecho: 1 and 1 are 2$/],
  ];
  assert.deepEqual(
    hops.map(({ hop }) => hop),
    expected.map(([hop]) => hop),
  );
  for (const [i, [, found]] of expected.entries()) assert.match(hops[i]?.found ?? '', found);
  const sum = hops.reduce((total, { took }) => total + took, 0);
  const last = hops.at(-1)?.ms ?? 0;
  assert.ok(Math.abs(sum - last) < hops.length, `the hops' times make the whole: ${sum} and ${last} ms`);
  const { count, min, avg, max } = calls as { count: number; min: number; avg: number; max: number };
  assert.ok(count === 2 && min <= avg && avg <= max);
});

test('endpoints: the mapper behind the proxy, at port 593', async () => {
  await using stage = new Stage();
  const live = await stage.proxyTo(await stage.mapper([ENTRY]));
  const { code, out } = await rpch(['endpoints', through(live.port, ''), ...AS_ALICE]);
  assert.equal(code, 0);
  assert.match(out, /^rpcecho +1\.0 +ncacn_http +6001 +60a15ec5-4de8-11d7-a637-005056a20182$/m);
});

test('endpoints: a mapper that comes to no end is given its handle back', async () => {
  await using stage = new Stage();
  const handle = { attributes: 0, uuid: '11111111-2222-3333-4444-555555555555' };
  const freed: string[] = [];
  const endless = serverInterface(epmDeclaration, {
    insert: () => ({ result: 0 }),
    delete: () => ({ result: 0 }),
    map: () => ({ entry_handle: handle, towers: [], result: 0 }),
    lookup: () => ({ entry_handle: handle, entries: [], result: 0 }),
    lookupHandleFree: ({ entry_handle }) => {
      freed.push(entry_handle.uuid);
      return { entry_handle: ndr.NULL_CONTEXT_HANDLE, result: 0 };
    },
  });
  const port = await stage.rpcServer({ interfaces: [endless] });
  const { code, err } = await rpch(['endpoints', `ncacn_ip_tcp:127.0.0.1[${port}]`]);
  assert.equal(code, 1);
  assert.match(err, /^rpch endpoints: endpoint mapper: the endpoint mapper comes to no end after 0 entries\.$/m);
  assert.deepEqual(freed, [handle.uuid]);
});
