import { createHash } from 'node:crypto';
import { formatGuid } from '@rpch/rpc/internal';
import type { DirectoryEntry } from '../../directory/model.ts';

/** The bits of PidTagContainerFlags ([MS-OXOABK] 2.2.2.1). */
export const ContainerFlag = { Recipients: 1, Subcontainers: 2, Unmodifiable: 8 } as const;

/** A container of the address book. */
export interface Container {
  /** ContainerID: its minimal entry id; 0 of the global address list. */
  readonly id: number;
  readonly name: string;
  /** Undefined of the global address list, whose DN is `/`. */
  readonly guid: string | undefined;
  readonly depth: number;
  readonly parent: Container | undefined;
  readonly flags: number;
  /** Whether an entry that is not hidden is in it. */
  readonly holds: (entry: DirectoryEntry) => boolean;
}

const { Recipients, Subcontainers, Unmodifiable } = ContainerFlag;

/** The global address list: everything that is not hidden. */
export const GLOBAL_ADDRESS_LIST: Container = {
  id: 0,
  name: 'Global Address List',
  guid: undefined,
  depth: 0,
  parent: undefined,
  flags: Recipients | Unmodifiable,
  holds: () => true,
};

/** The container of the containers below. */
const ALL_ADDRESS_LISTS: Container = {
  id: 0x10,
  name: 'All Address Lists',
  guid: guidOf('All Address Lists'),
  depth: 0,
  parent: undefined,
  flags: Subcontainers | Unmodifiable,
  holds: () => false,
};

/** All containers in the order of the hierarchy table, the global address list first ([MS-OXNSPI] 3.1.4.4.3.1). */
export const CONTAINERS: readonly Container[] = [
  GLOBAL_ADDRESS_LIST,
  ALL_ADDRESS_LISTS,
  addressList(0x11, 'All Contacts', 'contact'),
  addressList(0x12, 'All Groups', 'group'),
  addressList(0x13, 'All Users', 'user'),
];

function addressList(id: number, name: string, kind: DirectoryEntry['kind']): Container {
  return {
    id,
    name,
    guid: guidOf(name),
    depth: 1,
    parent: ALL_ADDRESS_LISTS,
    flags: Recipients | Unmodifiable,
    holds: (entry) => entry.kind === kind,
  };
}

/** The version of the hierarchy table: it follows from what is in it. Never 0, which is what clients have that have none. */
export const HIERARCHY_VERSION =
  createHash('sha256')
    .update(JSON.stringify(CONTAINERS.map(({ id, name, guid, depth, flags }) => [id, name, guid, depth, flags])))
    .digest()
    .readUInt32LE(0) | 1;

/** A container's GUID follows from its name, so that it is the same on every server and every day. */
function guidOf(name: string): string {
  const bytes = createHash('sha256').update(`rpch address list ${name}`).digest().subarray(0, 16);
  bytes[7] = ((bytes[7] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return formatGuid(bytes);
}
