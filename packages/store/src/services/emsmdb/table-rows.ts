import type { DirectoryEntry } from '../../directory/model.ts';
import type { Folder, MailboxEvent, Permission } from '../../mailbox/model.ts';
import { Right } from '../../mailbox/permissions.ts';
import type { MemoryRow, MemoryRows } from '../../mailbox/tables/memory-table.ts';
import type { PropertyTag, PropertyValue } from '../../mapi/property.ts';
import { PidTag } from '../../mapi/property-tags.ts';
import type { Logon } from './logon.ts';
import { FolderObject } from './objects/folder-object.ts';
import type { MessageObject } from './objects/message-object.ts';
import { maySee } from './rights.ts';
import { userEntryId } from './user-entry-id.ts';

/** Columns of a hierarchy table beside whatever its folders have ([MS-OXCFOLD] 2.2.1.13). */
const HIERARCHY_COLUMNS: readonly PropertyTag[] = [
  PidTag.EntryId,
  PidTag.FolderId,
  PidTag.ParentEntryId,
  PidTag.ParentFolderId,
  PidTag.DisplayName,
  PidTag.Depth,
  PidTag.ContainerClass,
  PidTag.Comment,
  PidTag.FolderType,
  PidTag.ContentCount,
  PidTag.ContentUnreadCount,
  PidTag.AssociatedContentCount,
  PidTag.Subfolders,
  PidTag.MessageSize,
  PidTag.Rights,
  PidTag.Access,
  PidTag.AttributeHidden,
  PidTag.CreationTime,
  PidTag.LastModificationTime,
  PidTag.ChangeKey,
  PidTag.SourceKey,
  PidTag.ParentSourceKey,
  PidTag.ChangeNumber,
  PidTag.RecordKey,
  PidTag.InstanceKey,
];

/** Columns of an attachment table beside whatever its attachments have ([MS-OXCMSG] 2.2.3.17). */
const ATTACHMENT_COLUMNS: readonly PropertyTag[] = [
  PidTag.AttachNumber,
  PidTag.AttachMethod,
  PidTag.AttachSize,
  PidTag.AttachFilename,
  PidTag.AttachLongFilename,
  PidTag.AttachExtension,
  PidTag.AttachMimeTag,
  PidTag.AttachContentId,
  PidTag.AttachFlags,
  PidTag.AttachmentHidden,
  PidTag.RenderingPosition,
  PidTag.DisplayName,
  PidTag.CreationTime,
  PidTag.LastModificationTime,
  PidTag.RecordKey,
];

/** [MS-OXCPERM] 2.2.1.2. */
const PERMISSION_COLUMNS: readonly PropertyTag[] = [
  PidTag.EntryId,
  PidTag.MemberId,
  PidTag.MemberName,
  PidTag.MemberRights,
];

/** [MS-OXORULE] 2.2.2.2. */
const RULE_COLUMNS: readonly PropertyTag[] = [
  PidTag.RuleId,
  PidTag.RuleSequence,
  PidTag.RuleState,
  PidTag.RuleUserFlags,
  PidTag.RuleCondition,
  PidTag.RuleActions,
  PidTag.RuleProvider,
  PidTag.RuleName,
  PidTag.RuleLevel,
  PidTag.RuleProviderData,
];

const FREE_BUSY = Right.FreeBusySimple | Right.FreeBusyDetailed;

/** Rows that stay what they are until something happens in the mailbox that concerns them. */
export class WatchedRows implements MemoryRows {
  readonly columns: readonly PropertyTag[];
  readonly #read: () => readonly MemoryRow[];
  readonly #unwatch: () => void;
  #version = 0;

  constructor(
    logon: Logon,
    columns: readonly PropertyTag[],
    concerns: (event: MailboxEvent) => boolean,
    read: () => readonly MemoryRow[],
  ) {
    this.columns = columns;
    this.#read = read;
    this.#unwatch = logon.listen((events) => {
      if (events.some(concerns)) this.#version += 1;
    });
  }

  version(): number {
    return this.#version;
  }

  rows(): readonly MemoryRow[] {
    return this.#read();
  }

  close(): void {
    this.#unwatch();
  }
}

/**
 * The folders below a folder, or those that were soft-deleted there, as far as the caller may see them: where he may not see one he may
 * still see those below it.
 */
export function hierarchyRows(logon: Logon, folder: FolderObject, deep: boolean, deleted: boolean): WatchedRows {
  return new WatchedRows(logon, HIERARCHY_COLUMNS, ofFolders, () => {
    const below = logon.store.folders.children(folder.id, deep, deleted);
    return below
      .filter((each) => logon.isOwner || maySee(logon.rights(each.folder.id)))
      .map((each) => new FolderRow(logon, each.folder, each.depth, deleted || folder.deleted));
  });
}

/** What happens to folders, their counts and permissions among it. */
export function ofFolders(event: MailboxEvent): boolean {
  return event.message === undefined || event.kind !== 'modified';
}

class FolderRow implements MemoryRow {
  readonly key: number;
  readonly #logon: Logon;
  readonly #folder: Folder;
  readonly #depth: number;
  readonly #deleted: boolean;
  #properties: ReadonlyMap<PropertyTag, PropertyValue> | undefined;

  constructor(logon: Logon, folder: Folder, depth: number, deleted: boolean) {
    this.key = folder.id;
    this.#logon = logon;
    this.#folder = folder;
    this.#depth = depth;
    this.#deleted = deleted;
  }

  value(tag: PropertyTag): PropertyValue | undefined {
    switch (tag) {
      case PidTag.Depth:
        return this.#depth;
      case PidTag.DisplayName:
        return this.#folder.name;
      case PidTag.FolderId:
        return BigInt.asIntN(64, this.#logon.id(this.#folder.id));
      case PidTag.ContentCount:
        return this.#folder.contentCount;
      case PidTag.ContentUnreadCount:
        return this.#folder.unreadCount;
      default:
        this.#properties ??= new FolderObject(this.#logon, this.#folder.id, this.#deleted).all();
        return this.#properties.get(tag);
    }
  }
}

/** The attachments of an open message as they are in it, saved or not. */
export function attachmentRows(message: MessageObject): MemoryRows {
  return {
    columns: ATTACHMENT_COLUMNS,
    version: () => message.attachmentsVersion,
    rows: () =>
      message.attachmentNumbers.map((number) => {
        const attachment = message.openAttachment(number, false);
        return {
          key: number,
          value: (tag) => {
            const [found] = attachment.find([tag]);
            return found !== undefined && 'value' in found ? found.value : undefined;
          },
        };
      }),
  };
}

/** A folder's permission list ([MS-OXCPERM] 3.2.5.1); rights to free/busy data are left out unless they are asked for. */
export function permissionRows(
  logon: Logon,
  folder: FolderObject,
  withFreeBusy: boolean,
  byAccount: (account: string) => DirectoryEntry | undefined,
): WatchedRows {
  const concerns = (event: MailboxEvent) => event.folder === folder.id && event.message === undefined;
  return new WatchedRows(logon, PERMISSION_COLUMNS, concerns, () => {
    return logon.store.folders.permissions(folder.id).map((permission) => {
      const values = permissionValues(permission, withFreeBusy, byAccount);
      return { key: permission.memberId, value: (tag) => values.get(tag) };
    });
  });
}

function permissionValues(
  { memberId, account, name, rights }: Permission,
  withFreeBusy: boolean,
  byAccount: (account: string) => DirectoryEntry | undefined,
): ReadonlyMap<PropertyTag, PropertyValue> {
  const entry = account === '' ? undefined : byAccount(account);
  return new Map<PropertyTag, PropertyValue>([
    [PidTag.EntryId, entry === undefined ? new Uint8Array(0) : userEntryId(entry.legacyDn)],
    [PidTag.MemberId, memberId],
    [PidTag.MemberName, entry?.displayName ?? name],
    [PidTag.MemberRights, withFreeBusy ? rights : rights & ~FREE_BUSY],
  ]);
}

/** There are no rules: a table with the columns of one. */
export const NO_RULES: MemoryRows = { columns: RULE_COLUMNS, version: () => 0, rows: () => [] };
