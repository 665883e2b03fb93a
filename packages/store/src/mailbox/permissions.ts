import { ALL_RIGHTS, Right } from '../mapi/folder-rights.ts';
import type { Counter } from '../mapi/object-id.ts';
import { FolderType } from '../mapi/property-values.ts';
import { integer, text } from '../sql/driver.ts';
import type { MailboxContext } from './mailbox-context.ts';
import type { Permission } from './model.ts';

export { ALL_RIGHTS, Right };

/** Member ids of the two entries that stand for no account. */
const DEFAULT = 0;
const ANONYMOUS = -1;
const ANONYMOUS_NAME = 'Anonymous';
/**
 * Search folders show messages of whatever folder: they are their owner's alone, whatever their lists say. So are folders that are
 * soft-deleted.
 */
const NOT_IN_SEARCHES = `folder NOT IN (
  SELECT id FROM folders WHERE id = folder AND (type = ${FolderType.Search} OR deleted_on IS NOT NULL))`;

/** The permission lists of folders ([MS-OXCPERM]). A member id is signed here: -1 is 0xFFFFFFFFFFFFFFFF on the wire. */
export class Permissions {
  readonly #context: MailboxContext;

  constructor(context: MailboxContext) {
    this.#context = context;
  }

  /** The default entry first, then anonymous, then the others in the order in which they came. */
  list(folder: Counter): Permission[] {
    return this.#context.database
      .all('SELECT member, account, name, rights FROM permissions WHERE folder = ?', folder)
      .map((row) => ({
        memberId: BigInt(integer(row, 'member')),
        account: text(row, 'account'),
        name: text(row, 'name'),
        rights: integer(row, 'rights'),
      }))
      .sort((a, b) => rank(a) - rank(b));
  }

  /**
   * Replaces a list. The default entry stays as it was where none is given ([MS-OXCPERM] 2.2.2.1). Members without an id get one: of
   * those without an account the one named Anonymous is that, the other the default entry.
   */
  replace(folder: Counter, permissions: readonly (Omit<Permission, 'memberId'> | Permission)[]): void {
    const database = this.#context.database;
    const members = new Map<number, Omit<Permission, 'memberId'>>();
    const stored = this.list(folder);
    let next = Math.max(0, ...stored.map(({ memberId }) => Number(memberId))) + 1;
    for (const permission of permissions) {
      let member = memberOf(permission);
      member ??= stored.find(({ account }) => account !== '' && account === permission.account)?.memberId;
      const id = member === undefined ? next : Number(BigInt.asIntN(64, member));
      if (id >= next) next = id + 1;
      members.set(id, permission);
    }
    const unchanged = stored.find(({ memberId }) => memberId === 0n);
    if (unchanged !== undefined && !members.has(DEFAULT)) members.set(DEFAULT, unchanged);
    database.run('DELETE FROM permissions WHERE folder = ?', folder);
    for (const [member, { account, name, rights }] of members) {
      database.run(
        'INSERT INTO permissions (folder, member, account, name, rights) VALUES (?, ?, ?, ?, ?)',
        folder,
        member,
        member > 0 ? account : '',
        member > 0 ? name : member === ANONYMOUS ? ANONYMOUS_NAME : '',
        rights & ALL_RIGHTS,
      );
    }
  }

  /** A new folder may be read by whom its parent may. */
  inherit(folder: Counter, parent: Counter): void {
    this.#context.database.run(
      `INSERT INTO permissions (folder, member, account, name, rights)
       SELECT ?, member, account, name, rights & ~? FROM permissions WHERE folder = ?`,
      folder,
      Right.FreeBusySimple | Right.FreeBusyDetailed,
      parent,
    );
  }

  rights(folder: Counter, account: string | undefined): number {
    if (account === this.#context.info.account) return ALL_RIGHTS;
    const database = this.#context.database;
    const row =
      account === undefined || account === ''
        ? database.get(
            `SELECT rights FROM permissions WHERE folder = ? AND member = ? AND ${NOT_IN_SEARCHES}`,
            folder,
            ANONYMOUS,
          )
        : database.get(
            `SELECT rights FROM permissions WHERE folder = ? AND (account = ? OR member = ?) AND ${NOT_IN_SEARCHES}
             ORDER BY member DESC LIMIT 1`,
            folder,
            account,
            DEFAULT,
          );
    return row === undefined ? 0 : integer(row, 'rights');
  }

  /** Whether an account has one of these rights in some folder. */
  mayAnywhere(account: string, rights: number): boolean {
    if (account === this.#context.info.account) return (ALL_RIGHTS & rights) !== 0;
    const row = this.#context.database.get(
      `SELECT 1 AS found FROM permissions AS entry WHERE (rights & ?) <> 0 AND ${NOT_IN_SEARCHES} AND (account = ? OR
       (member = ? AND NOT EXISTS (SELECT 1 FROM permissions WHERE folder = entry.folder AND account = ?))) LIMIT 1`,
      rights,
      account,
      DEFAULT,
      account,
    );
    return row !== undefined;
  }
}

function memberOf(permission: Omit<Permission, 'memberId'> | Permission): bigint | undefined {
  if ('memberId' in permission) return permission.memberId;
  if (permission.account !== '') return undefined;
  return permission.name === ANONYMOUS_NAME ? BigInt(ANONYMOUS) : BigInt(DEFAULT);
}

function rank({ memberId }: Permission): number {
  return memberId === 0n ? -2 : memberId < 0n ? -1 : Number(memberId);
}
