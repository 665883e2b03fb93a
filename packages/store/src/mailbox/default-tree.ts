import type { Counter } from '../mapi/object-id.ts';
import type { MutableProperties } from '../mapi/property.ts';
import { PidTag } from '../mapi/property-tags.ts';
import { FolderType } from '../mapi/property-values.ts';
import type { EntryIds } from './entry-ids.ts';
import { FolderId } from './folder-ids.ts';
import type { StoredFolders } from './folder-store.ts';
import { Right } from './permissions.ts';
import type { StoredReceiveFolders } from './receive-folders.ts';
import { specialFolderProperties } from './special-folders.ts';

interface DefaultFolder {
  readonly id: Counter;
  readonly parent: Counter;
  readonly name: string;
  /** PidTagContainerClass. */
  readonly container?: string;
  /** PidTagDefaultPostMessageClass. */
  readonly item?: string;
  readonly hidden?: boolean;
  readonly type?: number;
}

/** Parents before their children. */
const FOLDERS: readonly DefaultFolder[] = [
  { id: FolderId.Root, parent: 0, name: 'Root Container', type: FolderType.Root },
  { id: FolderId.IpmSubtree, parent: FolderId.Root, name: 'Top of Information Store' },
  ...ipm([
    [FolderId.Inbox, 'Inbox', 'IPF.Note', 'IPM.Note'],
    [FolderId.Drafts, 'Drafts', 'IPF.Note', 'IPM.Note'],
    [FolderId.Outbox, 'Outbox', 'IPF.Note', 'IPM.Note'],
    [FolderId.SentItems, 'Sent Items', 'IPF.Note', 'IPM.Note'],
    [FolderId.DeletedItems, 'Deleted Items', 'IPF.Note', 'IPM.Note'],
    [FolderId.Contacts, 'Contacts', 'IPF.Contact', 'IPM.Contact'],
    [FolderId.Calendar, 'Calendar', 'IPF.Appointment', 'IPM.Appointment'],
    [FolderId.Journal, 'Journal', 'IPF.Journal', 'IPM.Activity'],
    [FolderId.Notes, 'Notes', 'IPF.StickyNote', 'IPM.StickyNote'],
    [FolderId.Tasks, 'Tasks', 'IPF.Task', 'IPM.Task'],
    [FolderId.JunkEmail, 'Junk E-mail', 'IPF.Note', 'IPM.Note'],
    [FolderId.SyncIssues, 'Sync Issues', 'IPF.Note', 'IPM.Note'],
  ]),
  hidden(FolderId.ConversationActionSettings, FolderId.IpmSubtree, 'Conversation Action Settings', 'IPF.Configuration'),
  hidden(FolderId.QuickContacts, FolderId.Contacts, 'Quick Contacts', 'IPF.Contact.MOC.QuickContacts'),
  hidden(FolderId.ImContactList, FolderId.Contacts, 'IM Contacts List', 'IPF.Contact.MOC.ImContactList'),
  hidden(FolderId.GalContacts, FolderId.Contacts, 'GAL Contacts', 'IPF.Contact.GalContacts'),
  { id: FolderId.Conflicts, parent: FolderId.SyncIssues, name: 'Conflicts', container: 'IPF.Note' },
  { id: FolderId.LocalFailures, parent: FolderId.SyncIssues, name: 'Local Failures', container: 'IPF.Note' },
  { id: FolderId.ServerFailures, parent: FolderId.SyncIssues, name: 'Server Failures', container: 'IPF.Note' },
  { id: FolderId.DeferredAction, parent: FolderId.Root, name: 'Deferred Action' },
  { id: FolderId.SpoolerQueue, parent: FolderId.Root, name: 'Spooler Queue', type: FolderType.Search },
  { id: FolderId.CommonViews, parent: FolderId.Root, name: 'Common Views' },
  { id: FolderId.Schedule, parent: FolderId.Root, name: 'Schedule' },
  { id: FolderId.Finder, parent: FolderId.Root, name: 'Finder' },
  { id: FolderId.Views, parent: FolderId.Root, name: 'Views' },
  { id: FolderId.Shortcuts, parent: FolderId.Root, name: 'Shortcuts' },
  { id: FolderId.FreeBusyData, parent: FolderId.Root, name: 'Freebusy Data' },
];

function ipm(folders: readonly (readonly [Counter, string, string, string])[]): DefaultFolder[] {
  return folders.map(([id, name, container, item]) => ({ id, parent: FolderId.IpmSubtree, name, container, item }));
}

function hidden(id: Counter, parent: Counter, name: string, container: string): DefaultFolder {
  return { id, parent, name, container, hidden: true };
}

/** [MS-OXCSTOR] 3.2.1.4, and what clients expect of a new mailbox. */
const RECEIVE_FOLDERS: readonly (readonly [string, Counter])[] = [
  ['', FolderId.Inbox],
  ['IPM', FolderId.Inbox],
  ['REPORT.IPM', FolderId.Inbox],
  ['IPC', FolderId.Root],
];

/** Makes the folders of a new mailbox, with what clients find them by, their permissions, and the receive folders. */
export function makeDefaultTree(folders: StoredFolders, receiveFolders: StoredReceiveFolders, ids: EntryIds): void {
  for (const { id, parent, name, container, item, hidden: isHidden, type } of FOLDERS) {
    const properties: MutableProperties = new Map();
    if (container !== undefined) properties.set(PidTag.ContainerClass, container);
    if (item !== undefined) properties.set(PidTag.DefaultPostMessageClass, item);
    if (isHidden === true) properties.set(PidTag.AttributeHidden, true);
    if (id === FolderId.Root || id === FolderId.Inbox) {
      for (const [tag, value] of specialFolderProperties(ids)) properties.set(tag, value);
    }
    folders.make(id, parent, { name, type: type ?? FolderType.Generic, properties });
    folders.setPermissions(id, [{ account: '', name: '', rights: defaultRights(id) }, ANONYMOUS]);
  }
  for (const [messageClass, folder] of RECEIVE_FOLDERS) receiveFolders.put(messageClass, folder);
}

const ANONYMOUS = { account: '', name: 'Anonymous', rights: 0 };

/** Everybody may know when the owner is busy, and nothing else. */
function defaultRights(id: Counter): number {
  if (id === FolderId.Calendar) return Right.FreeBusySimple | Right.FolderVisible;
  return id === FolderId.FreeBusyData ? Right.FreeBusySimple : 0;
}
