import { Right } from '../../../mailbox/permissions.ts';
import { ErrorCode, StoreError } from '../../../mapi/error-code.ts';
import {
  GetMessageStatus,
  ReadFlags,
  SetMessageReadFlag,
  SetMessageStatus,
  SetReadFlags,
} from '../../../mapi/rops/message.ts';
import type { Logon } from '../logon.ts';
import { folderOf, messageOf } from '../narrow.ts';
import { FolderMessage } from '../objects/folder-message.ts';
import { isOwned, permitted, visibleMessage } from '../ownership.ts';
import { on } from '../rop-context.ts';

const KNOWN =
  ReadFlags.SuppressReceipt |
  ReadFlags.ClearReadFlag |
  ReadFlags.Reserved |
  ReadFlags.GenerateReceiptOnly |
  ReadFlags.ClearNotifyRead |
  ReadFlags.ClearNotifyUnread;

/** Read, unread, or neither: flags that are about receipts alone change no state, and no receipts are sent yet ([MS-OXCMSG] 3.2.5.9). */
function readState(flags: number): boolean | undefined {
  if ((flags & ~KNOWN) !== 0) throw new StoreError(ErrorCode.InvalidParam, `read flags ${flags}`);
  if ((flags & ReadFlags.ClearReadFlag) !== 0) return false;
  const onlyReceipts = ReadFlags.GenerateReceiptOnly | ReadFlags.ClearNotifyRead | ReadFlags.ClearNotifyUnread;
  return (flags & onlyReceipts) !== 0 ? undefined : true;
}

/** [MS-OXCMSG] 3.2.5.10. ReadStatusChanged with its ClientData belongs to public folders: here it is always false. */
const setMessageReadFlag = on(SetMessageReadFlag, ({ object, logon }, { readFlags }) => {
  const message = messageOf(object);
  const read = readState(readFlags);
  if (!(message instanceof FolderMessage)) throw new StoreError(ErrorCode.NotSupported, 'an embedded message');
  const { id, folder } = message;
  if (id === undefined || read === undefined) return { readStatusChanged: false };
  logon.message(id, folder, () => isOwned(logon, logon.store, id));
  checkEdit(logon, folder, id);
  logon.store.messages.setRead(id, read);
  return { readStatusChanged: false };
});

/** [MS-OXCMSG] 3.2.5.9: without ids, all messages of the folder. */
const setReadFlags = on(SetReadFlags, ({ object, logon }, { readFlags, messageIds }) => {
  const folder = folderOf(object);
  const read = readState(readFlags);
  logon.folder(folder.id);
  const { messages } = logon.store;
  const ids = messageIds.length > 0 ? messageIds : messages.ids(folder.id, false).map((id) => logon.id(id));
  const mine = permitted(logon, folder.id, ids, Right.EditAny, Right.EditOwned);
  let done = 0;
  logon.store.transaction(() => {
    for (const id of mine) {
      if (messages.locate(id)?.folder !== folder.id && !logon.store.searches.holds(folder.id, id)) continue;
      if (read !== undefined) messages.setRead(id, read);
      done += 1;
    }
  });
  return { partialCompletion: done < ids.length };
});

/** [MS-OXCMSG] 3.2.5.7. */
const getMessageStatus = on(GetMessageStatus, ({ object, logon }, { messageId }) => {
  const { id } = visibleMessage(logon, messageId, folderOf(object).id);
  return { messageStatusFlags: logon.store.messages.status(id) };
});

const setMessageStatus = on(SetMessageStatus, ({ object, logon }, request) => {
  const { id, folder } = visibleMessage(logon, request.messageId, folderOf(object).id);
  checkEdit(logon, folder, id);
  const { messageStatusFlags, messageStatusMask } = request;
  return { messageStatusFlags: logon.store.messages.setStatus(id, messageStatusFlags, messageStatusMask) };
});

function checkEdit(logon: Logon, folder: number, id: number): void {
  if (!logon.may(folder, Right.EditAny, Right.EditOwned, () => isOwned(logon, logon.store, id))) {
    throw logon.deny('a message may not be changed', { folder, message: id });
  }
}

export const READ_STATE_HANDLERS = [setMessageReadFlag, setReadFlags, getMessageStatus, setMessageStatus];
