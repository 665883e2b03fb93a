import type { Table } from '../../mailbox/table.ts';
import { ErrorCode, StoreError } from '../../mapi/error-code.ts';

/** Objects that a session may have open, by kind; one more is refused. As large as Exchange's default limits, or larger. */
export const MAX_OBJECTS = {
  logon: 64,
  folder: 512,
  message: 256,
  attachment: 512,
  table: 512,
  stream: 256,
  subscription: 512,
} as const;

export type ObjectKind = keyof typeof MAX_OBJECTS;

/**
 * Objects that all sessions of one account may have open in one mailbox, by kind; one more is refused. Whoever changes something there
 * goes through all tables and subscriptions of everybody, so that of those there are only as many as some programs need together.
 */
export const MAX_ACCOUNT_OBJECTS = {
  logon: 512,
  folder: 4096,
  message: 2048,
  attachment: 4096,
  table: 1024,
  stream: 2048,
  subscription: 1024,
} as const satisfies Record<ObjectKind, number>;

/** Tables of one account in one mailbox that may have rows in memory at once, and the bytes that these may have when another is used. */
export const MAX_TABLES_AT_WORK = 32;
export const MAX_TABLES_MEMORY = 64 * 1024 * 1024;

/** Bytes that the open messages and streams of an account's sessions may have, and those of all sessions with one worker. */
export const MAX_ACCOUNT_MEMORY = 256 * 1024 * 1024;
export const MAX_WORKER_MEMORY = 1024 * 1024 * 1024;
/** The longest stream, and the largest value that it makes, in bytes. */
export const MAX_STREAM = 64 * 1024 * 1024;

/** Memory that several may use up to a bound. */
export class MemoryPool {
  readonly #limit: number;
  readonly #around: MemoryPool | undefined;
  #used = 0;

  /** @param around another that it is a part of. */
  constructor(limit: number, around?: MemoryPool) {
    this.#limit = limit;
    this.#around = around;
  }

  /** Bytes in use. */
  get used(): number {
    return this.#used;
  }

  /** Bytes are taken, or given back with a negative number. Throws NotEnoughMemory, and then nothing is taken. */
  use(bytes: number): void {
    if (bytes > 0 && this.#used + bytes > this.#limit) {
      throw new StoreError(ErrorCode.NotEnoughMemory, `${bytes} bytes beside ${this.#used}`);
    }
    this.#around?.use(bytes);
    this.#used += bytes;
  }
}

/** Counts objects by their kinds, up to a limit for each. */
class ObjectCounts {
  readonly #limits: Readonly<Record<ObjectKind, number>>;
  readonly #whose: string;
  readonly #counts = new Map<ObjectKind, number>();

  constructor(limits: Readonly<Record<ObjectKind, number>>, whose: string) {
    this.#limits = limits;
    this.#whose = whose;
  }

  open(kind: ObjectKind): void {
    const count = this.#counts.get(kind) ?? 0;
    if (count >= this.#limits[kind]) {
      throw new StoreError(ErrorCode.MaxObjsExceeded, `${count} objects of ${this.#whose}: ${kind}`);
    }
    this.#counts.set(kind, count + 1);
  }

  close(kind: ObjectKind): void {
    this.#counts.set(kind, Math.max(0, (this.#counts.get(kind) ?? 0) - 1));
  }
}

/** The tables of one account in one mailbox that have rows in memory. Those that were not used for longest give theirs up first. */
export class TablesAtWork {
  /** In the order of their last use. */
  readonly #tables = new Set<Pick<Table, 'bytes' | 'rest'>>();
  #last: Pick<Table, 'bytes' | 'rest'> | undefined;

  /** A table is about to be used. */
  use(table: Pick<Table, 'bytes' | 'rest'>): void {
    if (table === this.#last) return;
    this.#last = table;
    this.#tables.delete(table);
    this.#tables.add(table);
    let bytes = 0;
    for (const each of this.#tables) bytes += each.bytes;
    for (const oldest of this.#tables) {
      const isEnough = this.#tables.size <= MAX_TABLES_AT_WORK && bytes <= MAX_TABLES_MEMORY;
      if (isEnough || oldest === table) break;
      bytes -= oldest.bytes;
      oldest.rest();
      this.#tables.delete(oldest);
    }
  }

  forget(table: Pick<Table, 'bytes' | 'rest'>): void {
    this.#tables.delete(table);
    if (this.#last === table) this.#last = undefined;
  }
}

/** What all sessions of one account use, and may use, in one mailbox. */
export class MailboxAllowance {
  readonly objects = new ObjectCounts(MAX_ACCOUNT_OBJECTS, 'an account in one mailbox');
  readonly tables = new TablesAtWork();
}

/** What all sessions of one account use, and may use, with one worker. */
export class AccountAllowance {
  readonly memory: MemoryPool;
  readonly #mailboxes = new Map<string, MailboxAllowance>();

  /** @param memory of the worker. */
  constructor(memory?: MemoryPool) {
    this.memory = new MemoryPool(MAX_ACCOUNT_MEMORY, memory);
  }

  /** @param mailbox the account that it is of. */
  in(mailbox: string): MailboxAllowance {
    const known = this.#mailboxes.get(mailbox);
    if (known !== undefined) return known;
    const made = new MailboxAllowance();
    this.#mailboxes.set(mailbox, made);
    return made;
  }
}

/** What one session uses, and may use. */
export class Allowance {
  readonly #objects = new ObjectCounts(MAX_OBJECTS, 'a session');
  readonly #account: AccountAllowance;
  readonly #memory: MemoryPool;

  constructor(account: AccountAllowance) {
    this.#account = account;
    this.#memory = new MemoryPool(MAX_ACCOUNT_MEMORY, account.memory);
  }

  /** Bytes in use. */
  get memory(): number {
    return this.#memory.used;
  }

  /** What the session's account may use in a mailbox. */
  in(mailbox: string): MailboxAllowance {
    return this.#account.in(mailbox);
  }

  /** An object is opened in a mailbox. Throws MaxObjsExceeded. */
  open(kind: ObjectKind, { objects }: MailboxAllowance): void {
    this.#objects.open(kind);
    try {
      objects.open(kind);
    } catch (error) {
      this.#objects.close(kind);
      throw error;
    }
  }

  /** An object that was opened is closed. */
  close(kind: ObjectKind, { objects }: MailboxAllowance): void {
    this.#objects.close(kind);
    objects.close(kind);
  }

  /** Memory is taken, or given back with a negative number. Throws NotEnoughMemory, and then nothing is taken. */
  use(bytes: number): void {
    this.#memory.use(bytes);
  }
}
