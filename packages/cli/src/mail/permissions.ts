import { RpchError } from '@rpch/rpc';
import {
  type AddressEntry,
  changePermissions,
  defaultFolders,
  ErrorCode,
  type FolderPermission,
  MapiError,
  type OpenedMailbox,
  type PermissionChange,
  readPermissions,
} from '@rpch/store/client';
import { usage } from '../ping/client-flags.ts';
import { type FoundFolder, findFolder } from './folder-path.ts';
import type { MailIo } from './mail-io.ts';
import { oneLine } from './plain-text.ts';
import { type Grant, parseGrant, rightsOf, tellRights, tellRole } from './roles.ts';
import { layOut } from './table.ts';

/** Options of `rpch mail … permissions`. */
export interface PermissionFlags {
  readonly json?: boolean;
  readonly grant?: readonly string[];
  readonly revoke?: readonly string[];
}

/** What is to become of one who is named on the command line. */
interface Order {
  readonly user: string;
  /** Undefined: his entry is to go. */
  readonly grant: Grant | undefined;
}

/** Those of whom the address book must be asked for such flags. Throws RpchError for wrong usage. */
export function namesOfPermissions(flags: PermissionFlags): string[] {
  return ordersOf(flags)
    .map(({ user }) => user)
    .filter((user) => reserved(user) === undefined);
}

/** `permissions FOLDER`: who may do what there; with `--grant` and `--revoke` after these were done. */
export async function printPermissions(
  { mailbox, entries }: OpenedMailbox,
  folderText: string,
  flags: PermissionFlags,
  io: MailIo,
): Promise<void> {
  const orders = ordersOf(flags);
  const people = orders.map((order) => ({ ...order, entry: entries.get(order.user) }));
  if (new Set(people.map(whose)).size < people.length) throw usage('somebody is named twice');
  const folder = await findFolder(mailbox, folderText);
  const isCalendar = (await defaultFolders(mailbox)).get('calendar') === folder.id;
  const options = { freeBusy: isCalendar };
  let list = await allowed(folder, readPermissions(mailbox, folder.id, options));
  if (orders.length > 0) {
    const changes = people.map((person) => changeOf(person, list, folder, isCalendar));
    await given(people, allowed(folder, changePermissions(mailbox, folder.id, changes, options)));
    list = await allowed(folder, readPermissions(mailbox, folder.id, options));
  }
  const permissions = list.map(({ kind, name, legacyDn, rights }) => ({
    kind,
    name: kind === 'default' ? 'Default' : oneLine(name),
    ...(legacyDn === undefined ? {} : { legacyDn }),
    role: tellRole(rights),
    rights: tellRights(rights),
  }));
  if (flags.json === true) {
    io.out(`${JSON.stringify({ folder: folder.path, permissions })}\n`);
    return;
  }
  const columns = [{ title: 'who', shrinks: true }, { title: 'role' }, { title: 'rights', shrinks: true }] as const;
  const rows = permissions.map(({ name, role, rights }) => [name, role, rights.join(', ')]);
  io.out(layOut(columns, rows, io.width));
}

function ordersOf({ grant = [], revoke = [] }: PermissionFlags): Order[] {
  const orders = [
    ...grant.map((text) => {
      const colon = text.lastIndexOf(':');
      const user = text.slice(0, colon).trim();
      if (colon < 0 || user === '')
        throw usage(`expected USER:ROLE for --grant, such as bob:Reviewer, found "${text}"`);
      return { user, grant: parseGrant(text.slice(colon + 1)) };
    }),
    ...revoke.map((text) => {
      if (text.trim() === '') throw usage('expected a user for --revoke');
      return { user: text.trim(), grant: undefined };
    }),
  ];
  return orders;
}

/** The entries that are nobody's in particular. */
function reserved(user: string): 'default' | 'anonymous' | undefined {
  const name = user.toLowerCase();
  return name === 'default' || name === 'anonymous' ? name : undefined;
}

type Person = Order & { readonly entry: AddressEntry | undefined };

function changeOf(
  { user, grant, entry }: Person,
  list: readonly FolderPermission[],
  folder: FoundFolder,
  isCalendar: boolean,
): PermissionChange {
  if (grant?.calendarOnly === true && !isCalendar) {
    throw plain(
      'RPCH_NOT_CALENDAR',
      `rights to free/busy data are of the Calendar folder alone, and not of ${folder.path}`,
    );
  }
  const kind = reserved(user);
  const held = list.find((each) => (kind === undefined ? isOf(each, user, entry) : each.kind === kind));
  if (grant !== undefined) {
    // That somebody is busy is nobody's to know who has not logged in.
    const rights = rightsOf(grant, { isCalendar: isCalendar && kind !== 'anonymous' });
    if (held !== undefined) return { kind: 'modify', memberId: held.memberId, rights };
    if (entry === undefined) throw unknown(user);
    if (entry.legacyDn === '') throw plain('RPCH_UNKNOWN_USER', `"${user}" has no mailbox on this server`);
    return { kind: 'add', legacyDn: entry.legacyDn, displayType: entry.displayType, rights };
  }
  if (held === undefined) {
    if (kind === undefined && entry === undefined) throw unknown(user);
    const who = entry === undefined ? user : oneLine(entry.displayName);
    throw plain('RPCH_NO_PERMISSION', `${who} has no entry in the permissions of ${folder.path}`);
  }
  // The two entries that are nobody's stay in every list.
  return kind === undefined
    ? { kind: 'remove', memberId: held.memberId }
    : { kind: 'modify', memberId: held.memberId, rights: 0 };
}

/** Whose account is gone keeps his entries, which have his name. */
function isOf({ kind, name, legacyDn }: FolderPermission, user: string, entry: AddressEntry | undefined): boolean {
  if (kind !== 'member') return false;
  if (entry !== undefined) return legacyDn?.toLowerCase() === entry.legacyDn.toLowerCase();
  return legacyDn === undefined && name.toLowerCase() === user.toLowerCase();
}

function whose({ user, entry }: Person): string {
  return (entry?.legacyDn || user).toLowerCase();
}

function unknown(user: string): RpchError {
  return plain('RPCH_UNKNOWN_USER', `the address book knows no "${user}"`);
}

async function allowed<T>(folder: FoundFolder, promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (cause) {
    if (!(cause instanceof MapiError) || cause.errorCode !== ErrorCode.AccessDenied) throw cause;
    const what = `only the mailbox's owner, and who has the role Owner in ${folder.path}, may see and change its permissions`;
    throw plain('RPCH_NOT_FOLDER_OWNER', what, cause);
  }
}

/** Some servers give rights to users alone. */
async function given(people: readonly Person[], promise: Promise<void>): Promise<void> {
  try {
    await promise;
  } catch (cause) {
    const others = people.filter(
      ({ grant, entry }) => grant !== undefined && entry !== undefined && entry.displayType !== 0,
    );
    if (!(cause instanceof MapiError) || cause.errorCode !== ErrorCode.InvalidParam || others.length === 0) throw cause;
    const names = others.map(({ entry }) => oneLine(entry?.displayName ?? '')).join(', ');
    throw plain(
      'RPCH_NOT_A_USER',
      `the server gives rights to users alone, which ${names} is not; nothing was changed`,
      cause,
    );
  }
}

function plain(code: string, message: string, cause?: unknown): RpchError {
  return new RpchError(code, 'peer', message, cause === undefined ? {} : { cause });
}
