import { Right } from '../../../mailbox/permissions.ts';
import { ErrorCode, StoreError } from '../../../mapi/error-code.ts';
import type { ObjectId } from '../../../mapi/object-id.ts';
import { FolderType } from '../../../mapi/property-values.ts';
import {
  DeleteMessages,
  EmptyFolder,
  HardDeleteMessages,
  HardDeleteMessagesAndSubfolders,
  MoveCopyMessages,
} from '../../../mapi/rops/folder.ts';
import { folderOf } from '../narrow.ts';
import { permitted } from '../ownership.ts';
import { has } from '../rights.ts';
import { on, type RopContext } from '../rop-context.ts';
import { ownsAllBelow } from './folders.ts';

/** [MS-OXCFOLD] 3.2.5.6. From among the soft-deleted messages of a folder it recovers, into that folder too. */
const moveCopyMessages = on(MoveCopyMessages, (context, { destHandleIndex, messageIds, wantCopy }) => {
  const { logon } = context;
  const from = folderOf(context.object);
  const to = folderOf(context.other(destHandleIndex, ErrorCode.DstNullObject));
  logon.folder(from.id, from.deleted);
  logon.require(to.id, Right.Create);
  const { messages } = logon.store;
  const ids = wantCopy
    ? permitted(logon, from.id, messageIds, 0, 0, true)
    : permitted(logon, from.id, messageIds, Right.DeleteAny, Right.DeleteOwned, true);
  const done = wantCopy ? messages.copy(from.id, ids, to.id) : messages.move(from.id, ids, to.id);
  return { partialCompletion: done < messageIds.length };
});

/** [MS-OXCFOLD] 3.2.5.11, 3.2.5.12: with `hard`, what is soft-deleted already goes too. */
function deleteMessages(
  { logon, object }: RopContext,
  { messageIds }: { readonly messageIds: readonly ObjectId[] },
  hard: boolean,
) {
  const folder = folderOf(object);
  logon.folder(folder.id, folder.deleted && hard);
  const ids = permitted(logon, folder.id, messageIds, Right.DeleteAny, Right.DeleteOwned, hard);
  const done = logon.store.messages.delete(folder.id, ids, hard);
  return { partialCompletion: done < messageIds.length };
}

/** [MS-OXCFOLD] 3.2.5.9, 3.2.5.10: the folders below go too. */
function emptyFolder(
  { logon, object }: RopContext,
  request: { readonly wantDeleteAssociated: boolean },
  hard: boolean,
) {
  const folder = folderOf(object);
  logon.require(folder.id, Right.DeleteAny);
  if (logon.folder(folder.id).type === FolderType.Search)
    throw new StoreError(ErrorCode.NotSupported, 'a search folder');
  const { folders, messages } = logon.store;
  return logon.store.transaction(() => {
    for (const associated of request.wantDeleteAssociated ? [false, true] : [false]) {
      messages.delete(folder.id, messages.ids(folder.id, associated), hard);
      if (hard) messages.delete(folder.id, messages.ids(folder.id, associated, true), hard);
    }
    let partialCompletion = false;
    if (hard && logon.isOwner) {
      for (const { folder: below } of folders.children(folder.id, false, true)) folders.delete(below.id, hard);
    }
    for (const { folder: below } of folders.children(folder.id)) {
      if (has(logon.rights(below.id), Right.FolderOwner) && ownsAllBelow(logon, below) && deleted(below.id)) continue;
      partialCompletion = true;
    }
    return { partialCompletion };
  });

  /** False of one of the mailbox's own folders, which stay. */
  function deleted(id: number): boolean {
    try {
      folders.delete(id, hard);
      return true;
    } catch (error) {
      if (error instanceof StoreError) return false;
      throw error;
    }
  }
}

export const FOLDER_CONTENTS_HANDLERS = [
  moveCopyMessages,
  on(DeleteMessages, (context, request) => deleteMessages(context, request, false)),
  on(HardDeleteMessages, (context, request) => deleteMessages(context, request, true)),
  on(EmptyFolder, (context, request) => emptyFolder(context, request, false)),
  on(HardDeleteMessagesAndSubfolders, (context, request) => emptyFolder(context, request, true)),
];
