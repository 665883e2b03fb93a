import assert from 'node:assert/strict';
import {
  bindClient,
  type Call,
  type ClientOf,
  ContextHandles,
  nspiDeclaration,
  type PropertyRowR,
  type PropertyValueR,
  type RpcCall,
  type RpcInterface,
  type Stat,
} from '@rpch/rpc/internal';
import type { Directory, DirectoryEntry } from '../../../src/directory/model.ts';
import { organizationOf, recipientDn } from '../../../src/directory/organization.ts';
import { DirectorySnapshot } from '../../../src/directory/snapshot.ts';
import { typeOf } from '../../../src/mapi/property.ts';
import type { ServiceLog } from '../../../src/services/log.ts';
import { nspiServer } from '../../../src/services/nspi/nspi-server.ts';

export const ORGANIZATION = organizationOf({ name: 'Test', domain: 'example.org', serverName: 'mail.example.org' });
export const SERVER_GUID = '0a1b2c3d-4e5f-4789-9abc-def012345678';

/** An entry of the directory by its alias; its GUID follows from its number. */
export function entry(number: number, alias: string, more: Partial<DirectoryEntry> = {}): DirectoryEntry {
  const kind = more.kind ?? 'user';
  const address = more.address ?? `${alias}@example.org`;
  return {
    guid: `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`,
    kind,
    ...(kind === 'user' ? { account: alias } : {}),
    legacyDn: recipientDn(ORGANIZATION, alias),
    displayName: alias,
    alias,
    address,
    proxyAddresses: [`SMTP:${address}`],
    hidden: false,
    ...more,
  };
}

const alice = entry(1, 'alice', {
  displayName: 'Alice Ångström',
  givenName: 'Alice',
  surname: 'Ångström',
  title: 'Physicist',
  department: 'Research',
  company: 'Test',
  office: '1.23',
  telephone: '+49 30 1',
  mobile: '+49 170 1',
  proxyAddresses: ['SMTP:alice@example.org', 'smtp:a.angstrom@example.org'],
});
const bob = entry(2, 'bob', { displayName: 'Bob Baker', givenName: 'Bob', surname: 'Baker' });
const bobby = entry(3, 'bobby', { displayName: 'Bobby Brown', givenName: 'Bobby', surname: 'Brown' });
const zoe = entry(4, 'zoe', { displayName: 'Зоя Иванова', givenName: 'Зоя', surname: 'Иванова' });
const carol = entry(5, 'carol', { kind: 'contact', displayName: 'Carol (partner)', address: 'carol@partner.test' });
const ghost = entry(6, 'ghost', { displayName: 'Ghost', hidden: true });
const sales = entry(7, 'sales', {
  kind: 'group',
  displayName: 'Sales',
  members: [carol.guid, bob.guid, alice.guid, ghost.guid],
});
const staff = entry(8, 'staff', { kind: 'group', displayName: 'Staff', members: [sales.guid] });

export const ENTRIES = { alice, bob, bobby, zoe, carol, ghost, sales, staff };
/** Display names of what is not hidden, in the order of English. */
export const IN_ORDER = [
  'Alice Ångström',
  'Bob Baker',
  'Bobby Brown',
  'Carol (partner)',
  'Sales',
  'Staff',
  'Зоя Иванова',
];

export function directoryOf(entries: readonly DirectoryEntry[] = Object.values(ENTRIES), version = 1): Directory {
  return new DirectorySnapshot(ORGANIZATION, version, entries);
}

/** A log that keeps its lines. */
export function keptLog(): ServiceLog & { readonly lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  const keep = (fields: Readonly<Record<string, unknown>>, message: string) => void lines.push({ ...fields, message });
  return { lines, debug: keep, info: keep, warn: keep, error: keep };
}

/** A call by alice, or whatever `changes` say. */
export function rpcCall(changes: Partial<RpcCall> = {}): RpcCall {
  return {
    identity: { user: 'alice', domain: '', workstation: '' },
    authType: 10,
    authLevel: 6,
    object: undefined,
    associationGroup: 1,
    peer: { transport: 'tcp', address: '127.0.0.1', label: '127.0.0.1:1', clientAddressHint: undefined },
    signal: new AbortController().signal,
    contextHandles: new ContextHandles(),
    ...changes,
  };
}

/** A client without a connection in between: what it encodes is what the server decodes. */
export function nspiClient(
  server: RpcInterface,
  call: RpcCall = rpcCall(),
  littleEndian = true,
): ClientOf<typeof nspiDeclaration> {
  const make: Call = async (opnum, stub, decode) =>
    decode(await server.handle(opnum, stub, littleEndian, call), littleEndian);
  return bindClient(nspiDeclaration, make, littleEndian);
}

export function stat(changes: Partial<Stat> = {}): Stat {
  return {
    ...{ SortType: 0, ContainerID: 0, CurrentRec: 0, Delta: 0, NumPos: 0, TotalRecs: 0 },
    ...{ CodePage: 1252, TemplateLocale: 0x409, SortLocale: 0x409 },
    ...changes,
  };
}

export type Client = ClientOf<typeof nspiDeclaration>;
export type Handle = Awaited<ReturnType<Client['bind']>>['contextHandle'];

/** A server over a directory and a client that has bound to it. */
export async function bound(directory: () => Directory = constant(directoryOf())) {
  const log = keptLog();
  const server = nspiServer({ directory, serverGuid: SERVER_GUID, log });
  const client = nspiClient(server);
  const { contextHandle: hRpc, result } = await client.bind({ dwFlags: 0, pStat: stat(), pServerGuid: null });
  assert.equal(result, 0);
  return { server, client, hRpc, log };
}

export function constant<T>(value: T): () => T {
  return () => value;
}

/** The values of a row by their tags, as plain as they come; of a missing one `{ error }`. */
export function cells(row: PropertyRowR | undefined | null): Map<number, unknown> {
  return new Map((row?.lpProps ?? []).map((value) => [value.ulPropTag, plain(value)]));
}

function plain({ ulPropTag, Value }: PropertyValueR): unknown {
  assert.equal(Value.case, typeOf(ulPropTag));
  switch (Value.case) {
    case 0x0102:
      return Value.value.lpb === null ? null : Buffer.from(Value.value.lpb);
    case 0x101e:
      return Value.value.lppszA;
    case 0x101f:
      return Value.value.lppszW;
    case 0x000a:
      return { error: Value.value };
    default:
      return Value.value;
  }
}

/** The first column of each row. */
export function firstCells(rows: { readonly aRow: readonly PropertyRowR[] } | null): unknown[] {
  return (rows?.aRow ?? []).map((row) => [...cells(row).values()][0]);
}

export function tags(...aulPropTag: number[]) {
  return { aulPropTag };
}
