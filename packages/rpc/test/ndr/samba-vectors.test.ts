import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from '../../src/errors.ts';
import { echoDeclaration as echo } from '../../src/interfaces/echo.ts';
import { epmDeclaration as epmapper } from '../../src/interfaces/epm.ts';
import { mgmtDeclaration as mgmt } from '../../src/interfaces/mgmt.ts';
import type { Procedure } from '../../src/ndr/mod.ts';
import { lsarpc, samr_LookupNames } from './idl/lsa.ts';
import { bytes, hex } from './support.ts';
import { sambaStubs } from './vectors/samba.ts';

type Stub = keyof typeof sambaStubs;

const seen = new Set<string>();

function request<I, O>(stub: Stub, procedure: Procedure<I, O>, inputs: I): void {
  compare(
    stub,
    inputs,
    (littleEndian) => procedure.encodeRequest(inputs, littleEndian),
    procedure.decodeRequest.bind(procedure),
  );
}

function response<I, O>(stub: Stub, procedure: Procedure<I, O>, outputs: O, inputs: I): void {
  compare(
    stub,
    outputs,
    (littleEndian) => procedure.encodeResponse(outputs, inputs, littleEndian),
    (data, littleEndian) => procedure.decodeResponse(data, littleEndian, inputs),
  );
}

function compare<T>(
  stub: Stub,
  values: T,
  encode: (littleEndian: boolean) => Uint8Array,
  decode: (data: Uint8Array, littleEndian: boolean) => T,
): void {
  seen.add(stub);
  test(`${stub} is what Samba encodes, and nothing less`, () => {
    const { little, big } = sambaStubs[stub];
    assert.equal(hex(encode(true)), little);
    assert.deepEqual(decode(bytes(little), true), values);
    assert.equal(hex(encode(false)), big);
    assert.deepEqual(decode(bytes(big), false), values);
    for (let length = 0; length < little.length / 2; length++) {
      const cut = bytes(little).subarray(0, length);
      assert.throws(() => decode(cut, true), ProtocolError, `cut after ${length} bytes`);
    }
  });
}

const UUID = '6b1a4cd8-34a3-4a25-8a5f-1122334455ee';
const HANDLE = { attributes: 0, uuid: '0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9' };

const { addOne, echoData, testCall, testCall2, testSleep, testEnum, testSurrounding } = echo.procedures;
request('AddOne in', addOne, { in_data: 41 });
response('AddOne out', addOne, { out_data: 42 }, { in_data: 41 });
request('EchoData in', echoData, { in_data: Uint8Array.of(1, 2, 3) });
response('EchoData out', echoData, { out_data: Uint8Array.of(1, 2, 3) }, { in_data: Uint8Array.of(4, 5, 6) });
request('TestCall in', testCall, { s1: 'input' });
response('TestCall out', testCall, { s2: 'this is a test string' }, { s1: '' });
response('TestCall out null', testCall, { s2: null }, { s1: '' });
const hyper = 0x1122_3344_5566_7788n;
response('TestCall2 out 1', testCall2, { info: { case: 1, value: { v: 0x11 } }, result: 0 }, { level: 1 });
response('TestCall2 out 2', testCall2, { info: { case: 2, value: { v: 0x1122 } }, result: 0 }, { level: 2 });
response('TestCall2 out 3', testCall2, { info: { case: 3, value: { v: 0x1122_3344 } }, result: 0 }, { level: 3 });
response('TestCall2 out 4', testCall2, { info: { case: 4, value: { v: hyper } }, result: 0 }, { level: 4 });
response('TestCall2 out 5', testCall2, { info: { case: 5, value: { v1: 1, v2: hyper } }, result: 0 }, { level: 5 });
const info6 = { v1: 1, info1: { v: 2 } };
response('TestCall2 out 6', testCall2, { info: { case: 6, value: info6 }, result: 0 }, { level: 6 });
const info7 = { v1: 1, info4: { v: hyper } };
response('TestCall2 out 7', testCall2, { info: { case: 7, value: info7 }, result: 0 }, { level: 7 });
request('TestSleep in', testSleep, { seconds: 7 });
request('TestEnum in 1', testEnum, { foo2: { e1: 2, e2: 1 }, foo3: { case: 1, value: 2 } });
request('TestEnum in 2', testEnum, { foo2: { e1: 2, e2: 1 }, foo3: { case: 2, value: { e1: 2, e2: 1 } } });
request('TestSurrounding in', testSurrounding, { data: { surrounding: [1, 2, 3] } });

/** The octets of a protocol tower: samr over NDR on ncacn_ip_tcp (C706 appendix L). */
function tower(port: number, address: readonly number[]): { tower_octet_string: Uint8Array } {
  const octets = bytes(
    '0500' +
      '1300 0d 785734123412cdabef000123456789ac 0100 0200 0000' +
      '1300 0d 045d888aeb1cc9119fe808002b104860 0200 0200 0000' +
      '0100 0b 0200 0000 0100 07 0200 0000 0100 09 0400 00000000',
  );
  octets.set(address, octets.length - 4);
  new DataView(octets.buffer).setUint16(octets.length - 11, port);
  return { tower_octet_string: octets };
}

const { lookup, map } = epmapper.procedures;
const mapTower = tower(135, [0, 0, 0, 0]);
request('epm_Map in', map, { object: UUID, map_tower: mapTower, entry_handle: HANDLE, max_towers: 4 });
request('epm_Map in nulls', map, { object: null, map_tower: mapTower, entry_handle: HANDLE, max_towers: 4 });
const towers = [tower(49664, [192, 0, 2, 7]), tower(49665, [192, 0, 2, 7])];
response(
  'epm_Map out',
  map,
  { entry_handle: HANDLE, towers, result: 0 },
  { object: null, map_tower: null, entry_handle: HANDLE, max_towers: 4 },
);
const lookupInputs = {
  inquiry_type: 1,
  object: null,
  interface_id: { uuid: UUID, vers_major: 1, vers_minor: 2 },
  vers_option: 3,
  entry_handle: HANDLE,
  max_ents: 10,
};
request('epm_Lookup in', lookup, lookupInputs);
const entries = ['', 'an annotation'].map((annotation, i) => {
  return { object: UUID, tower: tower(49664 + i, [192, 0, 2, 7]), annotation };
});
response('epm_Lookup out', lookup, { entry_handle: HANDLE, entries, result: 0 }, lookupInputs);

response(
  'inq_princ_name out',
  mgmt.procedures.inqPrincName,
  { princ_name: 'host', result: 0 },
  { authn_proto: 9, princ_name_size: 16 },
);

const { close, lookupNames } = lsarpc.procedures;
request('lsa_Close in', close, { handle: HANDLE });
const names = [{ string: 'alice' }, { string: null }, { string: 'bürger' }];
const lookupNamesInputs = { handle: HANDLE, names, sids: { sids: null }, level: 1, count: 0 };
request('lsa_LookupNames in', lookupNames, lookupNamesInputs);
response(
  'lsa_LookupNames out',
  lookupNames,
  {
    domains: {
      domains: [
        { name: { string: 'PEER' }, sid: sid(5, 21, 1, 2, 3) },
        { name: { string: 'BUILTIN' }, sid: sid(5, 32) },
      ],
      max_size: 32,
    },
    sids: {
      sids: [
        { sid_type: 1, rid: 1000, sid_index: 0 },
        { sid_type: 2, rid: 1001, sid_index: 1 },
      ],
    },
    count: 2,
    result: 0,
  },
  lookupNamesInputs,
);
const samrInputs = { domain_handle: HANDLE, names: [{ string: 'alice' }, { string: 'bob' }] };
request('samr_LookupNames in', samr_LookupNames, samrInputs);
response(
  'samr_LookupNames out',
  samr_LookupNames,
  { rids: { ids: [500, 501] }, types: { ids: [1, 1] }, result: 0 },
  samrInputs,
);

function sid(authority: number, ...sub_auths: number[]) {
  return { sid_rev_num: 1, id_auth: Uint8Array.of(0, 0, 0, 0, 0, authority), sub_auths };
}

test('inq_if_ids out is what Samba encodes, whose version is one integer: little-endian only', () => {
  seen.add('inq_if_ids out');
  const { inqIfIds } = mgmt.procedures;
  const if_id = [0, 1].map((vers_minor) => ({ uuid: UUID, vers_major: 3, vers_minor }));
  const outputs = { if_id_vector: { if_id }, result: 0 };
  const stub = sambaStubs['inq_if_ids out'].little;
  assert.equal(hex(inqIfIds.encodeResponse(outputs, {})), stub);
  assert.deepEqual(inqIfIds.decodeResponse(bytes(stub), true, {}), outputs);
});

test('every stub of Samba was compared', () => {
  assert.deepEqual(
    Object.keys(sambaStubs).filter((stub) => !seen.has(stub)),
    [],
  );
});
