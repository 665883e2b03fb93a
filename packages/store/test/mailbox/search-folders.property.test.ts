import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FolderId } from '../../src/mailbox/folder-ids.ts';
import { SearchFlag } from '../../src/mailbox/search-criteria.ts';
import { StoreError } from '../../src/mapi/error-code.ts';
import { PropertyType } from '../../src/mapi/property.ts';
import { PidTag } from '../../src/mapi/property-tags.ts';
import { FolderType } from '../../src/mapi/property-values.ts';
import { RelOp, type Restriction } from '../../src/mapi/restriction.ts';
import { compileRestriction } from '../../src/mapi/restriction-match.ts';
import { integer } from '../../src/sql/driver.ts';
import { contains, newSearch, subjects, UNREAD } from './searches.ts';
import { mail, newMailbox, properties } from './support.ts';

const { Inbox, Drafts } = FolderId;
const { Restart, Recursive, Static } = SearchFlag;

const RESTRICTIONS: readonly Restriction[] = [
  UNREAD,
  contains(PidTag.Subject, 'a'),
  contains(PidTag.Body, 'needle'),
  { kind: 'not', restriction: contains(PidTag.Subject, 'b') },
  { kind: 'and', restrictions: [UNREAD, { kind: 'exist', tag: PidTag.Sensitivity }] },
  {
    kind: 'subobject',
    subobject: PidTag.MessageRecipients,
    restriction: contains(PidTag.DisplayName, 'bob'),
  },
  {
    kind: 'property',
    relOp: RelOp.NotEqual,
    tag: PidTag.MessageStatus,
    valueTag: (PidTag.MessageStatus & 0xffff0000) | PropertyType.Integer32,
    value: 0,
  },
];

type Step =
  | { readonly kind: 'add'; readonly folder: number; readonly subject: string; readonly long: boolean }
  | { readonly kind: 'subject'; readonly at: number; readonly subject: string }
  | { readonly kind: 'read' | 'unread' | 'status' | 'recipients'; readonly at: number }
  | { readonly kind: 'copy' | 'move' | 'delete' | 'recover' | 'through'; readonly at: number; readonly folder: number }
  | {
      readonly kind: 'folder-move' | 'folder-copy' | 'folder-delete' | 'folder-recover' | 'folder-create';
      readonly at: number;
      readonly folder: number;
    }
  | {
      readonly kind: 'search';
      readonly which: number;
      readonly restriction: number;
      readonly scopes: readonly number[];
      readonly flags: number;
    }
  | { readonly kind: 'fail'; readonly at: number };

const at = fc.nat(60);
const subject = fc.constantFrom('a', 'b', 'ab', 'ba', 'c');
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('add' as const), folder: at, subject, long: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('subject' as const), at, subject }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('read', 'unread', 'status', 'recipients'), at }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom('copy', 'move', 'delete', 'recover', 'through'), at, folder: at }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('folder-move', 'folder-copy', 'folder-delete', 'folder-recover', 'folder-create'),
      at,
      folder: at,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('search' as const),
      which: fc.nat(2),
      restriction: fc.nat(RESTRICTIONS.length - 1),
      scopes: fc.array(at, { minLength: 1, maxLength: 3 }),
      flags: fc.constantFrom(
        Restart | Recursive,
        Restart,
        Restart | Recursive,
        Restart | Static,
        Restart | Static | Recursive,
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('fail' as const), at }) },
);

/** A mailbox with searches, and what they should have found. */
class Model {
  readonly mailbox = newMailbox();
  readonly searches = ['1', '2', '3'].map((name) => newSearch(this.mailbox, name));

  constructor() {
    const { folders } = this.mailbox;
    const type = FolderType.Generic;
    for (const name of ['A', 'B']) folders.create(folders.create(Inbox, { name, type }).id, { name, type });
    for (const place of this.folders()) this.mailbox.messages.add(place, mail('a'));
  }

  /** What static searches have found. */
  readonly frozen = new Map<number, Set<number>>();

  folders(): number[] {
    return this.mailbox.database
      .all(
        `SELECT id FROM folders WHERE type <> ${FolderType.Search} AND (id IN (?, ?) OR id >= 256) AND deleted_on IS NULL
           ORDER BY id`,
        Inbox,
        Drafts,
      )
      .map((row) => integer(row, 'id'));
  }

  ids(): number[] {
    const all = this.mailbox.database.all('SELECT id FROM messages ORDER BY id').map((row) => integer(row, 'id'));
    return all.filter((id) => this.mailbox.messages.locate(id) !== undefined);
  }

  /** What evaluating the restriction on every message gives. */
  matching(folder: number): Set<number> {
    const { restriction, scopes, flags } = this.mailbox.searches.criteria(folder);
    const matches = compileRestriction(restriction);
    const isInScope = (place: number): boolean => {
      if (scopes.includes(place)) return true;
      const parent = this.mailbox.folders.get(place)?.parent ?? 0;
      return (flags & Recursive) !== 0 && parent !== 0 && isInScope(parent);
    };
    const found = new Set<number>();
    for (const id of this.ids()) {
      const message = this.mailbox.messages.get(id) ?? assert.fail();
      const isMatch = matches(
        (tag) => this.mailbox.messages.value(id, tag),
        () =>
          message.recipients.map(
            ({ properties: own }) =>
              (tag: number) =>
                own.get(tag),
          ),
      );
      if (isMatch && isInScope(message.folder)) found.add(id);
    }
    return found;
  }

  run(one: Step): void {
    const { mailbox } = this;
    const { messages } = mailbox;
    const places = this.folders();
    const placeAt = (index: number) => places[index % places.length] ?? Inbox;
    const all = this.ids();
    const id = 'at' in one ? all[one.at % Math.max(1, all.length)] : undefined;
    const folder = id === undefined ? undefined : messages.locate(id)?.folder;
    if (one.kind === 'add') {
      const body = one.long ? `${'x'.repeat(9000)}needle` : 'needle';
      messages.add(placeAt(one.folder), mail(one.subject, [[PidTag.Body, one.subject === 'c' ? 'hay' : body]]));
    } else if (one.kind === 'search') this.start(one);
    else if (one.kind.startsWith('folder-')) this.runFolder(one, placeAt);
    else if (one.kind === 'recover') {
      const from = placeAt(one.at);
      messages.move(from, messages.ids(from, false, true), placeAt(one.folder));
    } else if (id === undefined || folder === undefined) return;
    else if (one.kind === 'subject') {
      messages.save({ id, folder, associated: false, set: properties([PidTag.Subject, one.subject]) });
    } else if (one.kind === 'recipients') {
      messages.save({ id, folder, associated: false, set: properties([PidTag.Sensitivity, 1]), recipients: [] });
    } else if (one.kind === 'read' || one.kind === 'unread') messages.setRead(id, one.kind === 'read');
    else if (one.kind === 'status') messages.setStatus(id, one.at, 0xff);
    else if (one.kind === 'delete') messages.delete(folder, [id]);
    else if (one.kind === 'copy' || one.kind === 'move') messages[one.kind](folder, [id], placeAt(one.folder));
    else if (one.kind === 'through') {
      const from = this.searches[one.folder % 3] ?? 0;
      const isThere = mailbox.searches.holds(from, id);
      assert.equal(messages.move(from, [id], placeAt(one.at)), isThere ? 1 : 0);
    } else if (one.kind === 'fail') {
      assert.throws(() =>
        mailbox.transaction(() => {
          messages.delete(folder, [id]);
          messages.add(Inbox, mail('a'));
          throw new Error('no');
        }),
      );
    }
    assert.ok(!this.mailbox.searches.proceed());
    const there = new Set(this.ids());
    for (const ids of this.frozen.values()) for (const each of ids) if (!there.has(each)) ids.delete(each);
  }

  runFolder(one: Step, placeAt: (at: number) => number): void {
    if (!('folder' in one) || !('at' in one)) return;
    const { folders } = this.mailbox;
    const to = placeAt(one.folder);
    const name = `${one.at} ${this.folders().length}`;
    const which = placeAt(one.at);
    try {
      if (one.kind === 'folder-create') folders.create(to, { name, type: FolderType.Generic });
      else if (one.kind === 'folder-move') folders.move(which, to, name);
      else if (one.kind === 'folder-recover') {
        const [gone] = folders.children(which, false, true);
        if (gone !== undefined) folders.move(gone.folder.id, to, name);
      } else if (one.kind === 'folder-copy') folders.copy(which, to, name, one.at % 2 === 0);
      else folders.delete(which);
    } catch (error) {
      // A name that is taken, a place within itself, a folder of every mailbox.
      if (!(error instanceof StoreError)) throw error;
    }
  }

  start({ which, restriction, scopes, flags }: Extract<Step, { readonly kind: 'search' }>): void {
    const folder = this.searches[which] ?? 0;
    const places = this.folders();
    this.mailbox.searches.set(folder, {
      restriction: RESTRICTIONS[restriction],
      scopes: scopes.map((scope) => places[scope % places.length] ?? Inbox),
      flags,
    });
    this.frozen.delete(folder);
    if ((flags & Static) !== 0) this.frozen.set(folder, this.matching(folder));
  }

  check(): void {
    const { mailbox } = this;
    for (const folder of this.searches) {
      const ids = mailbox.messages.ids(folder, false);
      const isStarted = mailbox.database.get('SELECT 1 AS one FROM searches WHERE folder = ?', folder) !== undefined;
      const expected = isStarted ? (this.frozen.get(folder) ?? this.matching(folder)) : new Set<number>();
      assert.deepEqual(
        [...ids],
        [...expected].sort((a, b) => a - b),
      );
      const texts = ids.map((id) => mailbox.messages.value(id, PidTag.Subject)).sort();
      assert.deepEqual(subjects(mailbox, folder), texts);
      const { contentCount, unreadCount, size } = mailbox.folders.get(folder) ?? assert.fail();
      const unread = ids.filter((id) => mailbox.messages.value(id, PidTag.Read) === false).length;
      const sizes = ids.map((id) => Number(mailbox.messages.value(id, PidTag.MessageSize)));
      assert.deepEqual([contentCount, unreadCount], [ids.length, unread]);
      assert.equal(
        size,
        sizes.reduce((sum, each) => sum + each, 0),
      );
    }
    assert.equal(mailbox.storeProperties().get(PidTag.ContentCount), this.ids().length);
  }
}

test('membership is what evaluating the restriction gives, whatever happens', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(step, { minLength: 1, maxLength: 6 }), { maxLength: 10, size: 'max' }),
      (transactions) => {
        const model = new Model();
        for (const [index, steps] of transactions.entries()) {
          const run = () => {
            for (const one of steps) model.run(one);
          };
          if (index % 2 === 0) model.mailbox.transaction(run);
          else run();
          model.check();
        }
        model.mailbox.close();
      },
    ),
    { numRuns: 80 },
  );
});
