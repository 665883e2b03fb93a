import assert from 'node:assert/strict';
import {
  echoDeclaration,
  epmDeclaration,
  FaultStatus,
  type InterfaceDeclaration,
  mgmtDeclaration,
  ndr,
  type RpcClient,
} from '@rpch/rpc';
import { decodeTower, EptStatus, MgmtStatus, questionTower, type Tower, type TowerProtocol } from '@rpch/rpc/internal';
import { dssetup, PRIMARY_DOMAIN_CONTROLLER } from '../../../src/idl/dssetup.ts';
import { SidNameUse, STATUS_SUCCESS, sidOf, sidText } from '../../../src/idl/lsa-types.ts';
import { lsarpc } from '../../../src/idl/lsarpc.ts';
import { sambaMgmt } from '../../../src/idl/samba-mgmt.ts';
import { samr } from '../../../src/idl/samr.ts';
import type { SambaPeer } from '../../../src/peers/samba.ts';

const MAXIMUM_ALLOWED = 0x02000000;
const ACCESS_DENIED = { code: 'RPCH_RPC_FAULT', status: 5 };

/** All ten operations of rpcecho. */
export async function callEcho(client: RpcClient): Promise<void> {
  const echo = await client.bind(echoDeclaration);
  for (const in_data of [0, 41, 0xffff_ffff]) {
    assert.deepEqual(await echo.addOne({ in_data }), { out_data: (in_data + 1) >>> 0 });
  }
  for (const length of [0, 1, 5000, 100_000]) {
    const in_data = countingBytes(length);
    const { out_data } = await echo.echoData({ in_data });
    assert.ok(Buffer.compare(out_data, in_data) === 0, `EchoData of ${length} bytes`);
    assert.deepEqual(await echo.sinkData({ data: in_data }), {});
    const { data } = await echo.sourceData({ len: length });
    assert.ok(Buffer.compare(data, countingBytes(length)) === 0, `SourceData of ${length} bytes`);
  }
  for (const s1 of ['', 'x', 'grüße 𝄞', 'long '.repeat(4000)]) {
    assert.deepEqual(await echo.testCall({ s1 }), { s2: s1 });
  }
  await callTestCall2(client);
  assert.deepEqual(await echo.testSleep({ seconds: 0 }), { result: 0 });
  const foo2 = { e1: 1, e2: 2 };
  for (const foo3 of [
    { case: 1, value: 2 },
    { case: 2, value: { e1: 1, e2: 1 } },
  ] as const) {
    assert.deepEqual(await echo.testEnum({ foo2, foo3 }), { foo2: { e1: 2, e2: 2 }, foo3 });
  }
  for (const length of [0, 1, 1000]) {
    const { data } = await echo.testSurrounding({ data: { surrounding: new Array<number>(length).fill(7) } });
    assert.deepEqual(data, { surrounding: new Array<number>(2 * length).fill(0) });
  }
  for (const data of [null, 0, 12, 0xffff]) {
    assert.deepEqual(await echo.testDoublePointer({ data }), { result: data ?? 0 });
  }
}

async function callTestCall2(client: RpcClient): Promise<void> {
  const echo = await client.bind(echoDeclaration);
  const infos = [
    { case: 1, value: { v: 10 } },
    { case: 2, value: { v: 20 } },
    { case: 3, value: { v: 30 } },
    { case: 4, value: { v: 40n } },
    { case: 5, value: { v1: 50, v2: 60n } },
    { case: 6, value: { v1: 70, info1: { v: 80 } } },
    { case: 7, value: { v1: 80, info4: { v: 90n } } },
  ];
  for (const info of infos) assert.deepEqual(await echo.testCall2({ level: info.case }), { info, result: 0 });
}

/** 0, 1, … 255, over and over. */
export function countingBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = i;
  return bytes;
}

/** The management interface, on Samba's RPC port. */
export async function callMgmt(client: RpcClient): Promise<void> {
  const mgmt = await client.bind(mgmtDeclaration);
  const { if_id_vector, result } = await mgmt.inqIfIds();
  assert.equal(result, MgmtStatus.ok);
  const ids = (if_id_vector?.if_id ?? []).map((id) => `${id?.uuid}/${id?.vers_major}.${id?.vers_minor}`);
  for (const { syntax } of [echoDeclaration, samr, lsarpc, dssetup]) {
    assert.ok(ids.includes(`${syntax.uuid}/${syntax.version & 0xffff}.${syntax.version >>> 16}`), `${ids}`);
  }
  // Samba wants a second input, and counts nothing.
  await assert.rejects(mgmt.inqStats({ count: 4 }), {
    code: 'RPCH_RPC_FAULT',
    status: FaultStatus.rpc_x_bad_stub_data,
  });
  const { statistics } = await (await client.bind(sambaMgmt)).inqStats({ max_count: 4, unknown: 0 });
  assert.deepEqual(statistics, { statistics: [0, 0, 0, 0] });
  assert.deepEqual(await mgmt.isServerListening(), { status: 0, result: 1 });
  assert.deepEqual(await mgmt.stopServerListening(), { result: MgmtStatus.access_denied });
  // Of the fifth operation Samba 4.17 knows nothing.
  await assert.rejects(mgmt.inqPrincName({ authn_proto: 10, princ_name_size: 256 }), {
    code: 'RPCH_RPC_FAULT',
    status: FaultStatus.nca_s_op_rng_error,
  });
}

/** The whole endpoint map, a few entries at a time, and one question of ept_map. `client` is that of the endpoint mapper. */
export async function callEpm(client: RpcClient, samba: SambaPeer): Promise<void> {
  const epm = await client.bind(epmDeclaration);
  const atOnce = await walk(client, 500);
  const towers = await walk(client, 7);
  assert.deepEqual(towers, atOnce);
  assert.ok(towers.length > 20, `${towers.length} entries`);
  const echo = towers.find((tower) => tower.interface.uuid === echoDeclaration.syntax.uuid && isTcp(tower));
  assert.equal(echo?.port, samba.rpcPort);

  const ask = async (syntax: Tower['interface'], protocol: TowerProtocol) => {
    const map_tower = { tower_octet_string: questionTower(syntax, protocol) };
    return epm.map({ object: null, map_tower, entry_handle: ndr.NULL_CONTEXT_HANDLE, max_towers: 4 });
  };
  const found = await ask(echoDeclaration.syntax, 'ncacn_ip_tcp');
  assert.equal(found.result, EptStatus.ok);
  const [first] = found.towers.map((tower) => decodeTower(tower?.tower_octet_string ?? new Uint8Array()));
  assert.deepEqual([first?.port, first && isTcp(first)], [samba.rpcPort, true]);
  const none = await ask({ uuid: '00000000-1111-2222-3333-444444444444', version: 1 }, 'ncacn_ip_tcp');
  assert.deepEqual([none.towers, none.result], [[], EptStatus.not_registered]);
}

const isTcp = (tower: Tower): boolean => tower.protocol === 'ncacn_ip_tcp';

async function walk(client: RpcClient, max_ents: number): Promise<Tower[]> {
  const epm = await client.bind(epmDeclaration);
  const towers: Tower[] = [];
  let entry_handle: ndr.ValueOf<typeof ndr.contextHandle> = ndr.NULL_CONTEXT_HANDLE;
  for (;;) {
    const question = { inquiry_type: 0, object: null, interface_id: null, vers_option: 0, entry_handle, max_ents };
    const { entries, result, ...rest } = await epm.lookup(question);
    entry_handle = rest.entry_handle;
    towers.push(...entries.map(({ tower }) => decodeTower(tower?.tower_octet_string ?? new Uint8Array())));
    if (result === EptStatus.not_registered) break;
    assert.equal(result, EptStatus.ok);
    assert.ok(entries.length > 0 && entries.length <= max_ents, `${entries.length} entries of ${max_ents}`);
  }
  await epm.lookupHandleFree({ entry_handle });
  return towers;
}

/** samr from SamrConnect5 to the account of the peer's plain user, and back through all handles. */
export async function callSamr(client: RpcClient, samba: SambaPeer): Promise<void> {
  const rpc = await client.bind(samr);
  const connected = await rpc.connect5({
    server_name: `\\\\${samba.host}`,
    desired_access: MAXIMUM_ALLOWED,
    info_in: { case: 1, value: { client_version: 3, supported_features: 0 } },
  });
  assert.equal(connected.result, STATUS_SUCCESS);
  assert.equal(connected.info_out.case, 1);
  const server = connected.server_handle;
  const { buffer: domains } = await rpc.enumerateDomains({
    handle: server,
    enumeration_context: 0,
    preferred_length: 0xffff,
  });
  assert.deepEqual(domains?.entries?.map(({ name }) => name.string).sort(), ['BUILTIN', samba.domain]);
  const { domain_id } = await rpc.lookupDomain({ handle: server, name: { string: samba.domain } });
  assert.ok(domain_id !== null);
  assert.match(sidText(domain_id), /^S-1-5-21-\d+-\d+-\d+$/);
  assert.deepEqual(sidOf(sidText(domain_id)), domain_id);
  const { domain_handle } = await rpc.openDomain({
    server_handle: server,
    desired_access: MAXIMUM_ALLOWED,
    domain_id,
  });
  const { buffer: users, count_returned } = await rpc.enumerateUsers({
    handle: domain_handle,
    enumeration_context: 0,
    user_account_control: 0,
    preferred_length: 0xffff,
  });
  assert.equal(users?.entries?.length, count_returned);
  const alice = users?.entries?.find(({ name }) => name.string === samba.user.name);

  const names = [samba.user.name, 'nobody-at-all', samba.administrator.name].map((string) => ({ string }));
  const { relative_ids, use } = await rpc.lookupNames({ handle: domain_handle, names });
  assert.deepEqual(relative_ids.ids, [alice?.idx, 0, 500]);
  assert.deepEqual(use.ids, [SidNameUse.user, SidNameUse.unknown, SidNameUse.user]);

  const user_id = alice?.idx ?? 0;
  const { user_handle } = await rpc.openUser({ domain_handle, desired_access: MAXIMUM_ALLOWED, user_id });
  const named = await rpc.queryUser({ handle: user_handle, level: 7 });
  assert.deepEqual(named.buffer, { case: 7, value: { account_name: { string: samba.user.name } } });
  const control = await rpc.queryUser({ handle: user_handle, level: 16 });
  assert.ok(control.buffer?.case === 16 && (control.buffer.value.user_account_control & 0x10) !== 0);
  for (const handle of [user_handle, domain_handle, server]) {
    assert.deepEqual(await rpc.close({ handle }), { handle: ndr.NULL_CONTEXT_HANDLE, result: STATUS_SUCCESS });
  }
  await assert.rejects(rpc.close({ handle: server }), { code: 'RPCH_RPC_FAULT', status: 0x1c00001a });
}

/** The role of the server in its domain. */
export async function callDssetup(client: RpcClient, samba: SambaPeer): Promise<void> {
  const { info, result } = await (await client.bind(dssetup)).getPrimaryDomainInformation({ level: 1 });
  assert.equal(result, 0);
  const { role, domain, dns_domain } = info?.value ?? assert.fail();
  assert.deepEqual([role, domain, dns_domain], [PRIMARY_DOMAIN_CONTROLLER, samba.domain, samba.realm.toLowerCase()]);
}

/**
 * lsarpc as far as it goes: Samba decodes the request, and then serves its handles over SMB only, and LookupNames4 and LookupSids3
 * over TCP to schannel's clients only.
 */
export async function callLsarpc(client: RpcClient): Promise<void> {
  const lsa = await client.bind(lsarpc);
  const attributes = {
    len: 24,
    root_dir: null,
    object_name: null,
    attributes: 0,
    security_descriptor: null,
    security_quality_of_service: { len: 12, impersonation_level: 2, context_mode: 1, effective_only: 0 },
  };
  const calls = [
    () => lsa.openPolicy2({ system_name: '\\', attributes, access_mask: MAXIMUM_ALLOWED }),
    () => lsa.getUserName({ system_name: null, account_name: null, authority_name: null }),
    () => lsa.lookupNames4({ names: [{ string: 'alice' }, { string: '' }], sids: { sids: null }, ...LOOKUP }),
    () => lsa.lookupSids3({ sids: { sids: [{ sid: sidOf('S-1-5-32-544') }] }, names: { names: null }, ...LOOKUP }),
    () => lsa.close({ handle: ndr.NULL_CONTEXT_HANDLE }),
  ];
  for (const call of calls) await assert.rejects(call(), ACCESS_DENIED);
}

const LOOKUP = { level: 1, count: 0, lookup_options: 0, client_revision: 2 };

/** Samba serves most interfaces from level packet on, or without any security. */
export async function refusedAtConnect(client: RpcClient, declaration: InterfaceDeclaration, samba: SambaPeer) {
  const calls = new Map<InterfaceDeclaration, () => Promise<void>>([
    [samr, () => callSamr(client, samba)],
    [dssetup, () => callDssetup(client, samba)],
  ]);
  await assert.rejects(calls.get(declaration) ?? assert.fail(), ACCESS_DENIED);
}
