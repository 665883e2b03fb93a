/** A MAPI client: a session with an information store, the mailbox behind it, and the address book. */

export { ErrorCode } from '../mapi/error-code.ts';
export { Right } from '../mapi/folder-rights.ts';
export { counterOf, type ObjectId, OWN_REPLID, objectId, replidOf } from '../mapi/object-id.ts';
export type { Properties, PropertyTag, PropertyValue } from '../mapi/property.ts';
export { PidTag } from '../mapi/property-tags.ts';
export { AttachMethod, MessageFlag } from '../mapi/property-values.ts';
export { BitmapRelOp, FuzzyHigh, FuzzyLow, type Restriction } from '../mapi/restriction.ts';
export { SortDirection, type SortOrder } from '../mapi/sort-order.ts';
export { htmlToText } from '../text/html-text.ts';
export {
  AddressBook,
  type AddressBookOptions,
  type AddressEntry,
  type NspiCalls,
  type Resolution,
} from './address-book.ts';
export type { Attachment, AttachmentInfo } from './attachment.ts';
export { type DefaultFolder, defaultFolders, visibleFolders } from './default-folders.ts';
export {
  deletedMessages,
  deleteMessages,
  type MessageState,
  type MoveOutcome,
  moveMessages,
  type Whereabouts,
  whereabouts,
} from './deleted-messages.ts';
export { dateOf } from './file-time.ts';
export {
  type ContentsQuery,
  type FolderInfo,
  Mailbox,
  type MailboxOptions,
  type SpecialFolder,
} from './mailbox.ts';
export { MapiError } from './mapi-error.ts';
export { Message, type RecipientInfo } from './message.ts';
export { type OpenedMailbox, type OpenMailboxOptions, openMailbox } from './open-mailbox.ts';
export {
  changePermissions,
  type FolderPermission,
  type PermissionChange,
  type PermissionsOptions,
  readPermissions,
} from './permissions.ts';
export { numberOf, objectIdOf, type PropertyResult, textOf } from './property-result.ts';
export { type RemoteObject, readProperty, type StreamOptions } from './property-stream.ts';
export { addressBookServer, mailboxServer, type RfrCalls } from './referral.ts';
export { RopAnswer, RopBatch } from './rop-batch.ts';
export {
  MAPI_PORTS,
  type MapiPorts,
  type MapiServers,
  type MapiService,
  type Reach,
  RpcServers,
  type RpcServersOptions,
} from './servers.ts';
export {
  type EmsmdbCalls,
  MapiSession,
  type MapiSessionOptions,
  type SessionCallOptions,
} from './session.ts';
export type { TableQuery } from './table-reader.ts';
