import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FolderId } from '../../src/mailbox/folder-ids.ts';
import type { Mailbox } from '../../src/mailbox/mailbox.ts';
import type { MailboxEvent } from '../../src/mailbox/model.ts';
import { ErrorCode, StoreError } from '../../src/mapi/error-code.ts';
import type { PropertyTag } from '../../src/mapi/property.ts';
import { PidTag } from '../../src/mapi/property-tags.ts';
import { globalIdBytes } from '../../src/mapi/xid.ts';
import { integer } from '../../src/sql/driver.ts';
import { mail, newMailbox, properties } from './support.ts';

const { Inbox, Drafts, SentItems } = FolderId;

function add(mailbox: Mailbox, subject: string, folder: number = Inbox): number {
  const content = mail(subject, [[PidTag.Html, new Uint8Array(600).fill(1)]]);
  const attachments = [{ number: 0, properties: properties([PidTag.AttachDataBinary, new Uint8Array(9000)]) }];
  return mailbox.messages.add(folder, { ...content, attachments }).id;
}

function bytesOf(mailbox: Mailbox, id: number, tag: PropertyTag): Uint8Array | undefined {
  const value = mailbox.messages.value(id, tag);
  return value instanceof Uint8Array ? value : undefined;
}

function tombstones(mailbox: Mailbox): { folder: number; object: number; kind: number }[] {
  return mailbox.database.all('SELECT folder, object, kind FROM deletions ORDER BY change, object').map((row) => ({
    folder: integer(row, 'folder'),
    object: integer(row, 'object'),
    kind: integer(row, 'kind'),
  }));
}

test('a copy is a message of its own with the same content', () => {
  const mailbox = newMailbox();
  const id = add(mailbox, 'One');
  assert.equal(mailbox.messages.copy(Inbox, [id, id, 0x9999], Drafts), 1);
  const [copy] = mailbox.messages.ids(Drafts, false);
  assert.ok(copy !== undefined && copy !== id);
  assert.equal(mailbox.messages.value(copy, PidTag.Subject), 'One');
  assert.equal(bytesOf(mailbox, copy, PidTag.Html)?.length, 600);
  assert.equal(mailbox.messages.get(copy)?.attachments.length, 1);
  assert.deepEqual(mailbox.messages.attachmentValue(copy, 0, PidTag.AttachDataBinary), new Uint8Array(9000));
  assert.deepEqual(bytesOf(mailbox, copy, PidTag.SearchKey), bytesOf(mailbox, id, PidTag.SearchKey));
  const { replicaGuid: guid } = mailbox.info;
  assert.deepEqual(bytesOf(mailbox, copy, PidTag.SourceKey), globalIdBytes({ guid, counter: copy }));
  const change = mailbox.messages.get(copy)?.changeNumber ?? 0;
  assert.deepEqual(bytesOf(mailbox, copy, PidTag.ChangeKey), globalIdBytes({ guid, counter: change }));
  assert.equal(mailbox.messages.get(id)?.attachments.length, 1);
  assert.deepEqual(tombstones(mailbox), []);
});

test('a message that is moved has a new id, and its old one is reported as deleted', () => {
  const mailbox = newMailbox();
  const id = add(mailbox, 'One');
  const events: MailboxEvent[] = [];
  mailbox.subscribe((told) => events.push(...told));
  assert.equal(mailbox.messages.move(Inbox, [id], SentItems), 1);
  assert.equal(mailbox.messages.get(id), undefined);
  const [moved] = mailbox.messages.ids(SentItems, false);
  assert.ok(moved !== undefined && moved > id);
  assert.equal(bytesOf(mailbox, moved, PidTag.Html)?.length, 600);
  assert.equal(mailbox.messages.get(moved)?.attachments.length, 1);
  assert.equal(mailbox.database.all('SELECT 1 FROM long_values WHERE owner = ?', id).length, 0);
  assert.deepEqual(tombstones(mailbox), [{ folder: Inbox, object: id, kind: 1 }]);
  assert.deepEqual(events[0], { kind: 'moved', folder: SentItems, message: moved, oldFolder: Inbox, oldMessage: id });
  assert.equal(mailbox.folders.get(Inbox)?.contentCount, 0);
  assert.equal(mailbox.folders.get(Inbox)?.size, 0);
  assert.equal(mailbox.messages.move(Inbox, [id], SentItems), 0);
  assert.equal(mailbox.messages.move(SentItems, [moved], SentItems), 1);
  assert.notEqual(mailbox.messages.get(moved), undefined);
});

test('deleting passes over what is not there, and leaves nothing but word of it', () => {
  const mailbox = newMailbox();
  const ids = [add(mailbox, 'One'), add(mailbox, 'Two'), add(mailbox, 'Three')];
  const elsewhere = add(mailbox, 'Four', Drafts);
  const view = mailbox.messages.add(Inbox, mail('View'), { associated: true }).id;
  assert.equal(mailbox.messages.delete(Inbox, [...ids.slice(0, 2), elsewhere, 0x9999, view]), 3);
  assert.deepEqual(mailbox.messages.ids(Inbox, false), ids.slice(2));
  assert.notEqual(mailbox.messages.get(elsewhere), undefined);
  assert.deepEqual(tombstones(mailbox), [
    ...ids.slice(0, 2).map((object) => ({ folder: Inbox, object, kind: 1 })),
    { folder: Inbox, object: view, kind: 2 },
  ]);
  assert.equal(mailbox.folders.properties(Inbox).get(PidTag.DeletedCountTotal), 3);
  assert.equal(mailbox.messages.delete(Inbox, ids.slice(0, 2)), 0);
});

test('a source key that was made elsewhere is buried with its message, and not copied', () => {
  const mailbox = newMailbox();
  const sourceKey = new Uint8Array(22).fill(9);
  const { id } = mailbox.messages.add(Inbox, mail('One', [[PidTag.SourceKey, sourceKey]]));
  assert.deepEqual(bytesOf(mailbox, id, PidTag.SourceKey), sourceKey);
  mailbox.messages.copy(Inbox, [id], Drafts);
  const [copy] = mailbox.messages.ids(Drafts, false);
  assert.notDeepEqual(bytesOf(mailbox, copy ?? 0, PidTag.SourceKey), sourceKey);
  mailbox.messages.delete(Inbox, [id]);
  assert.deepEqual(mailbox.database.get('SELECT source_key FROM deletions')?.source_key, sourceKey);
});

test('where messages cannot go', () => {
  const mailbox = newMailbox();
  const id = add(mailbox, 'One');
  for (const [code, to] of [
    [ErrorCode.NotFound, 0x9999],
    [ErrorCode.SearchFolder, FolderId.SpoolerQueue],
  ] as const) {
    for (const way of ['copy', 'move'] as const) {
      assert.throws(
        () => mailbox.messages[way](Inbox, [id], to),
        (error) => error instanceof StoreError && error.errorCode === code,
      );
    }
  }
});

type Step =
  | { readonly kind: 'add'; readonly folder: number; readonly associated: boolean; readonly read: boolean }
  | { readonly kind: 'save' | 'read' | 'unread'; readonly at: number }
  | { readonly kind: 'copy' | 'move' | 'delete'; readonly at: number; readonly folder: number }
  | { readonly kind: 'fail'; readonly at: number };

const folder = fc.constantFrom<number>(Inbox, Drafts, SentItems);
const at = fc.nat(200);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('add' as const), folder, associated: fc.boolean(), read: fc.boolean() }),
  fc.record({ kind: fc.constantFrom('save' as const, 'read' as const, 'unread' as const), at }),
  fc.record({ kind: fc.constantFrom('copy' as const, 'move' as const, 'delete' as const), at, folder }),
  fc.record({ kind: fc.constant('fail' as const), at }),
);

function run(mailbox: Mailbox, one: Step): void {
  const { messages } = mailbox;
  if (one.kind === 'add') {
    messages.add(one.folder, mail('x', [[PidTag.Read, one.read]]), { associated: one.associated });
    return;
  }
  const all = mailbox.database.all('SELECT id FROM messages ORDER BY id').map((row) => integer(row, 'id'));
  const id = all[one.at % Math.max(1, all.length)];
  const place = id === undefined ? undefined : messages.locate(id);
  if (id === undefined || place === undefined) return;
  const change = { id, folder: place.folder, associated: place.associated };
  if (one.kind === 'save') messages.save({ ...change, set: properties([PidTag.Body, 'x'.repeat(one.at * 10)]) });
  else if (one.kind === 'read' || one.kind === 'unread') messages.setRead(id, one.kind === 'read');
  else if (one.kind === 'delete') messages.delete(place.folder, [id]);
  else if (one.kind === 'fail') {
    assert.throws(() =>
      mailbox.transaction(() => {
        messages.delete(place.folder, [id]);
        messages.add(Inbox, mail('never'));
        throw new Error('no');
      }),
    );
  } else if (one.kind === 'copy' || one.kind === 'move') messages[one.kind](place.folder, [id], one.folder);
}

test('the counts that are kept are those that counting gives, whatever happens', () => {
  fc.assert(
    fc.property(fc.array(fc.array(step, { maxLength: 6 }), { maxLength: 8 }), (transactions) => {
      const mailbox = newMailbox();
      for (const steps of transactions) {
        mailbox.transaction(() => {
          for (const one of steps) run(mailbox, one);
        });
      }
      const counted = mailbox.database.all(
        `SELECT folders.id, sum(messages.associated = 0) AS content,
           sum(messages.associated = 0 AND (flags & 1) = 0) AS unread, sum(messages.associated) AS associated,
           sum(messages.size) AS size, sum(CASE messages.associated WHEN 1 THEN messages.size ELSE 0 END) AS associated_size
         FROM folders JOIN messages ON folder = folders.id GROUP BY folders.id ORDER BY folders.id`,
      );
      const kept = mailbox.database.all(
        `SELECT id, content, unread, associated, size, associated_size FROM folders
         WHERE content + associated + size > 0 ORDER BY id`,
      );
      assert.deepEqual(
        kept.map((row) => ({ ...row })),
        counted.map((row) => ({ ...row })),
      );
      const changes = mailbox.database.all('SELECT change FROM messages').map((row) => row.change);
      assert.equal(new Set(changes).size, changes.length);
      const strays = mailbox.database.all(
        'SELECT 1 FROM long_values WHERE owner >= 256 AND owner NOT IN (SELECT id FROM messages)',
      );
      assert.equal(strays.length, 0);
      mailbox.close();
    }),
    { numRuns: 40 },
  );
});
