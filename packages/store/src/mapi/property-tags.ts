import { AddressTag } from './address-tags.ts';
import { MessageTag } from './message-tags.ts';
import { StoreTag } from './store-tags.ts';

/** Property tags by their names in [MS-OXPROPS], without `PidTag`; strings are Unicode. */
export const PidTag = { ...MessageTag, ...StoreTag, ...AddressTag } as const;

/** Ids from here on are names of the mailbox's own; in the address book they are properties like all others. */
export const FIRST_NAMED_ID = 0x8000;
