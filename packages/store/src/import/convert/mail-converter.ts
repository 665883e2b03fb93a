import type { MessageContent, PropertyNames } from '../../mailbox/model.ts';
import { type MutableProperties, PropertyType, propertyTag } from '../../mapi/property.ts';
import { PropertySet } from '../../mapi/property-name.ts';
import { PidTag } from '../../mapi/property-tags.ts';
import { MessageFlag, NativeBody } from '../../mapi/property-values.ts';
import { MAX_MESSAGE_NESTING } from '../mime/limits.ts';
import { MimeBudget, type MimePart, parseMime } from '../mime/part.ts';
import { recipientsOf } from './addresses.ts';
import { attachmentsOf } from './attachments.ts';
import { withAttendees } from './attendees.ts';
import { chooseParts } from './body-parts.ts';
import { setBodies } from './body-properties.ts';
import { keywordsOf, type Received, setEnvelope } from './envelope.ts';
import { InternetHeaderNames } from './internet-headers.ts';
import { type Meeting, setMeeting } from './meeting.ts';
import { setReport } from './report.ts';
import { smimeAttachment, smimeClass } from './smime.ts';
import { type MailFlags, statusFlags } from './status-flags.ts';

/** What is known of a mail beside its bytes. */
export interface ConvertOptions extends Received {
  /** Where it is left out, header fields that mail programs leave in files say it (status-flags.ts). */
  readonly flags?: MailFlags;
  /** The message is read, whatever those say. */
  readonly markRead?: boolean;
}

/** What was made of a mail. */
export interface ConvertedMail {
  readonly content: MessageContent;
  /** Limits that were reached: what lies beyond them was not taken apart, or is in the original alone. */
  readonly notes: readonly string[];
  /** What of its meetings' recurrence no property can say; the calendar is attached whole. */
  readonly recurrence: readonly string[];
}

/** followupFlagged ([MS-OXOFLAG] 2.2.1.1). */
const FLAGGED = 2;
/** PidTagLastVerbExecuted and PidTagIconIndex of mail that was replied to or forwarded ([MS-OXOMSG] 2.2.1.10 and 2.2.1.11). */
const REPLIED = { verb: 102, icon: 0x105 } as const;
const FORWARDED = { verb: 104, icon: 0x106 } as const;
/** PidLidSmartNoAttach ([MS-OXCMSG] 2.2.1.14). */
const SMART_NO_ATTACH = 0x8514;

/** Makes messages of Internet mail ([MS-OXCMAIL] 2.2), for one mailbox: named properties have its ids. */
export class MailConverter {
  readonly #names: PropertyNames;
  readonly #headerNames: InternetHeaderNames;

  constructor(names: PropertyNames) {
    this.#names = names;
    this.#headerNames = new InternetHeaderNames(names);
  }

  /** Never throws for what the mail holds: malformed mail becomes a message as well as it can. Throws what the store throws. */
  toMessage(bytes: Uint8Array, options: ConvertOptions): ConvertedMail {
    const budget = new MimeBudget();
    const content = this.#convert(bytes, options, budget, 0);
    return { content, notes: [...budget.notes], recurrence: [...budget.recurrence] };
  }

  #convert(bytes: Uint8Array, options: ConvertOptions, budget: MimeBudget, depth: number): MessageContent {
    const root = parseMime(bytes, budget);
    const properties: MutableProperties = new Map();
    setEnvelope(properties, root.headers, options);
    const flags = options.flags ?? statusFlags(root.headers);
    setFlags(properties, options.markRead === true ? { ...flags, read: true } : flags);
    this.#headerNames.setOn(properties, root.headers);
    const keywords = keywordsOf(root.headers);
    if (keywords.length > 0) properties.set(this.#keywordsTag(), keywords);
    const { attachments, attendees } = this.#setContent(properties, root, options, budget, depth);
    const recipients = withAttendees(recipientsOf(root.headers, budget), attendees, budget);
    return { properties, recipients, attachments };
  }

  #setContent(
    properties: MutableProperties,
    root: MimePart,
    options: ConvertOptions,
    budget: MimeBudget,
    depth: number,
  ): Pick<MessageContent, 'attachments'> & Pick<Meeting, 'attendees'> {
    const chosen = chooseParts(root);
    const html = setBodies(properties, chosen);
    const smime = smimeClass(root);
    if (smime !== undefined) {
      properties.set(PidTag.MessageClass, smime);
      if (root.type === 'multipart/signed') properties.set(PidTag.NativeBody, NativeBody.ClearSigned);
      return { attachments: [smimeAttachment(root)], attendees: [] };
    }
    const calendar = chosen.calendar !== undefined && budget.takeCalendar() ? chosen.calendar : undefined;
    const meeting = calendar && setMeeting(properties, calendar, this.#names, budget.recurrence);
    properties.set(PidTag.MessageClass, setReport(properties, root) ?? meeting?.messageClass ?? 'IPM.Note');
    const embed = (inner: Uint8Array): MessageContent | undefined => {
      if (depth >= MAX_MESSAGE_NESTING || !budget.takePart()) {
        budget.notes.add(`messages in messages, deeper than ${MAX_MESSAGE_NESTING}`);
        return undefined;
      }
      return this.#convert(inner, { fallback: options.fallback, flags: { read: true } }, budget, depth + 1);
    };
    const attachments = attachmentsOf(chosen.attached, { html, embed });
    const isHidden = attachments.every(({ properties }) => properties.get(PidTag.AttachmentHidden) === true);
    if (attachments.length > 0 && isHidden) {
      const id = this.#names.idOf({ guid: PropertySet.PSETID_Common, lid: SMART_NO_ATTACH }, true);
      properties.set(propertyTag(id, PropertyType.Boolean), true);
    }
    return { attachments, attendees: meeting?.attendees ?? [] };
  }

  /** PidNameKeywords ([MS-OXCMSG] 2.2.1.17). */
  #keywordsTag(): number {
    const id = this.#names.idOf({ guid: PropertySet.PS_PUBLIC_STRINGS, name: 'Keywords' }, true);
    return propertyTag(id, PropertyType.MultipleString);
  }
}

function setFlags(properties: MutableProperties, flags: MailFlags): void {
  let bits = flags.draft === true ? MessageFlag.Unsent : MessageFlag.Internet | MessageFlag.Unmodified;
  if (flags.read === true) bits |= MessageFlag.Read;
  if (flags.fromMe === true) bits |= MessageFlag.FromMe;
  properties.set(PidTag.MessageFlags, bits);
  if (flags.flagged === true) properties.set(PidTag.FlagStatus, FLAGGED);
  const done = flags.answered === true ? REPLIED : flags.forwarded === true ? FORWARDED : undefined;
  if (done === undefined) return;
  properties.set(PidTag.LastVerbExecuted, done.verb);
  properties.set(PidTag.IconIndex, done.icon);
}
