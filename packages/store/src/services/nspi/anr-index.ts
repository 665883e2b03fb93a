import type { DirectoryEntry } from '../../directory/model.ts';
import { smtpAddresses } from '../../directory/snapshot.ts';
import { ErrorCode, StoreError } from '../../mapi/error-code.ts';
import type { AddressBookObject } from './address-book-object.ts';

/** Whether an object may be an answer: it is in the container that is asked. */
export type Admits = (object: AddressBookObject) => boolean;

/** The longest text that is looked for; longer names are found by nothing. */
const MAX_TEXT = 256;

/** How many keys one call may look at, however many names it has: some milliseconds' worth. */
const MAX_STEPS = 2_000_000;

/** What is left of a call's steps. */
export interface Patience {
  steps: number;
}

/** The patience that a call begins with. */
export function patience(): Patience {
  return { steps: MAX_STEPS };
}

/** An object and the names of it that are matched in pairs. */
interface Named {
  readonly object: AddressBookObject;
  readonly given: string;
  readonly surname: string;
}

/**
 * Finds entries by what people write: ambiguous name resolution ([MS-OXNSPI] 3.1.4.7, which leaves the rules to servers). A text
 * matches what begins with it, in any case and without regard to accents: display name, alias, given name, surname, and SMTP addresses;
 * of a text of two words or more also given name and surname in either order, each from its beginning. `=text` matches an alias or an
 * address that is exactly so; `SMTP:` before an address is left out.
 */
export class AnrIndex {
  /** What can be matched, sorted, and beside it whose it is. */
  readonly #keys: readonly string[];
  readonly #named: readonly Named[];

  constructor(objects: readonly AddressBookObject[]) {
    const pairs: [string, Named][] = [];
    for (const object of objects) {
      const { entry } = object;
      if (entry === undefined) continue;
      const named = { object, given: normalized(entry.givenName ?? ''), surname: normalized(entry.surname ?? '') };
      for (const key of keysOf(entry)) pairs.push([key, named]);
    }
    pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    this.#keys = pairs.map(([key]) => key);
    this.#named = pairs.map(([, named]) => named);
  }

  /**
   * The one entry that a text means; several if it is ambiguous, none if there is none: never more than two. Of several that begin
   * with the text, one whose name, alias or address is exactly it goes first: how else could `bob` be written beside `bobby`?
   * Throws StoreError TooComplex when the call's patience is at its end.
   */
  resolve(text: string, admits: Admits, left: Patience): readonly AddressBookObject[] {
    const exact = this.#exact(text, admits, 2, left);
    if (exact.length === 1 || isExact(text)) return exact;
    return this.matches(text, admits, 2, left);
  }

  /** All entries that a text matches, at most `most`. Throws StoreError TooComplex when the call's patience is at its end. */
  matches(text: string, admits: Admits, most: number, left: Patience): readonly AddressBookObject[] {
    if (isExact(text)) return this.#exact(text, admits, most, left);
    const wanted = wantedIn(text);
    if (wanted === '') return [];
    const found = new Set<AddressBookObject>();
    this.#prefixed(wanted, left, ({ object }) => {
      if (admits(object)) found.add(object);
      return found.size < most;
    });
    const [first = '', ...rest] = wanted.split(/[\s,]+/u).filter((word) => word !== '');
    if (rest.length > 0 && found.size < most) {
      const second = rest.join(' ');
      this.#prefixed(first, left, (named) => {
        if (isNamed(named, first, second) && admits(named.object)) found.add(named.object);
        return found.size < most;
      });
    }
    return [...found];
  }

  #exact(text: string, admits: Admits, most: number, left: Patience): readonly AddressBookObject[] {
    const wanted = wantedIn(isExact(text) ? text.slice(1) : text);
    if (wanted === '') return [];
    const found = new Set<AddressBookObject>();
    this.#prefixed(wanted, left, ({ object }, key) => {
      if (key !== wanted) return false;
      if (admits(object) && isExactly(object, wanted, isExact(text))) found.add(object);
      return found.size < most;
    });
    return [...found];
  }

  /** Every key that begins with a text, in order, until `visit` says that it is enough. */
  #prefixed(text: string, left: Patience, visit: (named: Named, key: string) => boolean): void {
    for (let at = this.#first(text); ; at++) {
      const [key, named] = [this.#keys[at], this.#named[at]];
      if (key === undefined || named === undefined || !key.startsWith(text) || !visit(named, key)) return;
      left.steps -= 1;
      if (left.steps < 0) throw new StoreError(ErrorCode.TooComplex, `more than ${MAX_STEPS} names were looked at`);
    }
  }

  /** The first key that is not before a text. */
  #first(text: string): number {
    let [low, high] = [0, this.#keys.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#keys[middle] ?? '') < text) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function keysOf(entry: DirectoryEntry): Set<string> {
  const { displayName, alias, givenName, surname } = entry;
  const names = [displayName, alias, givenName ?? '', surname ?? '', ...smtpAddresses(entry)];
  return new Set(names.map(normalized).filter((key) => key !== ''));
}

/** Whether given name and surname begin with the two words, in either order. */
function isNamed({ given, surname }: Named, first: string, second: string): boolean {
  return (
    (given.startsWith(first) && surname.startsWith(second)) || (surname.startsWith(first) && given.startsWith(second))
  );
}

/** Whether the alias, an address or, unless it was written with `=`, the display name is exactly the text. */
function isExactly({ entry }: AddressBookObject, text: string, strict: boolean): boolean {
  if (entry === undefined) return false;
  const names = strict ? [entry.alias] : [entry.alias, entry.displayName];
  return [...names, ...smtpAddresses(entry)].some((name) => normalized(name) === text);
}

function isExact(text: string): boolean {
  return text.startsWith('=');
}

/** What keys are held against; empty where nothing can match. */
function wantedIn(text: string): string {
  if (text.length > MAX_TEXT) return '';
  return normalized(/^smtp:/iu.test(text) ? text.slice('smtp:'.length) : text);
}

/** Lower case without accents, with single spaces. */
function normalized(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replace(/\s+/gu, ' ').trim();
}
