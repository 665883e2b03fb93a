import { createHash } from 'node:crypto';
import { type Derive, PasswordHasher } from '../../src/accounts/password.ts';

/** Bytes that are never the same twice and the same in every run. */
export function counting(): (length: number) => Uint8Array {
  let next = 0;
  return (length) => createHash('shake256', { outputLength: length }).update(`${next++}`).digest();
}

/** In place of scrypt: as quick as a hash, and counted. */
export function countedHasher(): { readonly hasher: PasswordHasher; readonly runs: () => number } {
  let runs = 0;
  const derive: Derive = async (password, salt, length, { logN, r, p }) => {
    runs++;
    return createHash('shake256', { outputLength: length })
      .update(`${logN} ${r} ${p} `)
      .update(salt)
      .update(password)
      .digest();
  };
  return { hasher: new PasswordHasher({ random: counting(), derive }), runs: () => runs };
}

/** Lets everything run that waits for nothing but promises. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
}

/** A clock that stands still until it is moved; whoever waits goes on when it gets there. */
export class VirtualClock {
  #now = 1_000_000;
  #waiting: { readonly until: number; readonly go: () => void }[] = [];

  readonly now = (): number => this.#now;

  readonly wait = (ms: number): Promise<void> => new Promise((go) => this.#waiting.push({ until: this.#now + ms, go }));

  get waiting(): number {
    return this.#waiting.length;
  }

  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (;;) {
      const [next] = this.#waiting.filter(({ until }) => until <= end).toSorted((a, b) => a.until - b.until);
      if (next === undefined) break;
      this.#waiting = this.#waiting.filter((waiter) => waiter !== next);
      this.#now = next.until;
      next.go();
      await settle();
    }
    this.#now = end;
  }
}
