import { Right } from '@rpch/store/client';
import { usage } from '../ping/client-flags.ts';

/** A right by the words that stand for it here. */
const RIGHTS: readonly (readonly [words: string, right: number])[] = [
  ['read items', Right.ReadAny],
  ['create items', Right.Create],
  ['create subfolders', Right.CreateSubfolder],
  ['edit own', Right.EditOwned],
  ['edit all', Right.EditAny],
  ['delete own', Right.DeleteOwned],
  ['delete all', Right.DeleteAny],
  ['folder owner', Right.FolderOwner],
  ['folder contact', Right.FolderContact],
  ['folder visible', Right.FolderVisible],
  ['free/busy time', Right.FreeBusySimple],
  ['free/busy details', Right.FreeBusyDetailed],
];

/** Rights that a client must not give without others ([MS-OXCPERM] 2.2.7). */
const IMPLIED: readonly (readonly [right: number, implied: number])[] = [
  [Right.ReadAny, Right.FolderVisible],
  [Right.FolderOwner, Right.FolderVisible],
  [Right.EditAny, Right.EditOwned],
  [Right.DeleteAny, Right.DeleteOwned],
  [Right.FreeBusyDetailed, Right.FreeBusySimple],
];

const FREE_BUSY = Right.FreeBusySimple | Right.FreeBusyDetailed;
const { ReadAny, Create, CreateSubfolder, EditOwned, EditAny, DeleteOwned, DeleteAny, FolderVisible } = Right;
const REVIEWER = ReadAny | FolderVisible;
const NONEDITING_AUTHOR = REVIEWER | Create | DeleteOwned;
const AUTHOR = NONEDITING_AUTHOR | EditOwned;
const EDITOR = AUTHOR | EditAny | DeleteAny;

/** Roles as Outlook shows them, from the most rights to the fewest. */
const ROLES: readonly (readonly [name: string, rights: number])[] = [
  ['Owner', EDITOR | CreateSubfolder | Right.FolderOwner | Right.FolderContact],
  ['Publishing Editor', EDITOR | CreateSubfolder],
  ['Editor', EDITOR],
  ['Publishing Author', AUTHOR | CreateSubfolder],
  ['Author', AUTHOR],
  ['Nonediting Author', NONEDITING_AUTHOR],
  ['Reviewer', REVIEWER],
  ['Contributor', Create | FolderVisible],
  ['None', 0],
];

/** What Outlook shows of the Calendar folder besides. */
const CALENDAR_ROLES: readonly (readonly [name: string, rights: number])[] = [
  ['Free/Busy time', Right.FreeBusySimple],
  ['Free/Busy time, subject, location', FREE_BUSY],
];

/** Names of roles, for people. */
export const ROLE_NAMES = ROLES.map(([name]) => name);

/** What `--grant` gives. */
export interface Grant {
  readonly rights: number;
  /** Of the Calendar folder alone. */
  readonly calendarOnly: boolean;
  /** A role, in which rights to free/busy data are left to the kind of the folder. */
  readonly isRole: boolean;
}

/** A role, or rights as they are printed, with commas between. Throws RpchError (caller). */
export function parseGrant(text: string): Grant {
  const wanted = keyOf(text);
  const role = ROLES.find(([name]) => keyOf(name) === wanted);
  if (role !== undefined) return { rights: role[1], calendarOnly: false, isRole: true };
  const ofCalendar = CALENDAR_ROLES.find(([name]) => keyOf(name) === wanted);
  let rights = ofCalendar?.[1] ?? 0;
  if (ofCalendar === undefined) {
    for (const part of text.split(',')) {
      const known = RIGHTS.find(([words]) => keyOf(words) === keyOf(part));
      if (known === undefined) throw unknownRole(text);
      rights |= known[1];
    }
    for (const [right, implied] of IMPLIED) if ((rights & right) !== 0) rights |= implied;
  }
  return { rights, calendarOnly: (rights & FREE_BUSY) !== 0, isRole: false };
}

function unknownRole(text: string) {
  const roles = [...ROLE_NAMES, ...CALENDAR_ROLES.map(([name]) => `"${name}"`)].join(', ');
  const rights = RIGHTS.map(([words]) => words).join(', ');
  return usage(`"${text}" is no role: expected ${roles}; or rights with commas between: ${rights}`);
}

/** `Publishing Editor`, `publishing-editor` and `PublishingEditor` are one. */
function keyOf(text: string): string {
  return text.toLowerCase().replace(/[^a-z]/g, '');
}

/**
 * The rights that a role gives. In the Calendar folder whoever has any may know when its owner is busy, and who may read the appointments
 * what he does then: as servers have it where nothing is said ([MS-OXCPERM] 2.2.7, product behaviour).
 */
export function rightsOf({ rights, isRole }: Grant, { isCalendar }: { readonly isCalendar: boolean }): number {
  if (!isRole || !isCalendar || rights === 0) return rights;
  return rights | ((rights & ReadAny) === 0 ? Right.FreeBusySimple : FREE_BUSY);
}

/** The role that rights are, or `Custom`. Rights to free/busy data make a role where there are no others. */
export function tellRole(rights: number): string {
  const others = rights & ~FREE_BUSY;
  const freeBusy = CALENDAR_ROLES.find(([, each]) => each === (rights & FREE_BUSY));
  if (freeBusy !== undefined && (others & ~FolderVisible) === 0) return freeBusy[0];
  return ROLES.find(([, each]) => each === others)?.[0] ?? 'Custom';
}

/** Rights in words, which {@link parseGrant} takes. */
export function tellRights(rights: number): string[] {
  return RIGHTS.filter(([, right]) => (rights & right) !== 0).map(([words]) => words);
}
