/** The largest PtypInteger32: where a size is larger, this stands in its place ([MS-OXCDATA] 2.11.1). */
export const MAX_INTEGER32 = 0x7fff_ffff;

/** PidTagAccess: what may be done with an object ([MS-OXCPRPT] 2.2.1.1). */
export const Access = {
  Modify: 0x01,
  Read: 0x02,
  Delete: 0x04,
  CreateHierarchy: 0x08,
  CreateContents: 0x10,
  CreateAssociated: 0x20,
} as const;

/** PidTagAttachMethod ([MS-OXCMSG] 2.2.2.9). */
export const AttachMethod = {
  None: 0,
  ByValue: 1,
  ByReference: 2,
  ByReferenceOnly: 4,
  EmbeddedMessage: 5,
  Ole: 6,
  Web: 7,
} as const;

/** PidTagFolderType ([MS-OXCFOLD] 2.2.2.2.2.6), and FolderType of RopCreateFolder ([MS-OXCFOLD] 2.2.1.2.1). */
export const FolderType = { Root: 0, Generic: 1, Search: 2 } as const;

/** PidTagMessageFlags ([MS-OXCMSG] 2.2.1.6). */
export const MessageFlag = {
  Read: 0x1,
  Unmodified: 0x2,
  Submitted: 0x4,
  Unsent: 0x8,
  HasAttachments: 0x10,
  FromMe: 0x20,
  Associated: 0x40,
  Resend: 0x80,
  NotifyRead: 0x100,
  NotifyUnread: 0x200,
  EverRead: 0x400,
  Internet: 0x2000,
  Untrusted: 0x8000,
} as const;

/** PidTagNativeBody ([MS-OXCMSG] 2.2.1.56.2). */
export const NativeBody = { PlainText: 1, Rtf: 2, Html: 3, ClearSigned: 4 } as const;

/** PidTagObjectType ([MS-OXCPRPT] 2.2.1.7); those of the address book are [MS-OXOABK] 2.2.3.10. */
export const ObjectType = {
  Store: 1,
  Folder: 3,
  Container: 4,
  Message: 5,
  MailUser: 6,
  Attachment: 7,
  DistributionList: 8,
} as const;

/** PidTagRecipientType without its flags, and RecipientType of ROPs ([MS-OXCMSG] 2.2.3.1.2). */
export const RecipientType = { Originator: 0, To: 1, Cc: 2, Bcc: 3 } as const;
/** What of a RecipientType is no flag. */
export const RECIPIENT_TYPE_MASK = 0x0f;
