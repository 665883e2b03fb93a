import { ErrorCode, StoreError } from '../mapi/error-code.ts';
import type { Counter } from '../mapi/object-id.ts';
import type { MutableProperties, Properties, PropertyTag } from '../mapi/property.ts';
import { PidTag } from '../mapi/property-tags.ts';
import { FolderType } from '../mapi/property-values.ts';
import { stampChange } from './change-keys.ts';
import type { EntryIds } from './entry-ids.ts';
import { FIRST_FREE_ID } from './folder-ids.ts';
import { COMPUTED_FOLDER_IDS, computeFolder, type FolderRow, storable } from './folder-properties.ts';
import { FolderRows, nameKey } from './folder-rows.ts';
import { MAX_FOLDER_DEPTH, MAX_FOLDER_NAME, MAX_FOLDER_SIZE, MAX_PROPERTIES, MAX_SEARCH_FOLDERS } from './limits.ts';
import { ITSELF, LongValues } from './long-values.ts';
import type { MailboxContext } from './mailbox-context.ts';
import type { Folder, FolderStore, MessageStore, Permission } from './model.ts';
import { type Packed, PackedProperties, packProperties } from './packed-properties.ts';
import { Permissions } from './permissions.ts';
import type { SearchFolders } from './search-folders.ts';
import { bury, DeletedKind } from './tombstones.ts';

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

  get(id: Counter): Folder | undefined {
    return this.#rows.get(id);
  }

  childNamed(parent: Counter, name: string): Folder | undefined {
    return this.#rows.named(parent, name);
  }

  children(id: Counter, deep = false): readonly { readonly folder: Folder; readonly depth: number }[] {
    const byParent = new Map<Counter, FolderRow[]>();
    for (const folder of deep ? this.#rows.allBelow(id) : this.#rows.below(id)) {
      const siblings = byParent.get(folder.parent);
      if (siblings === undefined) byParent.set(folder.parent, [folder]);
      else siblings.push(folder);
    }
    for (const siblings of byParent.values()) siblings.sort((a, b) => byName.compare(a.name, b.name) || a.id - b.id);
    const found: { folder: Folder; depth: number }[] = [];
    const visit = (parent: Counter, depth: number): void => {
      for (const folder of byParent.get(parent) ?? []) {
        found.push({ folder, depth });
        visit(folder.id, depth + 1);
      }
    };
    visit(id, 1);
    return found;
  }

  properties(id: Counter): MutableProperties {
    return this.#context.read(() => {
      const folder = this.#rows.need(id);
      const properties = this.#values.complete(id, this.#rows.packed(id));
      computeFolder(properties, folder, this.#rows.foreignKey(folder.parent), this.#context.info, this.#ids);
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

  delete(id: Counter): void {
    this.#context.write(() => {
      const folder = this.#rows.need(id);
      checkFree(folder);
      const change = this.#context.nextChange();
      // Children before their parents.
      const tree = this.children(id, true).map((child) => child.folder);
      for (const { id: each, parent } of [...tree.reverse(), folder]) {
        const sourceKey = this.#rows.foreignKey(each) ?? null;
        this.#searches.folderDeleted(each);
        this.#values.deleteOfFolder(each);
        this.#values.delete(each);
        this.#context.database.run('DELETE FROM messages WHERE folder = ?', each);
        this.#rows.delete(each);
        bury(this.#context.database, parent, change, each, DeletedKind.Folder, sourceKey);
        this.#context.tell({ kind: 'deleted', folder: each, parent });
      }
      this.#rows.hierarchyChanged(folder.parent, -1, this.#context.now());
    });
  }

  /** Throws FolderCycle for a place within the folder itself. */
  move(id: Counter, parent: Counter, name: string): void {
    this.#context.write(() => {
      const folder = this.#rows.need(id);
      checkFree(folder);
      this.#checkPlace(id, parent);
      this.#change(id, new Map([[PidTag.DisplayName, name]]), [], { parent });
      if (parent === folder.parent) return;
      const now = this.#context.now();
      this.#rows.hierarchyChanged(folder.parent, -1, now);
      this.#rows.hierarchyChanged(parent, 1, now);
      this.#searches.folderMoved(id, folder.parent);
      this.#context.tell({ kind: 'moved', folder: id, parent, oldFolder: id, oldParent: folder.parent });
    });
  }

  #checkPlace(id: Counter, parent: Counter): void {
    const above = this.#rows.need(parent);
    if (above.type === FolderType.Search) throw new StoreError(ErrorCode.NotSupported, 'a folder in a search folder');
    const path = this.#rows.path(parent);
    if (path.includes(id)) throw new StoreError(ErrorCode.FolderCycle, 'a folder within itself');
    const depth = Math.max(0, ...this.children(id, true).map((child) => child.depth));
    if (path.length + depth > MAX_FOLDER_DEPTH) throw new StoreError(ErrorCode.TooComplex, 'folders too deep');
  }

  /** Set by the mailbox: copying a folder copies its messages. */
  messages: Pick<MessageStore, 'ids' | 'copy'> | undefined;

  copy(id: Counter, parent: Counter, name: string, deep: boolean): Folder {
    return this.#context.transaction(() => {
      this.#rows.need(id);
      this.#checkPlace(id, parent);
      this.#checkName(parent, name);
      const tree = deep ? this.children(id, true).map((child) => child.folder) : [];
      const copies = new Map<Counter, Counter>();
      const top = this.#copyOne(this.#rows.need(id), parent, name);
      copies.set(id, top.id);
      for (const folder of tree) {
        const copy = this.#copyOne(folder, copies.get(folder.parent) ?? top.id, folder.name);
        copies.set(folder.id, copy.id);
      }
      this.#context.tell({
        kind: 'copied',
        folder: top.id,
        parent,
        oldFolder: id,
        oldParent: this.#rows.need(id).parent,
      });
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
}

function checkFree(folder: Folder): void {
  if (folder.id < FIRST_FREE_ID) {
    throw new StoreError(ErrorCode.AccessDenied, `${folder.name} is one of the folders of every mailbox`);
  }
}
