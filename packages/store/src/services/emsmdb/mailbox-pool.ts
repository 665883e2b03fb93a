import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Mailbox, type MailboxOptions } from '../../mailbox/mailbox.ts';
import { fileName } from '../../mailbox/mailbox-file.ts';
import type { OpenMailbox } from './logon.ts';
import { workerOf } from './messages.ts';
import { RegionLocks } from './objects/region-locks.ts';
import type { Mailboxes } from './rop-context.ts';

/** Mailboxes that stay open though nobody has logged on to them: opening one costs more than keeping it. */
const KEPT_OPEN = 16;

interface Entry {
  readonly store: Mailbox;
  readonly locks: RegionLocks;
  users: number;
}

/** The mailboxes of one worker, each in a file of its own that is open once however many have logged on. */
export class MailboxPool implements Mailboxes {
  readonly #folder: string;
  readonly #worker: { readonly index: number; readonly count: number };
  readonly #options: MailboxOptions;
  /** By account, in the order in which they were last used. */
  readonly #open = new Map<string, Entry>();

  constructor(folder: string, worker: { readonly index: number; readonly count: number }, options: MailboxOptions) {
    this.#folder = folder;
    this.#worker = worker;
    this.#options = options;
  }

  workerOf(account: string): number | undefined {
    const index = workerOf(account, this.#worker.count);
    return index === this.#worker.index ? undefined : index;
  }

  open(account: string, create: boolean): OpenMailbox | undefined {
    const entry = this.#open.get(account) ?? this.#load(account, create);
    if (entry === undefined) return undefined;
    this.#open.delete(account);
    this.#open.set(account, entry);
    entry.users += 1;
    let released = false;
    return {
      store: entry.store,
      locks: entry.locks,
      release: () => {
        if (released) return;
        released = true;
        entry.users -= 1;
        this.#closeUnused();
      },
    };
  }

  close(): void {
    for (const { store } of this.#open.values()) store.close();
    this.#open.clear();
  }

  #load(account: string, create: boolean): Entry | undefined {
    const path = join(this.#folder, fileName(account));
    const entry = (store: Mailbox): Entry => ({ store, locks: new RegionLocks(), users: 0 });
    if (existsSync(path)) return entry(Mailbox.open(path, this.#options));
    return create ? entry(Mailbox.create(path, account, this.#options)) : undefined;
  }

  #closeUnused(): void {
    const unused = [...this.#open].filter(([, { users }]) => users === 0);
    for (const [account, { store }] of unused.slice(0, Math.max(0, unused.length - KEPT_OPEN))) {
      this.#open.delete(account);
      store.close();
    }
  }
}
