import { MAX_ATTACHMENTS } from '../../../mailbox/limits.ts';
import { fileTime } from '../../../mailbox/mailbox-context.ts';
import { ErrorCode, StoreError } from '../../../mapi/error-code.ts';
import type { PropertyTag, PropertyValue } from '../../../mapi/property.ts';
import { PidTag } from '../../../mapi/property-tags.ts';
import {
  CreateAttachment,
  DeleteAttachment,
  OpenAttachment,
  OpenAttachmentFlags,
  SaveChangesAttachment,
} from '../../../mapi/rops/attachment.ts';
import { SAVE_FLAGS_MASK, SaveFlags } from '../../../mapi/rops/message.ts';
import { attachmentOf, messageOf } from '../narrow.ts';
import { on } from '../rop-context.ts';

/** What a new attachment has ([MS-OXCMSG] 3.2.5.12). */
const NEW_SIZE = 0x40;
const NOT_RENDERED = -1;

/** [MS-OXCMSG] 3.2.5.11. */
const openAttachment = on(OpenAttachment, (context, { openAttachmentFlags: mode, attachmentId }) => {
  const message = messageOf(context.object);
  if (mode > OpenAttachmentFlags.BestAccess) throw new StoreError(ErrorCode.InvalidParam, `mode ${mode}`);
  if (mode === OpenAttachmentFlags.ReadWrite) message.requireWritable();
  const writable = mode !== OpenAttachmentFlags.ReadOnly && message.writable;
  context.open(message.openAttachment(attachmentId, writable));
  return {};
});

/** [MS-OXCMSG] 3.2.5.12. */
const createAttachment = on(CreateAttachment, (context) => {
  const message = messageOf(context.object);
  if (message.attachmentNumbers.length >= MAX_ATTACHMENTS) {
    throw new StoreError(ErrorCode.MaxAttachmentExceeded, `${MAX_ATTACHMENTS} attachments`);
  }
  const attachment = message.createAttachment();
  const now = fileTime(context.services.now());
  const defaults: readonly (readonly [PropertyTag, PropertyValue])[] = [
    [PidTag.AttachSize, NEW_SIZE],
    [PidTag.RenderingPosition, NOT_RENDERED],
    [PidTag.CreationTime, now],
    [PidTag.LastModificationTime, now],
  ];
  context.open(attachment);
  for (const [tag, value] of defaults) attachment.put(tag, value);
  return { attachmentId: attachment.number };
});

/** [MS-OXCMSG] 3.2.5.13. */
const deleteAttachment = on(DeleteAttachment, ({ object }, { attachmentId }) => {
  messageOf(object).deleteAttachment(attachmentId);
  return {};
});

/** [MS-OXCMSG] 3.2.5.15: it is the message's now, and stored when that is saved. */
const saveChangesAttachment = on(SaveChangesAttachment, ({ object }, { saveFlags }) => {
  const flags = saveFlags & SAVE_FLAGS_MASK;
  const write = (flags & (SaveFlags.KeepOpenReadWrite | SaveFlags.ForceSave)) !== 0;
  attachmentOf(object).save(write ? 'write' : 'read');
  return {};
});

export const ATTACHMENT_HANDLERS = [openAttachment, createAttachment, deleteAttachment, saveChangesAttachment];
