import { hash } from 'node:crypto';
import type { Account } from './provider.ts';

/** How long a verified credential is believed, in milliseconds. */
export const CREDENTIAL_LIFETIME = 5 * 60_000;
/** Most credentials remembered. */
export const MAX_CREDENTIALS = 10_000;

/** Block size of SHA-256, and so the length of a key that HMAC takes as it is (RFC 2104), bytes. */
const KEY_LENGTH = 64;

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
  readonly #innerKey: Buffer;
  readonly #outerKey: Buffer;
  readonly #lifetime: number;
  readonly #capacity: number;
  #entries = new Map<string, Entry>();
  #flights = new Map<string, Promise<Account | undefined>>();

  /** @param options `lifetime` in milliseconds; `random` gives that many bytes fit for secrets. */
  constructor(options: { random: (length: number) => Uint8Array; lifetime?: number; capacity?: number }) {
    const key = options.random(KEY_LENGTH);
    this.#innerKey = Buffer.from(key.map((byte) => byte ^ 0x36));
    this.#outerKey = Buffer.from(key.map((byte) => byte ^ 0x5c));
    this.#lifetime = options.lifetime ?? CREDENTIAL_LIFETIME;
    this.#capacity = options.capacity ?? MAX_CREDENTIALS;
  }

  get size(): number {
    return this.#entries.size;
  }

  /**
   * What stands for a credential, and gives neither part of it away. HMAC (RFC 2104) in two one-shot hashes: this runs for
   * each channel that opens, and a keyed object for each costs ten times as much.
   */
  keyOf(account: string, password: string): string {
    // Canonical names hold no NUL, so no two pairs make the same text.
    const inner = hash('sha256', Buffer.concat([this.#innerKey, Buffer.from(`${account}\0${password}`)]), 'buffer');
    return hash('sha256', Buffer.concat([this.#outerKey, inner]), 'base64');
  }

  /**
   * Gives the remembered account, or runs `check` and remembers what it found. Equal credentials that come in while a
   * check runs share its outcome. A check that rejects rejects for all of them.
   * @param key of the credential, from {@link keyOf}.
   * @param now milliseconds; the lifetime counts from here.
   */
  async verify(key: string, now: number, check: () => Promise<Account | undefined>): Promise<CachedCheck> {
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
