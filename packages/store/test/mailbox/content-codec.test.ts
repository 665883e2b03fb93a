import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeContent, decodeRecipients, encodeContent, encodeRecipients } from '../../src/mailbox/content-codec.ts';
import { FolderId } from '../../src/mailbox/folder-ids.ts';
import { COMPUTED_MESSAGE_IDS } from '../../src/mailbox/message-derivation.ts';
import type { AttachmentContent, MessageContent, Recipient } from '../../src/mailbox/model.ts';
import { ErrorCode, StoreError } from '../../src/mapi/error-code.ts';
import { idOf, type PropertyTag, type PropertyValue } from '../../src/mapi/property.ts';
import { PidTag } from '../../src/mapi/property-tags.ts';
import { anyProperties, plain } from './arbitraries.ts';
import { newMailbox } from './support.ts';

const recipients: fc.Arbitrary<Recipient[]> = fc.array(
  fc.record({ rowId: fc.nat(), type: fc.nat(255), properties: anyProperties }),
  { maxLength: 4 },
);

function content(depth: number): fc.Arbitrary<MessageContent> {
  const embedded = depth === 0 ? fc.constant(undefined) : fc.option(content(depth - 1), { nil: undefined });
  const attachment: fc.Arbitrary<AttachmentContent> = fc
    .record({ number: fc.nat(), properties: anyProperties, inner: embedded })
    .map(({ number, properties, inner }) => ({
      number,
      properties,
      ...(inner === undefined ? {} : { embedded: inner }),
    }));
  return fc.record({ properties: anyProperties, recipients, attachments: fc.array(attachment, { maxLength: 2 }) });
}

function plainContent(given: MessageContent): unknown {
  return {
    properties: plain(given.properties),
    recipients: given.recipients.map((one) => ({ ...one, properties: plain(one.properties) })),
    attachments: given.attachments.map(({ number, properties, embedded }) => ({
      number,
      properties: plain(properties),
      embedded: embedded === undefined ? undefined : plainContent(embedded),
    })),
  };
}

test('messages in full, with those embedded in them, come back as they were', () => {
  fc.assert(
    fc.property(content(2), (given) => {
      assert.deepEqual(plainContent(decodeContent(encodeContent(given))), plainContent(given));
    }),
    { numRuns: 50 },
  );
});

test('so many recipients and no more', () => {
  const many = Array.from({ length: 32_767 }, (_, rowId) => ({ rowId, type: 1, properties: new Map() }));
  assert.equal(decodeRecipients(encodeRecipients(many)).length, many.length);
  assert.throws(
    () => encodeRecipients([...many, { rowId: 0, type: 1, properties: new Map() }]),
    (error) => error instanceof StoreError && error.errorCode === ErrorCode.TooManyRecips,
  );
});

/** Those that the store makes itself of whatever it was given, or that would have to be well-formed. */
const OWN: ReadonlySet<number> = new Set([
  ...COMPUTED_MESSAGE_IDS,
  ...[
    PidTag.Subject,
    PidTag.SubjectPrefix,
    PidTag.NormalizedSubject,
    PidTag.ChangeKey,
    PidTag.PredecessorChangeList,
    PidTag.LocalCommitTime,
    PidTag.SourceKey,
  ].map(idOf),
]);

test('whatever a client stores in a message is there when it is read, by whichever way', () => {
  const mailbox = newMailbox();
  fc.assert(
    fc.property(anyProperties, anyProperties, recipients, (first, second, to) => {
      const { id } = mailbox.messages.save({
        folder: FolderId.Inbox,
        associated: false,
        set: first,
        recipients: to,
        attachments: [{ number: 5, set: second }],
      });
      const read = mailbox.messages.get(id);
      const check = (
        given: ReadonlyMap<PropertyTag, PropertyValue>,
        found: ReadonlyMap<PropertyTag, PropertyValue> | undefined,
        large: ReadonlyMap<PropertyTag, number> | undefined,
        value: (tag: PropertyTag) => PropertyValue | undefined,
      ): void => {
        for (const [tag, one] of given) {
          if (OWN.has(idOf(tag))) continue;
          const whole = found?.get(tag) ?? (large?.has(tag) === true ? value(tag) : undefined);
          assert.deepEqual(plain(new Map([[tag, whole ?? null]])), plain(new Map([[tag, one]])));
          assert.deepEqual(plain(new Map([[tag, value(tag) ?? null]])), plain(new Map([[tag, one]])));
        }
      };
      check(first, read?.properties, read?.large, (tag) => mailbox.messages.value(id, tag));
      const [attachment] = read?.attachments ?? [];
      const kept = new Map([...second].filter(([tag]) => idOf(tag) < 0x0e00 || idOf(tag) > 0x1000));
      check(kept, attachment?.properties, attachment?.large, (tag) => mailbox.messages.attachmentValue(id, 5, tag));
      assert.deepEqual(
        read?.recipients.map((one) => plain(one.properties)),
        to.map((one) => plain(one.properties)),
      );
    }),
    { numRuns: 60 },
  );
});
