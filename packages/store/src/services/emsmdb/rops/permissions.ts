import type { DirectoryEntry } from '../../../directory/model.ts';
import type { Permission } from '../../../mailbox/model.ts';
import { Right } from '../../../mailbox/permissions.ts';
import { ErrorCode, StoreError } from '../../../mapi/error-code.ts';
import type { Properties } from '../../../mapi/property.ts';
import { PidTag } from '../../../mapi/property-tags.ts';
import {
  ModifyPermissions,
  ModifyPermissionsFlags,
  ModifyRules,
  RowFlags,
  UpdateDeferredActionMessages,
} from '../../../mapi/rops/permission.ts';
import { folderOf } from '../narrow.ts';
import { dnOf } from '../ownership.ts';
import { on, type RopContext, refuse } from '../rop-context.ts';

/** Entries that one folder's list may have. */
const MAX_PERMISSIONS = 4096;
const FREE_BUSY = Right.FreeBusySimple | Right.FreeBusyDetailed;
/** PidTagMemberId of the entries for everybody else, and for nobody known ([MS-OXCPERM] 2.2.5). */
const DEFAULT_MEMBER = 0n;
const ANONYMOUS_MEMBER = -1n;

type Entry = Permission | (Omit<Permission, 'memberId'> & { readonly memberId?: undefined });

/** [MS-OXCPERM] 3.2.5.2. */
const modifyPermissions = on(ModifyPermissions, (context, { modifyFlags, permissionsData }) => {
  const folder = folderOf(context.object);
  const { logon } = context;
  logon.require(folder.id, Right.FolderOwner);
  if ((modifyFlags & ~(ModifyPermissionsFlags.ReplaceRows | ModifyPermissionsFlags.IncludeFreeBusy)) !== 0) {
    throw new StoreError(ErrorCode.InvalidParam, `flags ${modifyFlags}`);
  }
  const withFreeBusy = (modifyFlags & ModifyPermissionsFlags.IncludeFreeBusy) !== 0;
  const stored = logon.store.folders.permissions(folder.id);
  const replace = (modifyFlags & ModifyPermissionsFlags.ReplaceRows) !== 0;
  const list: Entry[] = stored.filter(({ account }) => !replace || account === '');
  for (const { permissionDataFlags, propertyValues } of permissionsData) {
    if (permissionDataFlags === RowFlags.Add) add(context, list, propertyValues, stored, withFreeBusy);
    else if (permissionDataFlags === RowFlags.Modify) modify(list, propertyValues, withFreeBusy);
    else if (permissionDataFlags === RowFlags.Remove) remove(list, propertyValues);
    else throw new StoreError(ErrorCode.InvalidParam, `row flags ${permissionDataFlags}`);
  }
  if (list.length > MAX_PERMISSIONS) throw new StoreError(ErrorCode.TooBig, `${list.length} permissions`);
  logon.store.folders.setPermissions(folder.id, list);
  return {};
});

/** [MS-OXCPERM] 2.2.2: by the address book entry id of a user, or by the member id of an entry that is no user's. */
function add(
  { services }: RopContext,
  list: Entry[],
  values: Properties,
  stored: readonly Permission[],
  withFreeBusy: boolean,
): void {
  const memberId = values.get(PidTag.MemberId);
  if (memberId === DEFAULT_MEMBER || memberId === ANONYMOUS_MEMBER) {
    modify(list, values, withFreeBusy);
    return;
  }
  const dn = dnOf(values.get(PidTag.EntryId));
  const entry: DirectoryEntry | undefined = dn === undefined ? undefined : services.directory.byLegacyDn(dn);
  // Rights of groups would have to be asked of the directory at each access: users alone have them.
  if (entry?.account === undefined) throw new StoreError(ErrorCode.InvalidParam, 'a member that is no user');
  const { account } = entry;
  const before = stored.find((each) => each.account === account);
  const at = list.findIndex((each) => each.account === account);
  const rights = rightsOf(values, before?.rights ?? 0, withFreeBusy);
  const made: Entry = { account, name: entry.displayName, rights };
  if (at < 0) list.push(before === undefined ? made : { ...before, rights });
  else list[at] = { ...list[at], ...made };
}

function modify(list: Entry[], values: Properties, withFreeBusy: boolean): void {
  const at = indexOf(list, values);
  const entry = list[at];
  if (entry !== undefined) list[at] = { ...entry, rights: rightsOf(values, entry.rights, withFreeBusy) };
}

function remove(list: Entry[], values: Properties): void {
  const at = indexOf(list, values);
  if (list[at]?.account === '') throw new StoreError(ErrorCode.InvalidParam, 'the entries for all others stay');
  list.splice(at, 1);
}

function indexOf(list: readonly Entry[], values: Properties): number {
  const memberId = values.get(PidTag.MemberId);
  const at = list.findIndex((entry) => entry.memberId === memberId);
  if (typeof memberId !== 'bigint' || at < 0) throw new StoreError(ErrorCode.InvalidParam, 'no such member');
  return at;
}

/** Free/busy rights are left as they were where the request is not about them ([MS-OXCPERM] 2.2.2.1). */
function rightsOf(values: Properties, before: number, withFreeBusy: boolean): number {
  const rights = values.get(PidTag.MemberRights);
  if (typeof rights !== 'number') throw new StoreError(ErrorCode.InvalidParam, 'a member without rights');
  return withFreeBusy ? rights >>> 0 : ((rights & ~FREE_BUSY) | (before & FREE_BUSY)) >>> 0;
}

export const PERMISSION_HANDLERS = [modifyPermissions, refuse(ModifyRules), refuse(UpdateDeferredActionMessages)];
