import { Buffer } from 'node:buffer';
import { Writer } from '@rpch/rpc/internal';
import { addressParser } from 'postal-mime';
import type { Recipient } from '../../mailbox/model.ts';
import { formEntryId, OneOffFlag } from '../../mapi/entry-id.ts';
import type { MutableProperties, PropertyTag } from '../../mapi/property.ts';
import { PidTag } from '../../mapi/property-tags.ts';
import { ObjectType, RecipientType } from '../../mapi/property-values.ts';
import type { Headers } from '../mime/headers.ts';
import { MAX_RECIPIENTS } from '../mime/limits.ts';
import type { MimeBudget } from '../mime/part.ts';

/** An address of a header field, its name decoded. */
export interface MailAddress {
  /** The address where there is no name. */
  readonly name: string;
  /** Empty where a name stands alone. */
  readonly address: string;
}

/** Characters of a display name and of an address that are kept. */
const MAX_NAME = 1024;

/** A field with more groups than this is read no further than its first characters. */
const MAX_GROUPS = 100;
const MAX_GROUPED = 32 * 1024;

const RECIPIENT_FIELDS = [
  ['to', RecipientType.To],
  ['cc', RecipientType.Cc],
  ['bcc', RecipientType.Bcc],
] as const;

/** The addresses of a field, those of groups included; without any that has neither name nor address. */
export function parseAddresses(value: string | undefined): MailAddress[] {
  if (value === undefined) return [];
  const found = addressParser(bounded(value), { flatten: true });
  return found.flatMap((entry) => {
    const address = tidyName(entry.address ?? '');
    const name = tidyName(entry.name) || address;
    return name === '' ? [] : [{ name, address }];
  });
}

/** Groups within groups, which RFC 5322 does not know, cost their parser as much again for each level. */
function bounded(value: string): string {
  return value.length > MAX_GROUPED && value.split(':', MAX_GROUPS + 1).length > MAX_GROUPS
    ? value.slice(0, MAX_GROUPED)
    : value;
}

/** A name or an address in one line, bounded. */
export function tidyName(text: string): string {
  return text
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, MAX_NAME);
}

/** A one-off entry id ([MS-OXCDATA] 2.2.5.1): nobody here knows which addresses the address book has. */
function oneOffEntryId({ name, address }: MailAddress): Uint8Array {
  const flags = OneOffFlag.NoRichInfo | OneOffFlag.Unicode;
  return formEntryId({ kind: 'one-off', flags, displayName: name, addressType: 'SMTP', emailAddress: address }).slice();
}

/** PidTagSearchKey of a recipient ([MS-OXCMSG] 2.2.1.9): type and address in upper case, with their terminator. */
function searchKey({ address }: MailAddress): Uint8Array {
  return new Uint8Array(Buffer.from(`SMTP:${address.toUpperCase()}\0`));
}

/** The properties that say who somebody is, of one of the roles that messages have. */
interface RoleTags {
  readonly name: PropertyTag;
  readonly addressType: PropertyTag;
  readonly email: PropertyTag;
  readonly smtp: PropertyTag;
  readonly entryId: PropertyTag;
  readonly searchKey: PropertyTag;
}

const SENDER: RoleTags = {
  name: PidTag.SenderName,
  addressType: PidTag.SenderAddressType,
  email: PidTag.SenderEmailAddress,
  smtp: PidTag.SenderSmtpAddress,
  entryId: PidTag.SenderEntryId,
  searchKey: PidTag.SenderSearchKey,
};
const SENT_REPRESENTING: RoleTags = {
  name: PidTag.SentRepresentingName,
  addressType: PidTag.SentRepresentingAddressType,
  email: PidTag.SentRepresentingEmailAddress,
  smtp: PidTag.SentRepresentingSmtpAddress,
  entryId: PidTag.SentRepresentingEntryId,
  searchKey: PidTag.SentRepresentingSearchKey,
};
/** Who wants to know that the message was read. */
export const READ_RECEIPT: RoleTags = {
  name: PidTag.ReadReceiptName,
  addressType: PidTag.ReadReceiptAddressType,
  email: PidTag.ReadReceiptEmailAddress,
  smtp: PidTag.ReadReceiptSmtpAddress,
  entryId: PidTag.ReadReceiptEntryId,
  searchKey: PidTag.ReadReceiptSearchKey,
};

/** Says who has a role, in each of its properties. */
export function setRole(properties: MutableProperties, tags: RoleTags, who: MailAddress): void {
  properties.set(tags.name, who.name);
  properties.set(tags.addressType, 'SMTP');
  properties.set(tags.email, who.address);
  properties.set(tags.smtp, who.address);
  properties.set(tags.entryId, oneOffEntryId(who));
  properties.set(tags.searchKey, searchKey(who));
}

/** From and Sender ([MS-OXCMAIL] 2.2.3.1.2): the one stands for the other where that is missing. */
export function setSenders(properties: MutableProperties, headers: Headers): void {
  const [from] = parseAddresses(headers.get('from'));
  const [sender] = parseAddresses(headers.get('sender'));
  const representing = from ?? sender;
  const actual = sender ?? from;
  if (representing !== undefined) setRole(properties, SENT_REPRESENTING, representing);
  if (actual !== undefined) setRole(properties, SENDER, actual);
}

/** Reply-To ([MS-OXCMAIL] 2.2.3.1.4), as a FlatEntryList ([MS-OXCDATA] 2.3.3). */
export function setReplyTo(properties: MutableProperties, headers: Headers): void {
  const addresses = parseAddresses(headers.get('reply-to')).slice(0, 100);
  if (addresses.length === 0) return;
  const entries = new Writer();
  for (const address of addresses) {
    const entryId = oneOffEntryId(address);
    entries.align(4).u32(entryId.length).bytes(entryId);
  }
  const list = new Writer().u32(addresses.length).u32(entries.length).bytes(entries.finish());
  properties.set(PidTag.ReplyRecipientEntries, list.finish().slice());
  properties.set(PidTag.ReplyRecipientNames, addresses.map(({ name }) => name).join(';'));
}

/** To, Cc and Bcc ([MS-OXCMAIL] 2.2.3.1.1), in this order. */
export function recipientsOf(headers: Headers, budget: MimeBudget): Recipient[] {
  const recipients: Recipient[] = [];
  for (const [field, type] of RECIPIENT_FIELDS) {
    for (const address of headers.all(field).flatMap(parseAddresses)) {
      if (recipients.length === MAX_RECIPIENTS) {
        budget.notes.add(`more than ${MAX_RECIPIENTS} recipients`);
        return recipients;
      }
      recipients.push({ rowId: recipients.length, type, properties: recipientProperties(address) });
    }
  }
  return recipients;
}

/** What a recipient has that nobody knows more of than the name and the address. */
export function recipientProperties(who: MailAddress): MutableProperties {
  const entryId = oneOffEntryId(who);
  return new Map<PropertyTag, string | number | boolean | Uint8Array>([
    [PidTag.DisplayName, who.name],
    [PidTag.TransmittableDisplayName, who.name],
    [PidTag.RecipientDisplayName, who.name],
    [PidTag.AddressType, 'SMTP'],
    [PidTag.EmailAddress, who.address],
    [PidTag.SmtpAddress, who.address],
    [PidTag.EntryId, entryId],
    [PidTag.RecipientEntryId, entryId],
    [PidTag.SearchKey, searchKey(who)],
    [PidTag.ObjectType, ObjectType.MailUser],
    [PidTag.DisplayType, 0],
    [PidTag.SendRichInfo, false],
    [PidTag.Responsibility, true],
    // recipSendable ([MS-OXOMSG] 2.2.4.1).
    [PidTag.RecipientFlags, 1],
  ]);
}
