import type { ObjectId } from '../mapi/object-id.ts';
import type { Properties, PropertyTag } from '../mapi/property.ts';
import { PidTag } from '../mapi/property-tags.ts';
import { FolderType } from '../mapi/property-values.ts';
import { GetContentsTable, GetHierarchyTable, OpenFolder, TableFlags } from '../mapi/rops/folder.ts';
import { Logon, LogonFlags, LogonOpenFlags } from '../mapi/rops/store.ts';
import { MapiError } from './mapi-error.ts';
import { Message } from './message.ts';
import { addProperties } from './object-properties.ts';
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
  /** Names from the folder that was listed down to this one. */
  readonly path: readonly string[];
  readonly messages: number;
  readonly unread: number;
  /** PidTagContainerClass, for instance `IPF.Note`; empty where there is none. */
  readonly containerClass: string;
  readonly isSearch: boolean;
  readonly hidden: boolean;
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

  private constructor(session: MapiSession, logonId: number, handle: number, found: LoggedOn) {
    this.session = session;
    this.logonId = logonId;
    this.handle = handle;
    this.guid = found.mailboxGuid ?? '';
    this.replId = found.replId;
    this.replGuid = found.replGuid;
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
    const rows = this.#read(top, false, {
      columns: FOLDER_COLUMNS,
      pageSize: FOLDER_PAGE,
      limit: MAX_FOLDERS,
      ...signalOf(signal),
    });
    const folders: FolderInfo[] = [];
    /** Names of the folders on the way to the row, one for each depth. */
    const way: string[] = [];
    for await (const { values } of rows) {
      const id = objectIdOf(values, PidTag.FolderId);
      if (id === undefined) continue;
      const depth = Math.max(1, numberOf(values, PidTag.Depth) ?? 1);
      const name = textOf(values, PidTag.DisplayName) ?? '';
      way.splice(Math.min(depth - 1, way.length), way.length, name);
      folders.push(folderOf(id, name, [...way], values));
    }
    return folders;
  }

  /** Rows of a folder's contents. */
  contents(
    folder: ObjectId,
    { associated = false, ...query }: ContentsQuery,
  ): AsyncGenerator<PropertyResult, void, undefined> {
    return this.#read(folder, { associated }, query);
  }

  /** Properties of a folder. Rejects with MapiError `NotFound` where there is none. */
  async folderProperties(
    folder: ObjectId,
    tags: readonly PropertyTag[],
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<PropertyResult> {
    const { logonId } = this;
    const batch = new RopBatch(this.session);
    const handle = batch.newHandle();
    const opened = batch.add(OpenFolder, {
      logonId,
      inputHandleIndex: batch.handle(this.handle),
      outputHandleIndex: handle,
      folderId: folder,
      openModeFlags: 0,
    });
    const read = addProperties(batch, logonId, handle, tags, this.session.coding);
    await batch.run(signalOf(signal));
    this.session.discard(logonId, batch.handleAt(handle));
    void opened.value;
    return read();
  }

  /** Opens a message for reading. Rejects with MapiError `NotFound` where the folder does not have it. */
  message(folder: ObjectId, id: ObjectId, options: { readonly signal?: AbortSignal } = {}): Promise<Message> {
    return Message.open(this, folder, id, options);
  }

  #read(
    folder: ObjectId,
    contents: false | { readonly associated: boolean },
    query: TableQuery,
  ): AsyncGenerator<PropertyResult, void, undefined> {
    const { session, logonId, handle } = this;
    const open = (batch: RopBatch, table: number) => {
      const folderHandle = batch.newHandle();
      const opened = batch.add(OpenFolder, {
        logonId,
        inputHandleIndex: batch.handle(handle),
        outputHandleIndex: folderHandle,
        folderId: folder,
        openModeFlags: 0,
      });
      const handles = { logonId, inputHandleIndex: folderHandle, outputHandleIndex: table };
      const tabled =
        contents === false
          ? batch.add(GetHierarchyTable, { ...handles, tableFlags: HIERARCHY_FLAGS })
          : batch.add(GetContentsTable, {
              ...handles,
              tableFlags: CONTENTS_FLAGS | (contents.associated ? TableFlags.Associated : 0),
            });
      return () => {
        // A table lives without the handle of its folder.
        session.discard(logonId, batch.handleAt(folderHandle));
        void opened.value;
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
  };
}

function signalOf(signal: AbortSignal | undefined): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}
