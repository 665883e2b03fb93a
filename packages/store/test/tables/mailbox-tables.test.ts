import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Writer } from '@rpch/rpc/internal';
import { FolderId } from '../../src/mailbox/folder-ids.ts';
import { Mailbox } from '../../src/mailbox/mailbox.ts';
import { ContentsTable } from '../../src/mailbox/tables/contents-table.ts';
import { counterOf } from '../../src/mapi/object-id.ts';
import type { PropertyTag, PropertyValue } from '../../src/mapi/property.ts';
import { PidTag } from '../../src/mapi/property-tags.ts';
import { BitmapRelOp, FuzzyHigh, FuzzyLow, RelOp, type Restriction } from '../../src/mapi/restriction.ts';
import type { SqlRow } from '../../src/sql/driver.ts';
import { mail, newMailbox, options, properties } from '../mailbox/support.ts';
import { CODING, firstColumn, query, shown } from './support.ts';

function tableOf(
  mailbox: Mailbox,
  folder: number,
  columns: readonly PropertyTag[] = [PidTag.Subject],
  associated = false,
): ContentsTable {
  const table = new ContentsTable({ index: mailbox.contents, folder, associated, coding: CODING });
  table.setColumns(columns);
  return table;
}

function at(seconds: number): [PropertyTag, PropertyValue] {
  return [PidTag.MessageDeliveryTime, 133_000_000_000_000_000n + BigInt(seconds) * 10_000_000n];
}

const contains = (tag: PropertyTag, value: string): Restriction => ({
  kind: 'content',
  fuzzyLow: FuzzyLow.Substring,
  fuzzyHigh: FuzzyHigh.IgnoreCase,
  tag,
  valueTag: tag,
  value,
});

test('tables follow all that happens to messages of a mailbox', () => {
  const mailbox = newMailbox();
  const inbox = tableOf(mailbox, FolderId.Inbox, [
    PidTag.Subject,
    PidTag.Read,
    PidTag.MessageFlags,
    PidTag.MessageStatus,
  ]);
  inbox.sort({ orders: [{ tag: PidTag.MessageDeliveryTime, order: 1 }], categories: 0, expanded: 0 });
  const unread = tableOf(mailbox, FolderId.Inbox);
  unread.restrict({ kind: 'bitmask', relOp: BitmapRelOp.Zero, tag: PidTag.MessageFlags, mask: 1 });
  const deleted = tableOf(mailbox, FolderId.DeletedItems);
  assert.equal(inbox.rowCount, 0);

  const ids = ['one', 'two', 'three'].map(
    (subject, index) => mailbox.messages.add(FolderId.Inbox, mail(subject, [at(index)])).id,
  );
  const [one = 0, two = 0, three = 0] = ids;
  assert.deepEqual(firstColumn(inbox), ['three', 'two', 'one']);
  assert.deepEqual(firstColumn(unread), ['one', 'two', 'three']);

  mailbox.messages.setRead(two, true);
  assert.deepEqual(firstColumn(unread), ['one', 'three']);
  mailbox.messages.setStatus(one, 4, 4);
  inbox.seek(0, 0);
  const shownRows = query(inbox).rows.map((row) => row.map(shown));
  assert.deepEqual(
    shownRows.map(([, read]) => read),
    [false, true, false],
  );
  assert.deepEqual(
    shownRows.map(([, , , status]) => status),
    [0, 0, 4],
  );

  mailbox.messages.save({
    id: three,
    folder: FolderId.Inbox,
    associated: false,
    set: properties([PidTag.Subject, 'drei'], at(-5)),
  });
  assert.deepEqual(firstColumn(inbox), ['two', 'one', 'drei']);

  mailbox.messages.move(FolderId.Inbox, [one], FolderId.DeletedItems);
  assert.deepEqual(firstColumn(inbox), ['two', 'drei']);
  assert.deepEqual(firstColumn(unread), ['drei']);
  assert.deepEqual(firstColumn(deleted), ['one']);
  mailbox.messages.copy(FolderId.DeletedItems, mailbox.messages.ids(FolderId.DeletedItems, false), FolderId.Inbox);
  assert.deepEqual(firstColumn(inbox), ['two', 'one', 'drei']);
  mailbox.messages.delete(FolderId.Inbox, [two]);
  assert.deepEqual(firstColumn(inbox), ['one', 'drei']);
  assert.equal(mailbox.folders.get(FolderId.Inbox)?.contentCount, inbox.rowCount);

  const folder = mailbox.folders.create(FolderId.Inbox, { name: 'sub', type: 1 });
  mailbox.messages.add(folder.id, mail('below'));
  const below = tableOf(mailbox, folder.id);
  assert.deepEqual(firstColumn(below), ['below']);
  mailbox.folders.delete(folder.id, true);
  assert.equal(below.rowCount, 0);
  mailbox.close();
});

test('restrictions look at bodies in full, at recipients and at attachments', () => {
  const mailbox = newMailbox();
  const long = `${'lorem ipsum '.repeat(2000)}needle at the end`;
  mailbox.messages.add(FolderId.Inbox, mail('long', [[PidTag.Body, long]]));
  mailbox.messages.add(FolderId.Inbox, {
    ...mail('with recipients'),
    recipients: [
      { rowId: 0, type: 1, properties: properties([PidTag.DisplayName, 'Bob']) },
      { rowId: 1, type: 2, properties: properties([PidTag.DisplayName, 'Carol']) },
    ],
  });
  mailbox.messages.add(FolderId.Inbox, {
    ...mail('with attachment'),
    attachments: [
      { number: 0, properties: properties([PidTag.AttachLongFilename, 'Offer.pdf'], [PidTag.AttachMethod, 1]) },
    ],
  });
  const table = tableOf(mailbox, FolderId.Inbox);
  const found = (restriction: Restriction): unknown[] => {
    table.restrict(restriction);
    return firstColumn(table);
  };
  assert.deepEqual(found(contains(PidTag.Body, 'NEEDLE')), ['long']);
  assert.deepEqual(
    found({
      kind: 'subobject',
      subobject: PidTag.MessageRecipients,
      restriction: contains(PidTag.DisplayName, 'carol'),
    }),
    ['with recipients'],
  );
  assert.deepEqual(
    found({
      kind: 'subobject',
      subobject: PidTag.MessageAttachments,
      restriction: contains(PidTag.AttachLongFilename, '.PDF'),
    }),
    ['with attachment'],
  );
  assert.deepEqual(found({ kind: 'size', relOp: RelOp.GreaterThan, tag: PidTag.Body, size: 10_000 }), ['long']);
  // What comes later is looked at in the same way.
  table.restrict({
    kind: 'subobject',
    subobject: PidTag.MessageAttachments,
    restriction: contains(PidTag.AttachLongFilename, '.pdf'),
  });
  mailbox.messages.add(FolderId.Inbox, {
    ...mail('another'),
    attachments: [
      { number: 0, properties: properties([PidTag.AttachLongFilename, 'b.pdf'], [PidTag.AttachMethod, 1]) },
    ],
  });
  assert.deepEqual(firstColumn(table), ['with attachment', 'another']);
  mailbox.close();
});

test('columns of every kind that a contents table has', () => {
  const mailbox = newMailbox();
  const { id } = mailbox.messages.add(FolderId.Inbox, mail('all'));
  const table = tableOf(mailbox, FolderId.Inbox);
  const all = table.columnsAll();
  for (const tag of [
    PidTag.Mid,
    PidTag.InstID,
    PidTag.RowType,
    PidTag.Subject,
    PidTag.EntryId,
    PidTag.ChangeKey,
    PidTag.Body,
  ]) {
    assert.ok(all.includes(tag), tag.toString(16));
  }
  table.setColumns(all);
  const [row] = query(table).rows;
  const values = new Map(all.map((tag, index) => [tag, shown(row?.[index])]));
  assert.equal(counterOf(BigInt.asUintN(64, values.get(PidTag.Mid) as bigint)), id);
  assert.equal(values.get(PidTag.Mid), values.get(PidTag.InstID));
  assert.equal(values.get(PidTag.RowType), 1);
  assert.equal(values.get(PidTag.Depth), 0);
  assert.equal((values.get(PidTag.EntryId) as Uint8Array).length, 70);
  const lacking = all.filter((tag) => values.get(tag) === undefined);
  // By each of its ids it is found again.
  for (const tag of [
    PidTag.Mid,
    PidTag.InstID,
    PidTag.EntryId,
    PidTag.RecordKey,
    PidTag.InstanceKey,
    PidTag.SourceKey,
  ]) {
    const value = values.get(tag);
    assert.ok(value !== undefined);
    const restriction: Restriction = { kind: 'property', relOp: RelOp.Equal, tag, valueTag: tag, value };
    const find = { restriction, backward: false, origin: 0, bookmark: new Uint8Array(0) };
    assert.equal(table.findRow(new Writer(), find).found, true);
    const other = value instanceof Uint8Array ? value.map((byte) => byte ^ 1) : (value as bigint) ^ 1n;
    const wrong = { ...find, restriction: { ...restriction, value: other } };
    assert.equal(table.findRow(new Writer(), wrong).found, false);
  }
  // A row of a message has nothing to count.
  assert.deepEqual(lacking, [PidTag.ContentCount, PidTag.ContentUnreadCount]);
  mailbox.close();
});

test('associated messages have a table of their own', () => {
  const mailbox = newMailbox();
  const table = tableOf(mailbox, FolderId.CommonViews, [PidTag.Subject], true);
  mailbox.messages.add(
    FolderId.CommonViews,
    mail('view b', [[PidTag.MessageClass, 'IPM.Microsoft.FolderDesign.NamedView']]),
    { associated: true },
  );
  mailbox.messages.add(FolderId.CommonViews, mail('view a', [[PidTag.MessageClass, 'IPM.Microsoft.WunderBar.Link']]), {
    associated: true,
  });
  mailbox.messages.add(FolderId.CommonViews, mail('a message'));
  assert.deepEqual(firstColumn(table), ['view b', 'view a']);
  table.sort({ orders: [{ tag: PidTag.Subject, order: 0 }], categories: 0, expanded: 0 });
  assert.deepEqual(firstColumn(table), ['view a', 'view b']);
  table.restrict({ ...contains(PidTag.MessageClass, 'ipm.microsoft.wunderbar.link') });
  assert.deepEqual(firstColumn(table), ['view a']);
  mailbox.close();
});

test('a mailbox whose text was sorted otherwise is sorted anew', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'rpch-sorted-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'mailbox.sqlite');
  const old = newMailbox(path);
  for (const subject of ['Zebra', 'Äpfel', 'apple']) old.messages.add(FolderId.Inbox, mail(subject));
  // As it was before, but that reading its keys fails.
  const { id = 0 } = old.database.get(
    "SELECT id FROM contents_orders WHERE folder = ? AND name LIKE '0037001f+/%'",
    FolderId.Inbox,
  ) as SqlRow;
  old.database.run("UPDATE contents_orders SET name = '0037001f+' WHERE id = ?", id);
  old.database.run('UPDATE contents_nodes SET content = ? WHERE id / 4294967296 = ?', new Uint8Array(0), id);
  old.close();
  const mailbox = Mailbox.open(path, options());
  const table = tableOf(mailbox, FolderId.Inbox);
  table.sort({ orders: [{ tag: PidTag.Subject, order: 0 }], categories: 0, expanded: 0 });
  assert.deepEqual(firstColumn(table), ['Äpfel', 'apple', 'Zebra']);
  mailbox.messages.add(FolderId.Inbox, mail('[b]'));
  assert.deepEqual(firstColumn(table), ['[b]', 'Äpfel', 'apple', 'Zebra']);
  mailbox.close();
});
