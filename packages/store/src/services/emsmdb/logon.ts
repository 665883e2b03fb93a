import type { DirectoryEntry } from '../../directory/model.ts';
import { FolderId } from '../../mailbox/folder-ids.ts';
import type { Mailbox } from '../../mailbox/mailbox.ts';
import type { Folder, MailboxEvent, MessagePlace } from '../../mailbox/model.ts';
import { Right } from '../../mailbox/permissions.ts';
import { ErrorCode, errorName, StoreError } from '../../mapi/error-code.ts';
import { type Counter, counterOf, type ObjectId, OWN_REPLID, objectId, replidOf } from '../../mapi/object-id.ts';
import type { TextCoding } from '../../mapi/text-coding.ts';
import type { ServiceLog } from '../log.ts';
import type { Allowance, MailboxAllowance, ObjectKind } from './limits.ts';
import type { SessionInfo } from './messages.ts';
import type { NotificationQueue } from './notification-queue.ts';
import { PerUserWriting } from './objects/per-user-writing.ts';
import type { RegionLocks } from './objects/region-locks.ts';
import { has, maySee } from './rights.ts';

/** A mailbox that is lent out; `release` gives it back. */
export interface OpenMailbox {
  readonly store: Mailbox;
  /** What is locked of its streams, by whomever it is lent to. */
  readonly locks: RegionLocks;
  release(): void;
}

/** What has a handle. */
export interface OpenObject {
  readonly kind: ObjectKind;
  /** Called when it gets its handle. */
  opened?(handle: number, logon: Logon): void;
  close(): void;
}

/** The session that a logon is of. */
export interface LogonSession {
  readonly info: SessionInfo;
  readonly coding: TextCoding;
  readonly allowance: Allowance;
  readonly notifications: NotificationQueue;
  newHandle(): number;
  dropLogon(logonId: number): void;
}

/** Whose mailbox it is, and who has opened it. */
export interface LogonParties {
  readonly mailbox: OpenMailbox;
  /** The caller as the address book has him. */
  readonly caller: DirectoryEntry;
  readonly owner: DirectoryEntry;
  /** The name by which clients reach the server, for the store's entry id. */
  readonly serverName: string;
  /** Is told of refused accesses. */
  readonly log: ServiceLog;
}

/**
 * Every mailbox has them, and delegates' clients begin at them ([MS-OXOSFLD] 2.2.3): whoever is let in may open them, and finds there what he
 * may see.
 */
const BEGINNINGS: ReadonlySet<Counter> = new Set([FolderId.Root, FolderId.IpmSubtree]);

/**
 * A logon to a mailbox ([MS-OXCSTOR]): the mailbox, who works on it, and the objects that he has open. Everything that is asked for
 * by its id goes through here: what the caller may not see is not found, and what he may not do is denied.
 */
export class Logon implements OpenObject {
  readonly kind = 'logon';
  readonly session: LogonSession;
  readonly logonId: number;
  /** Objects by their handles, the logon itself among them. */
  readonly objects = new Map<number, OpenObject>();
  /** The account that logged on. */
  readonly account: string;
  /** Whether it is the mailbox's own. */
  readonly isOwner: boolean;
  readonly caller: DirectoryEntry;
  readonly owner: DirectoryEntry;
  readonly serverName: string;
  /** What was written so far of a public folder's data. */
  readonly perUserWriting: PerUserWriting;
  readonly #mailbox: OpenMailbox;
  readonly #log: ServiceLog;
  readonly #allowance: MailboxAllowance;
  readonly #unsubscribe: () => void;
  readonly #listeners = new Set<(events: readonly MailboxEvent[]) => void>();

  constructor(session: LogonSession, logonId: number, parties: LogonParties) {
    const { mailbox, caller, owner, serverName, log } = parties;
    this.#allowance = session.allowance.in(mailbox.store.info.account);
    session.allowance.open('logon', this.#allowance);
    this.session = session;
    this.logonId = logonId;
    this.account = session.info.account;
    this.caller = caller;
    this.owner = owner;
    this.serverName = serverName;
    this.isOwner = mailbox.store.info.account === this.account;
    this.perUserWriting = new PerUserWriting((bytes) => session.allowance.use(bytes));
    this.#mailbox = mailbox;
    this.#log = log;
    this.#unsubscribe = mailbox.store.subscribe((events) => {
      for (const listener of this.#listeners) listener(events);
    });
  }

  get store(): Mailbox {
    return this.#mailbox.store;
  }

  get locks(): RegionLocks {
    return this.#mailbox.locks;
  }

  get logon(): Logon {
    return this;
  }

  /** What the account's sessions may use in this mailbox. */
  get allowance(): MailboxAllowance {
    return this.#allowance;
  }

  /** Calls back for what happens in the mailbox, until what is returned is called. */
  listen(listener: (events: readonly MailboxEvent[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Gives an object a handle. Throws MaxObjsExceeded, and then the object is closed. */
  add(object: OpenObject): number {
    try {
      if (object.kind !== 'logon') this.session.allowance.open(object.kind, this.#allowance);
      const handle = this.session.newHandle();
      this.objects.set(handle, object);
      object.opened?.(handle, this);
      return handle;
    } catch (error) {
      if (object.kind !== 'logon') object.close();
      throw error;
    }
  }

  /** Releases an object ([MS-OXCROPS] 3.2.5.1); of a logon, everything under it. */
  release(handle: number): void {
    const object = this.objects.get(handle);
    if (object === undefined) return;
    if (object.kind === 'logon') {
      this.session.dropLogon(this.logonId);
      return;
    }
    this.objects.delete(handle);
    this.session.allowance.close(object.kind, this.#allowance);
    this.session.notifications.forgetHandle(handle);
    try {
      object.close();
    } catch (error) {
      // What a stream wrote last can be more than its object takes; RopRelease has no answer to say so.
      if (!(error instanceof StoreError)) throw error;
    }
  }

  /** The logon ends: all that is open under it, and the hold on its mailbox. */
  close(): void {
    for (const [handle, object] of this.objects) if (object.kind !== 'logon') this.release(handle);
    this.objects.clear();
    this.session.notifications.forgetLogon(this.logonId);
    this.perUserWriting.abort();
    this.#unsubscribe();
    this.#listeners.clear();
    this.session.allowance.close('logon', this.#allowance);
    this.#mailbox.release();
  }

  /** The counter of an id of this mailbox. Throws NotFound for one of another replica: there is none. */
  counter(id: ObjectId): Counter {
    if (replidOf(id) !== OWN_REPLID)
      throw new StoreError(ErrorCode.NotFound, `id ${id.toString(16)} of another replica`);
    return counterOf(id);
  }

  id(counter: Counter): ObjectId {
    return objectId(counter);
  }

  /** PidTagRights of the caller in a folder. */
  rights(folder: Counter): number {
    return this.store.folders.rights(folder, this.account);
  }

  /**
   * A folder that the caller may see. Throws NotFound where there is none or he may not see it, which are one answer. One that is
   * soft-deleted is there only `withDeleted`, and for the mailbox's owner.
   */
  folder(id: Counter, withDeleted = false): Folder {
    const folder = this.store.folders.get(id, withDeleted);
    if (folder !== undefined && (BEGINNINGS.has(id) || maySee(this.rights(id)))) return folder;
    if (folder !== undefined) this.#tell('folder', id);
    throw new StoreError(ErrorCode.NotFound, `folder ${id}`);
  }

  /** Throws AccessDenied unless the caller has all of these rights in a folder that he may see. */
  require(folder: Counter, rights: number, code: number = ErrorCode.AccessDenied): void {
    this.folder(folder);
    if (has(this.rights(folder), rights)) return;
    this.#refused(code, { folder, rights }, 'a right is missing');
    throw new StoreError(code, `rights ${rights} to folder ${folder}`);
  }

  /**
   * A message that the caller may see in a folder, or in whichever folder it is. Throws NotFound where there is none, it is in another
   * folder, or he may not see it, which are one answer. `owned` says whether he has made it; it is asked only where his rights depend on it.
   * One that is soft-deleted is there only `withDeleted`, in the folder from which it was deleted.
   */
  message(id: Counter, folder: Counter | undefined, owned: () => boolean, withDeleted = false): MessagePlace {
    const found = this.store.messages.locate(id, withDeleted);
    if (found !== undefined) {
      const rights = this.rights(found.folder);
      const seen = maySee(rights) && ((rights & Right.ReadAny) !== 0 || owned());
      // A message may be opened by way of a search folder too, which is its owner's alone.
      const isThere = () => found.folder === folder || (this.isOwner && this.store.searches.holds(folder ?? 0, id));
      if (seen && (folder === undefined || isThere())) return found;
      if (!seen) this.#tell('message', id);
    }
    throw new StoreError(ErrorCode.NotFound, `message ${id}`);
  }

  /** Whether the caller may do to a message what needs the one right of his own and the other of everybody's. */
  may(folder: Counter, any: number, own: number, owned: () => boolean): boolean {
    const rights = this.rights(folder);
    return (rights & any) !== 0 || ((rights & own) !== 0 && owned());
  }

  /** Refuses with AccessDenied, and says so to the log. */
  deny(what: string, fields: Readonly<Record<string, unknown>>): StoreError {
    this.#refused(ErrorCode.AccessDenied, fields, what);
    return new StoreError(ErrorCode.AccessDenied, what);
  }

  #tell(what: string, id: Counter): void {
    this.#refused(ErrorCode.NotFound, { [what]: id }, `a ${what} that the account may not see was asked for`);
  }

  #refused(code: number, fields: Readonly<Record<string, unknown>>, message: string): void {
    const who = { account: this.account, mailbox: this.store.info.account, session: this.session.info.id };
    this.#log.warn({ event: 'store.access.refused', ...who, ...fields, error: errorName(code) }, message);
  }
}
