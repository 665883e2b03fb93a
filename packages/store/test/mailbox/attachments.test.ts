import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FolderId } from '../../src/mailbox/folder-ids.ts';
import type { AttachmentChange, MessageChange, MessageContent } from '../../src/mailbox/model.ts';
import { ErrorCode, StoreError } from '../../src/mapi/error-code.ts';
import { PidTag } from '../../src/mapi/property-tags.ts';
import { mail, newMailbox, properties } from './support.ts';

const { Inbox } = FolderId;
const PDF = new Uint8Array(20_000).fill(80);

function withAttachments(attachments: readonly AttachmentChange[], more: Partial<MessageChange> = {}): MessageChange {
  return { folder: Inbox, associated: false, set: properties(), attachments, ...more };
}

const FILE: AttachmentChange = {
  number: 0,
  set: properties([PidTag.AttachLongFilename, 'report.pdf'], [PidTag.AttachDataBinary, PDF], [PidTag.AttachSize, 5]),
};

test('an attachment has what every one has, and its content lies apart ([MS-OXCMSG] 2.2.2)', () => {
  const { messages } = newMailbox();
  const { id } = messages.save(withAttachments([FILE]));
  const read = messages.get(id);
  const [attachment] = read?.attachments ?? [];
  assert.equal(read?.properties.get(PidTag.HasAttachments), true);
  assert.equal(Number(read?.properties.get(PidTag.MessageFlags)) & 0x10, 0x10);
  assert.equal(attachment?.number, 0);
  assert.equal(attachment?.embeds, false);
  const found = attachment?.properties;
  assert.equal(found?.get(PidTag.AttachLongFilename), 'report.pdf');
  assert.equal(found?.get(PidTag.AttachMethod), 1);
  assert.equal(found?.get(PidTag.RenderingPosition), -1);
  assert.equal(found?.get(PidTag.AttachNumber), 0);
  assert.equal(found?.get(PidTag.ObjectType), 7);
  assert.ok(found?.has(PidTag.CreationTime));
  assert.ok(Number(found?.get(PidTag.AttachSize)) > PDF.length);
  assert.deepEqual([...(attachment?.large ?? [])], [[PidTag.AttachDataBinary, PDF.length]]);
  assert.deepEqual(messages.attachmentValue(id, 0, PidTag.AttachDataBinary), PDF);
  assert.equal(messages.attachmentValue(id, 0, PidTag.AttachLongFilename), 'report.pdf');
  assert.equal(messages.attachmentValue(id, 0, PidTag.AttachNumber), 0);
  assert.equal(messages.attachmentValue(id, 1, PidTag.AttachNumber), undefined);
  assert.ok(Number(read?.properties.get(PidTag.MessageSize)) > PDF.length);
});

test('attachments are changed, added and removed with the message', () => {
  const mailbox = newMailbox();
  const { messages } = mailbox;
  const { id } = messages.save(withAttachments([FILE, { number: 1, set: properties([PidTag.AttachFilename, 'a']) }]));
  const size = Number(messages.value(id, PidTag.MessageSize));
  messages.save(
    withAttachments(
      [{ number: 0, set: properties([PidTag.AttachContentId, 'cid']), remove: [PidTag.AttachLongFilename] }],
      {
        id,
      },
    ),
  );
  const [first, second] = messages.get(id)?.attachments ?? [];
  assert.equal(first?.properties.get(PidTag.AttachContentId), 'cid');
  assert.equal(first?.properties.has(PidTag.AttachLongFilename), false);
  assert.deepEqual(messages.attachmentValue(id, 0, PidTag.AttachDataBinary), PDF);
  assert.equal(second?.properties.get(PidTag.AttachFilename), 'a');
  messages.save(withAttachments([], { id, removedAttachments: [0] }));
  assert.deepEqual(
    messages.get(id)?.attachments.map(({ number }) => number),
    [1],
  );
  assert.equal(mailbox.database.all('SELECT 1 FROM long_values WHERE owner = ?', id).length, 0);
  assert.ok(Number(messages.value(id, PidTag.MessageSize)) < size - PDF.length);
  messages.save(withAttachments([], { id, removedAttachments: [1] }));
  assert.equal(messages.value(id, PidTag.HasAttachments), false);
  assert.equal(Number(messages.value(id, PidTag.MessageFlags)) & 0x10, 0);
});

test('an attachment that is removed and made anew in one save is a new one', () => {
  const { messages } = newMailbox();
  const { id } = messages.save(withAttachments([FILE]));
  messages.save(
    withAttachments([{ number: 0, set: properties([PidTag.AttachFilename, 'new']) }], { id, removedAttachments: [0] }),
  );
  const [only] = messages.get(id)?.attachments ?? [];
  assert.equal(only?.properties.get(PidTag.AttachFilename), 'new');
  assert.equal(only?.properties.has(PidTag.AttachLongFilename), false);
  assert.equal(messages.attachmentValue(id, 0, PidTag.AttachDataBinary), undefined);
});

test('embedded messages come back in full, those within them too', () => {
  const { messages } = newMailbox();
  const innermost: MessageContent = {
    ...mail('Innermost', [[PidTag.Html, PDF]]),
    attachments: [{ number: 0, properties: properties([PidTag.AttachDataBinary, PDF]) }],
  };
  const inner: MessageContent = {
    ...mail('RE: Inner', [[PidTag.ConflictItems, [PDF, new Uint8Array(70_000)]]]),
    attachments: [{ number: 3, properties: properties(), embedded: innermost }],
  };
  const { id } = messages.save(withAttachments([{ number: 0, set: properties(), embedded: inner }]));
  const read = messages.get(id);
  assert.equal(read?.attachments[0]?.embeds, true);
  assert.equal(read?.attachments[0]?.properties.get(PidTag.AttachMethod), 5);
  const found = messages.embedded(id, 0);
  assert.equal(found?.properties.get(PidTag.Subject), 'RE: Inner');
  assert.equal(found?.properties.get(PidTag.NormalizedSubject), 'Inner');
  assert.equal(found?.properties.get(PidTag.DisplayTo), 'Bob');
  assert.equal(found?.properties.get(PidTag.HasAttachments), true);
  assert.deepEqual(found?.properties.get(PidTag.ConflictItems), [PDF, new Uint8Array(70_000)]);
  assert.deepEqual(found?.recipients, inner.recipients);
  const within = found?.attachments[0]?.embedded;
  assert.equal(found?.attachments[0]?.number, 3);
  assert.deepEqual(within?.properties.get(PidTag.Html), PDF);
  assert.deepEqual(within?.attachments[0]?.properties.get(PidTag.AttachDataBinary), PDF);
  assert.equal(messages.embedded(id, 1), undefined);
  // A save that leaves it.
  messages.save(withAttachments([{ number: 0, set: properties([PidTag.AttachFilename, 'x']) }], { id }));
  assert.equal(messages.embedded(id, 0)?.properties.get(PidTag.Subject), 'RE: Inner');
});

test('messages are not embedded without end', () => {
  const { messages } = newMailbox();
  let content: MessageContent = mail('x');
  for (let depth = 0; depth < 40; depth += 1) {
    content = { ...mail('x'), attachments: [{ number: 0, properties: properties(), embedded: content }] };
  }
  assert.throws(
    () => messages.add(Inbox, content),
    (error) => error instanceof StoreError && error.errorCode === ErrorCode.MsgCycle,
  );
  assert.deepEqual(messages.ids(Inbox, false), []);
});
