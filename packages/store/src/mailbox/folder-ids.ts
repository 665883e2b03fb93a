import type { Counter } from '../mapi/object-id.ts';

/** Folders with ids below this one are the mailbox's own: they cannot be deleted or moved. */
export const FIRST_FREE_ID = 0x100;

/** The folders of every mailbox, by their ids, which are the same in each. */
export const FolderId = {
  Root: 0x01,
  DeferredAction: 0x02,
  SpoolerQueue: 0x03,
  Shortcuts: 0x04,
  Finder: 0x05,
  Views: 0x06,
  CommonViews: 0x07,
  Schedule: 0x08,
  IpmSubtree: 0x09,
  SentItems: 0x0a,
  DeletedItems: 0x0b,
  Outbox: 0x0c,
  Inbox: 0x0d,
  Drafts: 0x0e,
  Calendar: 0x0f,
  Journal: 0x10,
  Notes: 0x11,
  Tasks: 0x12,
  Contacts: 0x13,
  QuickContacts: 0x14,
  ImContactList: 0x15,
  GalContacts: 0x16,
  JunkEmail: 0x17,
  FreeBusyData: 0x18,
  SyncIssues: 0x19,
  Conflicts: 0x1a,
  LocalFailures: 0x1b,
  ServerFailures: 0x1c,
  ConversationActionSettings: 0x1d,
} as const;

/** FolderIds of RopLogon on a private mailbox, in their order ([MS-OXCSTOR] 2.2.1.1.3). */
export const LOGON_FOLDERS: readonly Counter[] = [
  FolderId.Root,
  FolderId.DeferredAction,
  FolderId.SpoolerQueue,
  FolderId.IpmSubtree,
  FolderId.Inbox,
  FolderId.Outbox,
  FolderId.SentItems,
  FolderId.DeletedItems,
  FolderId.CommonViews,
  FolderId.Schedule,
  FolderId.Finder,
  FolderId.Views,
  FolderId.Shortcuts,
];
