import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ifVersion } from '../../src/dcerpc/syntax-id.ts';
import { ECHO } from '../../src/interfaces/echo.ts';
import { type EndpointEntry, EndpointRegistry } from '../../src/interfaces/endpoint-registry.ts';
import { EptStatus, epmDeclaration, epmServer, InquiryType, VersionOption } from '../../src/interfaces/epm.ts';
import { decodeTower, questionTower } from '../../src/interfaces/towers.ts';
import { NULL_CONTEXT_HANDLE } from '../../src/ndr/mod.ts';
import { clientOf, rpcCall } from './support.ts';

const OBJECT = '6a07e9b5-0000-4000-8000-000000000001';
const NIL = NULL_CONTEXT_HANDLE.uuid;

const entry = (changes: Partial<EndpointEntry>): EndpointEntry => {
  return { syntax: ECHO, protocol: 'ncacn_ip_tcp', port: 1000, address: '10.0.0.1', annotation: 'a', ...changes };
};
const version = (major: number, minor: number) => ({ uuid: ECHO.uuid, version: ifVersion(major, minor) });
const OTHER = { uuid: '12345678-1234-abcd-ef00-0123456789ab', version: ifVersion(1, 0) };

function begin(...entries: EndpointEntry[]) {
  const registry = new EndpointRegistry();
  for (const one of entries) registry.add(one);
  const call = rpcCall();
  return { registry, call, epm: clientOf(epmDeclaration, epmServer(registry), call) };
}

const ALL = {
  inquiry_type: InquiryType.all,
  object: null,
  interface_id: null,
  vers_option: VersionOption.all,
  entry_handle: NULL_CONTEXT_HANDLE,
  max_ents: 500,
};
const question = (syntax = ECHO, protocol: EndpointEntry['protocol'] = 'ncacn_ip_tcp') => {
  const map_tower = { tower_octet_string: questionTower(syntax, protocol) };
  return { object: null, map_tower, entry_handle: NULL_CONTEXT_HANDLE, max_towers: 4 };
};
const portsOf = (towers: readonly ({ tower_octet_string: Uint8Array } | null)[]) =>
  towers.map((tower) => (tower === null ? undefined : decodeTower(tower.tower_octet_string).port));

test('ept_map finds the ports of an interface over one protocol sequence', async () => {
  const { epm } = begin(
    entry({ port: 1 }),
    entry({ port: 2, protocol: 'ncacn_http' }),
    entry({ port: 3, syntax: OTHER }),
    entry({ port: 4, syntax: version(1, 2) }),
    entry({ port: 5, syntax: version(2, 0) }),
  );
  const over = async (protocol: EndpointEntry['protocol'], syntax = ECHO) => {
    const { towers, result, entry_handle } = await epm.map(question(syntax, protocol));
    assert.deepEqual(entry_handle, NULL_CONTEXT_HANDLE);
    assert.equal(result, towers.length > 0 ? EptStatus.ok : EptStatus.not_registered);
    return portsOf(towers);
  };
  assert.deepEqual(await over('ncacn_ip_tcp'), [1, 4]);
  assert.deepEqual(await over('ncacn_http'), [2]);
  assert.deepEqual(await over('ncacn_ip_tcp', version(1, 1)), [4]);
  assert.deepEqual(await over('ncacn_http', OTHER), []);
});

test('objects: an entry with one is for those who name it', async () => {
  const { epm } = begin(entry({ port: 1 }), entry({ port: 2, object: OBJECT }));
  assert.deepEqual(portsOf((await epm.map(question())).towers), [1]);
  assert.deepEqual(portsOf((await epm.map({ ...question(), object: OBJECT })).towers), [1, 2]);
  assert.deepEqual(portsOf((await epm.map({ ...question(), object: NIL })).towers), [1]);
});

test('ept_map without a tower, or with none that can be read, is a bad request', async () => {
  const { epm } = begin();
  await assert.rejects(epm.map({ ...question(), map_tower: null }), { code: 'RPCH_NO_TOWER' });
  const map_tower = { tower_octet_string: new Uint8Array(9) };
  await assert.rejects(epm.map({ ...question(), map_tower }), { code: 'RPCH_BAD_TOWER' });
});

test('a walk goes on with its handle, which ends with the last page', async () => {
  const { epm, call } = begin(entry({ port: 1 }), entry({ port: 2 }), entry({ port: 3 }), entry({ port: 4 }));
  const first = await epm.lookup({ ...ALL, max_ents: 3 });
  assert.equal(first.entries.length, 3);
  assert.equal(first.result, EptStatus.ok);
  assert.notEqual(first.entry_handle.uuid, NIL);
  const second = await epm.lookup({ ...ALL, max_ents: 3, entry_handle: first.entry_handle });
  assert.deepEqual(portsOf(second.entries.map(({ tower }) => tower)), [4]);
  assert.equal(second.entry_handle.uuid, NIL);
  assert.equal(call.contextHandles.size, 0);
  await assert.rejects(epm.lookup({ ...ALL, entry_handle: first.entry_handle }), { status: 0x1c00001a });
});

test('a handle belongs to its operation, and is freed', async () => {
  const { epm, call } = begin(entry({ port: 1 }), entry({ port: 2 }));
  for (const begins of [() => epm.lookup({ ...ALL, max_ents: 1 }), () => epm.map({ ...question(), max_towers: 1 })]) {
    const { entry_handle } = await begins();
    assert.equal(call.contextHandles.size, 1);
    const freed = await epm.lookupHandleFree({ entry_handle });
    assert.deepEqual(freed, { entry_handle: NULL_CONTEXT_HANDLE, result: 0 });
    assert.equal(call.contextHandles.size, 0);
    await assert.rejects(epm.lookupHandleFree({ entry_handle }), { status: 0x1c00001a });
  }
  const { entry_handle } = await epm.lookup({ ...ALL, max_ents: 1 });
  await assert.rejects(epm.map({ ...question(), entry_handle }), { status: 0x1c00001a });
  assert.equal((await epm.lookupHandleFree({ entry_handle: NULL_CONTEXT_HANDLE })).result, 0);
});

test('ept_lookup by interface, in its versions, and by object', async () => {
  const versions = [version(1, 0), version(1, 2), version(2, 0)];
  const { epm } = begin(
    ...versions.map((syntax, i) => entry({ syntax, port: i + 1 })),
    entry({ syntax: OTHER, port: 9, object: OBJECT }),
  );
  const by = async (vers_option: number, vers_major = 1, vers_minor = 1) => {
    const interface_id = { uuid: ECHO.uuid, vers_major, vers_minor };
    const found = await epm.lookup({ ...ALL, inquiry_type: InquiryType.by_interface, interface_id, vers_option });
    return portsOf(found.entries.map(({ tower }) => tower));
  };
  assert.deepEqual(await by(VersionOption.all), [1, 2, 3]);
  assert.deepEqual(await by(VersionOption.compatible), [2]);
  assert.deepEqual(await by(VersionOption.exact, 1, 2), [2]);
  assert.deepEqual(await by(VersionOption.major_only), [1, 2]);
  assert.deepEqual(await by(VersionOption.upto), [1]);
  const objects = await epm.lookup({ ...ALL, inquiry_type: InquiryType.by_object, object: OBJECT });
  assert.deepEqual(
    objects.entries.map(({ object, annotation }) => [object, annotation]),
    [[OBJECT, 'a']],
  );
  const interface_id = { uuid: OTHER.uuid, vers_major: 1, vers_minor: 0 };
  const both = { ...ALL, inquiry_type: InquiryType.by_both, interface_id, object: NIL };
  assert.equal((await epm.lookup(both)).result, EptStatus.not_registered);
  assert.equal((await epm.lookup({ ...both, object: OBJECT })).entries.length, 1);
});

test('an entry that is taken out is not found, an annotation is cut to 63 characters', async () => {
  const { epm, registry } = begin();
  const take = registry.add(entry({ annotation: 'x'.repeat(100) }));
  assert.equal((await epm.lookup(ALL)).entries[0]?.annotation, 'x'.repeat(63));
  take();
  assert.equal((await epm.lookup(ALL)).result, EptStatus.not_registered);
});

test('nothing is inserted or deleted from outside', async () => {
  const { epm, registry } = begin();
  const tower = { tower_octet_string: questionTower(ECHO, 'ncacn_ip_tcp') };
  const entries = [{ object: NIL, tower, annotation: 'evil' }];
  assert.deepEqual(await epm.insert({ entries, replace: 0 }), { result: 0x6d8 });
  assert.deepEqual(await epm.delete({ entries }), { result: 0x6d8 });
  assert.equal(registry.entries.length, 0);
});
