import { Writer } from '@rpch/rpc/internal';
import type { Recipient } from '../../mailbox/model.ts';
import { idOf, type PropertyTag } from '../../mapi/property.ts';
import { FIRST_NAMED_ID, PidTag } from '../../mapi/property-tags.ts';
import { type RecipientRow, recipientRow, writeRecipientRow } from '../../mapi/recipient-row.ts';
import type { TextCoding } from '../../mapi/text-coding.ts';
import type { MessageObject } from './objects/message-object.ts';
import { TooSmallError } from './rop-context.ts';

/** Rows that a count of one byte can tell. */
const MAX_ROWS = 0xff;
/** Columns of recipients that are told: more than any client sets. */
const MAX_COLUMNS = 128;
/** Characters of a subject that the response to an open message shows; all of it is a property. */
const MAX_SUBJECT = 1024;
/** Bytes of the response beside subject, columns and rows; of a row beside its RecipientRow. */
const HEAD = 64;
const ROW_HEAD = 12;

/** What stands in a RecipientRow by itself, or before it ([MS-OXCMSG] 2.2.3.1.2). */
const STANDARD: ReadonlySet<number> = new Set(
  [
    PidTag.AddressType,
    PidTag.DisplayName,
    PidTag.EmailAddress,
    PidTag.EntryId,
    PidTag.InstanceKey,
    PidTag.RecipientType,
    PidTag.SearchKey,
    PidTag.SendRichInfo,
    PidTag.TransmittableDisplayName,
    PidTag.Rowid,
  ].map(idOf),
);

/** The columns of a message's recipients: what any of them has beside the standard ones. */
export function recipientColumns(recipients: readonly Recipient[]): readonly PropertyTag[] {
  const columns = new Map<number, PropertyTag>();
  for (const { properties } of recipients) {
    for (const tag of properties.keys()) {
      if (!STANDARD.has(idOf(tag)) && !columns.has(idOf(tag)) && columns.size < MAX_COLUMNS)
        columns.set(idOf(tag), tag);
    }
  }
  return [...columns.values()];
}

/** A recipient's row with what it is in the responses that have it. */
export interface RowOfRecipient {
  readonly rowId: number;
  readonly recipientType: number;
  readonly codePageId: number;
  readonly recipientRow: RecipientRow;
}

/** As many recipients as `room` has place for. */
export function recipientRows(
  recipients: readonly Recipient[],
  columns: readonly PropertyTag[],
  room: number,
  coding: TextCoding,
): readonly RowOfRecipient[] {
  const rows: RowOfRecipient[] = [];
  let left = room;
  for (const { rowId, type, properties } of recipients.slice(0, MAX_ROWS)) {
    const row = recipientRow(properties, columns);
    const writer = new Writer();
    writeRecipientRow(writer, row, columns, coding);
    left -= ROW_HEAD + writer.length;
    if (left < 0 || writer.length > 0xffff) break;
    rows.push({ rowId, recipientType: type, codePageId: coding.codePage & 0xffff, recipientRow: row });
  }
  return rows;
}

/** What the ROPs that open a message say of it ([MS-OXCMSG] 2.2.3.1.2). */
export function openedMessage(message: MessageObject, room: number, coding: TextCoding) {
  const text = (tag: PropertyTag): string => {
    const value = message.load(tag);
    return typeof value === 'string' ? value.slice(0, MAX_SUBJECT) : '';
  };
  const { recipients } = message;
  const columns = message.showColumns(recipientColumns(recipients));
  const subjectPrefix = text(PidTag.SubjectPrefix);
  const normalizedSubject = text(PidTag.NormalizedSubject);
  const head = HEAD + 2 * (subjectPrefix.length + normalizedSubject.length) + 4 * columns.length;
  if (head > room) throw new TooSmallError(head);
  return {
    hasNamedProperties: message.tags().some((tag) => idOf(tag) >= FIRST_NAMED_ID),
    subjectPrefix,
    normalizedSubject,
    recipientCount: Math.min(recipients.length, 0xffff),
    recipientColumns: columns,
    recipientRows: recipientRows(recipients, columns, room - head, coding),
  };
}
