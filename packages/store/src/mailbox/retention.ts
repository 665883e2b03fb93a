import type { StoredFolders } from './folder-store.ts';
import type { MailboxContext } from './mailbox-context.ts';
import type { StoredMessages } from './message-store.ts';

/** ms between two looks at what has been kept for long enough. */
const INTERVAL = 3_600_000;

/** Ends the time for which soft-deleted messages and folders are kept: whoever holds the mailbox asks now and then, and lets it proceed. */
export class Retention {
  readonly #context: MailboxContext;
  readonly #messages: StoredMessages;
  readonly #folders: StoredFolders;
  #looked: number | undefined;

  constructor(context: MailboxContext, messages: StoredMessages, folders: StoredFolders) {
    this.#context = context;
    this.#messages = messages;
    this.#folders = folders;
  }

  /** Whether {@link proceed} is to be called: after opening, and an hour after it was last begun with. */
  get isDue(): boolean {
    // A clock that was set back makes it due too.
    return this.#looked === undefined || Math.abs(this.#context.clock() - this.#looked) >= INTERVAL;
  }

  /** Removes some of what need not be kept. Returns whether more remains, for another call. Where it fails, it is due again in an hour. */
  proceed(): boolean {
    this.#looked = this.#context.clock();
    const until = this.#context.keptSince();
    return this.#messages.purge(until) || this.#folders.purge(until);
  }
}
