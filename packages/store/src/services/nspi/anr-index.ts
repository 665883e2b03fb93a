import type { DirectoryEntry } from '../../directory/model.ts';
import { smtpAddresses } from '../../directory/snapshot.ts';
import type { AddressBookObject } from './address-book-object.ts';

/** Whether an object may be an answer: it is in the container that is asked. */
export type Admits = (object: AddressBookObject) => boolean;

/** The longest text that is looked for; longer names are found by nothing. */
const MAX_TEXT = 256;

/**
 * Finds entries by what people write: ambiguous name resolution ([MS-OXNSPI] 3.1.4.7, which leaves the rules to servers). A text
 * matches what begins with it, in any case and without regard to accents: display name, alias, given name, surname, and SMTP addresses;
 * of a text of two words or more also given name and surname in either order, each from its beginning. `=text` matches an alias or an
 * address that is exactly so; `SMTP:` before an address is left out.
 */
export class AnrIndex {
  /** What can be matched, sorted, and beside it whose it is. */
  readonly #keys: readonly string[];
  readonly #objects: readonly AddressBookObject[];

  constructor(objects: readonly AddressBookObject[]) {
    const pairs: [string, AddressBookObject][] = [];
    for (const object of objects) {
      if (object.entry === undefined) continue;
      for (const key of keysOf(object.entry)) pairs.push([key, object]);
    }
    pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    this.#keys = pairs.map(([key]) => key);
    this.#objects = pairs.map(([, object]) => object);
  }

  /**
   * The one entry that a text means; several if it is ambiguous, none if there is none: never more than two. Of several that begin
   * with the text, one whose name, alias or address is exactly it goes first: how else could `bob` be written beside `bobby`?
   */
  resolve(text: string, admits: Admits): readonly AddressBookObject[] {
    const exact = this.#exact(text, admits, 2);
    if (exact.length === 1 || isExact(text)) return exact;
    return this.matches(text, admits, 2);
  }

  /** All entries that a text matches, at most `most`. */
  matches(text: string, admits: Admits, most: number): readonly AddressBookObject[] {
    if (isExact(text)) return this.#exact(text, admits, most);
    const wanted = normalized(withoutType(text));
    if (wanted === '' || wanted.length > MAX_TEXT) return [];
    const found = new Set<AddressBookObject>();
    this.#prefixed(wanted, (object) => {
      if (admits(object)) found.add(object);
      return found.size < most;
    });
    const [first = '', ...rest] = wanted.split(/[\s,]+/u).filter((word) => word !== '');
    if (rest.length > 0 && found.size < most) {
      const second = rest.join(' ');
      this.#prefixed(first, (object) => {
        if (admits(object) && isNamed(object, first, second)) found.add(object);
        return found.size < most;
      });
    }
    return [...found];
  }

  #exact(text: string, admits: Admits, most: number): readonly AddressBookObject[] {
    const wanted = normalized(withoutType(isExact(text) ? text.slice(1) : text));
    if (wanted === '') return [];
    const found = new Set<AddressBookObject>();
    for (let at = this.#first(wanted); this.#keys[at] === wanted && found.size < most; at++) {
      const object = this.#objects[at];
      if (object !== undefined && admits(object) && isExactly(object, wanted, isExact(text))) found.add(object);
    }
    return [...found];
  }

  /** Every key that begins with a text, until `visit` says that it is enough. */
  #prefixed(text: string, visit: (object: AddressBookObject) => boolean): void {
    for (let at = this.#first(text); at < this.#keys.length; at++) {
      const object = this.#objects[at];
      if (object === undefined || this.#keys[at]?.startsWith(text) !== true || !visit(object)) return;
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
function isNamed({ entry }: AddressBookObject, first: string, second: string): boolean {
  const given = normalized(entry?.givenName ?? '');
  const surname = normalized(entry?.surname ?? '');
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

function withoutType(text: string): string {
  return /^smtp:/iu.test(text) ? text.slice('smtp:'.length) : text;
}

/** Lower case without accents, with single spaces. */
function normalized(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replace(/\s+/gu, ' ').trim();
}
