import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { requirePeer } from '@rpch/testkit';
import { echoDeclaration as echo } from '../../src/interfaces/echo.ts';
import { epmDeclaration as epmapper } from '../../src/interfaces/epm.ts';
import { mgmtDeclaration as mgmt } from '../../src/interfaces/mgmt.ts';
import { lsarpc, samr_LookupNames } from './idl/lsa.ts';
import { bytes } from './support.ts';

/** A stub that Samba's ndrdump is to read, and to write again byte for byte. */
interface Dumped {
  readonly pipe: string;
  readonly name: string;
  readonly stub: Uint8Array;
  /** Of a response: the request's stub. */
  readonly request?: Uint8Array;
}

const HANDLE = { attributes: 0, uuid: '0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9' };
const TOWER = {
  tower_octet_string: bytes(
    '0500 1300 0d 785734123412cdabef000123456789ac 0100 0200 0000' +
      '1300 0d 045d888aeb1cc9119fe808002b104860 0200 0200 0000' +
      '0100 0b 0200 0000 0100 07 0200 0087 0100 09 0400 00000000',
  ),
};

function echoStubs(): Dumped[] {
  const { addOne, echoData, sinkData, sourceData, testCall, testCall2 } = echo.procedures;
  const { testSleep, testEnum, testSurrounding, testDoublePointer } = echo.procedures;
  const data = { in_data: Uint8Array.of(1, 2, 3, 4, 5) };
  const foo = { foo2: { e1: 1, e2: 2 }, foo3: { case: 2, value: { e1: 1, e2: 2 } } } as const;
  const info = { case: 7, value: { v1: 1, info4: { v: 2n } } } as const;
  const call = { s1: 'grüß dich' };
  const stub = (name: string, out: Uint8Array, request?: Uint8Array): Dumped => {
    return { pipe: 'rpcecho', name, stub: out, ...(request && { request }) };
  };
  return [
    stub('echo_AddOne', addOne.encodeRequest({ in_data: 1 })),
    stub('echo_EchoData', echoData.encodeRequest(data)),
    stub('echo_EchoData', echoData.encodeResponse({ out_data: data.in_data }, data), echoData.encodeRequest(data)),
    stub('echo_SinkData', sinkData.encodeRequest({ data: data.in_data })),
    stub(
      'echo_SourceData',
      sourceData.encodeResponse({ data: data.in_data }, { len: 5 }),
      sourceData.encodeRequest({ len: 5 }),
    ),
    stub('echo_TestCall', testCall.encodeRequest(call)),
    stub('echo_TestCall', testCall.encodeResponse({ s2: '€' }, call), testCall.encodeRequest(call)),
    stub(
      'echo_TestCall2',
      testCall2.encodeResponse({ info, result: 0 }, { level: 7 }),
      testCall2.encodeRequest({ level: 7 }),
    ),
    stub('echo_TestSleep', testSleep.encodeRequest({ seconds: 1 })),
    stub('echo_TestEnum', testEnum.encodeRequest(foo)),
    stub('echo_TestSurrounding', testSurrounding.encodeRequest({ data: { surrounding: [1, 2, 3, 4, 5] } })),
    stub('echo_TestDoublePointer', testDoublePointer.encodeRequest({ data: 7 })),
    stub('echo_TestDoublePointer', testDoublePointer.encodeRequest({ data: null })),
  ];
}

function endpointStubs(): Dumped[] {
  const { map, lookup } = epmapper.procedures;
  const mapInput = { object: HANDLE.uuid, map_tower: TOWER, entry_handle: HANDLE, max_towers: 4 };
  const mapRequest = map.encodeRequest(mapInput);
  const mapOutput = { entry_handle: HANDLE, towers: [TOWER, TOWER], result: 0 };
  const none = { object: null, interface_id: null, entry_handle: HANDLE };
  const lookupInput = { inquiry_type: 0, vers_option: 1, max_ents: 100, ...none };
  const lookupRequest = lookup.encodeRequest(lookupInput);
  const entries = [
    { object: HANDLE.uuid, tower: TOWER, annotation: 'abc' },
    { object: HANDLE.uuid, tower: null, annotation: '' },
  ];
  const lookupResponse = lookup.encodeResponse({ entry_handle: HANDLE, entries, result: 0 }, lookupInput);
  const if_id = [{ uuid: HANDLE.uuid, vers_major: 1, vers_minor: 0 }];
  const ids = mgmt.procedures.inqIfIds.encodeResponse({ if_id_vector: { if_id }, result: 0 }, {});
  const pipe = 'epmapper';
  return [
    { pipe, name: 'epm_Map', stub: mapRequest },
    { pipe, name: 'epm_Map', stub: map.encodeResponse(mapOutput, mapInput), request: mapRequest },
    { pipe, name: 'epm_Lookup', stub: lookupRequest },
    { pipe, name: 'epm_Lookup', stub: lookupResponse, request: lookupRequest },
    { pipe: 'mgmt', name: 'mgmt_inq_if_ids', stub: ids, request: new Uint8Array(0) },
  ];
}

function accountStubs(): Dumped[] {
  const { lookupNames } = lsarpc.procedures;
  const names = [{ string: 'alice' }, { string: null }, { string: 'x' }];
  const input = { handle: HANDLE, names, sids: { sids: null }, level: 1, count: 0 };
  const request = lookupNames.encodeRequest(input);
  const sid = { sid_rev_num: 1, id_auth: Uint8Array.of(0, 0, 0, 0, 0, 5), sub_auths: [21, 1, 2, 3] };
  const domains = [
    { name: { string: 'PEER' }, sid },
    { name: { string: null }, sid: null },
  ];
  const sids = [{ sid_type: 1, rid: 1, sid_index: 0 }];
  const output = { domains: { domains, max_size: 32 }, sids: { sids }, count: 1, result: 0 };
  const samrRequest = samr_LookupNames.encodeRequest({ domain_handle: HANDLE, names });
  return [
    { pipe: 'lsarpc', name: 'lsa_LookupNames', stub: request },
    { pipe: 'lsarpc', name: 'lsa_LookupNames', stub: lookupNames.encodeResponse(output, input), request },
    { pipe: 'samr', name: 'samr_LookupNames', stub: samrRequest },
  ];
}

/** What ndrdump complains about: the stub could not be read, has bytes left over, or is not what Samba would write. */
function complaints(folder: string, { pipe, name, stub, request }: Dumped): string {
  const [stubFile, requestFile] = [join(folder, 'stub'), join(folder, 'request')];
  writeFileSync(stubFile, stub);
  writeFileSync(requestFile, request ?? '');
  const context = request === undefined ? [] : [`--context-file=${requestFile}`];
  const direction = request === undefined ? 'in' : 'out';
  const args = ['--validate', '--debug-stdout', ...context, pipe, name, direction, stubFile];
  const { status, stdout, stderr } = spawnSync('ndrdump', args, { encoding: 'utf8', timeout: 20_000 });
  if (status !== 0 || !stdout.includes('dump OK')) return `exit ${status}\n${stdout}${stderr}`;
  return stdout.includes('WARNING!') ? stdout : '';
}

test('ndrdump reads what is encoded here, and would write the same', async (t) => {
  if (!(await requirePeer(t, 'samba'))) return;
  const folder = mkdtempSync(join(tmpdir(), 'rpch-ndrdump-'));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const dumped of [...echoStubs(), ...endpointStubs(), ...accountStubs()]) {
    assert.equal(complaints(folder, dumped), '', `${dumped.name} ${dumped.request === undefined ? 'in' : 'out'}`);
  }
  const otherReferents = bytes('00000300 00000200 0700');
  assert.match(
    complaints(folder, { pipe: 'rpcecho', name: 'echo_TestDoublePointer', stub: otherReferents }),
    /differ at byte/,
  );
});
