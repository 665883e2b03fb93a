import { formatGuid } from '@rpch/rpc/internal';
import type { Directory, DirectoryEntry } from '../../directory/model.ts';
import { ErrorCode, StoreError } from '../../mapi/error-code.ts';
import { type AddressBookObject, containerObject, entryObject, serverObject } from './address-book-object.ts';
import { AnrIndex } from './anr-index.ts';
import { CONTAINERS, type Container, GLOBAL_ADDRESS_LIST } from './containers.ts';
import { collationOf, localeOf } from './locale.ts';
import { type MinimalIds, SERVER_MID } from './minimal-ids.ts';
import { SortedTable, sortRows } from './sorted-table.ts';

/** How many sorted tables are kept: one for each locale and container, of which those of the languages in use are some. */
const MAX_TABLES = 32;

/** One version of the directory as NSPI shows it. */
export class AddressBook {
  readonly directory: Directory;
  readonly #objects: ReadonlyMap<number, AddressBookObject>;
  readonly #byEntry = new Map<DirectoryEntry, AddressBookObject>();
  readonly #visible: readonly AddressBookObject[];
  /** Groups by the GUIDs of their members. */
  readonly #groups = new Map<string, DirectoryEntry[]>();
  /** The one that was used last stands last. */
  readonly #tables = new Map<string, SortedTable>();
  #anr: AnrIndex | undefined;

  constructor(directory: Directory, ids: MinimalIds) {
    this.directory = directory;
    const objects = new Map<number, AddressBookObject>();
    for (const container of CONTAINERS) if (container.id !== 0) objects.set(container.id, containerObject(container));
    objects.set(SERVER_MID, serverObject(SERVER_MID, directory.organization));
    const isMember = (entry: DirectoryEntry) => this.#groups.has(entry.guid);
    for (const entry of directory.entries) {
      const object = entryObject(ids.of(entry.guid), entry, directory.organization, isMember);
      objects.set(object.mid, object);
      this.#byEntry.set(entry, object);
      for (const member of entry.members ?? []) {
        const groups = this.#groups.get(member);
        if (groups === undefined) this.#groups.set(member, [entry]);
        else groups.push(entry);
      }
    }
    this.#objects = objects;
    this.#visible = [...this.#byEntry.values()].filter(({ entry }) => entry?.hidden === false);
  }

  /** What has this minimal entry id. */
  object(mid: number): AddressBookObject | undefined {
    return this.#objects.get(mid);
  }

  /** What has this DN, hidden or not: an entry, a container, or the server. `EX:` may stand before it. */
  byDn(text: string): AddressBookObject | undefined {
    const dn = /^ex:/iu.test(text) ? text.slice('ex:'.length) : text;
    const entry = this.directory.byLegacyDn(dn);
    if (entry !== undefined) return this.#byEntry.get(entry);
    const lower = dn.toLowerCase();
    if (lower === this.directory.organization.serverDn.toLowerCase()) return this.#objects.get(SERVER_MID);
    const guid = guidOfDn(lower);
    if (guid === undefined) return undefined;
    const container = CONTAINERS.find((each) => each.guid === guid);
    if (container !== undefined) return this.#objects.get(container.id);
    const named = this.directory.byGuid(guid);
    return named === undefined ? undefined : this.#byEntry.get(named);
  }

  /** The rows of a container in the order of a locale. Throws StoreError InvalidBookmark where there is no such container. */
  table(containerId: number, sortLocale: number): SortedTable {
    const container = this.container(containerId);
    const locale = localeOf(sortLocale);
    const key = `${locale} ${containerId}`;
    const known = this.#tables.get(key);
    if (known !== undefined) {
      this.#tables.delete(key);
      this.#tables.set(key, known);
      return known;
    }
    const table = this.#sort(container, locale);
    for (const oldest of this.#tables.keys()) {
      if (this.#tables.size < MAX_TABLES) break;
      this.#tables.delete(oldest);
    }
    this.#tables.set(key, table);
    return table;
  }

  /** Throws StoreError InvalidBookmark where there is no such container. */
  container(id: number): Container {
    const container = CONTAINERS.find((each) => each.id === id);
    if (container === undefined) throw new StoreError(ErrorCode.InvalidBookmark, `there is no container ${id}`);
    return container;
  }

  /** Finds what people write. */
  get anr(): AnrIndex {
    this.#anr ??= new AnrIndex(this.#visible);
    return this.#anr;
  }

  /** The members of a group that are not hidden. */
  membersOf({ entry }: AddressBookObject): AddressBookObject[] {
    return this.#shown((entry?.members ?? []).map((guid) => this.directory.byGuid(guid)));
  }

  /** The groups that something is a member of, without the hidden ones. */
  groupsOf({ entry }: AddressBookObject): AddressBookObject[] {
    return this.#shown(entry === undefined ? [] : (this.#groups.get(entry.guid) ?? []));
  }

  #shown(entries: readonly (DirectoryEntry | undefined)[]): AddressBookObject[] {
    return entries.flatMap((entry) => {
      const object = entry === undefined || entry.hidden ? undefined : this.#byEntry.get(entry);
      return object === undefined ? [] : [object];
    });
  }

  /** Sorting is what takes time: all containers of a locale are parts of its global address list. */
  #sort(container: Container, locale: string): SortedTable {
    const collation = collationOf(locale);
    if (container === GLOBAL_ADDRESS_LIST) return new SortedTable(sortRows(this.#visible, collation), collation);
    const all = this.#tables.get(`${locale} ${GLOBAL_ADDRESS_LIST.id}`)?.rows ?? sortRows(this.#visible, collation);
    return new SortedTable(
      all.filter(({ entry }) => entry !== undefined && container.holds(entry)),
      collation,
    );
  }
}

const HEX_GUID = /^(?:\/guid=|\/o=nt5\/ou=[0-9a-f]{32}\/cn=)([0-9a-f]{32})$/u;

/** The GUID in a DN that is made of one ([MS-OXOABK] 2.2.1.3), whose digits are the bytes as they stand on the wire. */
function guidOfDn(dn: string): string | undefined {
  const hex = HEX_GUID.exec(dn)?.[1];
  if (hex === undefined) return undefined;
  return formatGuid(Buffer.from(hex, 'hex'));
}
