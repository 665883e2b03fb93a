import { RpchError } from '@rpch/rpc/internal';
import type { AddressBook, AddressEntry, Resolution } from './address-book.ts';
import type { Signalled } from './signalled.ts';

/**
 * The entry that a login, a name, an alias, an address or a legacyExchangeDN means; undefined where the address book knows none. Rejects with
 * RpchError `RPCH_AMBIGUOUS_USER` (caller), and as {@link AddressBook}.
 */
export async function findEntry(
  book: AddressBook,
  login: string,
  options: Signalled = {},
): Promise<AddressEntry | undefined> {
  if (login.startsWith('/')) return book.entry(login, options);
  const name = nameOf(login);
  const resolution = await book.resolve(name, options);
  const entry = chosen(resolution, name);
  if (entry !== undefined || resolution.kind !== 'ambiguous') return entry;
  const few = resolution.candidates.map(({ displayName, smtpAddress }) => `${displayName} <${smtpAddress ?? ''}>`);
  const among = few.length === 0 ? '' : `: ${few.slice(0, 5).join(', ')}`;
  throw new RpchError('RPCH_AMBIGUOUS_USER', 'caller', `"${name}" may mean several in the address book${among}`);
}

/** The same where there must be one: rejects with RpchError `RPCH_UNKNOWN_USER` (caller) too. */
export async function knownEntry(book: AddressBook, login: string, options: Signalled = {}): Promise<AddressEntry> {
  const entry = await findEntry(book, login, options);
  if (entry !== undefined) return entry;
  throw new RpchError('RPCH_UNKNOWN_USER', 'caller', `the address book knows no "${nameOf(login)}"`);
}

/** A login without its domain. */
function nameOf(login: string): string {
  return login.includes('\\') ? login.slice(login.indexOf('\\') + 1) : login;
}

/** A name resolves to what begins with it; the one whose alias or address it is, is meant even so. */
function chosen(resolution: Resolution, name: string): AddressEntry | undefined {
  if (resolution.kind === 'resolved') return resolution.entry;
  if (resolution.kind === 'unknown') return undefined;
  const wanted = name.toLowerCase();
  const exact = resolution.candidates.filter(
    ({ account, smtpAddress }) => account?.toLowerCase() === wanted || smtpAddress?.toLowerCase() === wanted,
  );
  return exact.length === 1 ? exact[0] : undefined;
}
