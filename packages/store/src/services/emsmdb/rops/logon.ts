import type { DirectoryEntry } from '../../../directory/model.ts';
import { FolderId, LOGON_FOLDERS } from '../../../mailbox/folder-ids.ts';
import type { MailboxStore } from '../../../mailbox/model.ts';
import { Right } from '../../../mailbox/permissions.ts';
import { ErrorCode, StoreError } from '../../../mapi/error-code.ts';
import { OWN_REPLID, objectId } from '../../../mapi/object-id.ts';
import { LogonFlags, LogonOpenFlags, LogonResponseFlags, Logon as RopLogon } from '../../../mapi/rops/store.ts';
import { Logon } from '../logon.ts';
import { maySee } from '../rights.ts';
import { ElsewhereError, on, type RopContext } from '../rop-context.ts';

const KNOWN_LOGON_FLAGS = LogonFlags.Private | LogonFlags.Undercover | LogonFlags.Ghosted | LogonFlags.SpoolerProcess;
const ECHOED_FLAGS = LogonFlags.Private | LogonFlags.Undercover | LogonFlags.Ghosted;

/** GwartTime: changes when the address types do, and these are the same always ([MS-OXCSTOR] 2.2.1.1.3). */
const GWART_TIME = 1n;

/**
 * Rights to a folder that let somebody log on to its mailbox: those to what is in it. That a calendar is there, and when its owner is
 * busy, everybody may know by default.
 */
const LETS_IN = ~(Right.FreeBusySimple | Right.FreeBusyDetailed | Right.FolderContact | Right.FolderVisible);

/** RopLogon ([MS-OXCSTOR] 3.2.5.1): to the caller's own mailbox, which is made if it is the first time, or to one whose owner lets him in. */
const logon = on(RopLogon, (context, request) => {
  const { session, services } = context;
  if ((request.logonFlags & ~KNOWN_LOGON_FLAGS) !== 0) {
    throw new StoreError(ErrorCode.Error, `logon flags ${request.logonFlags}`);
  }
  if ((request.logonFlags & LogonFlags.Private) === 0) {
    throw new StoreError(ErrorCode.LoginFailure, 'there are no public folders');
  }
  const { account } = session.info;
  const entry = services.directory.byLegacyDn(request.essdn);
  const caller = services.directory.byAccount(account);
  if (entry?.account === undefined || caller === undefined) {
    throw refused(context, ErrorCode.UnknownUser, request.essdn, 'no such user');
  }
  if ((request.openFlags & LogonOpenFlags.UseAdminPrivilege) !== 0) {
    throw refused(context, ErrorCode.LoginPerm, request.essdn, 'nobody is administrator');
  }
  const worker = services.mailboxes.workerOf(entry.account);
  if (worker !== undefined) throw new ElsewhereError(worker);
  const mailbox = entry.account;
  const perMailbox = (request.openFlags & LogonOpenFlags.UsePerMdbReplidMapping) !== 0;
  const others = session.logons.filter((each) => each.logonId !== context.logonId);
  if (!perMailbox && others.some(({ store }) => store.info.account !== mailbox)) {
    throw new StoreError(ErrorCode.InvalidParam, 'a second mailbox without USE_PER_MDB_REPLID_MAPPING');
  }
  const opened = open(context, entry, caller);
  session.addLogon(opened);
  context.open(opened);
  const { info } = opened.store;
  return {
    logonFlags: request.logonFlags & ECHOED_FLAGS,
    folderIds: LOGON_FOLDERS.map((id) => objectId(id)),
    responseFlags:
      LogonResponseFlags.Reserved |
      (opened.isOwner ? LogonResponseFlags.OwnerRight | LogonResponseFlags.SendAsRight : 0),
    mailboxGuid: info.guid,
    replId: OWN_REPLID,
    replGuid: info.replicaGuid,
    logonTime: logonTime(services.now()),
    gwartTime: GWART_TIME,
    storeState: 0,
  };
});

/** Opens the mailbox, if the caller may. That there is no mailbox yet and that he may not see it is one answer. */
function open(context: RopContext, entry: DirectoryEntry, caller: DirectoryEntry): Logon {
  const { session, services } = context;
  const mailboxAccount = entry.account ?? '';
  const isOwner = mailboxAccount === session.info.account;
  const mailbox = services.mailboxes.open(mailboxAccount, isOwner);
  if (mailbox === undefined || (!isOwner && !isLetIn(mailbox.store, session.info.account))) {
    mailbox?.release();
    throw refused(context, ErrorCode.AccessDenied, entry.legacyDn, 'the caller has no rights in that mailbox');
  }
  try {
    return new Logon(session, context.logonId, {
      mailbox,
      caller,
      owner: entry,
      serverName: services.directory.organization.serverName,
      log: services.log,
    });
  } catch (error) {
    mailbox.release();
    throw error;
  }
}

function isLetIn({ folders }: MailboxStore, account: string): boolean {
  const all = [{ folder: { id: FolderId.Root } }, ...folders.children(FolderId.Root, true)];
  return all.some(({ folder }) => {
    const rights = folders.rights(folder.id, account);
    return maySee(rights) && (rights & LETS_IN) !== 0;
  });
}

function refused({ session, services }: RopContext, code: number, dn: string, why: string): StoreError {
  const { account, id } = session.info;
  services.log.warn({ event: 'store.logon.refused', account, session: id, dn }, why);
  return new StoreError(code, why);
}

function logonTime(now: number) {
  const time = new Date(now);
  return {
    seconds: time.getUTCSeconds(),
    minutes: time.getUTCMinutes(),
    hour: time.getUTCHours(),
    dayOfWeek: time.getUTCDay(),
    day: time.getUTCDate(),
    month: time.getUTCMonth() + 1,
    year: time.getUTCFullYear(),
  };
}

export const LOGON_HANDLERS = [logon];
