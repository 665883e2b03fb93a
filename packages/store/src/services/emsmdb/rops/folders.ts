import type { Folder } from '../../../mailbox/model.ts';
import { Right } from '../../../mailbox/permissions.ts';
import { ErrorCode, StoreError } from '../../../mapi/error-code.ts';
import type { ObjectId } from '../../../mapi/object-id.ts';
import { PidTag } from '../../../mapi/property-tags.ts';
import { FolderType } from '../../../mapi/property-values.ts';
import {
  CopyFolder,
  CreateFolder,
  DeleteFolder,
  DeleteFolderFlags,
  MoveFolder,
  OpenFolder,
  OpenFolderFlags,
} from '../../../mapi/rops/folder.ts';
import type { Logon } from '../logon.ts';
import { folderOf } from '../narrow.ts';
import { FolderObject } from '../objects/folder-object.ts';
import { has, maySee } from '../rights.ts';
import { on } from '../rop-context.ts';

const KNOWN_DELETE_FLAGS =
  DeleteFolderFlags.DelMessages | DeleteFolderFlags.DelFolders | DeleteFolderFlags.DeleteHardDelete;

/** [MS-OXCFOLD] 3.2.5.1. */
const openFolder = on(OpenFolder, (context, { folderId, openModeFlags }) => {
  const { logon } = context;
  const { id } = logon.folder(logon.counter(folderId), (openModeFlags & OpenFolderFlags.OpenSoftDeleted) !== 0);
  context.open(new FolderObject(logon, id, logon.store.folders.get(id) === undefined));
  return { hasRules: false, isGhosted: false };
});

/** [MS-OXCFOLD] 3.2.5.2. */
const createFolder = on(CreateFolder, (context, request) => {
  const { logon } = context;
  const parent = folderOf(context.object);
  const { folderType: type, displayName: name } = request;
  if (type !== FolderType.Generic && type !== FolderType.Search)
    throw new StoreError(ErrorCode.InvalidParam, `folder type ${type}`);
  logon.folder(parent.id);
  const existing = request.openExisting ? logon.store.folders.childNamed(parent.id, name) : undefined;
  // One that he may not see is as one that is not there.
  if (existing !== undefined && maySee(logon.rights(existing.id))) {
    context.open(new FolderObject(logon, existing.id));
    return { folderId: logon.id(existing.id), isExistingFolder: true, hasRules: false, isGhosted: false };
  }
  logon.require(parent.id, Right.CreateSubfolder, ErrorCode.NoCreateSubfolderRight);
  if (type === FolderType.Search && !logon.isOwner) throw logon.deny('search folders are the owner’s to make', {});
  const properties = new Map(request.comment === '' ? [] : [[PidTag.Comment, request.comment] as const]);
  const { id } = logon.store.folders.create(parent.id, { name, type, properties });
  context.open(new FolderObject(logon, id));
  return { folderId: logon.id(id), isExistingFolder: false };
});

/** [MS-OXCFOLD] 3.2.5.3: all of it or nothing. For good, one that is soft-deleted already too. */
const deleteFolder = on(DeleteFolder, ({ logon, object }, { deleteFolderFlags: flags, folderId }) => {
  if ((flags & ~KNOWN_DELETE_FLAGS) !== 0) throw new StoreError(ErrorCode.InvalidParam, `flags ${flags}`);
  const hard = (flags & DeleteFolderFlags.DeleteHardDelete) !== 0;
  const folder = childOf(logon, folderOf(object), folderId, hard);
  if (!isDeleted(logon, folder)) logon.require(folder.id, Right.FolderOwner);
  // What a search folder shows lies elsewhere, and stays there.
  const hasMessages = folder.type !== FolderType.Search && folder.contentCount + folder.associatedCount > 0;
  if (
    (hasMessages && (flags & DeleteFolderFlags.DelMessages) === 0) ||
    (folder.subfolderCount > 0 && (flags & DeleteFolderFlags.DelFolders) === 0) ||
    !ownsAllBelow(logon, folder)
  ) {
    return { partialCompletion: true };
  }
  logon.store.folders.delete(folder.id, hard);
  return { partialCompletion: false };
});

/** [MS-OXCFOLD] 3.2.5.7. From among the soft-deleted folders it recovers. */
const moveFolder = on(MoveFolder, (context, request) => {
  const { logon } = context;
  const folder = childOf(logon, folderOf(context.object), request.folderId, true);
  const to = folderOf(context.other(request.destHandleIndex, ErrorCode.DstNullObject));
  if (!isDeleted(logon, folder)) logon.require(folder.id, Right.FolderOwner);
  logon.require(to.id, Right.CreateSubfolder);
  logon.store.folders.move(folder.id, to.id, request.newFolderName === '' ? folder.name : request.newFolderName);
  return { partialCompletion: false };
});

/** [MS-OXCFOLD] 3.2.5.8, of a soft-deleted folder too. Who may not read a folder below it copies none of them. */
const copyFolder = on(CopyFolder, (context, request) => {
  const { logon } = context;
  const folder = childOf(logon, folderOf(context.object), request.folderId, true);
  const to = folderOf(context.other(request.destHandleIndex, ErrorCode.DstNullObject));
  if (!isDeleted(logon, folder)) logon.require(folder.id, Right.ReadAny);
  logon.require(to.id, Right.CreateSubfolder);
  const deep = request.wantRecursive && hasRightsBelow(logon, folder, Right.ReadAny);
  const name = request.newFolderName === '' ? folder.name : request.newFolderName;
  logon.store.folders.copy(folder.id, to.id, name, deep);
  return { partialCompletion: request.wantRecursive && !deep };
});

/** A folder that the caller may see directly below another, or `withDeleted` that was deleted from there. Throws NotFound. */
function childOf(logon: Logon, parent: FolderObject, id: ObjectId, withDeleted: boolean): Folder {
  const folder = logon.folder(logon.counter(id), withDeleted);
  if (folder.parent !== parent.id) throw new StoreError(ErrorCode.NotFound, `folder ${folder.id} is elsewhere`);
  return folder;
}

/** Whether a folder is soft-deleted, and so the owner's to do with what he likes. */
function isDeleted(logon: Logon, { id }: Folder): boolean {
  return logon.store.folders.get(id) === undefined;
}

/** Whether everything below a folder is the caller's to delete. */
export function ownsAllBelow(logon: Logon, folder: Folder): boolean {
  return hasRightsBelow(logon, folder, Right.FolderOwner);
}

function hasRightsBelow(logon: Logon, folder: Folder, rights: number): boolean {
  if (logon.isOwner || folder.subfolderCount === 0) return true;
  return logon.store.folders.children(folder.id, true).every((below) => has(logon.rights(below.folder.id), rights));
}

export const FOLDER_HANDLERS = [openFolder, createFolder, deleteFolder, moveFolder, copyFolder];
