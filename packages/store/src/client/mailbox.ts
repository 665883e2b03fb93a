import type { ObjectId } from '../mapi/object-id.ts';
import type { Properties, PropertyTag } from '../mapi/property.ts';
import { PidTag } from '../mapi/property-tags.ts';
import { FolderType } from '../mapi/property-values.ts';
import { GetContentsTable, GetHierarchyTable, TableFlags } from '../mapi/rops/folder.ts';
import { Logon, LogonFlags, LogonOpenFlags, LogonResponseFlags } from '../mapi/rops/store.ts';
import { MapiError } from './mapi-error.ts';
import { Message } from './message.ts';
import { addProperties } from './object-properties.ts';
import { addFolder } from './open-folder.ts';
import { numberOf, objectIdOf, type PropertyResult, textOf } from './property-result.ts';
import type { RemoteObject } from './property-stream.ts';
import { RopBatch } from './rop-batch.ts';
import type { MapiSession } from './session.ts';
import { readTable, type TableQuery } from './table-reader.ts';

/** Folders of a mailbox, at most, that are listed. */
const MAX_FOLDERS = 100_000;
const FOLDER_PAGE = 200;

/** The folders that RopLogon names, in its order ([MS-OXCSTOR] 2.2.1.1.3). */
const SPECIAL = [
  'root',
  'deferredAction',
  'spoolerQueue',
  'ipmSubtree',
  'inbox',
  'outbox',
  'sentItems',
  'deletedItems',
  'commonViews',
  'schedule',
  'search',
  'views',
  'shortcuts',
] as const;

/** The names of the folders that RopLogon names. */
export type SpecialFolder = (typeof SPECIAL)[number];

/** A folder as the hierarchy table has it. */
export interface FolderInfo {
  readonly id: ObjectId;
  readonly parent: ObjectId | undefined;
  readonly name: string;
  /** Names from the folder that was listed down to this one, without those that the caller may not see. */
  readonly path: readonly string[];
  readonly messages: number;
  readonly unread: number;
  /** PidTagContainerClass, for instance `IPF.Note`; empty where there is none. */
  readonly containerClass: string;
  readonly isSearch: boolean;
  readonly hidden: boolean;
  /** PidTagRights: what the caller may do there; undefined where the server does not say. */
  readonly rights: number | undefined;
}

/** Whose mailbox is opened. */
export interface MailboxOptions {
  /** legacyExchangeDN of the mailbox: the caller's own, or another's that may be opened. */
  readonly legacyDn: string;
  /** Names the logon within the session. Default 0. */
  readonly logonId?: number;
  readonly signal?: AbortSignal;
}

/** Which messages of a folder are listed, and how. */
export interface ContentsQuery extends TableQuery {
  /** The associated contents (FAI) instead of the messages. */
  readonly associated?: boolean;
  /** What is soft-deleted instead of what is there. A server may pass over that: see deletedMessages. */
  readonly deleted?: boolean;
}

const FOLDER_COLUMNS: readonly PropertyTag[] = [
  PidTag.FolderId,
  PidTag.ParentFolderId,
  PidTag.DisplayName,
  PidTag.Depth,
  PidTag.ContentCount,
  PidTag.ContentUnreadCount,
  PidTag.ContainerClass,
  PidTag.FolderType,
  PidTag.AttributeHidden,
  PidTag.Rights,
];

/** A mailbox that was logged on to ([MS-OXCSTOR] 3.1). Its end is the session's. */
export class Mailbox implements RemoteObject {
  readonly session: MapiSession;
  readonly logonId: number;
  readonly handle: number;
  /** MailboxGuid: names the mailbox in entry ids. */
  readonly guid: string;
  /** The REPLID of the mailbox's own ids, and the replica's GUID behind it. */
  readonly replId: number;
  readonly replGuid: string;
  readonly folderIds: Readonly<Record<SpecialFolder, ObjectId>>;
  /** Whether the caller has logged on to his own mailbox, or has all rights to this one. */
  readonly isOwner: boolean;

  private constructor(session: MapiSession, logonId: number, handle: number, found: LoggedOn) {
    this.session = session;
    this.logonId = logonId;
    this.handle = handle;
    this.guid = found.mailboxGuid ?? '';
    this.replId = found.replId;
    this.replGuid = found.replGuid;
    this.isOwner = ((found.responseFlags ?? 0) & LogonResponseFlags.OwnerRight) !== 0;
    this.folderIds = Object.fromEntries(SPECIAL.map((name, at) => [name, found.folderIds[at] ?? 0n])) as Record<
      SpecialFolder,
      ObjectId
    >;
  }

  /** RopLogon. Rejects with MapiError: `UnknownUser`, `LoginFailure`, `WrongServer`, `AccessDenied`, … */
  static async open(session: MapiSession, { legacyDn, logonId = 0, signal }: MailboxOptions): Promise<Mailbox> {
    const batch = new RopBatch(session);
    const logon = batch.newHandle();
    const answer = batch.add(Logon, {
      logonId,
      outputHandleIndex: logon,
      logonFlags: LogonFlags.Private,
      openFlags:
        LogonOpenFlags.UsePerMdbReplidMapping |
        LogonOpenFlags.NoMail |
        LogonOpenFlags.TakeOwnership |
        LogonOpenFlags.HomeLogon,
      essdn: legacyDn,
    });
    await batch.run(signal === undefined ? {} : { signal });
    const [refused] = answer.responses;
    if (refused?.ok === false && refused.serverName !== undefined && refused.serverName !== '') {
      throw new MapiError('RopLogon', refused.returnValue, { detail: `the mailbox is on ${refused.serverName}` });
    }
    return new Mailbox(session, logonId, batch.handleAt(logon) ?? 0, answer.value);
  }

  /**
   * All folders below one, parents before their children. Without `from` those of the IPM subtree, which is what people see.
   */
  async folders({
    from,
    signal,
  }: {
    readonly from?: ObjectId;
    readonly signal?: AbortSignal;
  } = {}): Promise<FolderInfo[]> {
    const top = from ?? this.folderIds.ipmSubtree;
    const rows = this.#read(top, undefined, {
      columns: FOLDER_COLUMNS,
      pageSize: FOLDER_PAGE,
      limit: MAX_FOLDERS,
      ...signalOf(signal),
    });
    const folders: FolderInfo[] = [];
    const paths = new Map<ObjectId, readonly string[]>();
    let before: readonly string[] = [];
    for await (const { values } of rows) {
      const id = objectIdOf(values, PidTag.FolderId);
      if (id === undefined) continue;
      const parent = objectIdOf(values, PidTag.ParentFolderId);
      const depth = Math.max(1, numberOf(values, PidTag.Depth) ?? 1);
      // Of a folder whose parent may not be seen, the depth would lead into the folder before it.
      const above = parent === undefined ? before.slice(0, depth - 1) : (paths.get(parent) ?? []);
      const name = textOf(values, PidTag.DisplayName) ?? '';
      before = [...above, name];
      paths.set(id, before);
      folders.push(folderOf(id, name, before, values));
    }
    return folders;
  }

  /** Rows of a folder's contents. */
  contents(
    folder: ObjectId,
    { associated = false, deleted = false, ...query }: ContentsQuery,
  ): AsyncGenerator<PropertyResult, void, undefined> {
    const flags = (associated ? TableFlags.Associated : 0) | (deleted ? TableFlags.SoftDeletes : 0);
    return this.#read(folder, CONTENTS_FLAGS | flags, query);
  }

  /** A folder by its id; its path is its name alone. Rejects with MapiError `NotFound` where there is none. */
  async folder(id: ObjectId, options: { readonly signal?: AbortSignal } = {}): Promise<FolderInfo> {
    const { values } = await this.folderProperties(id, FOLDER_COLUMNS, options);
    const name = textOf(values, PidTag.DisplayName) ?? '';
    return folderOf(id, name, [name], values);
  }

  /** Properties of a folder. Rejects with MapiError `NotFound` where there is none. */
  async folderProperties(
    folder: ObjectId,
    tags: readonly PropertyTag[],
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<PropertyResult> {
    const batch = new RopBatch(this.session);
    const opening = addFolder(batch, this, folder);
    const read = addProperties(batch, this.logonId, opening.handleIndex, tags, this.session.coding);
    await batch.run(signalOf(signal));
    opening.done();
    return read();
  }

  /** Opens a message for reading. Rejects with MapiError `NotFound` where the folder does not have it. */
  message(folder: ObjectId, id: ObjectId, options: { readonly signal?: AbortSignal } = {}): Promise<Message> {
    return Message.open(this, folder, id, options);
  }

  #read(
    folder: ObjectId,
    contentsFlags: number | undefined,
    query: TableQuery,
  ): AsyncGenerator<PropertyResult, void, undefined> {
    const { session, logonId } = this;
    const open = (batch: RopBatch, table: number) => {
      const opening = addFolder(batch, this, folder);
      const handles = { logonId, inputHandleIndex: opening.handleIndex, outputHandleIndex: table };
      const tabled =
        contentsFlags === undefined
          ? batch.add(GetHierarchyTable, { ...handles, tableFlags: HIERARCHY_FLAGS })
          : batch.add(GetContentsTable, { ...handles, tableFlags: contentsFlags });
      return () => {
        opening.done();
        void tabled.value;
      };
    };
    return readTable(session, logonId, { open }, query);
  }
}

const CONTENTS_FLAGS = TableFlags.NoNotifications | TableFlags.UseUnicode;
const HIERARCHY_FLAGS = CONTENTS_FLAGS | TableFlags.Depth;

interface LoggedOn {
  readonly folderIds: readonly ObjectId[];
  readonly responseFlags?: number | undefined;
  readonly mailboxGuid?: string | undefined;
  readonly replId: number;
  readonly replGuid: string;
}

function folderOf(id: ObjectId, name: string, path: readonly string[], values: Properties): FolderInfo {
  return {
    id,
    parent: objectIdOf(values, PidTag.ParentFolderId),
    name,
    path,
    messages: numberOf(values, PidTag.ContentCount) ?? 0,
    unread: numberOf(values, PidTag.ContentUnreadCount) ?? 0,
    containerClass: textOf(values, PidTag.ContainerClass) ?? '',
    isSearch: numberOf(values, PidTag.FolderType) === FolderType.Search,
    hidden: values.get(PidTag.AttributeHidden) === true,
    rights: numberOf(values, PidTag.Rights),
  };
}

function signalOf(signal: AbortSignal | undefined): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}
