import type { ContextHandleType } from '../dcerpc/context-handles.ts';
import { defineInterface } from '../dcerpc/interface-declaration.ts';
import type { RpcCall, RpcInterface } from '../dcerpc/rpc-interface.ts';
import { serverInterface } from '../dcerpc/server-interface.ts';
import { NDR, type SyntaxId, sameSyntax } from '../dcerpc/syntax-id.ts';
import { ProtocolError } from '../errors.ts';
import {
  char,
  conformantArray,
  conformantVaryingArray,
  contextHandle,
  full,
  input,
  inputOutput,
  NULL_CONTEXT_HANDLE,
  output,
  procedure,
  range,
  struct,
  uint8,
  uint32,
  uuid,
  type ValueOf,
  varyingString,
} from '../ndr/mod.ts';
import type { EndpointEntry, EndpointRegistry } from './endpoint-registry.ts';
import { interfaceId } from './mgmt.ts';
import { decodeTower, encodeTower, MAX_TOWER_LENGTH } from './towers.ts';

/** The most entries or towers that one call may ask for ([MS-RPCE] 2.2.1.2). */
export const MAX_ENTRIES = 500;

/** error_status_t of the endpoint mapper (C706 appendix N, [MS-RPCE] 2.2.1.2). */
export const EptStatus = {
  ok: 0,
  /** ept_s_not_registered: nothing more, or nothing at all. */
  not_registered: 0x16c9a0d6,
  ept_s_cant_perform_op: 0x000006d8,
} as const;

/** inquiry_type of ept_lookup (C706 appendix O). */
export const InquiryType = { all: 0, by_interface: 1, by_object: 2, by_both: 3 } as const;
/** vers_option of ept_lookup (C706 appendix O): which versions of the interface asked for are meant. */
export const VersionOption = { all: 1, compatible: 2, exact: 3, major_only: 4, upto: 5 } as const;

/** twr_t: a tower's octets with their length (C706 appendix N). */
export const twr = struct({
  tower_length: range(uint32, 0, MAX_TOWER_LENGTH),
  tower_octet_string: conformantArray(uint8, { size_is: 'tower_length' }),
});

const ANNOTATION_SIZE = 64;
const eptEntry = struct({ object: uuid, tower: full(twr), annotation: varyingString(char, ANNOTATION_SIZE) });

/** The endpoint mapper, version 3.0 (C706 appendix O, [MS-RPCE] 2.2.1.2 and 3.1.3.5): TCP port 135, HTTP port 593. */
export const epmDeclaration = defineInterface({
  name: 'epmapper',
  uuid: 'e1af8308-5d1f-11c9-91a4-08002b14a0fa',
  version: [3, 0],
  procedures: {
    insert: procedure({
      name: 'ept_insert',
      opnum: 0,
      parameters: {
        num_ents: input(range(uint32, 0, MAX_ENTRIES)),
        entries: input(conformantArray(eptEntry, { size_is: 'num_ents' })),
        replace: input(uint32),
      },
      returns: uint32,
    }),
    delete: procedure({
      name: 'ept_delete',
      opnum: 1,
      parameters: {
        num_ents: input(range(uint32, 0, MAX_ENTRIES)),
        entries: input(conformantArray(eptEntry, { size_is: 'num_ents' })),
      },
      returns: uint32,
    }),
    lookup: procedure({
      name: 'ept_lookup',
      opnum: 2,
      parameters: {
        inquiry_type: input(uint32),
        object: input(full(uuid)),
        interface_id: input(full(interfaceId)),
        vers_option: input(uint32),
        entry_handle: inputOutput(contextHandle),
        max_ents: input(range(uint32, 0, MAX_ENTRIES)),
        num_ents: output(uint32),
        entries: output(conformantVaryingArray(eptEntry, { size_is: 'max_ents', length_is: 'num_ents' })),
      },
      returns: uint32,
    }),
    map: procedure({
      name: 'ept_map',
      opnum: 3,
      parameters: {
        object: input(full(uuid)),
        map_tower: input(full(twr)),
        entry_handle: inputOutput(contextHandle),
        max_towers: input(range(uint32, 0, MAX_ENTRIES)),
        num_towers: output(uint32),
        towers: output(conformantVaryingArray(full(twr), { size_is: 'max_towers', length_is: 'num_towers' })),
      },
      returns: uint32,
    }),
    lookupHandleFree: procedure({
      name: 'ept_lookup_handle_free',
      opnum: 4,
      parameters: { entry_handle: inputOutput(contextHandle) },
      returns: uint32,
    }),
  },
});

type Handle = ValueOf<typeof contextHandle>;

/** What ept_lookup and ept_map have still to return to a client that asked for fewer. */
interface Walk {
  readonly found: readonly EndpointEntry[];
  at: number;
}

const LOOKUP: ContextHandleType<Walk> = { name: 'ept_lookup' };
const MAP: ContextHandleType<Walk> = { name: 'ept_map' };

/** The endpoint mapper of a registry. Nothing can be registered from outside, nor deleted. */
export function epmServer(registry: EndpointRegistry): RpcInterface {
  const refused = () => ({ result: EptStatus.ept_s_cant_perform_op });
  return serverInterface(epmDeclaration, {
    insert: refused,
    delete: refused,
    lookup: ({ inquiry_type, object, interface_id, vers_option, entry_handle, max_ents }, call) => {
      const { page, ...rest } = walk(LOOKUP, entry_handle, max_ents, call, () => {
        const byObject = inquiry_type === InquiryType.by_object || inquiry_type === InquiryType.by_both;
        const byInterface = inquiry_type === InquiryType.by_interface || inquiry_type === InquiryType.by_both;
        const wanted = interface_id === null ? undefined : syntaxOf(interface_id);
        return registry.entries.filter(
          (entry) =>
            (!byObject || (entry.object ?? NULL_CONTEXT_HANDLE.uuid) === object) &&
            (!byInterface || (wanted !== undefined && isOfVersion(entry.syntax, wanted, vers_option))),
        );
      });
      return { ...rest, entries: page.map(entryOf) };
    },
    map: ({ object, map_tower, entry_handle, max_towers }, call) => {
      const { page, ...rest } = walk(MAP, entry_handle, max_towers, call, () => {
        const asked = map_tower === null ? undefined : decodeTower(map_tower.tower_octet_string);
        if (asked === undefined) throw new ProtocolError('RPCH_NO_TOWER', 'ept_map without a tower', 'C706 appendix O');
        if (asked.protocol === undefined || asked.transferSyntax.uuid !== NDR.uuid) return [];
        return registry.entries.filter(
          (entry) =>
            entry.protocol === asked.protocol &&
            isOfVersion(entry.syntax, asked.interface, VersionOption.compatible) &&
            (entry.object === undefined || entry.object === object),
        );
      });
      return { ...rest, towers: page.map((entry) => ({ tower_octet_string: towerOf(entry) })) };
    },
    lookupHandleFree: ({ entry_handle }, { contextHandles }) => {
      if (entry_handle.uuid !== NULL_CONTEXT_HANDLE.uuid) {
        // A walk is the same thing whichever operation began it.
        contextHandles.close(contextHandles.has(LOOKUP, entry_handle) ? LOOKUP : MAP, entry_handle);
      }
      return { entry_handle: NULL_CONTEXT_HANDLE, result: EptStatus.ok };
    },
  });
}

/** The next `most` entries of a walk that a null handle begins; the handle that is returned is null when there is no more. */
function walk(
  type: ContextHandleType<Walk>,
  handle: Handle,
  most: number,
  { contextHandles }: RpcCall,
  find: () => readonly EndpointEntry[],
) {
  const begins = handle.uuid === NULL_CONTEXT_HANDLE.uuid;
  const current = begins ? { found: find(), at: 0 } : contextHandles.get(type, handle);
  const page = current.found.slice(current.at, current.at + most);
  current.at += page.length;
  const more = current.at < current.found.length;
  let entry_handle: Handle = NULL_CONTEXT_HANDLE;
  if (more) entry_handle = begins ? contextHandles.open(type, current) : handle;
  else if (!begins) contextHandles.close(type, handle);
  return { page, entry_handle, result: page.length > 0 || more ? EptStatus.ok : EptStatus.not_registered };
}

function syntaxOf({ uuid: id, vers_major, vers_minor }: ValueOf<typeof interfaceId>): SyntaxId {
  return { uuid: id, version: ((vers_minor << 16) | vers_major) >>> 0 };
}

/** Whether a registered interface is one of those asked for (C706 6.2.3, vers_option). */
function isOfVersion(offered: SyntaxId, wanted: SyntaxId, option: number): boolean {
  if (offered.uuid !== wanted.uuid) return false;
  const [major, minor] = [offered.version & 0xffff, offered.version >>> 16];
  const [wantedMajor, wantedMinor] = [wanted.version & 0xffff, wanted.version >>> 16];
  switch (option) {
    case VersionOption.compatible:
      return major === wantedMajor && minor >= wantedMinor;
    case VersionOption.exact:
      return sameSyntax(offered, wanted);
    case VersionOption.major_only:
      return major === wantedMajor;
    case VersionOption.upto:
      return major < wantedMajor || (major === wantedMajor && minor <= wantedMinor);
    default:
      return true;
  }
}

function towerOf({ syntax, protocol, port, address }: EndpointEntry): Uint8Array {
  return encodeTower({ interface: syntax, transferSyntax: NDR, protocol, port, address });
}

function entryOf(entry: EndpointEntry) {
  const { object, annotation } = entry;
  const tower = { tower_octet_string: towerOf(entry) };
  return { object: object ?? NULL_CONTEXT_HANDLE.uuid, tower, annotation: annotation.slice(0, ANNOTATION_SIZE - 1) };
}
