import { formEntryId } from '../../mapi/entry-id.ts';

/** The display type of a user in an entry id ([MS-OXNSPI] 2.2.1.3). */
const DT_MAILUSER = 0;

/** The permanent entry id of a user of the address book. */
export function userEntryId(legacyDn: string): Uint8Array {
  return formEntryId({ kind: 'address-book', type: DT_MAILUSER, dn: legacyDn });
}
