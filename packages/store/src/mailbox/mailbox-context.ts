import { ProtocolError } from '@rpch/rpc';
import { ErrorCode, StoreError } from '../mapi/error-code.ts';
import { type Counter, MAX_COUNTER } from '../mapi/object-id.ts';
import { integer, type SqlDatabase } from '../sql/driver.ts';
import { KEEP_DELETED } from './limits.ts';
import type { MailboxEvent, MailboxInfo } from './model.ts';

/** Time and randomness, from outside. */
export interface MailboxOptions {
  /** Milliseconds since 1970, as Date.now. */
  readonly now: () => number;
  /** So many random bytes, as crypto.randomBytes. */
  readonly random: (length: number) => Uint8Array;
  /** Days for which soft-deleted messages are kept; 0: what is deleted is gone. Default: 14. */
  readonly keepDeleted?: number;
}

const DAY = 86_400_000;

/** What is held back in memory during a transaction, and must be in the database before anything else reads it. */
export interface HeldBack {
  flush(): void;
  discard(): void;
}

/** Is told of what a transaction has changed, once that is committed. */
export type Listener = (events: readonly MailboxEvent[]) => void;

/** 1601-01-01 to 1970-01-01 in milliseconds. */
const FILETIME_EPOCH = 11_644_473_600_000n;

/** FILETIME of a time in milliseconds since 1970. */
export function fileTime(milliseconds: number): bigint {
  return (BigInt(Math.trunc(milliseconds)) + FILETIME_EPOCH) * 10_000n;
}

/**
 * What the parts of a mailbox share: the database, its transactions, the counters that ids and change numbers come from, and the
 * events that are told once their transaction is committed.
 */
export class MailboxContext {
  readonly database: SqlDatabase;
  readonly info: MailboxInfo;
  readonly random: (length: number) => Uint8Array;
  readonly #now: () => number;
  /** ms */
  readonly #keepDeleted: number;
  readonly #listeners = new Set<Listener>();
  readonly #heldBack: HeldBack[] = [];
  readonly #forget: (() => void)[] = [];
  #events: MailboxEvent[] = [];
  #counters: { next: Counter; change: Counter; isDirty: boolean } | undefined;
  /** What failed within a transaction in such a way that it must not be committed, whatever the caller makes of the error. */
  #doomed: { readonly error: unknown } | undefined;

  constructor(database: SqlDatabase, info: MailboxInfo, options: MailboxOptions) {
    this.database = database;
    this.info = info;
    this.random = options.random;
    this.#now = options.now;
    this.#keepDeleted = (options.keepDeleted ?? KEEP_DELETED) * DAY;
  }

  /** FILETIME. */
  now(): bigint {
    return fileTime(this.#now());
  }

  /** Milliseconds since 1970. */
  clock(): number {
    return this.#now();
  }

  /** Whether what is deleted is kept for a while. */
  get keepsDeleted(): boolean {
    return this.#keepDeleted > 0;
  }

  /** What was deleted at this time or before it is kept no longer. FILETIME. */
  keptSince(): bigint {
    return fileTime(this.#now() - this.#keepDeleted);
  }

  holdsBack(part: HeldBack): void {
    this.#heldBack.push(part);
  }

  /** To be called after every rollback: what was remembered may never have been. */
  forgetsBy(forget: () => void): void {
    this.#forget.push(forget);
  }

  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** To be told when the transaction is committed. */
  tell(...events: readonly MailboxEvent[]): void {
    this.#events.push(...events);
  }

  read<T>(work: () => T): T {
    return this.database.read(work);
  }

  /**
   * Runs `work`, which makes all its checks before it changes anything, in a transaction. Within another one it is simply a part of
   * that; should it fail otherwise than by such a check, the whole of it is rolled back.
   */
  write<T>(work: () => T): T {
    if (!this.database.inTransaction) return this.transaction(work);
    try {
      return work();
    } catch (error) {
      if (!(error instanceof StoreError || error instanceof ProtocolError)) this.#doomed ??= { error };
      throw error;
    }
  }

  /** Runs `work` in a transaction, or in one of its own within another: nothing of it is left where it throws. */
  transaction<T>(work: () => T): T {
    const isOutermost = !this.database.inTransaction;
    const toldBefore = this.#events.length;
    if (!isOutermost) this.#flush();
    let result: T;
    try {
      result = this.database.transaction(() => {
        const made = work();
        if (this.#doomed !== undefined) throw this.#doomed.error;
        this.#flush();
        if (isOutermost) this.#writeCounters();
        return made;
      });
    } catch (error) {
      for (const part of this.#heldBack) part.discard();
      for (const forget of this.#forget) forget();
      this.#events.length = toldBefore;
      throw error;
    } finally {
      if (isOutermost) {
        this.#counters = undefined;
        this.#doomed = undefined;
      }
    }
    if (isOutermost) this.#deliver();
    return result;
  }

  #flush(): void {
    for (const part of this.#heldBack) part.flush();
  }

  #deliver(): void {
    if (this.#events.length === 0) return;
    const events = this.#events;
    this.#events = [];
    for (const listener of [...this.#listeners]) listener(events);
  }

  /**
   * `count` ids that no object has had; the first of them. Within a transaction. Of one that is rolled back, the ids come again: nothing
   * that had them is left.
   */
  nextIds(count = 1): Counter {
    const counters = this.#loadCounters();
    const first = counters.next;
    if (first + count > MAX_COUNTER) throw new StoreError(ErrorCode.OutOfResources, 'the mailbox has no ids left');
    counters.next += count;
    counters.isDirty = true;
    return first;
  }

  /** Whether an id has been given out. */
  isAllocated(id: Counter): boolean {
    return id < this.#loadCounters().next;
  }

  /** The number of a new change. Within a transaction. */
  nextChange(): Counter {
    const counters = this.#loadCounters();
    if (counters.change >= MAX_COUNTER) throw new StoreError(ErrorCode.OutOfResources, 'no change numbers left');
    counters.change += 1;
    counters.isDirty = true;
    return counters.change;
  }

  #loadCounters(): { next: Counter; change: Counter; isDirty: boolean } {
    if (this.#counters !== undefined) return this.#counters;
    const row = this.database.get('SELECT next_counter, last_change FROM mailbox') ?? {};
    const counters = { next: integer(row, 'next_counter'), change: integer(row, 'last_change'), isDirty: false };
    // Only who holds the lock may remember them: another connection could take the next one.
    if (this.database.inTransaction) this.#counters = counters;
    return counters;
  }

  #writeCounters(): void {
    const counters = this.#counters;
    if (counters === undefined || !counters.isDirty) return;
    this.database.run('UPDATE mailbox SET next_counter = ?, last_change = ?', counters.next, counters.change);
  }
}
