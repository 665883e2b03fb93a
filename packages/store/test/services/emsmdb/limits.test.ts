import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { FolderId } from '../../../src/mailbox/folder-ids.ts';
import type { Mailbox } from '../../../src/mailbox/mailbox.ts';
import { Right } from '../../../src/mailbox/permissions.ts';
import type { RestrictedView } from '../../../src/mailbox/tables/restricted-view.ts';
import { NotificationType } from '../../../src/mapi/notification-data.ts';
import { objectId } from '../../../src/mapi/object-id.ts';
import { PidTag } from '../../../src/mapi/property-tags.ts';
import type { Restriction } from '../../../src/mapi/restriction.ts';
import { GetContentsTable, GetHierarchyTable, OpenFolder } from '../../../src/mapi/rops/folder.ts';
import { RegisterNotification } from '../../../src/mapi/rops/notification.ts';
import { CreateBookmark, FreeBookmark, QueryRows, Restrict, SetColumns } from '../../../src/mapi/rops/table.ts';
import {
  MAX_ACCOUNT_MEMORY,
  MAX_ACCOUNT_OBJECTS,
  MAX_OBJECTS,
  MAX_TABLES_AT_WORK,
} from '../../../src/services/emsmdb/limits.ts';
import { MAX_SESSIONS_PER_ACCOUNT } from '../../../src/services/emsmdb/session-registry.ts';
import { type RopClient, TestStore } from './rop-client.ts';

const INBOX = objectId(FolderId.Inbox);

let store: TestStore;
let mailbox: Mailbox;
beforeEach(() => {
  store = new TestStore();
  mailbox = store.mailbox('alice');
  const rights = Right.FolderVisible | Right.ReadAny;
  const others = ['bob', 'carol'].map((account) => ({ account, name: account, rights }));
  mailbox.folders.setPermissions(FolderId.Inbox, others);
});
afterEach(() => store.close());

function save(subject = 'x'): void {
  const properties = new Map([[PidTag.Subject, subject]]);
  mailbox.messages.add(FolderId.Inbox, { properties, recipients: [], attachments: [] });
}

/** A session of bob's, who has opened alice's inbox. */
function delegate(account = 'bob') {
  const client = store.session(account);
  const logon = client.logon('alice');
  const inbox = client.call(OpenFolder, logon, { folderId: INBOX, openModeFlags: 0 }).handle;
  const subscribe = () => {
    const request = { notificationTypes: NotificationType.ObjectCreated, wantWholeStore: true };
    return client.try(RegisterNotification, logon, request);
  };
  return { client, logon, inbox, subscribe };
}

/** What the mailbox is asked for about bob's rights while a message is saved. */
function questions(): number {
  const { folders } = mailbox;
  const rights = folders.rights.bind(folders);
  let asked = 0;
  folders.rights = (folder, account) => {
    asked += 1;
    return rights(folder, account);
  };
  save();
  folders.rights = rights;
  return asked;
}

test('one account with as many sessions as it may have: what another saves costs as much as with one', () => {
  const first = delegate();
  first.subscribe();
  first.client.call(GetHierarchyTable, first.inbox, { tableFlags: 4 });
  const alone = questions();
  assert.ok(alone > 0);
  let refused = 0;
  let opened = 1;
  for (let count = 1; count < MAX_SESSIONS_PER_ACCOUNT; count += 1) {
    const { subscribe } = delegate();
    for (let i = 0; i < MAX_OBJECTS.subscription; i += 1) {
      if (subscribe().response.returnValue === 0) {
        opened += 1;
        continue;
      }
      refused += 1;
      break;
    }
  }
  assert.equal(opened, MAX_ACCOUNT_OBJECTS.subscription);
  assert.ok(refused > 100, `${refused} sessions were refused one more`);
  assert.equal(questions(), alone);
  const [line] = store.recorded.lines.filter(({ fields }) => fields.event === 'store.limit');
  const { account, mailbox: whose, error } = line?.fields ?? {};
  assert.deepEqual([account, whose, error], ['bob', 'alice', 'MaxObjsExceeded']);
  // Nobody else is concerned, nor is he in another mailbox; what a session gives back another may have.
  for (const other of [delegate('alice'), delegate('carol')]) assert.equal(other.subscribe().response.returnValue, 0);
  const own = store.session('bob');
  own.call(RegisterNotification, own.logon(), { notificationTypes: 2, wantWholeStore: true });
  first.client.session.close();
  assert.equal(delegate().subscribe().response.returnValue, 0);
});

const RESTRICTION: Restriction = { kind: 'exist', tag: PidTag.Subject };

/** A table with a restriction, which has its rows in memory. */
function openTable(client: RopClient, inbox: number): number {
  const table = client.call(GetContentsTable, inbox, { tableFlags: 0 }).handle;
  client.call(SetColumns, table, { setColumnsFlags: 0, propertyTags: [PidTag.Subject] });
  client.call(Restrict, table, { restrictFlags: 0, restrictionData: RESTRICTION });
  assert.equal(rowsOf(client, table), 1);
  return table;
}

function rowsOf(client: RopClient, table: number): number {
  const request = { queryRowsFlags: 0x01, forwardRead: true, rowCount: 50 };
  return client.call(QueryRows, table, request, [PidTag.Subject]).response.rowCount;
}

test('of the tables of all sessions only some have rows in memory, and all show what there is', () => {
  save();
  const views = new Set<RestrictedView>();
  const { contents } = mailbox;
  const [watch, unwatch] = [contents.watch.bind(contents), contents.unwatch.bind(contents)];
  contents.watch = (view) => {
    views.add(view);
    watch(view);
  };
  contents.unwatch = (view) => {
    views.delete(view);
    unwatch(view);
  };
  const sessions = [delegate(), delegate(), delegate()];
  const tables = sessions.flatMap(({ client, inbox }) =>
    Array.from({ length: MAX_TABLES_AT_WORK }, () => ({ client, table: openTable(client, inbox) })),
  );
  assert.equal(views.size, MAX_TABLES_AT_WORK);
  save('y');
  for (const { client, table } of tables) assert.equal(rowsOf(client, table), 2);
  assert.equal(views.size, MAX_TABLES_AT_WORK);
});

test('columns, restrictions and bookmarks of tables are memory of the account, which closing gives back', () => {
  save();
  const { client, inbox } = delegate();
  const used = () => store.allowance('bob').memory.used;
  const before = used();
  const table = openTable(client, inbox);
  const open = used();
  assert.ok(open > before);
  const { bookmark } = client.call(CreateBookmark, table, {}).response;
  assert.ok(used() > open);
  client.call(FreeBookmark, table, { bookmark });
  assert.equal(used(), open);
  client.call(CreateBookmark, table, {});
  const parts = { kind: 'or', restrictions: new Array<Restriction>(1000).fill(RESTRICTION) } as const;
  client.call(Restrict, table, { restrictFlags: 0, restrictionData: parts });
  const large = used();
  assert.ok(large > open + 200_000, `${large - open} bytes for a thousand parts`);
  // One that cannot be used takes nothing.
  const wrong = { kind: 'property', relOp: 6, tag: 0x0037001f, valueTag: 0x0037001f, value: 'x' } as const;
  assert.equal(client.fails(Restrict, table, { restrictFlags: 0, restrictionData: wrong }), 'TooComplex');
  assert.equal(used(), large);
  client.call(Restrict, table, { restrictFlags: 0, restrictionData: RESTRICTION });
  assert.equal(used(), open);
  store.allowance('bob').memory.use(MAX_ACCOUNT_MEMORY - open - 100);
  assert.equal(client.fails(CreateBookmark, table, {}), 'NotEnoughMemory');
  client.session.close();
  assert.equal(used(), before + MAX_ACCOUNT_MEMORY - open - 100);
});
