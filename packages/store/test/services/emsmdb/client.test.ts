import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { Mailbox as OpenedMailbox } from '../../../src/client/mailbox.ts';
import { Message } from '../../../src/client/message.ts';
import { MapiSession } from '../../../src/client/session.ts';
import { FolderId } from '../../../src/mailbox/folder-ids.ts';
import { Mailbox } from '../../../src/mailbox/mailbox.ts';
import { mailboxFile } from '../../../src/mailbox/mailbox-file.ts';
import type { MessageContent } from '../../../src/mailbox/model.ts';
import { objectId } from '../../../src/mapi/object-id.ts';
import type { PropertyTag } from '../../../src/mapi/property.ts';
import { PidTag } from '../../../src/mapi/property-tags.ts';
import { countingBytes, dnOf, NOW } from './rop-client.ts';
import { RunningStore } from './store-client.ts';

const LONG = '<p>Grüße</p>'.repeat(20_000);
const ORIGINAL = Buffer.from('Subject: Hello\r\n\r\nbody\r\n');

const CONTENT: MessageContent = {
  properties: new Map<PropertyTag, string | Uint8Array | number>([
    [PidTag.Subject, 'RE: Hello'],
    [PidTag.Body, 'text of it'],
    [PidTag.Html, new Uint8Array(Buffer.from(LONG))],
    [PidTag.InternetCodepage, 65001],
  ]),
  recipients: Array.from({ length: 300 }, (_, i) => ({
    rowId: i + 1,
    type: 1,
    properties: new Map([
      [PidTag.AddressType, 'SMTP'],
      [PidTag.EmailAddress, `user${i}@example.org`],
      [PidTag.DisplayName, `User ${i}`],
      [PidTag.SmtpAddress, `user${i}@example.org`],
    ]),
  })),
  attachments: [
    {
      number: 0,
      properties: new Map<PropertyTag, string | number | Uint8Array>([
        [PidTag.AttachMethod, 1],
        [PidTag.AttachLongFilename, 'data.bin'],
        [PidTag.AttachDataBinary, Uint8Array.from({ length: 100_000 }, (_, i) => i % 253)],
      ]),
    },
    {
      number: 1,
      properties: new Map<PropertyTag, string | number>([
        [PidTag.AttachMethod, 5],
        [PidTag.DisplayName, 'Inner'],
      ]),
      embedded: { properties: new Map([[PidTag.Subject, 'Inner']]), recipients: [], attachments: [] },
    },
  ],
};

async function whole(blocks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const block of blocks) parts.push(block);
  return Buffer.concat(parts);
}

test('our client reads a mailbox of our store', async () => {
  const store = await RunningStore.start();
  try {
    const path = mailboxFile(store.folder, 'alice');
    await mkdir(dirname(path), { recursive: true });
    const made = Mailbox.create(path, 'alice', { now: () => NOW, random: countingBytes });
    const { id } = made.messages.add(FolderId.Inbox, CONTENT, { original: ORIGINAL });
    for (let i = 0; i < 500; i += 1) {
      made.messages.add(FolderId.Inbox, { ...CONTENT, recipients: [], attachments: [] });
    }
    made.close();

    const session = await MapiSession.connect(store.connection('alice').emsmdb, { userDn: dnOf('alice') });
    const mailbox = await OpenedMailbox.open(session, { legacyDn: dnOf('alice') });
    const folders = await mailbox.folders();
    const inbox = folders.find(({ name }) => name === 'Inbox');
    assert.deepEqual([inbox?.id, inbox?.messages], [objectId(FolderId.Inbox), 501]);

    const rows: unknown[] = [];
    for await (const { values } of mailbox.contents(objectId(FolderId.Inbox), {
      columns: [PidTag.Mid, PidTag.Subject],
    })) {
      rows.push(values.get(PidTag.Subject));
    }
    assert.deepEqual(rows, new Array(501).fill('RE: Hello'));

    const message = await mailbox.message(objectId(FolderId.Inbox), objectId(id));
    assert.equal(message.subject, 'RE: Hello');
    assert.equal(await message.text(), 'text of it');
    assert.equal(await message.html(), LONG);
    assert.deepEqual(await whole(message.original()), ORIGINAL);
    const recipients = await message.recipients();
    assert.deepEqual([recipients.length, recipients.at(-1)?.name], [300, 'User 299']);
    const attachments = await message.attachments();
    assert.deepEqual(
      attachments.map(({ number, name }) => [number, name]),
      [
        [0, 'data.bin'],
        [1, 'Inner'],
      ],
    );
    const data = await whole((await message.attachment(0)).data());
    assert.deepEqual(new Uint8Array(data), CONTENT.attachments[0]?.properties.get(PidTag.AttachDataBinary));
    const inner = await Message.openEmbedded(await message.attachment(1));
    assert.equal(inner.subject, 'Inner');
    await session.disconnect();
    assert.equal(store.host.sessions, 0);
  } finally {
    await store.close();
  }
});
