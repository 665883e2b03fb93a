import type { MailboxStore } from '../../mailbox/model.ts';
import { Right } from '../../mailbox/permissions.ts';
import { entryIdOf } from '../../mapi/entry-id.ts';
import { ErrorCode, StoreError } from '../../mapi/error-code.ts';
import type { Counter, ObjectId } from '../../mapi/object-id.ts';
import type { PropertyValue } from '../../mapi/property.ts';
import { PidTag } from '../../mapi/property-tags.ts';
import type { Logon } from './logon.ts';

/** The DN in an address book entry id; undefined where it is none. */
export function dnOf(value: PropertyValue | undefined): string | undefined {
  const id = entryIdOf(value);
  return id?.kind === 'address-book' ? id.dn : undefined;
}

/** Whether a message was made by whoever has logged on: what "owned" means among rights ([MS-OXCPERM] 2.2.7). */
export function isOwned(logon: Logon, store: MailboxStore, message: Counter): boolean {
  const dn = dnOf(store.messages.value(message, PidTag.CreatorEntryId));
  return dn !== undefined && dn.toLowerCase() === logon.caller.legacyDn.toLowerCase();
}

/** A message that the caller may see, by its id on the wire: see Logon.message. */
export function visibleMessage(logon: Logon, id: ObjectId, folder?: Counter, withDeleted = false) {
  const counter = logon.counter(id);
  return { id: counter, ...logon.message(counter, folder, () => isOwned(logon, logon.store, counter), withDeleted) };
}

/** Those of some messages of a folder that are there, soft-deleted ones only `withDeleted`, that the caller may see, and to which he has a right. */
export function permitted(
  logon: Logon,
  folder: Counter,
  ids: readonly ObjectId[],
  any: number,
  own: number,
  withDeleted = false,
): readonly Counter[] {
  const rights = logon.rights(folder);
  const all = Right.ReadAny | any;
  const mayAll = (rights & all) === all;
  const counters: Counter[] = [];
  let isTold = false;
  for (const id of ids) {
    try {
      const counter = logon.counter(id);
      // Of the owner the store leaves out itself what is not there.
      if (!logon.isOwner) visibleMessage(logon, id, folder, withDeleted);
      if (mayAll || logon.may(folder, any, own, () => isOwned(logon, logon.store, counter))) counters.push(counter);
      else if (!isTold) {
        // Once for a ROP, which may mean all messages of a folder.
        logon.deny('messages may not be worked on', { folder, message: counter });
        isTold = true;
      }
    } catch (error) {
      if (!(error instanceof StoreError) || error.errorCode !== ErrorCode.NotFound) throw error;
    }
  }
  return counters;
}
