import {
  type ClientOf,
  decodeTower,
  EptStatus,
  type epmDeclaration,
  InquiryType,
  ndr,
  ProtocolError,
  RpchError,
  VersionOption,
} from '@rpch/rpc/internal';
import { interfaceName } from '../decode/interfaces.ts';
import { printable } from './tell-found.ts';
import { tellTower } from './tell-tower.ts';

/** What an endpoint mapper has registered, as it is printed. */
export interface RegisteredEndpoint {
  /** Name of the interface, or its UUID where none is known. */
  readonly name: string;
  readonly uuid: string;
  readonly version: string;
  readonly protocol: string;
  readonly endpoint: string;
  readonly annotation: string;
  /** Object UUID; absent where it is nil. */
  readonly object?: string;
}

/** Which interface is asked for; `version` undefined: all of its versions. */
export interface InterfaceFilter {
  readonly uuid: string;
  readonly version: readonly [major: number, minor: number] | undefined;
}

/** Entries that one call asks for. */
const PAGE = 100;
/** Entries that are taken in all: more than any server has. */
const MAX_TAKEN = 20_000;
const NIL = ndr.NULL_CONTEXT_HANDLE.uuid;

/**
 * Asks an endpoint mapper for all that is registered (C706 appendix O, ept_lookup), page by page to the end; where that does not
 * come, the handle is given back. Rejects with RpchError: `RPCH_MAPPER_FAILED`, `RPCH_TOO_MANY_ENDPOINTS` (peer), or what the call
 * rejects with.
 */
export async function lookUpEndpoints(
  mapper: ClientOf<typeof epmDeclaration>,
  filter: InterfaceFilter | undefined,
): Promise<RegisteredEndpoint[]> {
  const [vers_major = 0, vers_minor = 0] = filter?.version ?? [];
  const question = {
    inquiry_type: filter === undefined ? InquiryType.all : InquiryType.by_interface,
    object: null,
    interface_id: filter === undefined ? null : { uuid: filter.uuid, vers_major, vers_minor },
    vers_option: filter?.version === undefined ? VersionOption.all : VersionOption.compatible,
    max_ents: PAGE,
  };
  const found: RegisteredEndpoint[] = [];
  let taken = 0;
  let entry_handle: { attributes: number; uuid: string } = ndr.NULL_CONTEXT_HANDLE;
  try {
    for (;;) {
      const page = await mapper.lookup({ ...question, entry_handle });
      entry_handle = page.entry_handle;
      if (page.result === EptStatus.not_registered) return found;
      if (page.result !== EptStatus.ok) {
        const status = `0x${page.result.toString(16)}`;
        throw new RpchError('RPCH_MAPPER_FAILED', 'peer', `the endpoint mapper answers with status ${status}`);
      }
      // Samba returns everything, whatever was asked for.
      found.push(...page.entries.map(tellEntry).filter((entry) => fits(entry, filter)));
      taken += page.entries.length;
      if (entry_handle.uuid === NIL) return found;
      if (page.entries.length === 0 || taken > MAX_TAKEN) {
        const what = `the endpoint mapper comes to no end after ${taken} entries`;
        throw new RpchError('RPCH_TOO_MANY_ENDPOINTS', 'peer', what);
      }
    }
  } finally {
    // The walk's handle is the server's memory. Where the connection is lost, it is gone with it.
    if (entry_handle.uuid !== NIL) await mapper.lookupHandleFree({ entry_handle }).catch(() => {});
  }
}

/** Compatible is the same major version, and a minor one that is not lower (C706 6.2.3). */
function fits({ uuid, version }: RegisteredEndpoint, filter: InterfaceFilter | undefined): boolean {
  if (filter === undefined) return true;
  if (filter.uuid !== uuid) return false;
  const [major, minor] = version.split('.').map(Number);
  return filter.version === undefined || (major === filter.version[0] && (minor ?? 0) >= filter.version[1]);
}

type Entry = Awaited<ReturnType<ClientOf<typeof epmDeclaration>['lookup']>>['entries'][number];

function tellEntry({ object, tower, annotation }: Entry): RegisteredEndpoint {
  const rest = { annotation: printable(annotation), ...(object === NIL ? {} : { object }) };
  const unread = { name: '?', uuid: '?', version: '?', protocol: '?', endpoint: '?', ...rest };
  if (tower === null) return unread;
  try {
    const bytes = Uint8Array.from(tower.tower_octet_string);
    const { uuid, version } = decodeTower(bytes).interface;
    const named = { name: interfaceName(uuid), uuid, version: `${version & 0xffff}.${version >>> 16}` };
    return { ...named, ...tellTower(bytes), ...rest };
  } catch (error) {
    if (error instanceof ProtocolError) return { ...unread, endpoint: `? (${error.message})` };
    throw error;
  }
}
