import type { After } from '../timer.ts';
import { ClientSession } from './client-session.ts';

/** Sessions that one account may have at once: some for each program, window and delegate. */
export const MAX_SESSIONS_PER_ACCOUNT = 128;
/** Sessions in all: piCxr is a u16, and 0 is left out. */
const MAX_SESSIONS = 0xffff;

/** What a session begins with. */
export interface NewSession {
  readonly account: string;
  readonly codePage: number;
  readonly stamp: number;
}

/** All sessions with the store. */
export class SessionRegistry {
  readonly #after: After;
  readonly #byId = new Map<number, ClientSession>();
  readonly #indexes = new Set<number>();
  readonly #counts = new Map<string, number>();
  #lastId = 0;
  #lastIndex = 0;

  constructor(after: After) {
    this.#after = after;
  }

  get size(): number {
    return this.#byId.size;
  }

  /** Undefined where the account, or everybody, has as many as may be. */
  open({ account, codePage, stamp }: NewSession): ClientSession | undefined {
    const count = this.#counts.get(account) ?? 0;
    if (count >= MAX_SESSIONS_PER_ACCOUNT || this.#indexes.size >= MAX_SESSIONS) return undefined;
    this.#counts.set(account, count + 1);
    this.#lastId += 1;
    const session = new ClientSession(
      { id: this.#lastId, index: this.#newIndex(), account, codePage },
      stamp,
      this.#after,
    );
    this.#byId.set(session.info.id, session);
    return session;
  }

  byId(id: number): ClientSession | undefined {
    return this.#byId.get(id);
  }

  /** Sessions that a worker knows. */
  knownTo(worker: number): readonly ClientSession[] {
    return [...this.#byId.values()].filter(({ workers }) => workers.has(worker));
  }

  all(): readonly ClientSession[] {
    return [...this.#byId.values()];
  }

  /** Ends a session; doing so twice does nothing. Returns whether it was there. */
  end(session: ClientSession): boolean {
    const { id, index, account } = session.info;
    if (!this.#byId.delete(id)) return false;
    this.#indexes.delete(index);
    const count = (this.#counts.get(account) ?? 1) - 1;
    if (count === 0) this.#counts.delete(account);
    else this.#counts.set(account, count);
    session.end();
    return true;
  }

  /** The next that is free: one that was given back is not given again soon. */
  #newIndex(): number {
    do {
      this.#lastIndex = this.#lastIndex >= MAX_SESSIONS ? 1 : this.#lastIndex + 1;
    } while (this.#indexes.has(this.#lastIndex));
    this.#indexes.add(this.#lastIndex);
    return this.#lastIndex;
  }
}
