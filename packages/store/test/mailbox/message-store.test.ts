import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FolderId } from '../../src/mailbox/folder-ids.ts';
import type { MailboxEvent, MessageChange, Recipient } from '../../src/mailbox/model.ts';
import { LARGE_VALUE } from '../../src/mailbox/packed-properties.ts';
import { parseEntryId } from '../../src/mapi/entry-id.ts';
import { ErrorCode, StoreError } from '../../src/mapi/error-code.ts';
import { objectId } from '../../src/mapi/object-id.ts';
import { PropertyType, propertyTag, withType } from '../../src/mapi/property.ts';
import { PidTag } from '../../src/mapi/property-tags.ts';
import { MessageFlag } from '../../src/mapi/property-values.ts';
import { globalIdBytes, parsePredecessorChangeList } from '../../src/mapi/xid.ts';
import { mail, newMailbox, properties } from './support.ts';

const { Inbox, Drafts } = FolderId;

function refused(code: number, work: () => unknown): void {
  assert.throws(work, (error) => error instanceof StoreError && error.errorCode === code);
}

function draft(more: Partial<MessageChange> = {}): MessageChange {
  return { folder: Inbox, associated: false, set: properties([PidTag.Subject, 'RE: Draft']), ...more };
}

function recipient(rowId: number, type: number, name: string): Recipient {
  return { rowId, type, properties: properties([PidTag.DisplayName, name]) };
}

test('a message that a client makes has what every message has ([MS-OXCMSG] 3.2.5.2)', () => {
  const mailbox = newMailbox();
  const { id, changeNumber } = mailbox.messages.save(draft());
  const stored = mailbox.messages.get(id);
  assert.ok(stored !== undefined);
  const { properties: found } = stored;
  const flags = MessageFlag.Read | MessageFlag.Unsent | MessageFlag.EverRead | MessageFlag.Unmodified;
  for (const [tag, value] of [
    [PidTag.Subject, 'RE: Draft'],
    [PidTag.SubjectPrefix, 'RE: '],
    [PidTag.NormalizedSubject, 'Draft'],
    [PidTag.ConversationTopic, 'Draft'],
    [PidTag.MessageClass, 'IPM.Note'],
    [PidTag.Importance, 1],
    [PidTag.Sensitivity, 0],
    [PidTag.MessageFlags, flags],
    [PidTag.Read, true],
    [PidTag.HasAttachments, false],
    [PidTag.DisplayTo, ''],
    [PidTag.DisplayCc, ''],
    [PidTag.DisplayBcc, ''],
    [PidTag.ObjectType, 5],
    [PidTag.MessageStatus, 0],
    [PidTag.Associated, false],
    [PidTag.InternetArticleNumber, 1],
    [PidTag.HasNamedProperties, false],
    [PidTag.Mid, BigInt.asIntN(64, objectId(id))],
    [PidTag.FolderId, BigInt.asIntN(64, objectId(Inbox))],
    [PidTag.ChangeNumber, BigInt.asIntN(64, objectId(changeNumber))],
  ] as const) {
    assert.equal(found.get(tag), value, tag.toString(16));
  }
  const { replicaGuid } = mailbox.info;
  assert.deepEqual(found.get(PidTag.SourceKey), globalIdBytes({ guid: replicaGuid, counter: id }));
  assert.deepEqual(found.get(PidTag.ParentSourceKey), globalIdBytes({ guid: replicaGuid, counter: Inbox }));
  assert.deepEqual(found.get(PidTag.ChangeKey), globalIdBytes({ guid: replicaGuid, counter: changeNumber }));
  const searchKey = found.get(PidTag.SearchKey);
  assert.ok(searchKey instanceof Uint8Array && searchKey.length === 16);
  const entryId = found.get(PidTag.EntryId);
  assert.ok(entryId instanceof Uint8Array && entryId.length === 70);
  assert.deepEqual(parseEntryId(entryId, { codePage: 20127 }), {
    kind: 'message',
    provider: mailbox.info.guid,
    type: 7,
    folder: { guid: replicaGuid, counter: Inbox },
    message: { guid: replicaGuid, counter: id },
  });
  assert.deepEqual(mailbox.messages.locate(id), { folder: Inbox, associated: false, deleted: false });
});

test('each save is a change: number, key, list and time ([MS-OXCFXICS] 3.1.5.3)', () => {
  const mailbox = newMailbox();
  const first = mailbox.messages.save(draft());
  const before = mailbox.messages.get(first.id)?.properties ?? properties();
  const second = mailbox.messages.save(draft({ id: first.id, set: properties([PidTag.Importance, 2]) }));
  const after = mailbox.messages.get(first.id)?.properties ?? properties();
  assert.equal(second.id, first.id);
  assert.ok(second.changeNumber > first.changeNumber);
  assert.equal(after.get(PidTag.Subject), 'RE: Draft');
  assert.equal(after.get(PidTag.Importance), 2);
  assert.deepEqual(after.get(PidTag.SourceKey), before.get(PidTag.SourceKey));
  assert.deepEqual(after.get(PidTag.SearchKey), before.get(PidTag.SearchKey));
  assert.ok(Number(after.get(PidTag.LastModificationTime)) > Number(before.get(PidTag.LastModificationTime)));
  assert.equal(after.get(PidTag.CreationTime), before.get(PidTag.CreationTime));
  const list = after.get(PidTag.PredecessorChangeList);
  assert.ok(list instanceof Uint8Array);
  assert.equal(parsePredecessorChangeList(list).length, 1);
  assert.equal(Number(after.get(PidTag.MessageFlags)) & MessageFlag.Unmodified, 0);
  // What synchronisation tells versions by is not to be removed.
  mailbox.messages.save(draft({ id: first.id, set: properties(), remove: [PidTag.ChangeKey, PidTag.Importance] }));
  const last = mailbox.messages.get(first.id)?.properties ?? properties();
  assert.ok(last.has(PidTag.ChangeKey));
  assert.equal(last.has(PidTag.Importance), false);
});

test('a second saver is told, unless it forces the save', () => {
  const mailbox = newMailbox();
  const { id, changeNumber } = mailbox.messages.save(draft());
  mailbox.messages.save(draft({ id, expected: changeNumber, set: properties([PidTag.Importance, 2]) }));
  refused(ErrorCode.ObjectModified, () => mailbox.messages.save(draft({ id, expected: changeNumber })));
  mailbox.messages.save(draft({ id, set: properties([PidTag.Importance, 0]) }));
  refused(ErrorCode.NotFound, () => mailbox.messages.save(draft({ id, folder: Drafts })));
  refused(ErrorCode.NotFound, () => mailbox.messages.save(draft({ id: 0x9999 })));
  refused(ErrorCode.NotFound, () => mailbox.messages.save(draft({ folder: 0x9999 })));
  refused(ErrorCode.NotSupported, () => mailbox.messages.save(draft({ folder: FolderId.SpoolerQueue })));
});

test('ids that were reserved may be used, once', () => {
  const mailbox = newMailbox();
  const newId = mailbox.clientIds.reserve(10);
  assert.equal(mailbox.messages.save(draft({ newId })).id, newId);
  for (const used of [newId, newId + 10, Inbox, 0x20]) {
    refused(ErrorCode.InvalidParam, () => mailbox.messages.save(draft({ newId: used })));
  }
});

test('recipients, and the names of them that tables show', () => {
  const mailbox = newMailbox();
  const recipients = [recipient(0, 1, 'Ann'), recipient(1, 0x81, 'Ben'), recipient(2, 2, 'Cy'), recipient(3, 3, 'Di')];
  const { id } = mailbox.messages.save(draft({ recipients }));
  const read = mailbox.messages.get(id);
  assert.deepEqual(read?.recipients, recipients);
  assert.equal(read?.properties.get(PidTag.DisplayTo), 'Ann; Ben');
  assert.equal(read?.properties.get(PidTag.DisplayCc), 'Cy');
  assert.equal(read?.properties.get(PidTag.DisplayBcc), 'Di');
  mailbox.messages.save(draft({ id, set: properties([PidTag.DisplayTo, 'forged']) }));
  assert.equal(mailbox.messages.value(id, PidTag.DisplayTo), 'Ann; Ben');
  mailbox.messages.save(draft({ id, recipients: [] }));
  assert.deepEqual(mailbox.messages.get(id)?.recipients, []);
  assert.equal(mailbox.messages.value(id, PidTag.DisplayTo), '');
});

test('long values are read with the message, large ones when they are asked for', () => {
  const mailbox = newMailbox();
  const long = 'x'.repeat(LARGE_VALUE / 2);
  const html = new Uint8Array(LARGE_VALUE + 1).fill(65);
  const { id } = mailbox.messages.save(
    draft({ set: properties([PidTag.Body, long], [PidTag.Html, html], [PidTag.Subject, 's']) }),
  );
  const read = mailbox.messages.get(id);
  assert.equal(read?.properties.get(PidTag.Body), long);
  assert.equal(read?.properties.has(PidTag.Html), false);
  assert.deepEqual([...(read?.large ?? [])], [[PidTag.Html, html.length]]);
  assert.deepEqual(mailbox.messages.value(id, PidTag.Html), html);
  assert.equal(mailbox.messages.value(id, PidTag.Subject), 's');
  assert.equal(mailbox.messages.value(id, withType(PidTag.Body, PropertyType.String8)), long);
  assert.deepEqual(mailbox.messages.value(id, withType(PidTag.Html, PropertyType.Unspecified)), html);
  assert.equal(mailbox.messages.value(id, PidTag.RtfCompressed), undefined);
  assert.equal(mailbox.messages.value(0x9999, PidTag.Body), undefined);
  assert.equal(mailbox.messages.value(id, PidTag.NativeBody), 3);
  // A save that leaves them, one that makes one short, one that removes the other.
  mailbox.messages.save(draft({ id, set: properties([PidTag.Importance, 2]) }));
  assert.deepEqual(mailbox.messages.value(id, PidTag.Html), html);
  mailbox.messages.save(draft({ id, set: properties([PidTag.Body, 'short']), remove: [PidTag.Html] }));
  assert.equal(mailbox.messages.value(id, PidTag.Body), 'short');
  assert.equal(mailbox.messages.value(id, PidTag.Html), undefined);
  assert.equal(mailbox.database.all('SELECT 1 FROM long_values WHERE owner = ?', id).length, 0);
});

test('read states have change numbers of their own', () => {
  const mailbox = newMailbox();
  const { id, changeNumber } = mailbox.messages.add(Inbox, mail('One'));
  const key = mailbox.messages.value(id, PidTag.ChangeKey);
  const events: MailboxEvent[] = [];
  mailbox.subscribe((told) => events.push(...told));
  assert.equal(mailbox.folders.get(Inbox)?.unreadCount, 1);
  assert.equal(mailbox.messages.setRead(id, true), true);
  assert.equal(mailbox.messages.setRead(id, true), false);
  assert.equal(mailbox.folders.get(Inbox)?.unreadCount, 0);
  const flags = Number(mailbox.messages.value(id, PidTag.MessageFlags));
  assert.equal(flags & (MessageFlag.Read | MessageFlag.EverRead), MessageFlag.Read | MessageFlag.EverRead);
  assert.equal(mailbox.messages.get(id)?.changeNumber, changeNumber);
  assert.deepEqual(mailbox.messages.value(id, PidTag.ChangeKey), key);
  const row = mailbox.database.get('SELECT read_change FROM messages WHERE id = ?', id);
  assert.ok(Number(row?.read_change) > changeNumber);
  assert.deepEqual(
    events.map(({ kind, message }) => [kind, message]),
    [
      ['modified', id],
      ['modified', undefined],
    ],
  );
  mailbox.messages.setRead(id, false);
  assert.equal(Number(mailbox.messages.value(id, PidTag.MessageFlags)) & 0x401, 0);
  refused(ErrorCode.NotFound, () => mailbox.messages.setRead(0x9999, true));
});

test('flags that follow from other things of the message are not to be set', () => {
  const mailbox = newMailbox();
  const { id } = mailbox.messages.save(
    draft({
      set: properties(
        [PidTag.MessageFlags, MessageFlag.HasAttachments | MessageFlag.Associated | MessageFlag.FromMe],
        [PidTag.ReadReceiptRequested, true],
      ),
    }),
  );
  const flags = mailbox.messages.value(id, PidTag.MessageFlags);
  assert.equal(flags, MessageFlag.FromMe | MessageFlag.NotifyRead);
  assert.equal(mailbox.folders.get(Inbox)?.unreadCount, 1);
});

test('the status of a message changes nothing else of it', () => {
  const mailbox = newMailbox();
  const { id, changeNumber } = mailbox.messages.save(draft());
  assert.equal(mailbox.messages.setStatus(id, 0xf, 0x6), 0);
  assert.equal(mailbox.messages.setStatus(id, 0, 0x4), 6);
  assert.equal(mailbox.messages.status(id), 2);
  assert.equal(mailbox.messages.get(id)?.changeNumber, changeNumber);
  refused(ErrorCode.NotFound, () => mailbox.messages.status(0x9999));
});

test('associated messages are counted apart', () => {
  const mailbox = newMailbox();
  const { id } = mailbox.messages.save(draft({ associated: true }));
  assert.deepEqual(mailbox.messages.ids(Inbox, true), [id]);
  assert.deepEqual(mailbox.messages.ids(Inbox, false), []);
  const folder = mailbox.folders.get(Inbox);
  assert.deepEqual([folder?.contentCount, folder?.unreadCount, folder?.associatedCount], [0, 0, 1]);
  assert.ok((folder?.size ?? 0) > 0);
  assert.equal(
    Number(mailbox.messages.value(id, PidTag.MessageFlags)) & MessageFlag.Associated,
    MessageFlag.Associated,
  );
});

test('an original is given back as it came', () => {
  const mailbox = newMailbox();
  const original = Buffer.from('From: bob\r\n\r\nHello');
  const { id } = mailbox.messages.add(Inbox, mail('One'), { original });
  assert.deepEqual([...(mailbox.messages.original(id) ?? [])], [...original]);
  mailbox.messages.move(Inbox, [id], Drafts);
  const [moved] = mailbox.messages.ids(Drafts, false);
  assert.equal(mailbox.messages.original(moved ?? 0)?.length, original.length);
  mailbox.messages.delete(Drafts, [moved ?? 0], true);
  assert.equal(mailbox.messages.original(moved ?? 0), undefined);
});

test('properties of the named kind, and rows that say so', () => {
  const mailbox = newMailbox();
  const named = propertyTag(0x8000, PropertyType.MultipleString);
  const { id } = mailbox.messages.save(draft({ set: properties([named, ['Red', 'Blue']]) }));
  assert.deepEqual(mailbox.messages.value(id, named), ['Red', 'Blue']);
  assert.equal(mailbox.messages.value(id, PidTag.HasNamedProperties), true);
  const row = mailbox.messages.rows.get(id);
  assert.deepEqual(row?.value(named), ['Red', 'Blue']);
  assert.equal(mailbox.messages.rows.tags(Inbox, false).includes(named), true);
});

test('a message of too many bytes is refused whole, within a transaction too', () => {
  const mailbox = newMailbox();
  const half = new Uint8Array(65 * 1024 * 1024);
  const before = mailbox.folders.get(Inbox);
  mailbox.transaction(() => {
    refused(ErrorCode.TooBig, () =>
      mailbox.messages.save(
        draft({
          set: properties([PidTag.Html, half]),
          attachments: [{ number: 0, set: properties([PidTag.AttachDataBinary, half]) }],
        }),
      ),
    );
  });
  assert.deepEqual(mailbox.folders.get(Inbox), before);
  refused(ErrorCode.UnexpectedType, () =>
    mailbox.messages.save(draft({ set: properties([PidTag.Importance, 'high']) })),
  );
  assert.deepEqual(mailbox.messages.ids(Inbox, false), []);
});
