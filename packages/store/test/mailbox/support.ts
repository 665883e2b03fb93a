import { createHash } from 'node:crypto';
import { Mailbox, type MailboxOptions } from '../../src/mailbox/mailbox.ts';
import type { MessageContent } from '../../src/mailbox/model.ts';
import type { PropertyTag, PropertyValue } from '../../src/mapi/property.ts';
import { PidTag } from '../../src/mapi/property-tags.ts';

/** A clock that moves on by a second whenever it is asked, and random bytes that are the same in every run. */
export function options(): MailboxOptions {
  let now = Date.UTC(2026, 0, 1);
  let seed = 0;
  return {
    now: () => {
      now += 1000;
      return now;
    },
    random: (length) => {
      seed += 1;
      return createHash('sha256').update(`seed ${seed}`).digest().subarray(0, length);
    },
  };
}

export const OWNER = 'alice@example.com';

export function newMailbox(path = ':memory:'): Mailbox {
  return Mailbox.create(path, OWNER, options());
}

export function properties(...list: [PropertyTag, PropertyValue][]): Map<PropertyTag, PropertyValue> {
  return new Map(list);
}

/** A small message, with a recipient and without attachments. */
export function mail(subject: string, more: [PropertyTag, PropertyValue][] = []): MessageContent {
  return {
    properties: properties(
      [PidTag.MessageClass, 'IPM.Note'],
      [PidTag.Subject, subject],
      [PidTag.Body, `Body of ${subject}`],
      ...more,
    ),
    recipients: [{ rowId: 0, type: 1, properties: properties([PidTag.DisplayName, 'Bob']) }],
    attachments: [],
  };
}
