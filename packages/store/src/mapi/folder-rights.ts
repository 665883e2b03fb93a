/** PidTagMemberRights and PidTagRights ([MS-OXCPERM] 2.2.7). */
export const Right = {
  ReadAny: 0x1,
  Create: 0x2,
  EditOwned: 0x8,
  DeleteOwned: 0x10,
  EditAny: 0x20,
  DeleteAny: 0x40,
  CreateSubfolder: 0x80,
  FolderOwner: 0x100,
  FolderContact: 0x200,
  FolderVisible: 0x400,
  FreeBusySimple: 0x800,
  FreeBusyDetailed: 0x1000,
} as const;

/** Every right there is: what the mailbox's owner has. */
export const ALL_RIGHTS = 0x1ffb;
