import { ErrorCode, StoreError } from '../../../mapi/error-code.ts';
import {
  GetPerUserGuid,
  GetPerUserLongTermIds,
  ReadPerUserInformation,
  WritePerUserInformation,
} from '../../../mapi/rops/store.ts';
import type { Logon, OpenObject } from '../logon.ts';
import { logonOf } from '../narrow.ts';
import { on, TooSmallError } from '../rop-context.ts';

/** The MaxDataSize that 0 stands for, and the largest that counts: Exchange's ([MS-OXCSTOR] 3.2.5.12.1). */
const MAX_DATA = 4096;
/** Bytes of the responses beside their data and ids. */
const READ_HEAD = 9;
const IDS_HEAD = 8;
const LONG_TERM_ID_SIZE = 24;
const NOTHING = new Uint8Array(0);

/** [MS-OXCSTOR] 3.2.5.10. */
const getPerUserLongTermIds = on(GetPerUserLongTermIds, ({ object, room }, { databaseGuid }) => {
  const longTermIds = ownLogon(object).store.perUser.foldersOf(databaseGuid);
  const size = IDS_HEAD + longTermIds.length * LONG_TERM_ID_SIZE;
  if (size > room) throw new TooSmallError(size);
  return { longTermIds };
});

/** [MS-OXCSTOR] 3.2.5.11. */
const getPerUserGuid = on(GetPerUserGuid, ({ object }, { longTermId }) => {
  const entry = ownLogon(object).store.perUser.get(longTermId);
  if (entry === undefined) throw new StoreError(ErrorCode.NotFound, 'nothing is known of the public folder');
  return { databaseGuid: entry.replica };
});

/** [MS-OXCSTOR] 3.2.5.12. */
const readPerUserInformation = on(ReadPerUserInformation, ({ object, room }, { folderId, dataOffset, maxDataSize }) => {
  const all = ownLogon(object).store.perUser.get(folderId)?.data ?? NOTHING;
  if (dataOffset > all.length) throw new StoreError(ErrorCode.Error, `offset ${dataOffset} of ${all.length} bytes`);
  const most = maxDataSize === 0 ? MAX_DATA : maxDataSize;
  const data = all.subarray(dataOffset, dataOffset + Math.min(most, MAX_DATA, room - READ_HEAD));
  return { hasFinished: dataOffset + data.length === all.length, data };
});

/** [MS-OXCSTOR] 3.2.5.13. */
const writePerUserInformation = on(WritePerUserInformation, ({ object }, { hasFinished, ...part }) => {
  const { perUserWriting, store } = ownLogon(object);
  perUserWriting.add(part);
  if (hasFinished) store.perUser.set(part.folderId, perUserWriting.finish());
  return {};
});

/** What somebody has read of public folders is kept in his own mailbox, and is his affair. */
function ownLogon(object: OpenObject): Logon {
  const logon = logonOf(object);
  if (!logon.isOwner) throw logon.deny('what was read of public folders is the owner’s to know', {});
  return logon;
}

export const PER_USER_HANDLERS = [
  getPerUserLongTermIds,
  getPerUserGuid,
  readPerUserInformation,
  writePerUserInformation,
];
