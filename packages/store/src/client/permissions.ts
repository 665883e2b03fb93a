import { entryIdOf, formEntryId } from '../mapi/entry-id.ts';
import type { ObjectId } from '../mapi/object-id.ts';
import type { Properties, PropertyTag, PropertyValue } from '../mapi/property.ts';
import { PidTag } from '../mapi/property-tags.ts';
import {
  GetPermissionsTable,
  ModifyPermissions,
  ModifyPermissionsFlags,
  PermissionsTableFlags,
  RowFlags,
} from '../mapi/rops/permission.ts';
import type { Mailbox } from './mailbox.ts';
import { addFolder } from './open-folder.ts';
import { numberOf, objectIdOf, textOf } from './property-result.ts';
import { RopBatch } from './rop-batch.ts';
import { readTable } from './table-reader.ts';

/** Entries of a list, at most, that are read. */
const MAX_ENTRIES = 100_000;
const PAGE = 200;
/** PidTagMemberId of the two entries that are no user's ([MS-OXCPERM] 2.2.5). */
const DEFAULT_MEMBER = 0n;
const ANONYMOUS_MEMBER = 0xffff_ffff_ffff_ffffn;

/** An entry of a folder's permissions ([MS-OXCPERM] 2.2). */
export interface FolderPermission {
  /** `default` stands for everybody who has no entry, `anonymous` for who has not logged in. */
  readonly kind: 'default' | 'anonymous' | 'member';
  /** Names the entry within the list. */
  readonly memberId: bigint;
  /** As the server tells it; empty of the default entry. */
  readonly name: string;
  /** legacyExchangeDN of a member; undefined where the server tells none, because the address book does not know it any more. */
  readonly legacyDn: string | undefined;
  /** {@link Right} */
  readonly rights: number;
}

/** What becomes of an entry. */
export type PermissionChange =
  | { readonly kind: 'add'; readonly legacyDn: string; readonly displayType: number; readonly rights: number }
  | { readonly kind: 'modify'; readonly memberId: bigint; readonly rights: number }
  | { readonly kind: 'remove'; readonly memberId: bigint };

/** Of which folder, and how. */
export interface PermissionsOptions {
  /** Rights to free/busy data too: of the Calendar folder alone ([MS-OXCPERM] 2.2.1.1, 2.2.2.1). */
  readonly freeBusy?: boolean;
  readonly signal?: AbortSignal;
}

const COLUMNS: readonly PropertyTag[] = [PidTag.EntryId, PidTag.MemberId, PidTag.MemberName, PidTag.MemberRights];

/** A folder's permissions ([MS-OXCPERM] 3.1.4.1), the default entry first. Rejects with MapiError: `AccessDenied` where they are not for the caller to see. */
export async function readPermissions(
  mailbox: Mailbox,
  folder: ObjectId,
  { freeBusy = false, signal }: PermissionsOptions = {},
): Promise<FolderPermission[]> {
  const { session, logonId } = mailbox;
  const open = (batch: RopBatch, table: number) => {
    const opening = addFolder(batch, mailbox, folder);
    const opened = batch.add(GetPermissionsTable, {
      logonId,
      inputHandleIndex: opening.handleIndex,
      outputHandleIndex: table,
      tableFlags: freeBusy ? PermissionsTableFlags.IncludeFreeBusy : 0,
    });
    return () => {
      opening.done();
      void opened.value;
    };
  };
  const query = { columns: COLUMNS, pageSize: PAGE, limit: MAX_ENTRIES, ...(signal === undefined ? {} : { signal }) };
  const found: FolderPermission[] = [];
  for await (const { values } of readTable(session, logonId, { open }, query)) {
    const memberId = objectIdOf(values, PidTag.MemberId);
    if (memberId === undefined) continue;
    const entryId = entryIdOf(values.get(PidTag.EntryId));
    found.push({
      kind: memberId === DEFAULT_MEMBER ? 'default' : memberId === ANONYMOUS_MEMBER ? 'anonymous' : 'member',
      memberId,
      name: textOf(values, PidTag.MemberName) ?? '',
      legacyDn: entryId?.kind === 'address-book' ? entryId.dn : undefined,
      rights: numberOf(values, PidTag.MemberRights) ?? 0,
    });
  }
  return found;
}

/**
 * Changes a folder's permissions, all of it or nothing ([MS-OXCPERM] 3.1.4.2 to 3.1.4.4). Rejects with MapiError: `AccessDenied` where that is not for the
 * caller to do, `InvalidParam` for a member to whom the server gives no rights.
 */
export async function changePermissions(
  mailbox: Mailbox,
  folder: ObjectId,
  changes: readonly PermissionChange[],
  { freeBusy = false, signal }: PermissionsOptions = {},
): Promise<void> {
  const batch = new RopBatch(mailbox.session);
  const opening = addFolder(batch, mailbox, folder);
  const modified = batch.add(ModifyPermissions, {
    logonId: mailbox.logonId,
    inputHandleIndex: opening.handleIndex,
    modifyFlags: freeBusy ? ModifyPermissionsFlags.IncludeFreeBusy : 0,
    permissionsData: changes.map(rowOf),
  });
  await batch.run(signal === undefined ? {} : { signal });
  opening.done();
  void modified.value;
}

function rowOf(change: PermissionChange): {
  readonly permissionDataFlags: number;
  readonly propertyValues: Properties;
} {
  switch (change.kind) {
    case 'add': {
      const entryId = formEntryId({ kind: 'address-book', type: change.displayType, dn: change.legacyDn });
      const values = [[PidTag.EntryId, entryId] as const, [PidTag.MemberRights, change.rights] as const];
      return { permissionDataFlags: RowFlags.Add, propertyValues: new Map<PropertyTag, PropertyValue>(values) };
    }
    case 'modify': {
      const values = [memberOf(change), [PidTag.MemberRights, change.rights] as const];
      return { permissionDataFlags: RowFlags.Modify, propertyValues: new Map<PropertyTag, PropertyValue>(values) };
    }
    case 'remove':
      return { permissionDataFlags: RowFlags.Remove, propertyValues: new Map([memberOf(change)]) };
  }
}

function memberOf({ memberId }: { readonly memberId: bigint }): readonly [PropertyTag, bigint] {
  return [PidTag.MemberId, BigInt.asIntN(64, memberId)];
}
