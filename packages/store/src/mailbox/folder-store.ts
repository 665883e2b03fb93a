import { ErrorCode, StoreError } from '../mapi/error-code.ts';
import type { Counter } from '../mapi/object-id.ts';
import type { MutableProperties, Properties, PropertyTag } from '../mapi/property.ts';
import { PidTag } from '../mapi/property-tags.ts';
import { FolderType } from '../mapi/property-values.ts';
import { stampChange } from './change-keys.ts';
import { deletedSetOf, homeOf, isDeletedSet } from './deleted-sets.ts';
import type { EntryIds } from './entry-ids.ts';
import { FIRST_FREE_ID } from './folder-ids.ts';
import { COMPUTED_FOLDER_IDS, computeDeleted, computeFolder, type FolderRow, storable } from './folder-properties.ts';
import { FolderRows, nameKey } from './folder-rows.ts';
import { MAX_FOLDER_DEPTH, MAX_FOLDER_NAME, MAX_FOLDER_SIZE, MAX_PROPERTIES, MAX_SEARCH_FOLDERS } from './limits.ts';
import { ITSELF, LongValues } from './long-values.ts';
import type { MailboxContext } from './mailbox-context.ts';
import type { StoredMessages } from './message-store.ts';
import type { Folder, FolderPlace, FolderStore, Permission } from './model.ts';
import { type Packed, PackedProperties, packProperties } from './packed-properties.ts';
import { Permissions } from './permissions.ts';
import type { SearchFolders } from './search-folders.ts';
import { bury, DeletedKind, unearth } from './tombstones.ts';

/** Orders siblings as people read names. */
const byName = new Intl.Collator('en', { sensitivity: 'accent', numeric: true });

/** The folders of a mailbox ([MS-OXCFOLD]). */
export class StoredFolders implements FolderStore {
  readonly #context: MailboxContext;
  readonly #ids: EntryIds;
  readonly #searches: SearchFolders;
  readonly #rows: FolderRows;
  readonly #values: LongValues;
  readonly #permissions: Permissions;

  constructor(context: MailboxContext, ids: EntryIds, searches: SearchFolders) {
    this.#context = context;
    this.#ids = ids;
    this.#searches = searches;
    this.#rows = new FolderRows(context.database);
    this.#values = new LongValues(context.database);
    this.#permissions = new Permissions(context);
  }

  get(id: Counter, withDeleted = false): Folder | undefined {
    const folder = this.#rows.get(id, withDeleted);
    return folder === undefined ? undefined : told(folder);
  }

  childNamed(parent: Counter, name: string): Folder | undefined {
    return this.#rows.named(parent, name);
  }

  children(id: Counter, deep = false, deleted = false): readonly FolderPlace[] {
    if (!deleted) return this.#tree(id, deep, 1);
    const found = this.#tree(deletedSetOf(id), deep, 1);
    if (deep) {
      for (const { folder, depth } of this.#tree(id, true, 1)) {
        found.push(...this.#tree(deletedSetOf(folder.id), true, depth + 1));
      }
    }
    return found;
  }

  /** Folders that have a folder, or its deleted set, for a parent, and those below them; `from` is the depth of the first. */
  #tree(id: Counter, deep: boolean, from: number): FolderPlace[] {
    const byParent = new Map<Counter, FolderRow[]>();
    for (const folder of deep ? this.#rows.allBelow(id) : this.#rows.below(id)) {
      const siblings = byParent.get(folder.parent);
      if (siblings === undefined) byParent.set(folder.parent, [folder]);
      else siblings.push(folder);
    }
    for (const siblings of byParent.values()) siblings.sort((a, b) => byName.compare(a.name, b.name) || a.id - b.id);
    const found: FolderPlace[] = [];
    const visit = (parent: Counter, depth: number): void => {
      for (const folder of byParent.get(parent) ?? []) {
        found.push({ folder: told(folder), depth });
        visit(folder.id, depth + 1);
      }
    };
    visit(id, from);
    return found;
  }

  properties(id: Counter): MutableProperties {
    return this.#context.read(() => {
      const folder = this.#rows.need(id, true);
      const properties = this.#values.complete(id, this.#rows.packed(id));
      computeFolder(properties, folder, this.#rows.foreignKey(homeOf(folder.parent)), this.#context.info, this.#ids);
      computeDeleted(properties, this.#rows.get(deletedSetOf(id)));
      properties.set(PidTag.DeletedFolderCount, this.#rows.deletedIn(id));
      return properties;
    });
  }

  /** Properties that are computed are passed over. DisplayName renames: DuplicateName where a sibling has that name. */
  setProperties(id: Counter, set: Properties): void {
    this.#context.write(() => this.#change(id, set));
  }

  deleteProperties(id: Counter, tags: readonly PropertyTag[]): void {
    this.#context.write(() => this.#change(id, new Map(), tags));
  }

  #change(id: Counter, set: Properties, remove: readonly PropertyTag[] = [], to: { parent?: Counter } = {}): FolderRow {
    const folder = this.#rows.need(id);
    const name = set.get(PidTag.DisplayName) ?? folder.name;
    const parent = to.parent ?? folder.parent;
    if (typeof name !== 'string') throw new StoreError(ErrorCode.UnexpectedType, 'a display name that is no text');
    if (name !== folder.name || parent !== folder.parent) this.#checkName(parent, name, id);
    const stored = storable(set, COMPUTED_FOLDER_IDS);
    stored.delete(PidTag.DisplayName);
    const before = this.#rows.packed(id);
    const kept = remove.filter((tag) => tag >>> 16 !== PidTag.PredecessorChangeList >>> 16);
    const change = this.#context.nextChange();
    const made = this.#pack(stored, change, before, kept);
    this.#rows.update(id, { parent, name, change }, made.bytes);
    this.#values.store(id, ITSELF, made, before, new PackedProperties(made.bytes));
    if (parent === folder.parent && parent !== 0) this.#rows.hierarchyChanged(parent, 0, this.#context.now());
    this.#context.tell({
      kind: 'modified',
      folder: id,
      parent,
      tags: [...set.keys(), ...remove, PidTag.LastModificationTime, PidTag.ChangeKey],
    });
    return this.#rows.need(id);
  }

  /** What every change of a folder sets besides, and the limits on all of it. */
  #pack(set: MutableProperties, change: Counter, before: PackedProperties, remove: readonly PropertyTag[]): Packed {
    const now = this.#context.now();
    if (!set.has(PidTag.LastModificationTime)) set.set(PidTag.LastModificationTime, now);
    set.set(PidTag.LocalCommitTime, now);
    const known = new Map([[PidTag.PredecessorChangeList, before.value(PidTag.PredecessorChangeList) ?? null]]);
    stampChange(set, known, this.#context.info.replicaGuid, change);
    const made = packProperties(set, { packed: before, remove });
    const after = new PackedProperties(made.bytes);
    let size = made.bytes.length;
    for (const length of after.apart().values()) size += length;
    if (size > MAX_FOLDER_SIZE || after.count > MAX_PROPERTIES) {
      throw new StoreError(ErrorCode.TooBig, `a folder with ${size} bytes of properties`);
    }
    return made;
  }

  #checkName(parent: Counter, name: string, self?: Counter): void {
    if (nameKey(name).trim() === '' || name.length > MAX_FOLDER_NAME || name.includes('\0')) {
      throw new StoreError(ErrorCode.InvalidParam, 'not a name for a folder');
    }
    const other = this.#rows.named(parent, name);
    if (other !== undefined && other.id !== self) {
      throw new StoreError(ErrorCode.DuplicateName, `folder ${parent} has a folder of that name`);
    }
  }

  create(
    parent: Counter,
    folder: { readonly name: string; readonly type: number; readonly properties?: Properties },
  ): Folder {
    if (folder.type !== FolderType.Generic && folder.type !== FolderType.Search) {
      throw new StoreError(ErrorCode.InvalidParam, `folder type ${folder.type}`);
    }
    return this.#context.write(() => {
      const above = this.#rows.need(parent);
      if (above.type === FolderType.Search) throw new StoreError(ErrorCode.NotSupported, 'a folder in a search folder');
      this.#checkName(parent, folder.name);
      if (this.#rows.path(parent).length > MAX_FOLDER_DEPTH)
        throw new StoreError(ErrorCode.TooComplex, 'folders too deep');
      if (folder.type === FolderType.Search) this.#checkSearchFolders();
      return this.make(this.#context.nextIds(), parent, folder);
    });
  }

  /** Throws OutOfResources where there are as many search folders as there may be: each is looked at whenever a message changes. */
  #checkSearchFolders(): void {
    if (this.#rows.countOf(FolderType.Search) >= MAX_SEARCH_FOLDERS) {
      throw new StoreError(ErrorCode.OutOfResources, 'too many search folders');
    }
  }

  /** Makes a folder with an id that is free, without looking whether it may: for {@link create} and the default tree. */
  make(
    id: Counter,
    parent: Counter,
    { name, type, properties }: { readonly name: string; readonly type: number; readonly properties?: Properties },
  ): Folder {
    const now = this.#context.now();
    const set = storable(properties ?? new Map(), COMPUTED_FOLDER_IDS);
    set.delete(PidTag.DisplayName);
    if (!set.has(PidTag.Comment)) set.set(PidTag.Comment, '');
    if (!set.has(PidTag.AttributeHidden)) set.set(PidTag.AttributeHidden, false);
    if (!set.has(PidTag.CreationTime)) set.set(PidTag.CreationTime, now);
    if (!set.has(PidTag.HierRev)) set.set(PidTag.HierRev, now);
    const change = this.#context.nextChange();
    const made = this.#pack(set, change, PackedProperties.empty, []);
    const row: FolderRow = {
      id,
      parent,
      name,
      type,
      changeNumber: change,
      contentCount: 0,
      unreadCount: 0,
      associatedCount: 0,
      subfolderCount: 0,
      size: 0,
      associatedSize: 0,
      deletedCount: 0,
      hierarchyChange: 0,
      nextArticle: 1,
      commitTime: now,
    };
    this.#rows.insert(row, made.bytes);
    this.#values.store(id, ITSELF, made, PackedProperties.empty, PackedProperties.empty);
    this.#permissions.inherit(id, parent);
    if (parent !== 0) this.#rows.hierarchyChanged(parent, 1, now);
    this.#context.tell({ kind: 'created', folder: id, parent });
    return row;
  }

  delete(id: Counter, hard = false): void {
    this.#context.write(() => {
      const folder = this.#rows.need(id, hard);
      checkFree(folder);
      const change = this.#context.nextChange();
      if (hard || !this.#context.keepsDeleted || folder.type === FolderType.Search) this.#remove(folder, change);
      else this.#keep(folder, change);
      this.#left(folder);
    });
  }

  /** Removes a folder and all below it, children before their parents. */
  #remove(folder: FolderRow, change: Counter): void {
    for (const each of [...this.#rows.wholeTree(folder.id), folder]) {
      if (each.deletedOn === undefined) this.#bury(each, change);
      for (const at of [each.id, deletedSetOf(each.id)]) {
        this.#searches.folderDeleted(at);
        this.#values.deleteOfFolder(at);
        this.#context.database.run('DELETE FROM messages WHERE folder = ?', at);
        this.#rows.delete(at);
      }
      this.#values.delete(each.id);
    }
  }

  /** Puts a folder, with all that is in it, into its parent's deleted set. */
  #keep(folder: FolderRow, change: Counter): void {
    for (const each of [...this.#rows.wholeTree(folder.id), folder]) {
      if (each.deletedOn !== undefined) continue;
      if (each.type === FolderType.Search) {
        this.#remove(each, change);
        this.#left(each);
        continue;
      }
      this.#bury(each, change);
      this.#searches.folderDeleted(each.id, true);
      this.#context.database.run('DELETE FROM receive_folders WHERE folder = ?', each.id);
    }
    this.#rows.markDeleted(folder, this.#context.now());
  }

  /** For synchronisation, and for whoever is told, a folder is gone. */
  #bury({ id, parent }: FolderRow, change: Counter): void {
    bury(this.#context.database, parent, change, id, DeletedKind.Folder, this.#rows.foreignKey(id) ?? null);
    this.#context.tell({ kind: 'deleted', folder: id, parent });
  }

  /** A folder is not where it was any more: its parent has a subfolder less, or a soft-deleted one. */
  #left({ parent }: FolderRow): void {
    if (isDeletedSet(parent)) {
      this.#context.tell({ kind: 'modified', folder: homeOf(parent), tags: [PidTag.DeletedFolderCount] });
    } else this.#rows.hierarchyChanged(parent, -1, this.#context.now());
  }

  /**
   * Removes the folder that was soft-deleted first, if that was at a time or before it, as much of it as one step takes. Returns whether
   * more may remain.
   */
  purge(until: bigint): boolean {
    const folder = this.#rows.deletedUntil(until);
    if (folder === undefined) return false;
    if (this.messages?.purgeFolder(folder) !== true) this.delete(folder, true);
    return true;
  }

  /** Throws FolderCycle for a place within the folder itself. */
  move(id: Counter, parent: Counter, name: string): void {
    this.#context.write(() => {
      const folder = this.#rows.need(id, true);
      checkFree(folder);
      this.#checkPlace(id, parent);
      const isDeleted = folder.deletedOn !== undefined;
      if (isDeleted) {
        this.#checkName(parent, name, id);
        this.#rows.unmarkDeleted(id);
      }
      this.#change(id, new Map([[PidTag.DisplayName, name]]), [], { parent });
      if (parent === folder.parent) return;
      this.#left(folder);
      this.#rows.hierarchyChanged(parent, 1, this.#context.now());
      this.#searches.folderMoved(id, folder.parent);
      if (isDeleted) this.#recovered(folder, parent);
      else this.#context.tell({ kind: 'moved', folder: id, parent, oldFolder: id, oldParent: folder.parent });
    });
  }

  /** A folder is there again with all below it: for whoever was told that they were gone, made anew. */
  #recovered({ id, parent: from }: FolderRow, parent: Counter): void {
    unearth(this.#context.database, homeOf(from), id);
    this.#context.tell({ kind: 'created', folder: id, parent });
    for (const { folder } of this.children(id, true)) {
      unearth(this.#context.database, folder.parent, folder.id);
      this.#context.tell({ kind: 'created', folder: folder.id, parent: folder.parent });
      this.#change(folder.id, new Map());
    }
  }

  #checkPlace(id: Counter, parent: Counter): void {
    const above = this.#rows.need(parent);
    if (above.type === FolderType.Search) throw new StoreError(ErrorCode.NotSupported, 'a folder in a search folder');
    const path = this.#rows.path(parent);
    if (path.includes(id)) throw new StoreError(ErrorCode.FolderCycle, 'a folder within itself');
    const depth = Math.max(0, ...this.children(id, true).map((child) => child.depth));
    if (path.length + depth > MAX_FOLDER_DEPTH) throw new StoreError(ErrorCode.TooComplex, 'folders too deep');
  }

  /** Set by the mailbox: copying a folder copies its messages, and removing one that is soft-deleted removes them first. */
  messages: Pick<StoredMessages, 'ids' | 'copy' | 'purgeFolder'> | undefined;

  copy(id: Counter, parent: Counter, name: string, deep: boolean): Folder {
    return this.#context.transaction(() => {
      const from = this.#rows.need(id, true);
      this.#checkPlace(id, parent);
      this.#checkName(parent, name);
      const tree = deep ? this.children(id, true).map((child) => child.folder) : [];
      const copies = new Map<Counter, Counter>();
      const top = this.#copyOne(from, parent, name);
      copies.set(id, top.id);
      for (const folder of tree) {
        const copy = this.#copyOne(folder, copies.get(folder.parent) ?? top.id, folder.name);
        copies.set(folder.id, copy.id);
      }
      // Of the copy of one that is soft-deleted it is enough that it was made.
      if (from.deletedOn === undefined) {
        this.#context.tell({ kind: 'copied', folder: top.id, parent, oldFolder: id, oldParent: from.parent });
      }
      return this.#rows.need(top.id);
    });
  }

  #copyOne(from: Folder, parent: Counter, name: string): Folder {
    const properties = this.#values.complete(from.id, this.#rows.packed(from.id));
    for (const tag of [PidTag.SourceKey, PidTag.ChangeKey, PidTag.PredecessorChangeList, PidTag.LastModificationTime]) {
      properties.delete(tag);
    }
    const type = from.type === FolderType.Root ? FolderType.Generic : from.type;
    if (type === FolderType.Search) this.#checkSearchFolders();
    const copy = this.make(this.#context.nextIds(), parent, { name, type, properties });
    if (type === FolderType.Search) {
      this.#searches.copyCriteria(from.id, copy.id);
      return copy;
    }
    for (const associated of [false, true]) {
      const ids = this.messages?.ids(from.id, associated) ?? [];
      if (ids.length > 0) this.messages?.copy(from.id, ids, copy.id);
    }
    return copy;
  }

  permissions(id: Counter): readonly Permission[] {
    return this.#context.read(() => {
      this.#rows.need(id);
      return this.#permissions.list(id);
    });
  }

  setPermissions(id: Counter, permissions: readonly Omit<Permission, 'memberId'>[] | readonly Permission[]): void {
    this.#context.write(() => {
      this.#rows.need(id);
      this.#permissions.replace(id, permissions);
      this.#context.tell({ kind: 'modified', folder: id, tags: [PidTag.AccessControlListData] });
    });
  }

  rights(id: Counter, account: string | undefined): number {
    return this.#permissions.rights(id, account);
  }

  mayAnywhere(account: string, rights: number): boolean {
    return this.#permissions.mayAnywhere(account, rights);
  }
}

/** A folder as all may know it: where it was deleted from, if it is. */
function told(folder: FolderRow): FolderRow {
  return isDeletedSet(folder.parent) ? { ...folder, parent: homeOf(folder.parent) } : folder;
}

function checkFree(folder: Folder): void {
  if (folder.id < FIRST_FREE_ID) {
    throw new StoreError(ErrorCode.AccessDenied, `${folder.name} is one of the folders of every mailbox`);
  }
}
