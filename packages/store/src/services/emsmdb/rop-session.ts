import { ErrorCode, StoreError } from '../../mapi/error-code.ts';
import type { TextCoding } from '../../mapi/text-coding.ts';
import { HandleNumbers } from './handles.ts';
import { type AccountAllowance, Allowance } from './limits.ts';
import type { Logon, LogonSession, OpenObject } from './logon.ts';
import type { SessionInfo } from './messages.ts';
import { NotificationQueue } from './notification-queue.ts';

/** A session where ROPs are done: its logons, and all that is open under them. */
export class RopSession implements LogonSession {
  readonly info: SessionInfo;
  readonly coding: TextCoding;
  readonly allowance: Allowance;
  readonly notifications: NotificationQueue;
  /** When it last called, in milliseconds since 1970. */
  lastActivity = 0;
  readonly #logons = new Map<number, Logon>();
  readonly #numbers: HandleNumbers;
  #logonsChanged = false;

  /**
   * @param worker which of how many gives the handles.
   * @param account what its account's sessions may use together.
   * @param pending is called when there are notifications after there were none.
   */
  constructor(
    info: SessionInfo,
    worker: { readonly index: number; readonly count: number },
    account: AccountAllowance,
    pending: () => void,
  ) {
    this.info = info;
    this.allowance = new Allowance(account);
    this.coding = { codePage: info.codePage };
    this.notifications = new NotificationQueue(pending);
    this.#numbers = new HandleNumbers(worker.index, worker.count);
  }

  logon(logonId: number): Logon | undefined {
    return this.#logons.get(logonId);
  }

  get logons(): readonly Logon[] {
    return [...this.#logons.values()];
  }

  /** The LogonIds that are here, if they are others than when this was last asked. */
  changedLogons(): readonly number[] | undefined {
    if (!this.#logonsChanged) return undefined;
    this.#logonsChanged = false;
    return [...this.#logons.keys()];
  }

  /** Puts a logon in place of the one that had its LogonId, which is released ([MS-OXCSTOR] 3.2.5.1). */
  addLogon(logon: Logon): void {
    this.dropLogon(logon.logonId);
    this.#logons.set(logon.logonId, logon);
    this.#logonsChanged = true;
  }

  /** Releases a logon and everything under it. */
  dropLogon(logonId: number): void {
    const logon = this.#logons.get(logonId);
    if (logon === undefined) return;
    this.#logons.delete(logonId);
    this.#logonsChanged = true;
    logon.close();
  }

  newHandle(): number {
    return this.#numbers.take();
  }

  /**
   * The object that a handle names under a LogonId ([MS-OXCROPS] 3.2.5.3). Throws AccessDenied for one of another logon, InvalidObject for
   * one that was released, NullObject for one that was never given.
   */
  object(logonId: number, handle: number): OpenObject {
    const found = this.#logons.get(logonId)?.objects.get(handle);
    if (found !== undefined) return found;
    for (const { objects } of this.#logons.values()) {
      if (objects.has(handle)) throw new StoreError(ErrorCode.AccessDenied, `handle ${handle} is of another logon`);
    }
    if (this.#numbers.wasGiven(handle)) throw new StoreError(ErrorCode.InvalidObject, `handle ${handle} was released`);
    throw new StoreError(ErrorCode.NullObject, `handle ${handle} was never given`);
  }

  /** Ends everything. */
  close(): void {
    for (const logonId of [...this.#logons.keys()]) this.dropLogon(logonId);
  }
}
