import { emsmdbDeclaration, nspiDeclaration, RpchError, rfrDeclaration } from '@rpch/rpc/internal';
import { AddressBook, type AddressEntry, type Resolution } from './address-book.ts';
import { Mailbox } from './mailbox.ts';
import { addressBookServer, mailboxServer } from './referral.ts';
import type { MapiServers } from './servers.ts';
import { MapiSession, type MapiSessionOptions } from './session.ts';

/** Whose mailbox is opened, by whom. */
export interface OpenMailboxOptions {
  /** The caller: a name, an alias or an address that the address book knows. Not needed with `legacyDn`. */
  readonly user: string;
  /** The caller's legacyExchangeDN, where it is known: the address book is not asked for it then. */
  readonly legacyDn?: string;
  /** Another's mailbox: a name, an alias or an address, or its legacyExchangeDN. Default: the caller's own. */
  readonly mailbox?: string;
  /** Whether the names of servers that the referral service answers are followed. Default false: all is where the binding says. */
  readonly follow?: boolean;
  readonly session?: Omit<MapiSessionOptions, 'userDn' | 'signal'>;
  readonly signal?: AbortSignal;
}

/** A mailbox that is open, and the way to it. */
export interface OpenedMailbox {
  readonly mailbox: Mailbox;
  readonly session: MapiSession;
  /** The caller's entry in the address book, if that was asked. */
  readonly caller: AddressEntry | undefined;
}

/**
 * Opens a mailbox as Outlook does: the referral service names the address book's server, the address book tells the caller's
 * legacyExchangeDN, the referral service names the mailbox's server by the store in that entry, and there a session is begun and the
 * mailbox logged on to ([MS-OXCRPC] 3.2.4, [MS-OXABREF] 1.3).
 *
 * Rejects with RpchError: `RPCH_UNKNOWN_USER` and `RPCH_AMBIGUOUS_USER` (caller), MapiError, and what the transport says.
 */
export async function openMailbox(servers: MapiServers, options: OpenMailboxOptions): Promise<OpenedMailbox> {
  const { session: sessionOptions = {}, signal } = options;
  const found = await lookUp(servers, options);
  const calls = await servers.bind('information store', emsmdbDeclaration, found.server);
  const session = await MapiSession.connect(calls, {
    ...sessionOptions,
    userDn: found.callerDn,
    ...(signal === undefined ? {} : { signal }),
  });
  try {
    const mailbox = await Mailbox.open(session, {
      legacyDn: found.mailboxDn,
      ...(signal === undefined ? {} : { signal }),
    });
    return { mailbox, session, caller: found.caller };
  } catch (error) {
    await session[Symbol.asyncDispose]();
    throw error;
  }
}

interface Found {
  readonly callerDn: string;
  readonly mailboxDn: string;
  readonly caller: AddressEntry | undefined;
  /** Undefined: where the binding says. */
  readonly server: string | undefined;
}

async function lookUp(servers: MapiServers, options: OpenMailboxOptions): Promise<Found> {
  const { user, legacyDn, mailbox, follow = false, signal } = options;
  const ownMailboxDn = mailbox?.startsWith('/') === true ? mailbox : undefined;
  const named = ownMailboxDn === undefined ? mailbox : undefined;
  if (legacyDn !== undefined && named === undefined) {
    return { callerDn: legacyDn, mailboxDn: ownMailboxDn ?? legacyDn, caller: undefined, server: undefined };
  }
  const call = signal === undefined ? {} : { signal };
  const referral = follow ? await servers.bind('referral', rfrDeclaration) : undefined;
  const bookServer = referral && (await addressBookServer(referral, legacyDn ?? '', call));
  await using book = await AddressBook.bind(await servers.bind('address book', nspiDeclaration, bookServer), call);
  const caller = legacyDn === undefined ? await entryOf(book, user, signal) : undefined;
  const owner = named === undefined ? caller : await entryOf(book, named, signal);
  const callerDn = legacyDn ?? dnOf(caller, user);
  const mailboxDn = ownMailboxDn ?? (named === undefined ? callerDn : dnOf(owner, named));
  const homeMdb = owner?.homeMdb;
  const server = referral && homeMdb && (await mailboxServer(referral, homeMdb, call));
  return { callerDn, mailboxDn, caller, server: server || undefined };
}

function dnOf(entry: AddressEntry | undefined, name: string): string {
  if (entry === undefined || entry.legacyDn === '') {
    throw new RpchError('RPCH_UNKNOWN_USER', 'caller', `"${name}" has no mailbox on this server`);
  }
  return entry.legacyDn;
}

/** The entry that a login means: with its domain, and without. */
async function entryOf(book: AddressBook, login: string, signal: AbortSignal | undefined): Promise<AddressEntry> {
  const name = login.includes('\\') ? login.slice(login.indexOf('\\') + 1) : login;
  const resolution = await book.resolve(name, signal === undefined ? {} : { signal });
  const entry = chosen(resolution, name);
  if (entry !== undefined) return entry;
  if (resolution.kind === 'unknown') {
    throw new RpchError('RPCH_UNKNOWN_USER', 'caller', `the address book knows no "${name}"`);
  }
  const candidates = resolution.kind === 'ambiguous' ? resolution.candidates : [];
  const few = candidates.map(({ displayName, smtpAddress }) => `${displayName} <${smtpAddress ?? ''}>`).slice(0, 5);
  const among = few.length === 0 ? '' : `: ${few.join(', ')}`;
  throw new RpchError('RPCH_AMBIGUOUS_USER', 'caller', `"${name}" may mean several in the address book${among}`);
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
