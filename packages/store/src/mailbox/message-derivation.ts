import { idOf, type MutableProperties, type PropertyTag, type PropertyValue } from '../mapi/property.ts';
import { PidTag } from '../mapi/property-tags.ts';
import { MessageFlag, NativeBody, RECIPIENT_TYPE_MASK, RecipientType } from '../mapi/property-values.ts';
import type { Recipient } from './model.ts';
import { deriveSubject } from './subject.ts';

/** Flags that follow from other things of the message. */
const COMPUTED_FLAGS =
  MessageFlag.HasAttachments |
  MessageFlag.Associated |
  MessageFlag.NotifyRead |
  MessageFlag.NotifyUnread |
  MessageFlag.EverRead;

/** What is made of the recipients of each type. */
const DISPLAYED = [
  [RecipientType.To, PidTag.DisplayTo],
  [RecipientType.Cc, PidTag.DisplayCc],
  [RecipientType.Bcc, PidTag.DisplayBcc],
] as const;

/** PidTagNativeBody by the property that is the body. */
const NATIVE_BODIES: readonly (readonly [PropertyTag, number])[] = [
  [PidTag.Html, NativeBody.Html],
  [PidTag.RtfCompressed, NativeBody.Rtf],
  [PidTag.Body, NativeBody.PlainText],
];

/** What a save starts from. */
export interface Derivation {
  /** Properties to be stored, which this adds to. */
  readonly set: MutableProperties;
  /** Tags that are removed; returned with those that go with them. */
  readonly remove: readonly PropertyTag[];
  /** What the message has had so far, if it was there. */
  readonly stored: (tag: PropertyTag) => PropertyValue | undefined;
  readonly isNew: boolean;
  readonly recipients: readonly Recipient[] | undefined;
  readonly hasAttachments: boolean;
  /** FILETIME. */
  readonly now: bigint;
  readonly random: (length: number) => Uint8Array;
}

/**
 * Sets what the store makes of a message when it is saved ([MS-OXCMSG] 3.2.5.2, 3.2.5.3): subject, names of the recipients, whether
 * there are attachments, kind of body, times, and for a new one what every message has. Returns all tags to remove.
 */
export function deriveMessage(given: Derivation): readonly PropertyTag[] {
  const { set, stored, isNew, now } = given;
  const remove = [...given.remove, ...deriveSubject(set, stored, given.remove)];
  for (const [tag, names] of displayNames(given.recipients)) set.set(tag, names);
  set.set(PidTag.HasAttachments, given.hasAttachments);
  deriveNativeBody(set);
  if (!set.has(PidTag.LastModificationTime)) set.set(PidTag.LastModificationTime, now);
  set.set(PidTag.LocalCommitTime, now);
  if (!isNew) return remove;
  const normalized = set.get(PidTag.NormalizedSubject);
  const defaults: readonly (readonly [PropertyTag, PropertyValue])[] = [
    [PidTag.MessageClass, 'IPM.Note'],
    [PidTag.Importance, 1],
    [PidTag.Sensitivity, 0],
    [PidTag.CreationTime, now],
    [PidTag.ConversationTopic, typeof normalized === 'string' ? normalized : ''],
  ];
  for (const [tag, value] of defaults) if (!set.has(tag)) set.set(tag, value);
  if (!set.has(PidTag.SearchKey)) set.set(PidTag.SearchKey, given.random(16));
  return remove;
}

/** PidTagDisplayTo and such: the names of the recipients of each type, separated by semicolons ([MS-OXOMSG] 2.2.1.7). */
export function displayNames(recipients: readonly Recipient[] | undefined): [PropertyTag, string][] {
  return recipients === undefined ? [] : DISPLAYED.map(([type, tag]) => [tag, namesOf(recipients, type)]);
}

function namesOf(recipients: readonly Recipient[], type: number): string {
  const names: string[] = [];
  for (const recipient of recipients) {
    if ((recipient.type & RECIPIENT_TYPE_MASK) !== type) continue;
    const { properties } = recipient;
    const name =
      properties.get(PidTag.DisplayName) ?? properties.get(PidTag.SmtpAddress) ?? properties.get(PidTag.EmailAddress);
    if (typeof name === 'string' && name !== '') names.push(name);
  }
  return names.join('; ');
}

function deriveNativeBody(set: MutableProperties): void {
  if (set.has(PidTag.NativeBody)) return;
  const body = NATIVE_BODIES.find(([tag]) => set.has(tag));
  if (body !== undefined) set.set(PidTag.NativeBody, body[1]);
}

/**
 * PidTagMessageFlags of a message as it is saved.
 * @param base the flags that it has, or is made with
 */
export function messageFlags(
  base: number,
  of: {
    readonly hasAttachments: boolean;
    readonly associated: boolean;
    readonly value: (tag: PropertyTag) => PropertyValue | undefined;
  },
): number {
  let flags = base & ~COMPUTED_FLAGS;
  if (of.hasAttachments) flags |= MessageFlag.HasAttachments;
  if (of.associated) flags |= MessageFlag.Associated;
  if (of.value(PidTag.ReadReceiptRequested) === true) flags |= MessageFlag.NotifyRead;
  if (of.value(PidTag.NonReceiptNotificationRequested) === true) flags |= MessageFlag.NotifyUnread;
  if ((flags & MessageFlag.Read) !== 0) flags |= MessageFlag.EverRead;
  return flags;
}

/** The flags that a change sets, by PidTagMessageFlags or PidTagRead; undefined where it leaves them. */
export function flagsIn(set: { get(tag: PropertyTag): PropertyValue | undefined }, before: number): number | undefined {
  const flags = set.get(PidTag.MessageFlags);
  const read = set.get(PidTag.Read);
  if (typeof flags !== 'number' && typeof read !== 'boolean') return undefined;
  const given = typeof flags === 'number' ? flags : before;
  if (typeof read !== 'boolean') return given;
  return read ? given | MessageFlag.Read : given & ~MessageFlag.Read;
}

/** Message properties that are computed, or kept as columns: never stored, whatever is set. By property id. */
export const COMPUTED_MESSAGE_IDS: ReadonlySet<number> = new Set(
  [
    PidTag.Mid,
    PidTag.FolderId,
    PidTag.ParentFolderId,
    PidTag.InstID,
    PidTag.InstanceNum,
    PidTag.InstanceKey,
    PidTag.EntryId,
    PidTag.ParentEntryId,
    PidTag.RecordKey,
    PidTag.ParentSourceKey,
    PidTag.ChangeNumber,
    PidTag.MessageFlags,
    PidTag.Read,
    PidTag.MessageStatus,
    PidTag.MessageSize,
    PidTag.Associated,
    PidTag.ObjectType,
    PidTag.StoreEntryId,
    PidTag.StoreRecordKey,
    PidTag.MappingSignature,
    PidTag.HasNamedProperties,
    PidTag.HasAttachments,
    PidTag.DisplayTo,
    PidTag.DisplayCc,
    PidTag.DisplayBcc,
    PidTag.Access,
    PidTag.AccessLevel,
    PidTag.InternetArticleNumber,
    PidTag.DeletedOn,
  ].map(idOf),
);
