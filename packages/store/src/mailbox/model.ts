import type { Counter } from '../mapi/object-id.ts';
import type { MutableProperties, Properties, PropertyTag, PropertyValue } from '../mapi/property.ts';
import type { PropertyName } from '../mapi/property-name.ts';

/** What a mailbox is, written once when it is made. */
export interface MailboxInfo {
  /** MailboxGuid of RopLogon. */
  readonly guid: string;
  /** The replica GUID behind REPLID 1, of every id that this store makes. */
  readonly replicaGuid: string;
  /** The mapping signature of the mailbox's named properties. */
  readonly mappingSignature: string;
  /** The account whose mailbox it is, in canonical form. */
  readonly account: string;
}

/** A folder as it is stored; counts are kept beside it, never counted. */
export interface Folder {
  readonly id: Counter;
  readonly parent: Counter;
  readonly name: string;
  /** PidTagFolderType: 0 root, 1 generic, 2 search. */
  readonly type: number;
  readonly changeNumber: Counter;
  /** Messages that are not associated, and those of them that are unread. */
  readonly contentCount: number;
  readonly unreadCount: number;
  readonly associatedCount: number;
  readonly subfolderCount: number;
  /** Bytes of all messages. */
  readonly size: number;
}

/** A recipient of a message. */
export interface Recipient {
  /** PidTagRowid: names the row in RopModifyRecipients. */
  readonly rowId: number;
  /** RecipientType with its flags: 0 originator, 1 To, 2 Cc, 3 Bcc. */
  readonly type: number;
  /** All others, PidTagDisplayName, PidTagAddressType, PidTagEmailAddress, PidTagEntryId and such. */
  readonly properties: Properties;
}

/** An attachment in full. */
export interface AttachmentContent {
  /** PidTagAttachNumber. */
  readonly number: number;
  readonly properties: Properties;
  /** The message that a PidTagAttachMethod of 5 embeds. */
  readonly embedded?: MessageContent;
}

/** A message in full, as imports make it and embedded messages are. */
export interface MessageContent {
  readonly properties: Properties;
  readonly recipients: readonly Recipient[];
  readonly attachments: readonly AttachmentContent[];
}

/** Properties of which the large values stay in the store until they are asked for. */
export interface StoredProperties {
  /** All but the large ones, what is computed included. */
  readonly properties: MutableProperties;
  /** Large values (more than LARGE_VALUE bytes): their lengths in bytes as a stream has them ([MS-OXCPRPT] 2.2.14). */
  readonly large: ReadonlyMap<PropertyTag, number>;
}

/** Where a message is. */
export interface MessagePlace {
  /** Its folder, or the one from which it was soft-deleted. */
  readonly folder: Counter;
  /** Whether it belongs to the folder's associated contents (FAI). */
  readonly associated: boolean;
  readonly deleted: boolean;
}

/** A message as it is stored, without its large values. */
export interface StoredMessage extends StoredProperties {
  readonly id: Counter;
  readonly folder: Counter;
  /** Whether it belongs to the folder's associated contents (FAI). */
  readonly associated: boolean;
  readonly changeNumber: Counter;
  readonly recipients: readonly Recipient[];
  readonly attachments: readonly StoredAttachment[];
}

/** An attachment as it is stored, without its large values. */
export interface StoredAttachment extends StoredProperties {
  readonly number: number;
  readonly embeds: boolean;
}

/** What RopSaveChangesMessage stores: the difference to what is stored already. */
export interface MessageChange {
  /** The message that is changed; without it one is made, with the id of `newId` if that is given. */
  readonly id?: Counter;
  readonly newId?: Counter;
  readonly folder: Counter;
  readonly associated: boolean;
  /** The change number that the message had when it was opened; saving fails with ObjectModified if it has another. Without it saving overwrites. */
  readonly expected?: Counter;
  readonly set: Properties;
  readonly remove?: readonly PropertyTag[];
  /** All recipients; left out where they are as they were. */
  readonly recipients?: readonly Recipient[];
  readonly attachments?: readonly AttachmentChange[];
  readonly removedAttachments?: readonly number[];
}

/** What is changed of an attachment, or a new one. */
export interface AttachmentChange {
  readonly number: number;
  readonly set: Properties;
  readonly remove?: readonly PropertyTag[];
  /** The embedded message in full; left out where it is as it was. */
  readonly embedded?: MessageContent;
}

/** What saving a message gives it. */
export interface SavedMessage {
  readonly id: Counter;
  readonly changeNumber: Counter;
}

/** One member of a folder's permission list ([MS-OXCPERM] 2.2.4). */
export interface Permission {
  /** PidTagMemberId: 0 default, -1 (as u64) anonymous, others counted from 1. */
  readonly memberId: bigint;
  /** The account in canonical form; empty for default and anonymous. */
  readonly account: string;
  /** PidTagMemberName. */
  readonly name: string;
  /** PidTagMemberRights. */
  readonly rights: number;
}

/** Where messages of a class go. */
export interface ReceiveFolder {
  readonly messageClass: string;
  readonly folder: Counter;
  /** FILETIME. */
  readonly modified: bigint;
}

/** What has happened in a mailbox: for notifications, and for the tables of other sessions. */
export interface MailboxEvent {
  readonly kind: 'new-mail' | 'created' | 'deleted' | 'modified' | 'moved' | 'copied' | 'search-complete';
  readonly folder: Counter;
  /** Left out where the folder itself is meant. */
  readonly message?: Counter;
  readonly parent?: Counter;
  readonly oldFolder?: Counter;
  /** The parent that a folder had before it was moved, or that the folder copied has. */
  readonly oldParent?: Counter;
  readonly oldMessage?: Counter;
  readonly tags?: readonly PropertyTag[];
  /** The search folder that a message has come into, is gone from or stands in; `folder` is where the message lies. */
  readonly search?: Counter;
}

/**
 * A mailbox: everything a logon works on. Synchronous, because a worker thread runs it; each method is one transaction, and
 * `transaction` makes one of several. What the caller got wrong throws a StoreError with the MAPI code of the answer
 * (mapi/error-code.ts); who may do it is not asked here but in services/emsmdb, by {@link MailboxStore.rights}.
 */
export interface MailboxStore {
  readonly info: MailboxInfo;
  transaction<T>(work: () => T): T;
  /** Properties of the store object (RopLogon), what is computed included. */
  storeProperties(): MutableProperties;
  setStoreProperties(set: Properties): void;
  deleteStoreProperties(tags: readonly PropertyTag[]): void;
  readonly folders: FolderStore;
  readonly messages: MessageStore;
  readonly names: PropertyNames;
  readonly receiveFolders: ReceiveFolders;
  /** Told after each transaction that is committed. Returns what ends it. */
  subscribe(listener: (events: readonly MailboxEvent[]) => void): () => void;
  close(): void;
}

/** A folder below another, and how deep. */
export interface FolderPlace {
  readonly folder: Folder;
  readonly depth: number;
}

/** The folders of a mailbox. */
export interface FolderStore {
  /** Undefined where there is none, or, if not `withDeleted`, only a soft-deleted one. */
  get(id: Counter, withDeleted?: boolean): Folder | undefined;
  /**
   * Folders below a folder, in order of their names; with `deep` all descendants, parents before their children, with their depth from 1.
   * With `deleted` those that were soft-deleted from it, and so on.
   */
  children(id: Counter, deep?: boolean, deleted?: boolean): readonly FolderPlace[];
  childNamed(parent: Counter, name: string): Folder | undefined;
  /** Stored and computed properties, of one that is soft-deleted too. Throws NotFound. */
  properties(id: Counter): MutableProperties;
  setProperties(id: Counter, set: Properties): void;
  deleteProperties(id: Counter, tags: readonly PropertyTag[]): void;
  /** Throws DuplicateName, NotFound (parent). */
  create(
    parent: Counter,
    folder: { readonly name: string; readonly type: number; readonly properties?: Properties },
  ): Folder;
  /**
   * Soft deletes a folder with all that is in it, unless the mailbox keeps nothing that was deleted; with `hard` deletes it for good,
   * one that is soft-deleted already too. What search folders have is not in them: they are always deleted for good.
   */
  delete(id: Counter, hard?: boolean): void;
  /** Moves and copies take a soft-deleted folder too, which is not deleted where it arrives. */
  move(id: Counter, parent: Counter, name: string): void;
  copy(id: Counter, parent: Counter, name: string, deep: boolean): Folder;
  permissions(id: Counter): readonly Permission[];
  setPermissions(id: Counter, permissions: readonly Omit<Permission, 'memberId'>[] | readonly Permission[]): void;
  /** PidTagRights of an account in a folder: the owner's are all; of others what the list says, else what it says by default. */
  rights(id: Counter, account: string | undefined): number;
  /** Whether an account has one of these rights in some folder. */
  mayAnywhere(account: string, rights: number): boolean;
}

/** The messages of a mailbox. */
export interface MessageStore {
  /** One that is soft-deleted too, as all that reads a message by its id. */
  get(id: Counter): StoredMessage | undefined;
  /** Where a message is, without reading it; one that is soft-deleted only `withDeleted`. */
  locate(id: Counter, withDeleted?: boolean): MessagePlace | undefined;
  /** A large value, or a small one. */
  value(id: Counter, tag: PropertyTag): PropertyValue | undefined;
  attachmentValue(id: Counter, attachment: number, tag: PropertyTag): PropertyValue | undefined;
  /** The embedded message of an attachment, in full. */
  embedded(id: Counter, attachment: number): MessageContent | undefined;
  /** Throws ObjectModified, NotFound. */
  save(change: MessageChange): SavedMessage;
  /** Stores a whole new message: imports. `original` is kept as it is and given back by {@link original}. */
  add(
    folder: Counter,
    content: MessageContent,
    options?: { readonly associated?: boolean; readonly original?: Uint8Array },
  ): SavedMessage;
  /** The bytes that a message was imported from. */
  original(id: Counter): Uint8Array | undefined;
  setRead(id: Counter, read: boolean): boolean;
  status(id: Counter): number;
  setStatus(id: Counter, status: number, mask: number): number;
  /**
   * Soft deletes messages, unless the mailbox keeps nothing that was deleted; with `hard` deletes them for good, and those that are
   * soft-deleted already too. Ids that are not in that folder are passed over; the result is how many were.
   */
  delete(folder: Counter, ids: readonly Counter[], hard?: boolean): number;
  /** Copies and moves take soft-deleted messages of the folder too, which are not deleted where they arrive. */
  copy(from: Counter, ids: readonly Counter[], to: Counter): number;
  move(from: Counter, ids: readonly Counter[], to: Counter): number;
  /** Ids of a folder's messages in the order in which they came, or of those that were soft-deleted from it. */
  ids(folder: Counter, associated: boolean, deleted?: boolean): readonly Counter[];
}

/** The names and ids of a mailbox' named properties. */
export interface PropertyNames {
  /** 0 where there is none and none is to be made. Throws when all ids are used up. */
  idOf(name: PropertyName, create: boolean): number;
  nameOf(id: number): PropertyName | undefined;
  all(): readonly { readonly id: number; readonly name: PropertyName }[];
}

/** Where a mailbox' messages are delivered to, by their class. */
export interface ReceiveFolders {
  /** The longest class that is a prefix by dotted components ([MS-OXCSTOR] 3.2.5.2). */
  find(messageClass: string): ReceiveFolder | undefined;
  set(messageClass: string, folder: Counter | undefined): void;
  all(): readonly ReceiveFolder[];
}
