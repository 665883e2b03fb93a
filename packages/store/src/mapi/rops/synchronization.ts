import { bin16, bin32, bool, guid, objectId, propertyTag, u8, u16, u32 } from './primitives.ts';
import { defineRop } from './rop.ts';
import { arrayOf, SizedList, sized, structure } from './structures.ts';
import { globalCounter, longTermId, propertyTags, propertyValues, restrictionData } from './values.ts';

/** [MS-OXCROPS] 2.2.13.1 */
export const SynchronizationConfigure = defineRop({
  id: 0x70,
  name: 'SynchronizationConfigure',
  header: 'in+out',
  request: {
    synchronizationType: u8,
    sendOptions: u8,
    synchronizationFlags: u16,
    restrictionData,
    synchronizationExtraFlags: u32,
    propertyTags,
  },
  response: {},
});

/** [MS-OXCROPS] 2.2.13.2 */
export const SynchronizationImportMessageChange = defineRop({
  id: 0x72,
  name: 'SynchronizationImportMessageChange',
  header: 'in+out',
  request: { importFlag: u8, propertyValues },
  response: { messageId: objectId },
});

/** [MS-OXCROPS] 2.2.13.3 */
export const SynchronizationImportReadStateChanges = defineRop({
  id: 0x80,
  name: 'SynchronizationImportReadStateChanges',
  header: 'in',
  request: { messageReadStates: new SizedList(u16, structure({ messageId: bin16, markAsRead: bool })) },
  response: {},
});

/** [MS-OXCROPS] 2.2.13.4 */
export const SynchronizationImportHierarchyChange = defineRop({
  id: 0x73,
  name: 'SynchronizationImportHierarchyChange',
  header: 'in',
  request: { hierarchyValues: propertyValues, propertyValues },
  response: { folderId: objectId },
});

/** [MS-OXCROPS] 2.2.13.5 */
export const SynchronizationImportDeletes = defineRop({
  id: 0x74,
  name: 'SynchronizationImportDeletes',
  header: 'in',
  request: { importDeleteFlags: u8, propertyValues },
  response: {},
});

/** [MS-OXCROPS] 2.2.13.6 */
export const SynchronizationImportMessageMove = defineRop({
  id: 0x78,
  name: 'SynchronizationImportMessageMove',
  header: 'in',
  request: {
    sourceFolderId: bin32,
    sourceMessageId: bin32,
    predecessorChangeList: bin32,
    destinationMessageId: bin32,
    changeNumber: bin32,
  },
  response: { messageId: objectId },
});

/** [MS-OXCROPS] 2.2.13.7 */
export const SynchronizationOpenCollector = defineRop({
  id: 0x7e,
  name: 'SynchronizationOpenCollector',
  header: 'in+out',
  request: { isContentsCollector: bool },
  response: {},
});

/** [MS-OXCROPS] 2.2.13.8 */
export const SynchronizationGetTransferState = defineRop({
  id: 0x82,
  name: 'SynchronizationGetTransferState',
  header: 'in+out',
  request: {},
  response: {},
});

/** [MS-OXCROPS] 2.2.13.9 */
export const SynchronizationUploadStateStreamBegin = defineRop({
  id: 0x75,
  name: 'SynchronizationUploadStateStreamBegin',
  header: 'in',
  request: { stateProperty: propertyTag, transferBufferSize: u32 },
  response: {},
});

/** [MS-OXCROPS] 2.2.13.10 */
export const SynchronizationUploadStateStreamContinue = defineRop({
  id: 0x76,
  name: 'SynchronizationUploadStateStreamContinue',
  header: 'in',
  request: { streamData: bin32 },
  response: {},
});

/** [MS-OXCROPS] 2.2.13.11 */
export const SynchronizationUploadStateStreamEnd = defineRop({
  id: 0x77,
  name: 'SynchronizationUploadStateStreamEnd',
  header: 'in',
  request: {},
  response: {},
});

/** [MS-OXCROPS] 2.2.13.12 */
export const SetLocalReplicaMidsetDeleted = defineRop({
  id: 0x93,
  name: 'SetLocalReplicaMidsetDeleted',
  header: 'in',
  request: {
    longTermIdRanges: sized(u16, arrayOf(u32, structure({ minLongTermId: longTermId, maxLongTermId: longTermId }))),
  },
  response: {},
});

/** [MS-OXCROPS] 2.2.13.13 */
export const GetLocalReplicaIds = defineRop({
  id: 0x7f,
  name: 'GetLocalReplicaIds',
  header: 'in',
  request: { idCount: u32 },
  response: { replGuid: guid, globalCount: globalCounter },
});
