import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { RpchError } from '@rpch/rpc';
import { FolderId } from '../../src/mailbox/folder-ids.ts';
import { Mailbox } from '../../src/mailbox/mailbox.ts';
import type { MailboxEvent } from '../../src/mailbox/model.ts';
import { StoreError } from '../../src/mapi/error-code.ts';
import { PidTag } from '../../src/mapi/property-tags.ts';
import { SqlError } from '../../src/sql/driver.ts';
import { NodeSqlite } from '../../src/sql/node-sqlite.ts';
import { mail, newMailbox, OWNER, options, properties } from './support.ts';

const { Inbox, Drafts } = FolderId;

function withFile(work: (path: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'rpch-mailbox-'));
  try {
    work(join(folder, 'alice.sqlite'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function coded(code: string): (error: unknown) => boolean {
  return (error) => error instanceof RpchError && error.code === code;
}

test('a mailbox is made once, for its owner’s eyes only, and opened again as it was', () => {
  withFile((path) => {
    const made = newMailbox(path);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(statSync(`${path}-wal`).mode & 0o777, 0o600);
    const { id } = made.messages.add(Inbox, mail('One'));
    const { info } = made;
    made.close();
    const opened = Mailbox.open(path, options());
    assert.deepEqual(opened.info, info);
    assert.equal(opened.info.account, OWNER);
    assert.equal(opened.messages.value(id, PidTag.Subject), 'One');
    opened.close();
    assert.throws(() => newMailbox(path), coded('RPCH_MAILBOX_EXISTS'));
    assert.throws(() => newMailbox(join(path, 'x')), coded('RPCH_IO'));
    assert.throws(() => Mailbox.open(`${path}x`, options()), coded('RPCH_NO_MAILBOX'));
    assert.equal(existsSync(`${path}x`), false);
  });
});

test('a mailbox that could not be made is not there, and what is no mailbox is not opened', () => {
  withFile((path) => {
    const broken = {
      ...options(),
      now: () => {
        throw new Error('no clock');
      },
    };
    assert.throws(() => Mailbox.create(path, OWNER, broken), /no clock/);
    assert.equal(existsSync(path), false);
    const other = new NodeSqlite(path);
    other.exec('CREATE TABLE theirs (id INTEGER)');
    other.close();
    assert.throws(() => Mailbox.open(path, options()), SqlError);
  });
});

test('two mailboxes are told apart by every GUID', () => {
  let seed = 0;
  const given = {
    now: () => 0,
    random: (length: number) => {
      seed += 1;
      return new Uint8Array(length).fill(seed);
    },
  };
  const one = Mailbox.create(':memory:', OWNER, given);
  const other = Mailbox.create(':memory:', OWNER, given);
  const guids = [one, other].flatMap(({ info }) => [info.guid, info.replicaGuid, info.mappingSignature]);
  assert.equal(new Set(guids).size, 6);
  for (const guid of guids) assert.match(guid, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab]/);
});

test('what one connection does, another sees: ids, counts, names, messages', () => {
  withFile((path) => {
    const one = newMailbox(path);
    const other = Mailbox.open(path, options());
    const first = one.messages.add(Inbox, mail('One'));
    const second = other.messages.add(Inbox, mail('Two'));
    assert.ok(second.id > first.id && second.changeNumber > first.changeNumber);
    assert.deepEqual(one.messages.ids(Inbox, false), [first.id, second.id]);
    assert.equal(one.folders.get(Inbox)?.contentCount, 2);
    const name = { guid: '00020329-0000-0000-c000-000000000046', name: 'a' };
    assert.equal(one.names.idOf(name, false), 0);
    assert.equal(other.names.idOf(name, true), 0x8000);
    assert.equal(one.names.idOf(name, false), 0x8000);
    other.folders.create(Inbox, { name: 'New', type: 1 });
    assert.throws(() => one.folders.create(Inbox, { name: 'new', type: 1 }), StoreError);
    one.close();
    other.close();
  });
});

test('events are told when the transaction is committed, and not of what came to nothing', () => {
  const mailbox = newMailbox();
  const told: (readonly MailboxEvent[])[] = [];
  const end = mailbox.subscribe((events) => told.push(events));
  mailbox.transaction(() => {
    mailbox.messages.add(Inbox, mail('One'));
    assert.throws(() =>
      mailbox.transaction(() => {
        mailbox.messages.add(Drafts, mail('Never'));
        throw new Error('no');
      }),
    );
    mailbox.transaction(() => mailbox.messages.add(Inbox, mail('Two')));
    assert.equal(told.length, 0);
  });
  assert.equal(told.length, 1);
  assert.deepEqual(
    told[0]?.filter(({ kind }) => kind === 'created').map(({ folder }) => folder),
    [Inbox, Inbox],
  );
  assert.throws(() =>
    mailbox.transaction(() => {
      mailbox.messages.add(Inbox, mail('Never'));
      throw new Error('no');
    }),
  );
  mailbox.messages.get(1);
  assert.equal(told.length, 1);
  end();
  mailbox.messages.add(Inbox, mail('Three'));
  assert.equal(told.length, 1);
  assert.equal(mailbox.folders.get(Inbox)?.contentCount, 3);
});

test('a caller’s mistake leaves the rest of a transaction; a failure half-way does not', () => {
  const mailbox = newMailbox();
  mailbox.transaction(() => {
    mailbox.messages.add(Inbox, mail('One'));
    assert.throws(() => mailbox.folders.create(Inbox, { name: '', type: 1 }), StoreError);
  });
  assert.equal(mailbox.folders.get(Inbox)?.contentCount, 1);
  mailbox.database.exec(
    `CREATE TRIGGER broken BEFORE INSERT ON attachments BEGIN SELECT raise(ABORT, 'disk on fire'); END`,
  );
  assert.throws(
    () =>
      mailbox.transaction(() => {
        const attachments = [{ number: 0, properties: properties() }];
        // Whoever swallows the error cannot keep the half that was written.
        assert.throws(() => mailbox.messages.add(Inbox, { ...mail('Two'), attachments }), /disk on fire/);
      }),
    /disk on fire/,
  );
  assert.equal(mailbox.messages.ids(Inbox, false).length, 1);
  assert.equal(mailbox.folders.get(Inbox)?.contentCount, 1);
  mailbox.messages.add(Inbox, mail('Three'));
});
