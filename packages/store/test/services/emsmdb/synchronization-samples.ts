import { PidTag } from '../../../src/mapi/property-tags.ts';
import * as fastTransfer from '../../../src/mapi/rops/fast-transfer.ts';
import * as synchronization from '../../../src/mapi/rops/synchronization.ts';
import { type RopSample, sample } from './rop-scene.ts';

const NO_VALUES = new Map<number, string>();
const DATA = Uint8Array.of(1, 2, 3, 4);

/** One of each ROP of fast transfer and of synchronisation ([MS-OXCROPS] 2.2.12, 2.2.13). */
export const SYNCHRONIZATION_SAMPLES: readonly RopSample[] = [
  sample(fastTransfer.FastTransferDestinationConfigure, 'folder', { sourceOperation: 1, copyFlags: 0 }),
  sample(fastTransfer.FastTransferDestinationPutBuffer, 'folder', { transferData: DATA }),
  sample(fastTransfer.FastTransferDestinationPutBufferExtended, 'folder', { transferData: DATA }),
  sample(fastTransfer.FastTransferSourceGetBuffer, 'folder', { bufferSize: 4096 }),
  sample(fastTransfer.FastTransferSourceCopyFolder, 'folder', { copyFlags: 0, sendOptions: 1 }),
  sample(fastTransfer.FastTransferSourceCopyMessages, 'folder', ({ messageId }) => ({
    ...{ messageIds: [messageId], copyFlags: 0, sendOptions: 1 },
  })),
  sample(fastTransfer.FastTransferSourceCopyTo, 'message', {
    ...{ level: 0, copyFlags: 0, sendOptions: 1, propertyTags: [PidTag.Body] },
  }),
  sample(fastTransfer.FastTransferSourceCopyProperties, 'message', {
    ...{ level: 0, copyFlags: 0, sendOptions: 1, propertyTags: [PidTag.Subject] },
  }),
  sample(fastTransfer.TellVersion, 'logon', { version: [15, 0, 0] }),
  sample(synchronization.SynchronizationConfigure, 'folder', {
    ...{ synchronizationType: 1, sendOptions: 1, synchronizationFlags: 0x20 },
    ...{ synchronizationExtraFlags: 1, propertyTags: [PidTag.Subject] },
  }),
  sample(synchronization.SynchronizationImportMessageChange, 'folder', { importFlag: 0, propertyValues: NO_VALUES }),
  sample(synchronization.SynchronizationImportReadStateChanges, 'folder', {
    messageReadStates: [{ messageId: DATA, markAsRead: true }],
  }),
  sample(synchronization.SynchronizationImportHierarchyChange, 'folder', {
    ...{ hierarchyValues: NO_VALUES, propertyValues: NO_VALUES },
  }),
  sample(synchronization.SynchronizationImportDeletes, 'folder', { importDeleteFlags: 0, propertyValues: NO_VALUES }),
  sample(synchronization.SynchronizationImportMessageMove, 'folder', {
    ...{ sourceFolderId: DATA, sourceMessageId: DATA, predecessorChangeList: DATA },
    ...{ destinationMessageId: DATA, changeNumber: DATA },
  }),
  sample(synchronization.SynchronizationOpenCollector, 'folder', { isContentsCollector: true }),
  sample(synchronization.SynchronizationGetTransferState, 'folder', {}),
  sample(synchronization.SynchronizationUploadStateStreamBegin, 'folder', {
    ...{ stateProperty: PidTag.ChangeKey, transferBufferSize: 4 },
  }),
  sample(synchronization.SynchronizationUploadStateStreamContinue, 'folder', { streamData: DATA }),
  sample(synchronization.SynchronizationUploadStateStreamEnd, 'folder', {}),
  sample(synchronization.SetLocalReplicaMidsetDeleted, 'folder', ({ client }) => {
    const { clientIds, info } = client.store.mailbox('alice');
    const id = { guid: info.replicaGuid, counter: clientIds.reserve(1) };
    return { longTermIdRanges: [{ minLongTermId: id, maxLongTermId: id }] };
  }),
  sample(synchronization.GetLocalReplicaIds, 'logon', { idCount: 16 }),
];
