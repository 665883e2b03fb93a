import { Buffer, isUtf8 } from 'node:buffer';
import { decodeWords } from 'postal-mime';
import type { MutableProperties } from '../../mapi/property.ts';
import { PidTag } from '../../mapi/property-tags.ts';
import { parseDate } from '../mime/date.ts';
import type { Headers } from '../mime/headers.ts';
import { parseAddresses, READ_RECEIPT, setReplyTo, setRole, setSenders } from './addresses.ts';
import { setConversation } from './conversation.ts';
import { setSubject } from './subject.ts';

/** Characters of an id and of a list of ids that are kept. */
const MAX_ID = 4096;
const MAX_REFERENCES = 32 * 1024;

const SENSITIVITIES = new Map([
  ['personal', 1],
  ['private', 2],
  ['company-confidential', 3],
]);
/** PidTagImportance of the fields that say it, in order of their precedence ([MS-OXCMAIL] 2.2.3.2.5). */
const IMPORTANCES: readonly (readonly [string, RegExp, RegExp])[] = [
  ['importance', /^high/i, /^low/i],
  ['x-msmail-priority', /^high/i, /^low/i],
  ['x-priority', /^[12]/, /^[45]/],
  ['priority', /^urgent/i, /^non-urgent/i],
];
/** Fields that have a property of their own, whose value is the field's. */
const TEXT_FIELDS = [
  ['list-help', PidTag.ListHelp],
  ['list-subscribe', PidTag.ListSubscribe],
  ['list-unsubscribe', PidTag.ListUnsubscribe],
] as const;
const TIME_FIELDS = [
  ['reply-by', PidTag.ReplyTime],
  ['expires', PidTag.ExpiryTime],
  ['expiry-date', PidTag.ExpiryTime],
] as const;

/**
 * The properties that come from the header block alone ([MS-OXCMAIL] 2.2.3.1 and 2.2.3.2).
 */
export function setEnvelope(properties: MutableProperties, headers: Headers, received: Received): void {
  setSenders(properties, headers);
  setReplyTo(properties, headers);
  setSubject(properties, headers);
  setIds(properties, headers);
  setTimes(properties, headers, received);
  setConversation(properties, headers);
  const importance = importanceOf(headers);
  properties.set(PidTag.Importance, importance);
  properties.set(PidTag.Priority, importance - 1);
  const sensitivity = headers.get('sensitivity')?.toLowerCase() ?? '';
  properties.set(PidTag.Sensitivity, SENSITIVITIES.get(sensitivity) ?? 0);
  setReceiptRequests(properties, headers);
  for (const [field, tag] of TEXT_FIELDS) {
    const value = headers.get(field);
    if (value !== undefined && value !== '') properties.set(tag, value.slice(0, MAX_ID));
  }
  properties.set(PidTag.TransportMessageHeaders, decodeRaw(headers.raw));
}

/** When a message came. */
export interface Received {
  /** FILETIME that the Maildir or the mbox says: it counts where no Received field has a time. */
  readonly time?: bigint;
  /** FILETIME for a message that says nothing: when its file was written, or when it is imported. */
  readonly fallback: bigint;
}

function setIds(properties: MutableProperties, headers: Headers): void {
  const id = headers.get('message-id');
  if (id !== undefined && id !== '') properties.set(PidTag.InternetMessageId, id.slice(0, MAX_ID));
  const reply = headers.get('in-reply-to');
  if (reply !== undefined && reply !== '') properties.set(PidTag.InReplyToId, reply.slice(0, MAX_ID));
  const references = headers.get('references');
  // Of a long list the last ids name the parents; the first is kept for the conversation.
  if (references !== undefined && references !== '') properties.set(PidTag.InternetReferences, shortened(references));
}

function shortened(references: string): string {
  if (references.length <= MAX_REFERENCES) return references;
  const first = /^\S{1,998}/.exec(references)?.[0] ?? '';
  return `${first} ${references.slice(first.length + 1 - MAX_REFERENCES).replace(/^\S*\s*/, '')}`;
}

/** [MS-OXCMAIL] 2.2.3.2.3; the delivery time is that of the last server, whose Received field stands first. */
function setTimes(properties: MutableProperties, headers: Headers, { time, fallback }: Received): void {
  const date = parseDate(headers.get('date') ?? '');
  const hop = headers.get('received');
  const delivered = hop === undefined ? undefined : parseDate(hop.slice(hop.lastIndexOf(';') + 1).trim());
  const delivery = delivered ?? time ?? date ?? fallback;
  properties.set(PidTag.ClientSubmitTime, date ?? delivery);
  properties.set(PidTag.MessageDeliveryTime, delivery);
  for (const [field, tag] of TIME_FIELDS) {
    const value = parseDate(headers.get(field) ?? '');
    if (value !== undefined) properties.set(tag, value);
  }
}

/** 0 low, 1 normal, 2 high. */
function importanceOf(headers: Headers): number {
  for (const [field, high, low] of IMPORTANCES) {
    const value = headers.get(field);
    if (value === undefined) continue;
    if (high.test(value)) return 2;
    if (low.test(value)) return 0;
  }
  return 1;
}

/** [MS-OXCMAIL] 2.2.3.1.5 and 2.2.3.2.11. */
function setReceiptRequests(properties: MutableProperties, headers: Headers): void {
  if (headers.get('return-receipt-to') !== undefined) {
    properties.set(PidTag.OriginatorDeliveryReportRequested, true);
  }
  const [reader] = parseAddresses(headers.get('disposition-notification-to'));
  if (reader === undefined) return;
  properties.set(PidTag.ReadReceiptRequested, true);
  properties.set(PidTag.NonReceiptNotificationRequested, true);
  setRole(properties, READ_RECEIPT, reader);
}

function decodeRaw(raw: Uint8Array): string {
  const text = isUtf8(raw) ? Buffer.from(raw).toString('utf8') : new TextDecoder('windows-1252').decode(raw);
  return text.replaceAll('\0', ' ').replace(/\r?\n/g, '\r\n');
}

/** Keywords ([MS-OXCMAIL] 2.2.3.2.16): what clients call categories. */
export function keywordsOf(headers: Headers): readonly string[] {
  const words = headers.all('keywords').flatMap((value) => decodeWords(value).split(/[,;]/));
  return [...new Set(words.map((word) => word.trim().slice(0, 255)).filter((word) => word !== ''))].slice(0, 100);
}
