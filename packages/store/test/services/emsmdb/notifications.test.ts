import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { Cursor } from '@rpch/rpc/internal';
import { FolderId } from '../../../src/mailbox/folder-ids.ts';
import { NotificationFlag, NotificationType, TableEventType } from '../../../src/mapi/notification-data.ts';
import { objectId } from '../../../src/mapi/object-id.ts';
import { PidTag } from '../../../src/mapi/property-tags.ts';
import { Notify, Pending } from '../../../src/mapi/rops/extra-responses.ts';
import { GetContentsTable, OpenFolder } from '../../../src/mapi/rops/folder.ts';
import { RegisterNotification } from '../../../src/mapi/rops/notification.ts';
import { Release } from '../../../src/mapi/rops/store.ts';
import { MAX_NOTIFICATIONS } from '../../../src/services/emsmdb/notification-queue.ts';
import { type RopClient, ropOf, TestStore } from './rop-client.ts';

const INBOX = objectId(FolderId.Inbox);

let store: TestStore;
let alice: RopClient;
let logon: number;
beforeEach(() => {
  store = new TestStore();
  alice = store.session('alice');
  logon = alice.logon();
});
afterEach(() => store.close());

function add(subject: string): number {
  const properties = new Map([[PidTag.Subject, subject]]);
  return store.mailbox('alice').messages.add(FolderId.Inbox, { properties, recipients: [], attachments: [] }).id;
}

/** What an empty call brings. */
function fetched(room?: number) {
  const [payload] = alice.payloads([], [], room === undefined ? {} : { room });
  const cursor = new Cursor(payload?.ropsList ?? new Uint8Array(0), 'answer');
  const notified: ReturnType<typeof Notify.read>[] = [];
  let pending: number | undefined;
  while (cursor.remaining > 0) {
    const id = cursor.u8();
    if (id === Notify.id) notified.push(Notify.read(cursor, alice.coding));
    else {
      assert.equal(id, Pending.id);
      pending = Pending.read(cursor, alice.coding).sessionIndex;
    }
  }
  return { notified, pending };
}

function subscribe(notificationTypes: number): number {
  return alice.call(RegisterNotification, logon, { notificationTypes, wantWholeStore: true }).handle;
}

test('[MS-OXCNOTIF] 2.2.1.4: a message that is made, changed and deleted', () => {
  const handle = subscribe(
    NotificationType.ObjectCreated | NotificationType.ObjectModified | NotificationType.ObjectDeleted,
  );
  const id = add('x');
  const { messages } = store.mailbox('alice');
  messages.setRead(id, true);
  messages.delete(FolderId.Inbox, [id]);
  const { notified, pending } = fetched();
  assert.equal(pending, undefined);
  assert.ok(notified.every((each) => each.notificationHandle === handle && each.logonId === 0));
  const ofMessage = notified.filter(({ notificationData }) => notificationData.messageId === objectId(id));
  const flag = NotificationFlag.Message;
  assert.deepEqual(
    ofMessage.map(({ notificationData: { notificationFlags, folderId } }) => [notificationFlags, folderId]),
    [
      [NotificationType.ObjectCreated | flag, INBOX],
      [NotificationType.ObjectModified | flag, INBOX],
      [NotificationType.ObjectDeleted | flag, INBOX],
    ],
  );
  const counts = notified.find(({ notificationData }) => notificationData.totalMessageCount !== undefined);
  assert.equal(counts?.notificationData.messageId, undefined);
  assert.deepEqual(fetched().notified, []);
});

test('a table says once that it has changed, unless it was opened to be silent or is closed', () => {
  const folder = alice.call(OpenFolder, logon, { folderId: INBOX, openModeFlags: 0 }).handle;
  const table = alice.call(GetContentsTable, folder, { tableFlags: 0 }).handle;
  alice.call(GetContentsTable, folder, { tableFlags: 0x10 });
  add('x');
  add('y');
  assert.deepEqual(
    fetched().notified.map(({ notificationHandle, notificationData }) => [
      notificationHandle,
      notificationData.notificationFlags,
      notificationData.tableEventType,
    ]),
    [[table, NotificationType.TableModified, TableEventType.TableChanged]],
  );
  add('z');
  alice.payloads([ropOf(Release, { inputHandleIndex: 0 })], [table]);
  assert.deepEqual(fetched().notified, []);
});

test('what does not fit waits, and RopPending says so; of too many the oldest are lost', () => {
  subscribe(NotificationType.ObjectCreated);
  for (let i = 0; i < MAX_NOTIFICATIONS + 50; i += 1) add('x');
  const first = fetched(500);
  assert.equal(first.pending, alice.session.info.index);
  assert.ok(first.notified.length > 0 && first.notified.length < 20);
  let count = first.notified.length;
  for (let more = fetched(); more.notified.length > 0; more = fetched()) count += more.notified.length;
  assert.equal(count, MAX_NOTIFICATIONS);
});
