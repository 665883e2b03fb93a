import { bool, FixedBytes, objectId, reserved, u8, u16, u32 } from './primitives.ts';
import { defineRop } from './rop.ts';
import { arrayOf, isPublicLogon, sized, sizedOptional, structure, when } from './structures.ts';
import { propertyTags, recipientRow, typedString } from './values.ts';

/** OpenModeFlags of RopOpenMessage ([MS-OXCMSG] 2.2.3.1.1). */
export const OpenMessageFlags = { ReadOnly: 0, ReadWrite: 1, BestAccess: 3, OpenSoftDeleted: 4 } as const;

/** SaveFlags ([MS-OXCMSG] 2.2.3.3.1); clients set 8 beside them. */
export const SaveFlags = { KeepOpenReadOnly: 0x01, KeepOpenReadWrite: 0x02, ForceSave: 0x04 } as const;
/** The bits of SaveFlags that mean something. */
export const SAVE_FLAGS_MASK = 0x07;

/** ReadFlags ([MS-OXCMSG] 2.2.3.10.1). */
export const ReadFlags = {
  Default: 0x00,
  SuppressReceipt: 0x01,
  ClearReadFlag: 0x04,
  Reserved: 0x0a,
  GenerateReceiptOnly: 0x10,
  ClearNotifyRead: 0x20,
  ClearNotifyUnread: 0x40,
} as const;

/** OpenRecipientRow ([MS-OXCROPS] 2.2.6.1.2.1). */
const openRecipientRow = structure({
  recipientType: u8,
  codePageId: u16,
  reserved: reserved(u16, 0),
  recipientRow: sized(u16, recipientRow),
});

/** ReadRecipientRow ([MS-OXCROPS] 2.2.6.6.2.1). */
const readRecipientRow = structure({
  rowId: u32,
  recipientType: u8,
  codePageId: u16,
  reserved: reserved(u16, 0),
  recipientRow: sized(u16, recipientRow),
});

/** ModifyRecipientRow ([MS-OXCROPS] 2.2.6.5.1.1): without its RecipientRow the recipient is deleted. */
const modifyRecipientRow = structure({ rowId: u32, recipientType: u8, recipientRow: sizedOptional(u16, recipientRow) });

/** What the ROPs that open a message answer. */
const openedMessage = {
  hasNamedProperties: bool,
  subjectPrefix: typedString,
  normalizedSubject: typedString,
  recipientCount: u16,
  recipientColumns: propertyTags,
  recipientRows: arrayOf(u8, openRecipientRow),
};

/** [MS-OXCROPS] 2.2.6.1 */
export const OpenMessage = defineRop({
  id: 0x03,
  name: 'OpenMessage',
  header: 'in+out',
  request: { codePageId: u16, folderId: objectId, openModeFlags: u8, messageId: objectId },
  response: openedMessage,
});

/** [MS-OXCROPS] 2.2.6.2 */
export const CreateMessage = defineRop({
  id: 0x06,
  name: 'CreateMessage',
  header: 'in+out',
  request: { codePageId: u16, folderId: objectId, associatedFlag: bool },
  response: { hasMessageId: bool, messageId: when('hasMessageId', objectId) },
});

/** [MS-OXCROPS] 2.2.6.3 */
export const SaveChangesMessage = defineRop({
  id: 0x0c,
  name: 'SaveChangesMessage',
  header: 'response+in',
  request: { saveFlags: u8 },
  response: { inputHandleIndex: u8, messageId: objectId },
});

/** [MS-OXCROPS] 2.2.6.4 */
export const RemoveAllRecipients = defineRop({
  id: 0x0d,
  name: 'RemoveAllRecipients',
  header: 'in',
  request: { reserved: reserved(u32, 0) },
  response: {},
});

/** [MS-OXCROPS] 2.2.6.5 */
export const ModifyRecipients = defineRop({
  id: 0x0e,
  name: 'ModifyRecipients',
  header: 'in',
  request: { recipientColumns: propertyTags, recipientRows: arrayOf(u16, modifyRecipientRow) },
  response: {},
});

/** [MS-OXCROPS] 2.2.6.6. The columns of the rows are those of the response that opened the message. */
export const ReadRecipients = defineRop({
  id: 0x0f,
  name: 'ReadRecipients',
  header: 'in',
  request: { rowId: u32, reserved: reserved(u16, 0) },
  response: { recipientRows: arrayOf(u8, readRecipientRow) },
});

/** [MS-OXCROPS] 2.2.6.7 */
export const ReloadCachedInformation = defineRop({
  id: 0x10,
  name: 'ReloadCachedInformation',
  header: 'in',
  request: { reserved: reserved(u16, 0) },
  response: openedMessage,
});

/** [MS-OXCROPS] 2.2.6.8 */
export const SetMessageStatus = defineRop({
  id: 0x20,
  name: 'SetMessageStatus',
  header: 'in',
  request: { messageId: objectId, messageStatusFlags: u32, messageStatusMask: u32 },
  response: { messageStatusFlags: u32 },
});

/** [MS-OXCROPS] 2.2.6.9: the response has the RopId of RopSetMessageStatus. */
export const GetMessageStatus = defineRop({
  id: 0x1f,
  name: 'GetMessageStatus',
  header: 'in',
  request: { messageId: objectId },
  responseId: 0x20,
  response: { messageStatusFlags: u32 },
});

/** [MS-OXCROPS] 2.2.6.10 */
export const SetReadFlags = defineRop({
  id: 0x66,
  name: 'SetReadFlags',
  header: 'in',
  request: { wantAsynchronous: bool, readFlags: u8, messageIds: arrayOf(u16, objectId) },
  response: { partialCompletion: bool },
  failure: {
    fields: { partialCompletion: bool },
    nothingDone: () => ({ partialCompletion: false }),
    mayBeAbsent: {},
  },
});

/**
 * [MS-OXCROPS] 2.2.6.11. ClientData belongs to the public folders: the response to a logon to a mailbox must have a
 * readStatusChanged of false, since what follows it otherwise was never given.
 */
export const SetMessageReadFlag = defineRop({
  id: 0x11,
  name: 'SetMessageReadFlag',
  header: 'response+in',
  request: { readFlags: u8, clientData: when(isPublicLogon, new FixedBytes(24)) },
  response: {
    readStatusChanged: bool,
    logonId: when('readStatusChanged', u8),
    clientData: when('readStatusChanged', new FixedBytes(24)),
  },
});

/** [MS-OXCROPS] 2.2.6.16 */
export const OpenEmbeddedMessage = defineRop({
  id: 0x46,
  name: 'OpenEmbeddedMessage',
  header: 'in+out',
  request: { codePageId: u16, openModeFlags: u8 },
  response: { reserved: reserved(u8, 0), messageId: objectId, ...openedMessage },
});
