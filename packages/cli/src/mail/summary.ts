import {
  dateOf,
  MessageFlag,
  numberOf,
  type ObjectId,
  objectIdOf,
  PidTag,
  type PropertyResult,
  type PropertyTag,
  textOf,
} from '@rpch/store/client';
import { tellMessageId } from './ids.ts';
import { oneLine } from './plain-text.ts';
import { type Reader, tellDate, tellSize } from './quantities.ts';
import { type Column, layOut } from './table.ts';

/** PidTagImportance ([MS-OXCMSG] 2.2.1.11). */
const HIGH = 2;

/** A message as a list has it. */
export interface MessageSummary {
  readonly id: string;
  readonly subject: string;
  readonly from: string;
  readonly to: string;
  readonly date: Date | undefined;
  readonly size: number;
  readonly unread: boolean;
  readonly attachments: boolean;
  readonly important: boolean;
}

/** What {@link summaryOf} looks at. */
export const SUMMARY_COLUMNS: readonly PropertyTag[] = [
  PidTag.Mid,
  PidTag.Subject,
  PidTag.SentRepresentingName,
  PidTag.SenderName,
  PidTag.DisplayTo,
  PidTag.MessageDeliveryTime,
  PidTag.ClientSubmitTime,
  PidTag.LastModificationTime,
  PidTag.MessageSize,
  PidTag.MessageFlags,
  PidTag.Importance,
];

/** Undefined for a row without an id, such as the head of a category. */
export function summaryOf(folder: ObjectId, { values }: PropertyResult): MessageSummary | undefined {
  const message = objectIdOf(values, PidTag.Mid);
  if (message === undefined) return undefined;
  const flags = numberOf(values, PidTag.MessageFlags) ?? 0;
  const times = [PidTag.MessageDeliveryTime, PidTag.ClientSubmitTime, PidTag.LastModificationTime];
  return {
    id: tellMessageId({ folder, message, within: [] }),
    subject: oneLine(textOf(values, PidTag.Subject) ?? ''),
    from: oneLine(textOf(values, PidTag.SentRepresentingName) || textOf(values, PidTag.SenderName) || ''),
    to: oneLine(textOf(values, PidTag.DisplayTo) ?? ''),
    date: times.map((tag) => dateOf(values.get(tag))).find((date) => date !== undefined),
    size: (numberOf(values, PidTag.MessageSize) ?? 0) >>> 0,
    unread: (flags & MessageFlag.Read) === 0,
    attachments: (flags & MessageFlag.HasAttachments) !== 0,
    important: numberOf(values, PidTag.Importance) === HIGH,
  };
}

/** Columns in which a list of messages is printed. */
export interface SummaryLayout {
  /** Whom a message is to, instead of whom it is from. */
  readonly outgoing?: boolean;
  /** A column before the subject: the folders of what a search has found. */
  readonly folders?: readonly string[];
  /** A column behind the date: when each was deleted. */
  readonly deleted?: readonly (Date | undefined)[];
}

/** `●` says unread, `@` attachments, `!` important. */
export function summaryTable(
  messages: readonly MessageSummary[],
  reader: Reader,
  width: number | undefined,
  { outgoing = false, folders, deleted }: SummaryLayout = {},
): string {
  const columns: readonly Column[] = [
    { title: 'id' },
    { title: '' },
    { title: 'date' },
    ...(deleted === undefined ? [] : [{ title: 'deleted' }]),
    ...(folders === undefined ? [] : [{ title: 'folder', shrinks: true }]),
    { title: outgoing ? 'to' : 'from', shrinks: true },
    { title: 'subject', shrinks: true },
    { title: 'size', align: 'right' },
  ];
  const rows = messages.map((message, at) => [
    message.id,
    marks(message),
    tellDate(message.date, reader),
    ...(deleted === undefined ? [] : [tellDate(deleted[at], reader)]),
    ...(folders === undefined ? [] : [folders[at] ?? '']),
    outgoing ? message.to : message.from,
    message.subject === '' ? '(no subject)' : message.subject,
    tellSize(message.size),
  ]);
  return layOut(columns, rows, width);
}

function marks({ unread, attachments, important }: MessageSummary): string {
  return `${unread ? '●' : ' '}${attachments ? '@' : ' '}${important ? '!' : ''}`;
}
