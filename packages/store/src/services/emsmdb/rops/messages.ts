import { fileTime } from '../../../mailbox/mailbox-context.ts';
import { Right } from '../../../mailbox/permissions.ts';
import { ErrorCode, StoreError } from '../../../mapi/error-code.ts';
import type { Counter } from '../../../mapi/object-id.ts';
import type { PropertyTag, PropertyValue } from '../../../mapi/property.ts';
import { PidTag } from '../../../mapi/property-tags.ts';
import { Access, AttachMethod, FolderType, MessageFlag } from '../../../mapi/property-values.ts';
import {
  CreateMessage,
  OpenEmbeddedMessage,
  OpenMessage,
  OpenMessageFlags,
  ReloadCachedInformation,
  SAVE_FLAGS_MASK,
  SaveChangesMessage,
  SaveFlags,
} from '../../../mapi/rops/message.ts';
import type { Logon } from '../logon.ts';
import { attachmentOf, messageOf } from '../narrow.ts';
import { EmbeddedMessage } from '../objects/embedded-message.ts';
import { FolderMessage } from '../objects/folder-message.ts';
import type { MessageObject } from '../objects/message-object.ts';
import { openedMessage } from '../opened-message.ts';
import { isOwned, visibleMessage } from '../ownership.ts';
import { on, type RopContext } from '../rop-context.ts';
import { userEntryId } from '../user-entry-id.ts';

/** OpenModeFlags of RopOpenEmbeddedMessage ([MS-OXCMSG] 2.2.3.16.1). */
const EmbeddedMode = { ReadOnly: 0, ReadWrite: 1, Create: 2 } as const;
/** How deep messages may be open within each other: as deep as they may be stored. */
const MAX_DEPTH = 16;
/** PidTagMessageFlags of a new message ([MS-OXCMSG] 3.2.5.2). */
const NEW_FLAGS = MessageFlag.Unsent | MessageFlag.Read | MessageFlag.EverRead;

/** [MS-OXCMSG] 3.2.5.1. */
const openMessage = on(OpenMessage, (context, { folderId, messageId, openModeFlags }) => {
  const { logon } = context;
  // Clients leave the folder out with an id of zero where they know the message alone.
  const folder = folderId === 0n ? undefined : logon.counter(folderId);
  const withDeleted = (openModeFlags & OpenMessageFlags.OpenSoftDeleted) !== 0;
  const found = visibleMessage(logon, messageId, folder, withDeleted);
  const owned = () => isOwned(logon, logon.store, found.id);
  // What is deleted is read and recovered, but not changed.
  const mayWrite = !found.deleted && logon.may(found.folder, Right.EditAny, Right.EditOwned, owned);
  const mode = openModeFlags & OpenMessageFlags.BestAccess;
  if (mode === OpenMessageFlags.ReadWrite && !mayWrite) {
    throw logon.deny('a message may not be changed', { folder: found.folder, message: found.id });
  }
  const stored = logon.store.messages.get(found.id);
  if (stored === undefined) throw new StoreError(ErrorCode.NotFound, `message ${found.id}`);
  const message = new FolderMessage(logon, {
    folder: found.folder,
    associated: found.associated,
    deleted: found.deleted,
    stored,
    writable: mode !== OpenMessageFlags.ReadOnly && mayWrite,
    access: () => accessOf(logon, found.folder, owned) & (found.deleted ? ~Access.Modify : ~0),
    owned,
  });
  context.open(message);
  return openedMessage(message, context.room, context.coding);
});

function accessOf(logon: Logon, folder: Counter, owned: () => boolean): number {
  const modify = logon.may(folder, Right.EditAny, Right.EditOwned, owned) ? Access.Modify : 0;
  const remove = logon.may(folder, Right.DeleteAny, Right.DeleteOwned, owned) ? Access.Delete : 0;
  return Access.Read | modify | remove;
}

/** [MS-OXCMSG] 3.2.5.2: there is nothing in the store before it is saved. */
const createMessage = on(CreateMessage, (context, { folderId, associatedFlag }) => {
  const { logon, services } = context;
  const folder = logon.counter(folderId);
  logon.require(folder, Right.Create);
  if (logon.folder(folder).type === FolderType.Search) {
    throw new StoreError(ErrorCode.NotSupported, 'a message in a search folder');
  }
  const access = () => Access.Read | Access.Modify | Access.Delete;
  const owned = () => true;
  const message = new FolderMessage(logon, { folder, associated: associatedFlag, writable: true, access, owned });
  context.open(message);
  setDefaults(message, services);
  return { hasMessageId: false };
});

/** What a new message has before anybody has set anything ([MS-OXCMSG] 3.2.5.2). */
function setDefaults(message: MessageObject, services: RopContext['services']): void {
  const now = fileTime(services.now());
  const defaults: readonly (readonly [PropertyTag, PropertyValue])[] = [
    [PidTag.MessageClass, 'IPM.Note'],
    [PidTag.Importance, 1],
    [PidTag.Sensitivity, 0],
    [PidTag.DisplayTo, ''],
    [PidTag.DisplayCc, ''],
    [PidTag.DisplayBcc, ''],
    [PidTag.MessageFlags, NEW_FLAGS],
    [PidTag.HasAttachments, false],
    [PidTag.CreationTime, now],
    [PidTag.LastModificationTime, now],
    [PidTag.SearchKey, services.random(16)],
  ];
  for (const [tag, value] of defaults) message.put(tag, value);
}

/** [MS-OXCMSG] 3.2.5.3. */
const saveChangesMessage = on(SaveChangesMessage, ({ object, logon }, { saveFlags, inputHandleIndex }) => {
  const message = messageOf(object);
  const flags = saveFlags & SAVE_FLAGS_MASK;
  const force = (flags & SaveFlags.ForceSave) !== 0;
  const keepOpen = force || (flags & SaveFlags.KeepOpenReadWrite) !== 0 ? 'write' : 'read';
  if (message instanceof FolderMessage) {
    // Rights may have been taken away since it was opened.
    checkSave(logon, message);
    stamp(logon, message);
  }
  message.save(force, keepOpen);
  const id = message instanceof FolderMessage ? message.id : undefined;
  return { inputHandleIndex, messageId: id === undefined ? 0n : logon.id(id) };
});

function checkSave(logon: Logon, message: FolderMessage): void {
  const { id, folder } = message;
  if (!message.writable) return;
  if (id === undefined) {
    logon.require(folder, Right.Create);
    return;
  }
  const owned = () => isOwned(logon, logon.store, id);
  logon.folder(folder);
  if (!logon.may(folder, Right.EditAny, Right.EditOwned, owned)) {
    throw logon.deny('a message may not be changed', { folder, message: id });
  }
}

/** Who has made and changed it ([MS-OXCMSG] 2.2.1.48 ff.). */
function stamp(logon: Logon, message: FolderMessage): void {
  if (!message.writable || !message.changed) return;
  const { displayName, legacyDn } = logon.caller;
  const entryId = userEntryId(legacyDn);
  if (message.id === undefined) {
    message.put(PidTag.CreatorName, displayName);
    message.put(PidTag.CreatorEntryId, entryId);
  }
  message.put(PidTag.LastModifierName, displayName);
  message.put(PidTag.LastModifierEntryId, entryId);
}

/** [MS-OXCMSG] 3.2.5.8. */
const reloadCachedInformation = on(ReloadCachedInformation, ({ object, room, coding }) => {
  const message = messageOf(object);
  if (message instanceof FolderMessage && !message.changed) message.reload();
  return openedMessage(message, room, coding);
});

/** [MS-OXCMSG] 3.2.5.14. */
const openEmbeddedMessage = on(OpenEmbeddedMessage, (context, { openModeFlags }) => {
  const attachment = attachmentOf(context.object);
  if (openModeFlags > EmbeddedMode.Create) throw new StoreError(ErrorCode.InvalidParam, `mode ${openModeFlags}`);
  const content = attachment.embedded();
  const create = openModeFlags === EmbeddedMode.Create;
  if (content === undefined && !create) throw new StoreError(ErrorCode.NotFound, 'no embedded message');
  if (openModeFlags !== EmbeddedMode.ReadOnly) attachment.requireWritable();
  if (attachment.depth >= MAX_DEPTH) throw new StoreError(ErrorCode.TooComplex, 'messages embedded too deeply');
  if (create) attachment.put(PidTag.AttachMethod, AttachMethod.EmbeddedMessage);
  const message = new EmbeddedMessage(attachment, content, openModeFlags !== EmbeddedMode.ReadOnly);
  context.open(message);
  if (content === undefined) setDefaults(message, context.services);
  return { messageId: 0n, ...openedMessage(message, context.room, context.coding) };
});

export const MESSAGE_HANDLERS = [
  openMessage,
  createMessage,
  saveChangesMessage,
  reloadCachedInformation,
  openEmbeddedMessage,
];
