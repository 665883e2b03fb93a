import { Buffer } from 'node:buffer';
import type { Recipient } from '../../mailbox/model.ts';
import { PropertyType } from '../../mapi/property.ts';
import { PropertySet } from '../../mapi/property-name.ts';
import { PidTag } from '../../mapi/property-tags.ts';
import { RecipientType } from '../../mapi/property-values.ts';
import { type CalendarComponent, type CalendarProperty, unescapeText } from '../calendar/icalendar.ts';
import { MAX_RECIPIENTS } from '../mime/limits.ts';
import { percentDecode } from '../mime/parameters.ts';
import type { MimeBudget } from '../mime/part.ts';
import { type MailAddress, recipientProperties, tidyName } from './addresses.ts';
import type { SetNamed } from './recurrence.ts';

/** Somebody who takes part in a meeting. */
export interface Attendee {
  readonly who: MailAddress;
  /** A RecipientType: To is required, Cc optional, Bcc a room or another resource ([MS-OXOCAL] 2.2.4.10.7). */
  readonly type: number;
  /** PidTagRecipientTrackStatus ([MS-OXOCAL] 2.2.4.10.2); undefined for the organizer. */
  readonly status: number | undefined;
}

/** PidTagRecipientFlags ([MS-OXOCAL] 2.2.4.10.1): recipSendable, and with it recipOrganizer. */
const SENDABLE = 1;
const ORGANIZER = 3;
/** The responses of [MS-OXOCAL] 2.2.4.10.2 by PARTSTAT; all others have not answered, respNone. */
const RESPONSES: ReadonlyMap<string, number> = new Map([
  ['TENTATIVE', 2],
  ['ACCEPTED', 3],
  ['DECLINED', 4],
]);
/** Characters of a list of names. */
const MAX_NAMES = 32 * 1024;

/** ORGANIZER and ATTENDEE ([MS-OXCICAL] 2.1.3.1.1.20.16 and .2); each address once, and no more than a message can have. */
export function attendeesOf(event: CalendarComponent): Attendee[] {
  const found = new Map<string, Attendee>();
  const organizer = event.get('ORGANIZER');
  for (const property of [...(organizer === undefined ? [] : [organizer]), ...event.every('ATTENDEE')]) {
    const who = addressOf(property);
    const key = who?.address.toLowerCase() ?? '';
    if (who === undefined || found.has(key) || found.size > MAX_RECIPIENTS) continue;
    const isOrganizer = property === organizer;
    const partstat = property.parameters.get('PARTSTAT')?.toUpperCase() ?? '';
    found.set(key, {
      who,
      type: isOrganizer ? RecipientType.To : typeOf(property),
      status: isOrganizer ? undefined : (RESPONSES.get(partstat) ?? 0),
    });
  }
  return [...found.values()];
}

/** The address of a `mailto:` URI, or of EMAIL beside another (RFC 7986 6.2); undefined for who has none. */
function addressOf({ value, parameters }: CalendarProperty): MailAddress | undefined {
  const mailto = /^\s*mailto:([^?]{1,1024})/i.exec(value)?.[1];
  const written = mailto === undefined ? parameters.get('EMAIL') : Buffer.from(percentDecode(mailto)).toString('utf8');
  const address = tidyName(written ?? '');
  if (address === '') return undefined;
  return { name: tidyName(unescapeText(parameters.get('CN') ?? '')) || address, address };
}

/** [MS-OXCICAL] 2.1.3.1.1.20.2: the first that fits; who is only told of a meeting need not come. */
function typeOf({ parameters }: CalendarProperty): number {
  const kind = parameters.get('CUTYPE')?.toUpperCase();
  if (kind === 'RESOURCE' || kind === 'ROOM') return RecipientType.Bcc;
  const role = parameters.get('ROLE')?.toUpperCase();
  return role === 'OPT-PARTICIPANT' || role === 'NON-PARTICIPANT' ? RecipientType.Cc : RecipientType.To;
}

/** PidLidAllAttendeesString, PidLidToAttendeesString and PidLidCcAttendeesString ([MS-OXOCAL] 2.2.1.16 to 2.2.1.18). */
export function setAttendeeStrings(set: SetNamed, attendees: readonly Attendee[]): void {
  const invited = attendees.filter(({ status }) => status !== undefined);
  for (const [lid, listed] of [
    [0x8238, invited],
    [0x823b, invited.filter(({ type }) => type === RecipientType.To)],
    [0x823c, invited.filter(({ type }) => type === RecipientType.Cc)],
  ] as const) {
    const names = listed.map(({ who }) => who.name).join('; ');
    set(PropertySet.PSETID_Appointment, lid, PropertyType.String, names.slice(0, MAX_NAMES));
  }
}

/**
 * The recipients of a meeting's mail: those of its header, who have the roles and answers that the calendar says, and behind them
 * those of the calendar alone, to whom it went in another mail or who sent it.
 */
export function withAttendees(
  recipients: readonly Recipient[],
  attendees: readonly Attendee[],
  budget: MimeBudget,
): Recipient[] {
  const left = new Map(attendees.map((attendee) => [attendee.who.address.toLowerCase(), attendee]));
  const all = recipients.map((recipient) => {
    const key = String(recipient.properties.get(PidTag.SmtpAddress) ?? '').toLowerCase();
    const attendee = left.get(key);
    if (attendee === undefined) return recipient;
    left.delete(key);
    return asAttendee(recipient, attendee);
  });
  for (const attendee of left.values()) {
    if (all.length >= MAX_RECIPIENTS) {
      budget.notes.add(`more than ${MAX_RECIPIENTS} recipients`);
      break;
    }
    const recipient = { rowId: all.length, type: attendee.type, properties: recipientProperties(attendee.who) };
    all.push(asAttendee(recipient, attendee));
  }
  return all;
}

function asAttendee({ rowId, properties }: Recipient, { type, status }: Attendee): Recipient {
  const own = new Map(properties);
  own.set(PidTag.RecipientFlags, status === undefined ? ORGANIZER : SENDABLE);
  if (status !== undefined) own.set(PidTag.RecipientTrackStatus, status);
  return { rowId, type, properties: own };
}
