import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultFolders, visibleFolders } from '../../src/client/default-folders.ts';
import { Mailbox } from '../../src/client/mailbox.ts';
import { MapiSession } from '../../src/client/session.ts';
import { EntryIdType, formEntryId } from '../../src/mapi/entry-id.ts';
import { ErrorCode } from '../../src/mapi/error-code.ts';
import type { PropertyValue } from '../../src/mapi/property.ts';
import { PidTag } from '../../src/mapi/property-tags.ts';
import { type FakeFolder, FakeStore, REPLICA } from './fake-store.ts';

const DN = '/o=Example/cn=alice';
/** Ids as RopLogon of the fake store tells them, and others. */
const [TOP, INBOX, CALENDAR, CONTACTS, BELOW] = [4, 5, 0x20, 0x21, 0x22].map(idOf) as [
  bigint,
  bigint,
  bigint,
  bigint,
  bigint,
];

function idOf(counter: number): bigint {
  return (BigInt(counter) << 56n) | 1n;
}

function entryId(counter: number, guid = REPLICA): Uint8Array {
  return formEntryId({ kind: 'folder', provider: REPLICA, type: EntryIdType.PrivateFolder, folder: { guid, counter } });
}

function folder(name: string, parent: bigint, ...more: (readonly [number, PropertyValue])[]): FakeFolder {
  return {
    properties: new Map<number, PropertyValue>([[PidTag.DisplayName, name], [PidTag.ParentFolderId, parent], ...more]),
    messages: new Map(),
  };
}

/** A mailbox whose Inbox says where the calendar is, and contacts that may not be seen, and rubbish. */
const FOLDERS = new Map([
  [
    INBOX,
    folder(
      'Posteingang',
      TOP,
      [PidTag.IpmAppointmentEntryId, entryId(0x20)],
      [PidTag.IpmContactEntryId, entryId(0x21)],
      [PidTag.IpmTaskEntryId, entryId(0x22, '44444444-4444-4444-4444-444444444444')],
      [PidTag.IpmNoteEntryId, Buffer.from('rubbish')],
    ),
  ],
  [CALENDAR, folder('Kalender', TOP)],
  [BELOW, folder('Urlaub', CALENDAR)],
]);

async function opened(closed?: number) {
  const store = new FakeStore({ folders: FOLDERS, ...(closed === undefined ? {} : { closed }) });
  const session = await MapiSession.connect(store.calls, { userDn: DN });
  return { store, mailbox: await Mailbox.open(session, { legacyDn: DN }) };
}

test('default folders: those of the logon, and those that the Inbox names by entry ids that are some', async () => {
  const { mailbox, store } = await opened();
  const found = await defaultFolders(mailbox);
  assert.deepEqual([found.get('inbox'), found.get('calendar'), found.get('contacts')], [INBOX, CALENDAR, CONTACTS]);
  for (const name of ['tasks', 'notes', 'drafts', 'journal'] as const) assert.equal(found.has(name), false, name);
  assert.equal(store.rops.flat().filter((name) => name === 'OpenFolder').length, 1);
});

test('a mailbox whose way from the top is closed: the default folders that open, and what is below them', async () => {
  for (const closed of [ErrorCode.NotFound, ErrorCode.AccessDenied]) {
    const { mailbox } = await opened(closed);
    assert.equal(mailbox.isOwner, false);
    const folders = await visibleFolders(mailbox);
    assert.deepEqual(
      folders.map(({ id, path }) => [id, path]),
      [
        [INBOX, ['Posteingang']],
        [CALENDAR, ['Kalender']],
        [BELOW, ['Kalender', 'Urlaub']],
      ],
    );
  }
});

test('other errors of the server are no way round', async () => {
  const { mailbox } = await opened(ErrorCode.ServerBusy);
  await assert.rejects(visibleFolders(mailbox), { errorCode: ErrorCode.ServerBusy });
});
