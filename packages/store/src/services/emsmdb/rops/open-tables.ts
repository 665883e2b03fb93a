import { deletedSetOf } from '../../../mailbox/deleted-sets.ts';
import type { MailboxEvent } from '../../../mailbox/model.ts';
import { Right } from '../../../mailbox/permissions.ts';
import { ContentsTable } from '../../../mailbox/tables/contents-table.ts';
import { MemoryTable } from '../../../mailbox/tables/memory-table.ts';
import { ErrorCode, StoreError } from '../../../mapi/error-code.ts';
import { GetAttachmentTable } from '../../../mapi/rops/attachment.ts';
import { GetContentsTable, GetHierarchyTable, TableFlags } from '../../../mapi/rops/folder.ts';
import { GetPermissionsTable, GetRulesTable, PermissionsTableFlags } from '../../../mapi/rops/permission.ts';
import { folderOf, messageOf } from '../narrow.ts';
import { TableObject } from '../objects/table-object.ts';
import { on } from '../rop-context.ts';
import { attachmentRows, hierarchyRows, NO_RULES, ofFolders, permissionRows } from '../table-rows.ts';
import { mayLearn, watchTable } from '../watch.ts';

/** [MS-OXCFOLD] 3.2.5.13. */
const getHierarchyTable = on(GetHierarchyTable, (context, { tableFlags }) => {
  const { logon, coding } = context;
  const folder = folderOf(context.object);
  logon.folder(folder.id, folder.deleted);
  const deleted = (tableFlags & TableFlags.SoftDeletes) !== 0;
  const rows = hierarchyRows(logon, folder, (tableFlags & TableFlags.Depth) !== 0, deleted);
  const table = new MemoryTable(rows, coding);
  const isSilent = (tableFlags & (TableFlags.NoNotifications | TableFlags.SuppressesNotifications)) !== 0;
  const concerns = (event: MailboxEvent) => ofFolders(event) && mayLearn(logon, event);
  const watch = isSilent ? undefined : (handle: number) => watchTable(logon, handle, concerns);
  const check = logon.isOwner ? undefined : () => void logon.folder(folder.id);
  context.open(new TableObject(table, check, watch, () => rows.close()));
  return { rowCount: table.rowCount };
});

/** [MS-OXCFOLD] 3.2.5.14. Conversations are not followed through other folders: the flag is for a table that has them too. */
const getContentsTable = on(GetContentsTable, (context, { tableFlags }) => {
  const { logon, coding } = context;
  const folder = folderOf(context.object);
  if (folder.deleted) logon.folder(folder.id, true);
  else logon.require(folder.id, Right.ReadAny);
  if ((tableFlags & TableFlags.ConversationMembers) !== 0) {
    throw new StoreError(ErrorCode.NotSupported, 'members of conversations');
  }
  const associated = (tableFlags & TableFlags.Associated) !== 0;
  const deleted = (tableFlags & TableFlags.SoftDeletes) !== 0;
  const shown = deleted ? deletedSetOf(folder.id) : folder.id;
  const table = new ContentsTable({ index: logon.store.contents, folder: shown, associated, coding });
  const concerns = ({ kind, message, folder: at, oldFolder, search }: MailboxEvent) => {
    if (search !== undefined) return search === folder.id;
    // Soft-deleted messages come with those that are deleted; that they go is told as a change of the folder.
    if (deleted) return at === folder.id && (message === undefined || kind === 'deleted');
    return message !== undefined && (at === folder.id || oldFolder === folder.id);
  };
  const isSilent = (tableFlags & TableFlags.NoNotifications) !== 0;
  const watch = isSilent ? undefined : (handle: number) => watchTable(logon, handle, concerns);
  const check = logon.isOwner ? undefined : () => logon.require(folder.id, Right.ReadAny);
  context.open(new TableObject(table, check, watch));
  return { rowCount: table.rowCount };
});

/** [MS-OXCMSG] 3.2.5.16. */
const getAttachmentTable = on(GetAttachmentTable, (context) => {
  const message = messageOf(context.object);
  const rows = attachmentRows(message);
  context.open(new TableObject(new MemoryTable(rows, context.coding), () => message.check()));
  return {};
});

/** [MS-OXCPERM] 3.2.5.1. */
const getPermissionsTable = on(GetPermissionsTable, (context, { tableFlags }) => {
  const { logon, services, coding } = context;
  const folder = folderOf(context.object);
  logon.require(folder.id, Right.FolderOwner);
  const withFreeBusy = (tableFlags & PermissionsTableFlags.IncludeFreeBusy) !== 0;
  const rows = permissionRows(logon, folder, withFreeBusy, (account) => services.directory.byAccount(account));
  const check = () => logon.require(folder.id, Right.FolderOwner);
  context.open(new TableObject(new MemoryTable(rows, coding), check, undefined, () => rows.close()));
  return {};
});

/** [MS-OXORULE] 3.2.5.1: of no rules. */
const getRulesTable = on(GetRulesTable, (context) => {
  context.logon.require(folderOf(context.object).id, Right.FolderOwner);
  context.open(new TableObject(new MemoryTable(NO_RULES, context.coding)));
  return {};
});

export const OPEN_TABLE_HANDLERS = [
  getHierarchyTable,
  getContentsTable,
  getAttachmentTable,
  getPermissionsTable,
  getRulesTable,
];
