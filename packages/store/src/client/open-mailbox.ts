import { emsmdbDeclaration, nspiDeclaration, RpchError, rfrDeclaration } from '@rpch/rpc/internal';
import { AddressBook, type AddressEntry } from './address-book.ts';
import { findEntry, knownEntry } from './find-entry.ts';
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
  /** Others whom the address book is to be asked for on the way: names, aliases, addresses, or their legacyExchangeDNs. */
  readonly look?: readonly string[];
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
  /** Those whom the address book was asked for; undefined for one that it does not know. */
  readonly entries: ReadonlyMap<string, AddressEntry | undefined>;
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
    return { mailbox, session, caller: found.caller, entries: found.entries };
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
  readonly entries: ReadonlyMap<string, AddressEntry | undefined>;
}

async function lookUp(servers: MapiServers, options: OpenMailboxOptions): Promise<Found> {
  const { user, legacyDn, mailbox, look = [], follow = false, signal } = options;
  const ownMailboxDn = mailbox?.startsWith('/') === true ? mailbox : undefined;
  const named = ownMailboxDn === undefined ? mailbox : undefined;
  const entries = new Map<string, AddressEntry | undefined>();
  if (legacyDn !== undefined && named === undefined && look.length === 0) {
    return { callerDn: legacyDn, mailboxDn: ownMailboxDn ?? legacyDn, caller: undefined, server: undefined, entries };
  }
  const call = signal === undefined ? {} : { signal };
  const referral = follow ? await servers.bind('referral', rfrDeclaration) : undefined;
  const bookServer = referral && (await addressBookServer(referral, legacyDn ?? '', call));
  await using book = await AddressBook.bind(await servers.bind('address book', nspiDeclaration, bookServer), call);
  const caller = legacyDn === undefined ? await knownEntry(book, user, call) : undefined;
  const owner = named === undefined ? caller : await knownEntry(book, named, call);
  for (const name of look) entries.set(name, await findEntry(book, name, call));
  const callerDn = legacyDn ?? dnOf(caller, user);
  const mailboxDn = ownMailboxDn ?? (named === undefined ? callerDn : dnOf(owner, named));
  const homeMdb = owner?.homeMdb;
  const server = referral && homeMdb && (await mailboxServer(referral, homeMdb, call));
  return { callerDn, mailboxDn, caller, server: server || undefined, entries };
}

function dnOf(entry: AddressEntry | undefined, name: string): string {
  if (entry === undefined || entry.legacyDn === '') {
    throw new RpchError('RPCH_UNKNOWN_USER', 'caller', `"${name}" has no mailbox on this server`);
  }
  return entry.legacyDn;
}
