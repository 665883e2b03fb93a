import { Right } from '../../../mailbox/permissions.ts';
import { ErrorCode, StoreError } from '../../../mapi/error-code.ts';
import { GetLocalReplicaIds, SetLocalReplicaMidsetDeleted } from '../../../mapi/rops/synchronization.ts';
import { folderOf, logonOf } from '../narrow.ts';
import { on } from '../rop-context.ts';

/** [MS-OXCFXICS] 3.2.5.9.4.7: ids are of use to whoever may make something. */
const getLocalReplicaIds = on(GetLocalReplicaIds, ({ object }, { idCount }) => {
  const logon = logonOf(object);
  if (!logon.store.folders.mayAnywhere(logon.account, Right.Create | Right.CreateSubfolder)) {
    throw logon.deny('ids are for those who may make something', {});
  }
  return { replGuid: logon.store.info.replicaGuid, globalCount: logon.store.clientIds.reserve(idCount) };
});

/** [MS-OXCFXICS] 3.2.5.9.4.8. */
const setLocalReplicaMidsetDeleted = on(SetLocalReplicaMidsetDeleted, ({ object, logon }, { longTermIdRanges }) => {
  const { id } = folderOf(object);
  logon.require(id, Right.Create);
  if (longTermIdRanges.length === 0) throw new StoreError(ErrorCode.InvalidParam, 'no ranges of ids');
  const { replicaGuid } = logon.store.info;
  const ranges = longTermIdRanges.map(({ minLongTermId: min, maxLongTermId: max }) => {
    if (min.guid !== replicaGuid || max.guid !== replicaGuid) {
      throw new StoreError(ErrorCode.InvalidParam, 'ids of another replica');
    }
    return { first: min.counter, last: max.counter };
  });
  logon.store.clientIds.addDeleted(id, ranges);
  return {};
});

export const LOCAL_REPLICA_HANDLERS = [getLocalReplicaIds, setLocalReplicaMidsetDeleted];
