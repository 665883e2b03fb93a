import { createHmac } from 'node:crypto';
import type { Account } from './provider.ts';

/** How long a verified credential is believed, in milliseconds. */
export const CREDENTIAL_LIFETIME = 5 * 60_000;
/** Most credentials remembered. */
export const MAX_CREDENTIALS = 10_000;

const KEY_LENGTH = 32;

/** Outcome of a check; `cached` when nothing had to be computed for it. */
export interface CachedCheck {
  readonly account: Account | undefined;
  readonly cached: boolean;
}

interface Entry {
  readonly account: Account;
  readonly expires: number;
}

/**
 * Remembers credentials that were right, so that an expensive check is made once for the many channels of a client. Keyed
 * by HMAC-SHA-256 under a key that lives as long as the process: nothing in here tells a password. Wrong credentials are
 * never remembered. Bounded; the entry that was used longest ago goes first.
 */
export class CredentialCache {
  readonly #key: Uint8Array;
  readonly #lifetime: number;
  readonly #capacity: number;
  #entries = new Map<string, Entry>();
  #flights = new Map<string, Promise<Account | undefined>>();

  /** @param options `lifetime` in milliseconds; `random` gives that many bytes fit for secrets. */
  constructor(options: { random: (length: number) => Uint8Array; lifetime?: number; capacity?: number }) {
    this.#key = options.random(KEY_LENGTH);
    this.#lifetime = options.lifetime ?? CREDENTIAL_LIFETIME;
    this.#capacity = options.capacity ?? MAX_CREDENTIALS;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** What stands for a credential, and gives neither part of it away. */
  keyOf(account: string, password: string): string {
    // Canonical names hold no NUL, so no two pairs make the same text.
    return createHmac('sha256', this.#key).update(`${account}\0${password}`).digest('base64');
  }

  /**
   * Gives the remembered account, or runs `check` and remembers what it found. Equal credentials that come in while a
   * check runs share its outcome. A check that rejects rejects for all of them.
   * @param now milliseconds; the lifetime counts from here.
   */
  async verify(
    account: string,
    password: string,
    now: number,
    check: () => Promise<Account | undefined>,
  ): Promise<CachedCheck> {
    const key = this.keyOf(account, password);
    const known = this.#entries.get(key);
    if (known !== undefined) {
      this.#entries.delete(key);
      if (now < known.expires) {
        this.#entries.set(key, known);
        return { account: known.account, cached: true };
      }
    }
    const running = this.#flights.get(key);
    if (running !== undefined) return { account: await running, cached: true };
    return { account: await this.#fly(key, now, check), cached: false };
  }

  async #fly(key: string, now: number, check: () => Promise<Account | undefined>): Promise<Account | undefined> {
    const entries = this.#entries;
    const flights = this.#flights;
    const flight = check();
    flights.set(key, flight);
    try {
      const account = await flight;
      // Into the map of when it began: after clear() that one is no longer looked at.
      if (account !== undefined) this.#remember(entries, key, { account, expires: now + this.#lifetime });
      return account;
    } finally {
      flights.delete(key);
    }
  }

  #remember(entries: Map<string, Entry>, key: string, entry: Entry): void {
    entries.delete(key);
    entries.set(key, entry);
    for (const oldest of entries.keys()) {
      if (entries.size <= this.#capacity) break;
      entries.delete(oldest);
    }
  }

  /** Forgets everything, checks under way included: their outcome is not remembered. */
  clear(): void {
    this.#entries = new Map();
    this.#flights = new Map();
  }
}
