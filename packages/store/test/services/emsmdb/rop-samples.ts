import { FolderId } from '../../../src/mailbox/folder-ids.ts';
import { objectId } from '../../../src/mapi/object-id.ts';
import { PidTag } from '../../../src/mapi/property-tags.ts';
import * as attachment from '../../../src/mapi/rops/attachment.ts';
import * as folder from '../../../src/mapi/rops/folder.ts';
import * as message from '../../../src/mapi/rops/message.ts';
import { RegisterNotification } from '../../../src/mapi/rops/notification.ts';
import * as permission from '../../../src/mapi/rops/permission.ts';
import * as property from '../../../src/mapi/rops/property.ts';
import * as store from '../../../src/mapi/rops/store.ts';
import * as stream from '../../../src/mapi/rops/stream.ts';
import * as table from '../../../src/mapi/rops/table.ts';
import * as transport from '../../../src/mapi/rops/transport.ts';
import { dnOf } from './rop-client.ts';
import { type RopSample, type Scene, sample } from './rop-scene.ts';
import { SYNCHRONIZATION_SAMPLES } from './synchronization-samples.ts';

const INBOX = objectId(FolderId.Inbox);
const SUBJECT = { kind: 'exist', tag: PidTag.Subject } as const;
const LONG_TERM_ID = { guid: '11111111-2222-3333-4444-555555555555', counter: 1 };
/** The changes 1 and 2 of a replica ([MS-OXCFXICS] 2.2.2.4.2). */
const ID_SET = Uint8Array.of(...new Uint8Array(16), 5, 0, 0, 0, 0, 0, 0x52, 1, 2, 0x50, 0);
const REGION = { regionOffset: 0n, regionSize: 1n, lockFlags: 0 };
const someMessages = ({ messageId }: Scene) => ({
  ...{ wantAsynchronous: false, notifyNonRead: false, messageIds: [messageId] },
});
const moveFolder = ({ subfolderId }: Scene) => ({
  ...{ wantAsynchronous: false, wantRecursive: true, useUnicode: true, folderId: subfolderId, newFolderName: 'Moved' },
});
const setSubject = { propertyValues: new Map([[PidTag.Subject, 'Another']]) };
const data = { data: Buffer.from('data') };

/** One of each ROP that a client may send. */
export const ROP_SAMPLES: readonly RopSample[] = [
  // Logons and the store.
  sample(store.Logon, 'logon', { logonFlags: 1, openFlags: 0x0100040c, essdn: dnOf('alice') }),
  sample(store.Release, 'folder', {}),
  sample(store.GetReceiveFolder, 'logon', { messageClass: 'IPM.Note' }),
  sample(store.SetReceiveFolder, 'logon', { folderId: INBOX, messageClass: 'IPM.Sample' }),
  sample(store.GetReceiveFolderTable, 'logon', {}),
  sample(store.GetStoreState, 'logon', {}),
  sample(store.GetOwningServers, 'logon', { folderId: INBOX }),
  sample(store.PublicFolderIsGhosted, 'logon', { folderId: INBOX }),
  sample(store.LongTermIdFromId, 'logon', { objectId: INBOX }),
  sample(store.IdFromLongTermId, 'logon', ({ client }) => ({
    longTermId: { guid: client.store.mailbox('alice').info.replicaGuid, counter: FolderId.Inbox },
  })),
  sample(store.GetPerUserLongTermIds, 'logon', { databaseGuid: LONG_TERM_ID.guid }),
  sample(store.GetPerUserGuid, 'logon', ({ client }) => {
    client.store.mailbox('alice').perUser.set(LONG_TERM_ID, { replica: LONG_TERM_ID.guid, data: ID_SET });
    return { longTermId: LONG_TERM_ID };
  }),
  sample(store.ReadPerUserInformation, 'logon', { folderId: LONG_TERM_ID, dataOffset: 0, maxDataSize: 0 }),
  sample(store.WritePerUserInformation, 'logon', {
    ...{ folderId: LONG_TERM_ID, hasFinished: true, dataOffset: 0, data: ID_SET, replGuid: LONG_TERM_ID.guid },
  }),

  // Folders.
  sample(folder.OpenFolder, 'logon', { folderId: INBOX, openModeFlags: 0 }),
  sample(folder.CreateFolder, 'folder', {
    ...{ folderType: 1, useUnicodeStrings: true, openExisting: false, displayName: 'New', comment: '' },
  }),
  sample(folder.DeleteFolder, 'folder', ({ subfolderId }) => ({ deleteFolderFlags: 0, folderId: subfolderId })),
  sample(folder.SetSearchCriteria, 'search', { restrictionData: SUBJECT, folderIds: [INBOX], searchFlags: 2 }),
  sample(folder.GetSearchCriteria, 'search', { useUnicode: true, includeRestriction: true, includeFolders: true }),
  sample(folder.MoveCopyMessages, 'folder', (scene) => ({ ...someMessages(scene), wantCopy: true })),
  sample(folder.MoveFolder, 'folder', moveFolder),
  sample(folder.CopyFolder, 'folder', moveFolder),
  sample(folder.EmptyFolder, 'folder', { wantAsynchronous: false, wantDeleteAssociated: false }),
  sample(folder.HardDeleteMessagesAndSubfolders, 'folder', { wantAsynchronous: false, wantDeleteAssociated: false }),
  sample(folder.DeleteMessages, 'folder', someMessages),
  sample(folder.HardDeleteMessages, 'folder', someMessages),
  sample(folder.GetHierarchyTable, 'folder', { tableFlags: 0 }),
  sample(folder.GetContentsTable, 'folder', { tableFlags: 0 }),

  // Tables.
  sample(table.SetColumns, 'table', { setColumnsFlags: 0, propertyTags: [PidTag.Subject] }),
  sample(table.SortTable, 'table', {
    ...{ sortTableFlags: 0, sortOrders: { orders: [{ tag: PidTag.Subject, order: 0 }], categories: 0, expanded: 0 } },
  }),
  sample(table.Restrict, 'table', { restrictFlags: 0, restrictionData: SUBJECT }),
  sample(table.QueryRows, 'table', { queryRowsFlags: 0, forwardRead: true, rowCount: 1 }),
  sample(table.Abort, 'table', {}),
  sample(table.GetStatus, 'table', {}),
  sample(table.QueryPosition, 'table', {}),
  sample(table.SeekRow, 'table', { origin: 0, rowCount: 1, wantRowMovedCount: true }),
  sample(table.SeekRowBookmark, 'table', ({ bookmark }) => ({ bookmark, rowCount: 0, wantRowMovedCount: true })),
  sample(table.SeekRowFractional, 'table', { numerator: 1, denominator: 2 }),
  sample(table.CreateBookmark, 'table', {}),
  sample(table.QueryColumnsAll, 'table', {}),
  sample(table.FindRow, 'table', {
    ...{ findRowFlags: 0, restrictionData: SUBJECT, origin: 0, bookmark: new Uint8Array(0) },
  }),
  sample(table.FreeBookmark, 'table', ({ bookmark }) => ({ bookmark })),
  sample(table.ResetTable, 'table', {}),
  sample(table.ExpandRow, 'table', ({ categories }) => ({ maxRowCount: 50, categoryId: categories[1] ?? 0n })),
  sample(table.CollapseRow, 'table', ({ categories }) => ({ categoryId: categories[0] ?? 0n })),
  sample(table.GetCollapseState, 'table', ({ categories }) => ({ rowId: categories[0] ?? 0n, rowInstanceNumber: 0 })),
  sample(table.SetCollapseState, 'table', ({ collapseState }) => ({ collapseState })),

  // Messages and attachments.
  sample(message.OpenMessage, 'logon', ({ messageId }) => ({
    ...{ codePageId: 0xfff, folderId: INBOX, openModeFlags: 0, messageId },
  })),
  sample(message.CreateMessage, 'logon', { codePageId: 0xfff, folderId: INBOX, associatedFlag: false }),
  sample(message.SaveChangesMessage, 'message', { saveFlags: 0x0a }),
  sample(message.RemoveAllRecipients, 'message', {}),
  sample(message.ModifyRecipients, 'message', { recipientColumns: [], recipientRows: [] }),
  sample(message.ReadRecipients, 'message', { rowId: 0 }),
  sample(message.ReloadCachedInformation, 'message', {}),
  sample(message.SetMessageStatus, 'folder', ({ messageId }) => ({
    ...{ messageId, messageStatusFlags: 2, messageStatusMask: 2 },
  })),
  sample(message.GetMessageStatus, 'folder', ({ messageId }) => ({ messageId })),
  sample(message.SetReadFlags, 'folder', (scene) => ({ ...someMessages(scene), readFlags: 0 })),
  sample(message.SetMessageReadFlag, 'message', { readFlags: 0 }),
  sample(message.OpenEmbeddedMessage, 'embedding', { codePageId: 0xfff, openModeFlags: 0 }),
  sample(attachment.OpenAttachment, 'message', { openAttachmentFlags: 0, attachmentId: 0 }),
  sample(attachment.CreateAttachment, 'message', {}),
  sample(attachment.DeleteAttachment, 'message', { attachmentId: 0 }),
  sample(attachment.SaveChangesAttachment, 'attachment', { saveFlags: 0x0a }),
  sample(attachment.GetAttachmentTable, 'message', { tableFlags: 0 }),

  // Properties.
  sample(property.GetPropertyIdsFromNames, 'logon', {
    ...{ flags: 2, propertyNames: [{ guid: LONG_TERM_ID.guid, name: 'Sample' }] },
  }),
  sample(property.GetNamesFromPropertyIds, 'logon', { propertyIds: [0x37] }),
  sample(property.GetPropertiesSpecific, 'message', {
    ...{ propertySizeLimit: 0, wantUnicode: true, propertyTags: [PidTag.Subject] },
  }),
  sample(property.GetPropertiesAll, 'message', { propertySizeLimit: 0, wantUnicode: true }),
  sample(property.GetPropertiesList, 'message', {}),
  sample(property.SetProperties, 'message', setSubject),
  sample(property.SetPropertiesNoReplicate, 'message', setSubject),
  sample(property.DeleteProperties, 'message', { propertyTags: [PidTag.Subject] }),
  sample(property.DeletePropertiesNoReplicate, 'message', { propertyTags: [PidTag.Subject] }),
  sample(property.QueryNamedProperties, 'logon', { queryFlags: 0, hasGuid: false }),
  sample(property.CopyProperties, 'message', {
    ...{ wantAsynchronous: false, copyFlags: 0, propertyTags: [PidTag.Subject] },
  }),
  sample(property.CopyTo, 'message', {
    ...{ wantAsynchronous: false, wantSubObjects: true, copyFlags: 0, excludedTags: [] },
  }),
  sample(property.Progress, 'folder', { wantCancel: false }),

  // Streams.
  sample(stream.OpenStream, 'message', { propertyTag: PidTag.Subject, openModeFlags: 0 }),
  sample(stream.ReadStream, 'stream', { byteCount: 4 }),
  sample(stream.WriteStream, 'stream', data),
  sample(stream.WriteStreamExtended, 'stream', data),
  sample(stream.CommitStream, 'stream', {}),
  sample(stream.GetStreamSize, 'stream', {}),
  sample(stream.SetStreamSize, 'stream', { streamSize: 2n }),
  sample(stream.SeekStream, 'stream', { origin: 0, offset: 1n }),
  sample(stream.CopyToStream, 'stream', { byteCount: 4n }),
  sample(stream.LockRegionStream, 'stream', REGION),
  sample(stream.UnlockRegionStream, 'stream', REGION),
  sample(stream.WriteAndCommitStream, 'stream', data),
  sample(stream.CloneStream, 'stream', {}),

  // Permissions, rules and notifications.
  sample(permission.ModifyPermissions, 'folder', { modifyFlags: 0, permissionsData: [] }),
  sample(permission.GetPermissionsTable, 'folder', { tableFlags: 0 }),
  sample(permission.ModifyRules, 'folder', { modifyRulesFlags: 0, rulesData: [] }),
  sample(permission.GetRulesTable, 'folder', { tableFlags: 0 }),
  sample(permission.UpdateDeferredActionMessages, 'logon', { serverEntryId: data.data, clientEntryId: data.data }),
  sample(RegisterNotification, 'logon', { notificationTypes: 4, wantWholeStore: true }),

  // Sending.
  sample(transport.SubmitMessage, 'message', { submitFlags: 0 }),
  sample(transport.AbortSubmit, 'logon', ({ messageId }) => ({ folderId: INBOX, messageId })),
  sample(transport.GetAddressTypes, 'logon', {}),
  sample(transport.SetSpooler, 'logon', {}),
  sample(transport.SpoolerLockMessage, 'logon', ({ messageId }) => ({ messageId, lockState: 0 })),
  sample(transport.TransportSend, 'message', {}),
  sample(transport.TransportNewMail, 'logon', ({ messageId }) => ({
    ...{ messageId, folderId: INBOX, messageClass: 'IPM.Note', messageFlags: 0 },
  })),
  sample(transport.GetTransportFolder, 'logon', {}),
  sample(transport.OptionsData, 'logon', { addressType: 'SMTP', wantWin32: true }),

  ...SYNCHRONIZATION_SAMPLES,
];
