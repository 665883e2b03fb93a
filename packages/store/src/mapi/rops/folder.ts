import { ErrorCode } from '../error-code.ts';
import type { Earlier } from './field.ts';
import { bool, objectId, reserved, u8, u16, u32 } from './primitives.ts';
import { defineRop } from './rop.ts';
import { arrayOf, when } from './structures.ts';
import { flaggedText, restrictionData, serverList } from './values.ts';

/** OpenModeFlags of RopOpenFolder ([MS-OXCFOLD] 2.2.1.1.1). */
export const OpenFolderFlags = { OpenSoftDeleted: 0x04 } as const;

/** DeleteFolderFlags ([MS-OXCFOLD] 2.2.1.3.1). */
export const DeleteFolderFlags = { DelMessages: 0x01, DelFolders: 0x04, DeleteHardDelete: 0x10 } as const;

/** TableFlags of RopGetHierarchyTable and RopGetContentsTable ([MS-OXCFOLD] 2.2.1.13.1, 2.2.1.14.1). */
export const TableFlags = {
  /** Contents. */
  Associated: 0x02,
  /** Hierarchy. */
  Depth: 0x04,
  DeferredErrors: 0x08,
  NoNotifications: 0x10,
  SoftDeletes: 0x20,
  UseUnicode: 0x40,
  /** Hierarchy. */
  SuppressesNotifications: 0x80,
  /** Contents. */
  ConversationMembers: 0x80,
} as const;

/** How RopMoveCopyMessages and its like fail: PartialCompletion remains, behind the destination's index where its handle was no object. */
const partialFailure = {
  destHandleIndex: when((earlier: Earlier) => earlier.returnValue === ErrorCode.DstNullObject, u32),
  partialCompletion: bool,
};

function nothingMoved({ destHandleIndex }: { readonly destHandleIndex: number }) {
  return { destHandleIndex, partialCompletion: false };
}

/** PartialCompletion is there whatever the return value is. */
const partialCompletion = {
  response: { partialCompletion: bool },
  failure: { fields: { partialCompletion: bool }, nothingDone: () => ({ partialCompletion: false }) },
} as const;

const openedFolder = { hasRules: bool, isGhosted: bool, servers: when('isGhosted', serverList) };

/** [MS-OXCROPS] 2.2.4.1 */
export const OpenFolder = defineRop({
  id: 0x02,
  name: 'OpenFolder',
  header: 'in+out',
  request: { folderId: objectId, openModeFlags: u8 },
  response: openedFolder,
});

/** [MS-OXCROPS] 2.2.4.2 */
export const CreateFolder = defineRop({
  id: 0x1c,
  name: 'CreateFolder',
  header: 'in+out',
  request: {
    folderType: u8,
    useUnicodeStrings: bool,
    openExisting: bool,
    reserved: reserved(u8, 0),
    displayName: flaggedText('useUnicodeStrings'),
    comment: flaggedText('useUnicodeStrings'),
  },
  response: {
    folderId: objectId,
    isExistingFolder: bool,
    hasRules: when('isExistingFolder', bool),
    isGhosted: when('isExistingFolder', bool),
    servers: when('isGhosted', serverList),
  },
});

/** [MS-OXCROPS] 2.2.4.3 */
export const DeleteFolder = defineRop({
  id: 0x1d,
  name: 'DeleteFolder',
  header: 'in',
  request: { deleteFolderFlags: u8, folderId: objectId },
  ...partialCompletion,
});

/** [MS-OXCROPS] 2.2.4.4 */
export const SetSearchCriteria = defineRop({
  id: 0x30,
  name: 'SetSearchCriteria',
  header: 'in',
  request: { restrictionData, folderIds: arrayOf(u16, objectId), searchFlags: u32 },
  response: {},
});

/** [MS-OXCROPS] 2.2.4.5 */
export const GetSearchCriteria = defineRop({
  id: 0x31,
  name: 'GetSearchCriteria',
  header: 'in',
  request: { useUnicode: bool, includeRestriction: bool, includeFolders: bool },
  response: { restrictionData, logonId: u8, folderIds: arrayOf(u16, objectId), searchFlags: u32 },
});

/** [MS-OXCROPS] 2.2.4.6 */
export const MoveCopyMessages = defineRop({
  id: 0x33,
  name: 'MoveCopyMessages',
  header: 'source+dest',
  request: { messageIds: arrayOf(u16, objectId), wantAsynchronous: bool, wantCopy: bool },
  response: { partialCompletion: bool },
  failure: { fields: partialFailure, nothingDone: nothingMoved },
});

/** [MS-OXCROPS] 2.2.4.7 */
export const MoveFolder = defineRop({
  id: 0x35,
  name: 'MoveFolder',
  header: 'source+dest',
  request: { wantAsynchronous: bool, useUnicode: bool, folderId: objectId, newFolderName: flaggedText('useUnicode') },
  response: { partialCompletion: bool },
  failure: { fields: partialFailure, nothingDone: nothingMoved },
});

/** [MS-OXCROPS] 2.2.4.8 */
export const CopyFolder = defineRop({
  id: 0x36,
  name: 'CopyFolder',
  header: 'source+dest',
  request: {
    wantAsynchronous: bool,
    wantRecursive: bool,
    useUnicode: bool,
    folderId: objectId,
    newFolderName: flaggedText('useUnicode'),
  },
  response: { partialCompletion: bool },
  failure: { fields: partialFailure, nothingDone: nothingMoved },
});

/** [MS-OXCROPS] 2.2.4.9 */
export const EmptyFolder = defineRop({
  id: 0x58,
  name: 'EmptyFolder',
  header: 'in',
  request: { wantAsynchronous: bool, wantDeleteAssociated: bool },
  ...partialCompletion,
});

/** [MS-OXCROPS] 2.2.4.10 */
export const HardDeleteMessagesAndSubfolders = defineRop({
  id: 0x92,
  name: 'HardDeleteMessagesAndSubfolders',
  header: 'in',
  request: { wantAsynchronous: bool, wantDeleteAssociated: bool },
  ...partialCompletion,
});

/** [MS-OXCROPS] 2.2.4.11 */
export const DeleteMessages = defineRop({
  id: 0x1e,
  name: 'DeleteMessages',
  header: 'in',
  request: { wantAsynchronous: bool, notifyNonRead: bool, messageIds: arrayOf(u16, objectId) },
  ...partialCompletion,
});

/** [MS-OXCROPS] 2.2.4.12 */
export const HardDeleteMessages = defineRop({
  id: 0x91,
  name: 'HardDeleteMessages',
  header: 'in',
  request: { wantAsynchronous: bool, notifyNonRead: bool, messageIds: arrayOf(u16, objectId) },
  ...partialCompletion,
});

/** [MS-OXCROPS] 2.2.4.13 */
export const GetHierarchyTable = defineRop({
  id: 0x04,
  name: 'GetHierarchyTable',
  header: 'in+out',
  request: { tableFlags: u8 },
  response: { rowCount: u32 },
});

/** [MS-OXCROPS] 2.2.4.14 */
export const GetContentsTable = defineRop({
  id: 0x05,
  name: 'GetContentsTable',
  header: 'in+out',
  request: { tableFlags: u8 },
  response: { rowCount: u32 },
});
