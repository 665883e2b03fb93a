import { Right } from '../../../mailbox/permissions.ts';
import { entryIdOf, formEntryId } from '../../../mapi/entry-id.ts';
import { ErrorCode } from '../../../mapi/error-code.ts';
import type { Counter } from '../../../mapi/object-id.ts';
import {
  idOf,
  type MutableProperties,
  type Properties,
  type PropertyTag,
  PropertyType,
  type PropertyValue,
  typeOf,
} from '../../../mapi/property.ts';
import { unicodeTag } from '../../../mapi/property-codec.ts';
import type { PropertyProblem } from '../../../mapi/property-problem.ts';
import { PidTag } from '../../../mapi/property-tags.ts';
import { Access, FolderType } from '../../../mapi/property-values.ts';
import type { Logon } from '../logon.ts';
import { has, maySee } from '../rights.ts';
import { userEntryId } from '../user-entry-id.ts';
import { detached, type Found, type PropertyObject, problem } from './property-object.ts';
import { READ_ONLY_OF_FOLDERS, READ_ONLY_OF_LOGONS } from './read-only.ts';

/** What is the same of every mailbox's folders of that kind, or the caller's own. */
const TOLD_ON_THE_WAY: ReadonlySet<PropertyTag> = new Set([
  PidTag.EntryId,
  PidTag.FolderId,
  PidTag.ParentEntryId,
  PidTag.ParentFolderId,
  PidTag.DisplayName,
  PidTag.ObjectType,
  PidTag.FolderType,
  PidTag.RecordKey,
  PidTag.SourceKey,
  PidTag.ParentSourceKey,
  PidTag.StoreEntryId,
  PidTag.StoreRecordKey,
  PidTag.MappingSignature,
  PidTag.ContainerClass,
  PidTag.Subfolders,
  PidTag.Rights,
  PidTag.Access,
  PidTag.AccessLevel,
]);

/** Entry ids of default folders ([MS-OXOSFLD] 2.2.3). */
const LEADS: ReadonlySet<PropertyTag> = new Set([
  PidTag.IpmAppointmentEntryId,
  PidTag.IpmContactEntryId,
  PidTag.IpmJournalEntryId,
  PidTag.IpmNoteEntryId,
  PidTag.IpmTaskEntryId,
  PidTag.IpmDraftsEntryId,
]);

/** What nobody may do in a search folder. */
const CREATING = Access.CreateHierarchy | Access.CreateContents | Access.CreateAssociated;

/** Properties that are stored as soon as they are set: those of folders and of the store ([MS-OXCPRPT] 3.2.5.4). */
abstract class StoredObject implements PropertyObject {
  readonly logon: Logon;
  readonly #readOnly: ReadonlySet<number>;

  constructor(logon: Logon, readOnly: ReadonlySet<number>) {
    this.logon = logon;
    this.#readOnly = readOnly;
  }

  /** All of them as they are now. */
  protected abstract properties(): MutableProperties;
  protected abstract store(set: Properties): void;
  protected abstract drop(tags: readonly PropertyTag[]): void;
  /** Throws AccessDenied unless the caller may change them. */
  protected abstract requireWritable(): void;

  /** All of them in one reading. */
  all(): Properties {
    return this.properties();
  }

  tags(): readonly PropertyTag[] {
    return [...this.properties().keys()];
  }

  find(tags: readonly PropertyTag[]): readonly (Found | undefined)[] {
    const properties = this.properties();
    return tags.map((asked) => {
      const tag = keptTag(properties, asked);
      const value = tag === undefined ? undefined : properties.get(tag);
      return tag === undefined || value === undefined ? undefined : { tag, value };
    });
  }

  load(tag: PropertyTag): PropertyValue | undefined {
    return this.properties().get(tag);
  }

  set(properties: Properties): readonly PropertyProblem[] {
    this.requireWritable();
    const problems: PropertyProblem[] = [];
    const set: MutableProperties = new Map();
    for (const [index, [tag, value]] of [...properties].entries()) {
      if (this.#readOnly.has(idOf(tag))) problems.push(problem(index, tag, ErrorCode.Computed));
      else if (typeOf(tag) === PropertyType.Unspecified || typeOf(tag) === PropertyType.Object) {
        problems.push(problem(index, tag, ErrorCode.InvalidParam));
      } else set.set(unicodeTag(tag), detached(value));
    }
    if (set.size > 0) this.store(set);
    return problems;
  }

  remove(tags: readonly PropertyTag[]): readonly PropertyProblem[] {
    this.requireWritable();
    const problems: PropertyProblem[] = [];
    const removed: PropertyTag[] = [];
    for (const [index, tag] of tags.entries()) {
      if (this.#readOnly.has(idOf(tag))) problems.push(problem(index, tag, ErrorCode.Computed));
      else removed.push(unicodeTag(tag));
    }
    if (removed.length > 0) this.drop(removed);
    return problems;
  }
}

/** A folder that is open. Rights may be taken away while it is: each use asks for them. */
export class FolderObject extends StoredObject {
  readonly kind = 'folder';
  readonly id: Counter;
  /** Whether it was opened as one that is soft-deleted: to look at, and to recover from. */
  readonly deleted: boolean;

  constructor(logon: Logon, id: Counter, deleted = false) {
    super(logon, READ_ONLY_OF_FOLDERS);
    this.id = id;
    this.deleted = deleted;
  }

  /** Names it among all that is stored in the mailbox. */
  get lockName(): string {
    return `folder ${this.id}`;
  }

  close(): void {}

  protected properties(): MutableProperties {
    const { type } = this.logon.folder(this.id, this.deleted);
    const properties = this.logon.store.folders.properties(this.id);
    const rights = this.logon.rights(this.id);
    if (!this.logon.isOwner) properties.set(PidTag.Subfolders, this.#hasVisibleSubfolders());
    properties.set(PidTag.Rights, rights);
    const access = accessOf(rights);
    properties.set(PidTag.Access, type === FolderType.Search ? access & ~CREATING : access);
    properties.set(PidTag.AccessLevel, has(rights, Right.FolderOwner) ? 1 : 0);
    return maySee(rights) ? properties : this.#wayOn(properties);
  }

  /** What is told of a folder to whoever may only go on from it: what every mailbox has, and where the default folders are that he may see. */
  #wayOn(properties: Properties): MutableProperties {
    return new Map(
      [...properties].filter(
        ([tag, value]) => TOLD_ON_THE_WAY.has(tag) || (LEADS.has(tag) && this.#leadsToVisible(value)),
      ),
    );
  }

  /** Whether an entry id, which clients can have written, is that of a folder here that the caller may see. */
  #leadsToVisible(entryId: PropertyValue): boolean {
    const { store } = this.logon;
    const id = entryIdOf(entryId);
    if (id?.kind !== 'folder' || id.folder.guid !== store.info.replicaGuid) return false;
    return maySee(this.logon.rights(id.folder.counter));
  }

  #hasVisibleSubfolders(): boolean {
    return this.logon.store.folders.children(this.id).some(({ folder }) => maySee(this.logon.rights(folder.id)));
  }

  protected store(set: Properties): void {
    this.logon.store.folders.setProperties(this.id, set);
  }

  protected drop(tags: readonly PropertyTag[]): void {
    this.logon.store.folders.deleteProperties(this.id, tags);
  }

  protected requireWritable(): void {
    this.logon.require(this.id, Right.FolderOwner);
  }
}

/** What whoever may log on learns of the store: how to find what he may see in it, and not how much there is. */
const TOLD_TO_ALL: ReadonlySet<PropertyTag> = new Set([
  PidTag.EntryId,
  PidTag.StoreEntryId,
  PidTag.RecordKey,
  PidTag.StoreRecordKey,
  PidTag.MappingSignature,
  PidTag.MdbProvider,
  PidTag.ObjectType,
  PidTag.DisplayName,
  PidTag.StoreSupportMask,
  PidTag.StoreState,
  PidTag.ValidFolderMask,
  PidTag.UserName,
  PidTag.UserEntryId,
  PidTag.MailboxOwnerName,
  PidTag.MailboxOwnerEntryId,
  PidTag.CodePageId,
  PidTag.Access,
  PidTag.AccessLevel,
  PidTag.IpmSubtreeEntryId,
  PidTag.IpmInboxEntryId,
  PidTag.IpmOutboxEntryId,
  PidTag.IpmWastebasketEntryId,
  PidTag.IpmSentMailEntryId,
  PidTag.ViewsEntryId,
  PidTag.CommonViewsEntryId,
  PidTag.FinderEntryId,
]);

/** The store object, which a logon's handle stands for ([MS-OXCSTOR] 2.2.2). */
export class StoreObject extends StoredObject {
  constructor(logon: Logon) {
    super(logon, READ_ONLY_OF_LOGONS);
  }

  protected properties(): MutableProperties {
    const { caller, owner, serverName, store, isOwner, session } = this.logon;
    const all = store.storeProperties();
    const storeId = formEntryId({ kind: 'store', public: false, server: serverName, mailboxDn: owner.legacyDn });
    const known: readonly (readonly [PropertyTag, PropertyValue])[] = [
      [PidTag.EntryId, storeId],
      [PidTag.StoreEntryId, storeId],
      [PidTag.UserName, caller.displayName],
      [PidTag.UserEntryId, userEntryId(caller.legacyDn)],
      [PidTag.MailboxOwnerName, owner.displayName],
      [PidTag.MailboxOwnerEntryId, userEntryId(owner.legacyDn)],
      [PidTag.CodePageId, session.coding.codePage],
      [PidTag.Access, isOwner ? Access.Modify | Access.Read : Access.Read],
      [PidTag.AccessLevel, isOwner ? 1 : 0],
    ];
    for (const [tag, value] of known) all.set(tag, value);
    if (isOwner) return all;
    return new Map([...all].filter(([tag]) => TOLD_TO_ALL.has(tag)));
  }

  protected store(set: Properties): void {
    this.logon.store.setStoreProperties(set);
  }

  protected drop(tags: readonly PropertyTag[]): void {
    this.logon.store.deleteStoreProperties(tags);
  }

  protected requireWritable(): void {
    if (!this.logon.isOwner) throw this.logon.deny('the store object is its owner’s to change', {});
  }
}

function keptTag(properties: Properties, asked: PropertyTag): PropertyTag | undefined {
  if (typeOf(asked) !== PropertyType.Unspecified) return unicodeTag(asked);
  for (const tag of properties.keys()) if (idOf(tag) === idOf(asked)) return tag;
  return undefined;
}

function accessOf(rights: number): number {
  let access = 0;
  if (has(rights, Right.ReadAny)) access |= Access.Read;
  if (has(rights, Right.Create)) access |= Access.CreateContents;
  if (has(rights, Right.CreateSubfolder)) access |= Access.CreateHierarchy;
  if (has(rights, Right.FolderOwner)) {
    access |= Access.Modify | Access.Read | Access.Delete | Access.CreateHierarchy | Access.CreateAssociated;
  }
  return access;
}
