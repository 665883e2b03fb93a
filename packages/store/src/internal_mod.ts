/** The second door of @rpch/store: what the testkit uses of it, its soaks, fuzz targets and benches; users should not lean on it. */
export type { DirectoryEntry } from './directory/model.ts';
export { organizationOf, recipientDn } from './directory/organization.ts';
export { DirectorySnapshot } from './directory/snapshot.ts';
export { MailConverter } from './import/convert/mail-converter.ts';
export { FolderId } from './mailbox/folder-ids.ts';
export type { MessageContent, PropertyNames } from './mailbox/model.ts';
export { type AuxBlock, readAuxBlocks, writeAuxBlocks } from './mapi/aux-blocks.ts';
export { formEntryId, parseEntryId } from './mapi/entry-id.ts';
export { errorName, StoreError } from './mapi/error-code.ts';
export { MAX_PAYLOAD, readExtendedBuffers, writeExtendedBuffer, writeExtendedBuffers } from './mapi/extended-buffer.ts';
export { Right } from './mapi/folder-rights.ts';
export { compress } from './mapi/lz77.ts';
export { type ObjectId, objectId } from './mapi/object-id.ts';
export type { PropertyTag, PropertyValue } from './mapi/property.ts';
export type { PropertyName } from './mapi/property-name.ts';
export { PidTag } from './mapi/property-tags.ts';
export { type Restriction, readRestriction, writeRestriction } from './mapi/restriction.ts';
export { compileRestriction } from './mapi/restriction-match.ts';
export { NO_HANDLE, readRopBuffer, writeRopBuffer } from './mapi/rop-buffer.ts';
export { ROPS } from './mapi/rops/all.ts';
export { CreateAttachment, GetAttachmentTable, SaveChangesAttachment } from './mapi/rops/attachment.ts';
export {
  CreateFolder,
  DeleteMessages,
  EmptyFolder,
  GetContentsTable,
  GetHierarchyTable,
  MoveCopyMessages,
  OpenFolder,
} from './mapi/rops/folder.ts';
export {
  CreateMessage,
  ModifyRecipients,
  OpenEmbeddedMessage,
  OpenMessage,
  SaveChangesMessage,
  SetReadFlags,
} from './mapi/rops/message.ts';
export { RegisterNotification } from './mapi/rops/notification.ts';
export { GetPermissionsTable, ModifyPermissions, ModifyPermissionsFlags, RowFlags } from './mapi/rops/permission.ts';
export {
  GetPropertiesAll,
  GetPropertiesSpecific,
  GetPropertyIdsFromNames,
  QueryNamedProperties,
  SetProperties,
} from './mapi/rops/property.ts';
export { readRops } from './mapi/rops/read-rops.ts';
export type { AnyRequest, AnyRop, RequestOf, ResponseOf } from './mapi/rops/rop.ts';
export { IdFromLongTermId, Logon, LogonFlags, LogonOpenFlags } from './mapi/rops/store.ts';
export { OpenStream, ReadStream, SeekStream, SetStreamSize, WriteStream } from './mapi/rops/stream.ts';
export {
  ExpandRow,
  FindRow,
  GetCollapseState,
  QueryRows,
  Restrict,
  SeekRow,
  SetColumns,
  SortTable,
} from './mapi/rops/table.ts';
export { parsePredecessorChangeList, parseXid } from './mapi/xid.ts';
