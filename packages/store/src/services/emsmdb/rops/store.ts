import { FolderId } from '../../../mailbox/folder-ids.ts';
import { STORE_HAS_SEARCHES } from '../../../mailbox/store-properties.ts';
import { ErrorCode, StoreError } from '../../../mapi/error-code.ts';
import { counterOf, OWN_REPLID, objectId, replidOf } from '../../../mapi/object-id.ts';
import {
  GetOwningServers,
  GetReceiveFolder,
  GetReceiveFolderTable,
  GetStoreState,
  IdFromLongTermId,
  LongTermIdFromId,
  PublicFolderIsGhosted,
  SetReceiveFolder,
} from '../../../mapi/rops/store.ts';
import { GetAddressTypes, GetTransportFolder, OptionsData, SetSpooler } from '../../../mapi/rops/transport.ts';
import { logonOf } from '../narrow.ts';
import { on, refuse, TooSmallError } from '../rop-context.ts';

const NOTHING = new Uint8Array(0);
/** A row of the table of receive folders, but for its class: flag, id, terminator, time. */
const ROW_SIZE = 1 + 8 + 1 + 8;

const getReceiveFolder = on(GetReceiveFolder, ({ object }, { messageClass }) => {
  const logon = logonOf(object);
  const found = logon.store.receiveFolders.find(messageClass);
  if (found === undefined) throw new StoreError(ErrorCode.NotFound, 'no receive folder');
  logon.folder(found.folder);
  return { folderId: objectId(found.folder), explicitMessageClass: found.messageClass };
});

/** [MS-OXCSTOR] 3.2.5.3: FolderId 0 takes the class away. */
const setReceiveFolder = on(SetReceiveFolder, ({ object }, { folderId, messageClass }) => {
  const logon = logonOf(object);
  if (!logon.isOwner) throw logon.deny('receive folders are the owner’s to set', { messageClass });
  if (folderId === 0n) {
    logon.store.receiveFolders.set(messageClass, undefined);
    return {};
  }
  const folder = logon.counter(folderId);
  logon.folder(folder);
  logon.store.receiveFolders.set(messageClass, folder);
  return {};
});

const getReceiveFolderTable = on(GetReceiveFolderTable, ({ object, room }) => {
  const logon = logonOf(object);
  if (!logon.isOwner) throw logon.deny('receive folders are the owner’s to list', {});
  const all = logon.store.receiveFolders.all();
  if (all.length === 0) throw new StoreError(ErrorCode.NoReceiveFolder, 'no receive folders');
  const size = all.reduce((sum, { messageClass }) => sum + ROW_SIZE + messageClass.length, 10);
  if (size > room) throw new TooSmallError(size);
  const rows = all.map(({ messageClass, folder, modified }) => {
    return [{ value: BigInt.asIntN(64, objectId(folder)) }, { value: messageClass }, { value: modified }];
  });
  return { rows };
});

const getStoreState = on(GetStoreState, ({ object }) => {
  return { storeState: logonOf(object).store.searches.exist ? STORE_HAS_SEARCHES : 0 };
});

const longTermIdFromId = on(LongTermIdFromId, ({ object }, request) => {
  const { store } = logonOf(object);
  const id = request.objectId;
  if (replidOf(id) !== OWN_REPLID) throw new StoreError(ErrorCode.NotFound, `replica ${replidOf(id)}`);
  return { longTermId: { guid: store.info.replicaGuid, counter: counterOf(id) } };
});

const idFromLongTermId = on(IdFromLongTermId, ({ object }, { longTermId }) => {
  const { store } = logonOf(object);
  if (longTermId.guid !== store.info.replicaGuid) throw new StoreError(ErrorCode.NotFound, 'another replica');
  return { objectId: objectId(longTermId.counter) };
});

/** [MS-OXCSTOR] 3.2.5.7: in a private mailbox nothing is ghosted, whatever folder is asked for. */
const publicFolderIsGhosted = on(PublicFolderIsGhosted, ({ object }) => {
  logonOf(object);
  return { isGhosted: false };
});

const getAddressTypes = on(GetAddressTypes, ({ object }) => {
  logonOf(object);
  return { addressTypes: ['SMTP', 'EX'] };
});

/** This server sends by itself: there is nothing to agree on with a client's spooler ([MS-OXOMSG] 3.2.5.3). */
const setSpooler = on(SetSpooler, ({ object }) => {
  logonOf(object);
  return {};
});

const getTransportFolder = on(GetTransportFolder, ({ object }) => {
  const logon = logonOf(object);
  logon.folder(FolderId.Outbox);
  return { folderId: objectId(FolderId.Outbox) };
});

/** No address type has options of its own ([MS-OXOMSG] 3.2.5.11). */
const optionsData = on(OptionsData, ({ object }) => {
  logonOf(object);
  return { optionsInfo: NOTHING, helpFile: NOTHING };
});

export const STORE_HANDLERS = [
  getReceiveFolder,
  setReceiveFolder,
  getReceiveFolderTable,
  getStoreState,
  longTermIdFromId,
  idFromLongTermId,
  publicFolderIsGhosted,
  // [MS-OXCSTOR] 3.2.5.6: a private mailbox may fail it, or answer it rightly. No server owns what is no public folder.
  refuse(GetOwningServers),
  getAddressTypes,
  setSpooler,
  getTransportFolder,
  optionsData,
];
