import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RpchError } from '@rpch/rpc/internal';
import { deletedMessages, moveMessages, whereabouts } from '../../src/client/deleted-messages.ts';
import { Mailbox } from '../../src/client/mailbox.ts';
import { MapiError } from '../../src/client/mapi-error.ts';
import { MapiSession } from '../../src/client/session.ts';
import { ErrorCode } from '../../src/mapi/error-code.ts';
import type { Properties, PropertyTag, PropertyValue } from '../../src/mapi/property.ts';
import { PidTag } from '../../src/mapi/property-tags.ts';
import { type FakeBehaviour, type FakeFolder, type FakeMessage, FakeStore } from './fake-store.ts';

const DN = '/o=Example/ou=First/cn=Recipients/cn=alice';
const [INBOX, DRAFTS] = [idOf(0xd), idOf(0xe)];
const [THERE, GONE, NEW] = [idOf(1), idOf(2), idOf(3)];

function idOf(counter: number): bigint {
  return (BigInt(counter) << 48n) | 1n;
}

function message(subject: string, ...more: (readonly [PropertyTag, PropertyValue])[]): FakeMessage {
  return { properties: new Map<PropertyTag, PropertyValue>([[PidTag.Subject, subject], ...more]) };
}

function folder(messages: FakeFolder['messages'], deleted?: FakeFolder['messages']): FakeFolder {
  const properties: Properties = new Map();
  return deleted === undefined ? { properties, messages } : { properties, messages, deleted };
}

async function opened(behaviour: Omit<FakeBehaviour, 'folders'>, ...[inbox, drafts]: FakeFolder[]) {
  const folders = new Map([
    [INBOX, inbox ?? folder(new Map())],
    [DRAFTS, drafts ?? folder(new Map())],
  ]);
  const store = new FakeStore({ folders, ...behaviour });
  const session = await MapiSession.connect(store.calls, { userDn: DN });
  return { store, mailbox: await Mailbox.open(session, { legacyDn: DN }) };
}

async function subjects(mailbox: Mailbox): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const { values } of deletedMessages(mailbox, INBOX, { columns: [PidTag.Mid, PidTag.Subject] })) {
    found.push(values.get(PidTag.Subject));
  }
  return found;
}

test('what is soft-deleted is listed, with the time of it or without', async () => {
  const there = new Map([[THERE, message('There')]]);
  for (const more of [[], [[PidTag.DeletedOn, 134_168_400_000_000_000n]]] as const) {
    const { mailbox } = await opened({}, folder(there, new Map([[GONE, message('Gone', ...more)]])));
    assert.deepEqual(await subjects(mailbox), ['Gone']);
  }
});

test('a server that knows of no soft deletion is not believed: neither what is there nor a refusal is a list', async () => {
  const there = folder(new Map([[THERE, message('There')]]));
  const none = (error: unknown): boolean => error instanceof RpchError && error.code === 'RPCH_NO_SOFT_DELETION';
  await assert.rejects(subjects((await opened({}, there)).mailbox), none);
  for (const softDeletesResult of [ErrorCode.NotSupported, ErrorCode.InvalidParam]) {
    await assert.rejects(subjects((await opened({ softDeletesResult }, there)).mailbox), none);
  }
  const denied = await opened({ softDeletesResult: ErrorCode.AccessDenied }, there);
  await assert.rejects(subjects(denied.mailbox), (error) => error instanceof MapiError);
});

test('a message is there, deleted or nowhere; its handles are released', async () => {
  const key = Buffer.from('key');
  const gone = new Map([[GONE, message('Gone', [PidTag.SearchKey, key])]]);
  const { mailbox, store } = await opened({}, folder(new Map([[THERE, message('There')]]), gone));
  const there = { id: THERE, state: 'there', subject: 'There', searchKey: undefined };
  assert.deepEqual(await whereabouts(mailbox, INBOX, THERE), there);
  const { searchKey, ...rest } = await whereabouts(mailbox, INBOX, GONE);
  assert.deepEqual(rest, { id: GONE, state: 'deleted', subject: 'Gone' });
  assert.deepEqual(Buffer.from(searchKey ?? []), key);
  for (const [at, id] of [
    [INBOX, NEW],
    [DRAFTS, GONE],
    [idOf(99), GONE],
  ] as const) {
    assert.equal((await whereabouts(mailbox, at, id)).state, 'nowhere');
  }
  await mailbox.folderProperties(INBOX, [PidTag.Subject]);
  await mailbox.folderProperties(INBOX, [PidTag.Subject]);
  assert.deepEqual(store.handles, ['folder', 'logon']);
});

test('what was moved is known by its search key; without one that it was moved, and not what it is now', async () => {
  const key: readonly [PropertyTag, PropertyValue] = [PidTag.SearchKey, Buffer.from('key')];
  for (const more of [[key], []]) {
    const deleted = new Map([[GONE, message('Gone', ...more)]]);
    // One that has the key already, and others.
    const drafts = new Map([[THERE, message('Gone', ...more)]]);
    const move = () => {
      for (const [id, each] of deleted) drafts.set(NEW, each) && deleted.delete(id);
    };
    const { mailbox } = await opened({ move }, folder(new Map(), deleted), folder(drafts));
    const moved = await moveMessages(mailbox, INBOX, [await whereabouts(mailbox, INBOX, GONE)], DRAFTS);
    assert.deepEqual(moved, [{ moved: true, now: more.length > 0 ? NEW : undefined }]);
  }
});

test('of two with one search key the one that was left does not get the id of the other', async () => {
  const alike = () => message('Gone', [PidTag.SearchKey, Buffer.from('key')]);
  const deleted = new Map([
    [THERE, alike()],
    [GONE, alike()],
  ]);
  const drafts = new Map<bigint, FakeMessage>();
  const move = () => void (drafts.set(NEW, alike()) && deleted.delete(GONE));
  const { mailbox } = await opened({ move }, folder(new Map(), deleted), folder(drafts));
  const both = [await whereabouts(mailbox, INBOX, THERE), await whereabouts(mailbox, INBOX, GONE)];
  assert.deepEqual(await moveMessages(mailbox, INBOX, both, DRAFTS), [
    { moved: false, now: undefined },
    { moved: true, now: NEW },
  ]);
});

test('what a server says to have moved and has not is not moved', async () => {
  const deleted = new Map([[GONE, message('Gone', [PidTag.SearchKey, Buffer.from('key')])]]);
  const { mailbox, store } = await opened({}, folder(new Map(), deleted));
  const moved = await moveMessages(mailbox, INBOX, [await whereabouts(mailbox, INBOX, GONE)], INBOX);
  assert.deepEqual(moved, [{ moved: false, now: undefined }]);
  assert.equal(store.rops.flat().filter((name) => name === 'MoveCopyMessages').length, 1);
});
