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

/** [MS-OXCFOLD] 3.2.5.6. */
const moveCopyMessages = on(MoveCopyMessages, (context, { destHandleIndex, messageIds, wantCopy }) => {
  const { logon } = context;
  const from = folderOf(context.object);
  const to = folderOf(context.other(destHandleIndex, ErrorCode.DstNullObject));
  logon.folder(from.id);
  logon.require(to.id, Right.Create);
  const { messages } = logon.store;
  const ids = wantCopy
    ? permitted(logon, from.id, messageIds, 0, 0)
    : permitted(logon, from.id, messageIds, Right.DeleteAny, Right.DeleteOwned);
  const done = wantCopy ? messages.copy(from.id, ids, to.id) : messages.move(from.id, ids, to.id);
  return { partialCompletion: done < messageIds.length };
});

/** [MS-OXCFOLD] 3.2.5.10, 3.2.5.11: deleted is deleted; there is no place for what could be restored. */
function deleteMessages({ logon, object }: RopContext, request: { readonly messageIds: readonly ObjectId[] }) {
  const folder = folderOf(object);
  logon.folder(folder.id);
  const ids = permitted(logon, folder.id, request.messageIds, Right.DeleteAny, Right.DeleteOwned);
  const done = logon.store.messages.delete(folder.id, ids);
  return { partialCompletion: done < request.messageIds.length };
}

/** [MS-OXCFOLD] 3.2.5.9, 3.2.5.12: the folders below go too. */
function emptyFolder({ logon, object }: RopContext, request: { readonly wantDeleteAssociated: boolean }) {
  const folder = folderOf(object);
  logon.require(folder.id, Right.DeleteAny);
  if (logon.folder(folder.id).type === FolderType.Search)
    throw new StoreError(ErrorCode.NotSupported, 'a search folder');
  const { folders, messages } = logon.store;
  return logon.store.transaction(() => {
    messages.delete(folder.id, messages.ids(folder.id, false));
    if (request.wantDeleteAssociated) messages.delete(folder.id, messages.ids(folder.id, true));
    let partialCompletion = false;
    for (const { folder: below } of folders.children(folder.id)) {
      if (has(logon.rights(below.id), Right.FolderOwner) && ownsAllBelow(logon, below) && deleted(below.id)) continue;
      partialCompletion = true;
    }
    return { partialCompletion };
  });

  /** False of one of the mailbox's own folders, which stay. */
  function deleted(id: number): boolean {
    try {
      folders.delete(id);
      return true;
    } catch (error) {
      if (error instanceof StoreError) return false;
      throw error;
    }
  }
}

export const FOLDER_CONTENTS_HANDLERS = [
  moveCopyMessages,
  on(DeleteMessages, deleteMessages),
  on(HardDeleteMessages, deleteMessages),
  on(EmptyFolder, emptyFolder),
  on(HardDeleteMessagesAndSubfolders, emptyFolder),
];
