import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ProtocolError, RpchError } from '@rpch/rpc/internal';
import fc from 'fast-check';
import { Mailbox } from '../../src/client/mailbox.ts';
import { MapiError } from '../../src/client/mapi-error.ts';
import { Message } from '../../src/client/message.ts';
import { MapiSession, type MapiSessionOptions } from '../../src/client/session.ts';
import { ErrorCode } from '../../src/mapi/error-code.ts';
import type { Properties, PropertyValue } from '../../src/mapi/property.ts';
import { PidTag } from '../../src/mapi/property-tags.ts';
import { AttachMethod } from '../../src/mapi/property-values.ts';
import type { Restriction } from '../../src/mapi/restriction.ts';
import { type FakeBehaviour, type FakeFolder, type FakeMessage, FakeStore } from './fake-store.ts';

const DN = '/o=Example/ou=First/cn=Recipients/cn=alice';
const INBOX = (0xdn << 56n) | 1n;

function properties(...values: (readonly [tag: number, value: PropertyValue])[]): Properties {
  return new Map(values);
}

function messageId(counter: number): bigint {
  return (BigInt(counter) << 48n) | 1n;
}

function folder(name: string, messages: readonly FakeMessage[] = [], depth = 1): FakeFolder {
  return {
    properties: properties(
      [PidTag.DisplayName, name],
      [PidTag.Depth, depth],
      [PidTag.ContentCount, messages.length],
      [PidTag.ContentUnreadCount, 1],
      [PidTag.ContainerClass, 'IPF.Note'],
    ),
    messages: new Map(messages.map((message, at) => [messageId(at + 1), message])),
  };
}

function mails(count: number): FakeMessage[] {
  return Array.from({ length: count }, (_, at) => ({ properties: properties([PidTag.Subject, `Mail ${at}`]) }));
}

async function opened(
  behaviour: Omit<FakeBehaviour, 'folders'> & { readonly folders?: ReadonlyMap<bigint, FakeFolder> },
  options: Partial<MapiSessionOptions> = {},
) {
  const store = new FakeStore({ folders: new Map(), ...behaviour });
  const session = await MapiSession.connect(store.calls, { userDn: DN, ...options });
  const mailbox = await Mailbox.open(session, { legacyDn: DN });
  return { store, session, mailbox };
}

async function subjects(mailbox: Mailbox, query: { offset?: number; limit?: number; pageSize?: number } = {}) {
  const found: unknown[] = [];
  for await (const { values } of mailbox.contents(INBOX, { columns: [PidTag.Mid, PidTag.Subject], ...query })) {
    found.push(values.get(PidTag.Subject));
  }
  return found;
}

function isMapi(errorCode: number, operation: string) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof MapiError);
    assert.deepEqual([error.errorCode, error.operation, error.fault], [errorCode, operation, 'peer']);
    return true;
  };
}

describe('MapiSession', () => {
  test('connects, tells who the server takes the caller for, and disconnects once', async () => {
    const { store, session, mailbox } = await opened({});
    assert.equal(session.displayName, 'Alice Ö');
    assert.equal(session.dnPrefix, '/o=Example/');
    // 15.0.847.4040 as [MS-OXCRPC] 3.1.4.1.3 encodes it.
    assert.deepEqual(session.serverVersion, [15, 0, 847, 4040]);
    assert.equal(mailbox.guid, '22222222-2222-2222-2222-222222222222');
    assert.equal(mailbox.folderIds.inbox, (5n << 56n) | 1n);
    await session.disconnect();
    await session.disconnect();
    assert.deepEqual(store.methods, ['ecDoConnectEx', 'ecDoRpcExt2', 'ecDoDisconnect']);
    await assert.rejects(subjects(mailbox), { code: 'RPCH_SESSION_CLOSED', fault: 'caller' });
  });

  test('errors of the server have their code, their name and what was done', async () => {
    const refused = new FakeStore({ folders: new Map(), connectResult: ErrorCode.UnknownUser });
    await assert.rejects(
      MapiSession.connect(refused.calls, { userDn: DN }),
      isMapi(ErrorCode.UnknownUser, 'EcDoConnectEx'),
    );
    await assert.rejects(opened({ logonResult: ErrorCode.LoginFailure }), isMapi(ErrorCode.LoginFailure, 'RopLogon'));
    await assert.rejects(opened({ redirect: '/o=Example/cn=mail02' }), {
      errorCode: ErrorCode.WrongServer,
      message: 'RopLogon: WrongServer (0x00000478): the mailbox is on /o=Example/cn=mail02',
    });
    const error = new MapiError('RopOpenFolder', ErrorCode.NotFound);
    assert.equal(error.message, 'RopOpenFolder: NotFound (0x8004010f)');
    assert.equal(new MapiError('RopX', 0x1234).message, 'RopX: 0x00001234');
  });

  test('a DN that cannot be one is the mistake of the caller', async () => {
    const store = new FakeStore({ folders: new Map() });
    for (const userDn of ['', '/o=\u00d6', '/o=a\0b']) {
      await assert.rejects(MapiSession.connect(store.calls, { userDn }), { code: 'RPCH_BAD_DN', fault: 'caller' });
    }
  });

  test('a session that the server drops is over', async () => {
    const store = new FakeStore({ folders: new Map(), dropSession: true });
    const session = await MapiSession.connect(store.calls, { userDn: DN });
    await assert.rejects(Mailbox.open(session, { legacyDn: DN }), { code: 'RPCH_SESSION_ENDED', fault: 'peer' });
    await session.disconnect();
    assert.equal(store.methods.includes('ecDoDisconnect'), false);
  });

  test('requests are obfuscated, and compressed where that pays; plain, where that is asked for', async () => {
    const restriction: Restriction = {
      kind: 'content',
      fuzzyLow: 1,
      fuzzyHigh: 1,
      tag: PidTag.Subject,
      valueTag: PidTag.Subject,
      value: 'x'.repeat(1500),
    };
    for (const plain of [false, true]) {
      const { mailbox, store } = await opened({ folders: new Map([[INBOX, folder('Inbox', mails(1))]]) }, { plain });
      const rows = mailbox.contents(INBOX, { columns: [PidTag.Mid], restriction });
      assert.equal((await rows.next()).done, false);
      // NoCompression 1, NoXorMagic 2, Chain 4; Compressed 1, XorMagic 2, Last 4.
      const expected = plain
        ? [
            [3, 4],
            [7, 4],
          ]
        : [
            [0, 6],
            [4, 7],
          ];
      assert.deepEqual(store.flags, expected);
      assert.deepEqual(store.rops[1]?.includes('Restrict'), true);
    }
  });

  test('calls at once follow each other', async () => {
    const { mailbox } = await opened({ folders: new Map([[INBOX, folder('Inbox', mails(30))]]), rowsAtOnce: 7 });
    const all = await Promise.all([subjects(mailbox), subjects(mailbox), mailbox.folders()]);
    assert.equal(all[0].length, 30);
    assert.deepEqual(all[0], all[1]);
  });

  test('a signal that was given ends it before the next call', async () => {
    const { mailbox, store } = await opened({ folders: new Map([[INBOX, folder('Inbox', mails(30))]]), rowsAtOnce: 5 });
    const abort = new AbortController();
    const rows = mailbox.contents(INBOX, { columns: [PidTag.Mid], signal: abort.signal });
    await rows.next();
    abort.abort(new Error('enough'));
    await assert.rejects(async () => {
      for await (const _ of rows);
    }, /enough/);
    assert.equal(store.methods.filter((method) => method === 'ecDoRpcExt2').length, 2);
  });

  test('whatever stands in an answer, the worst is a typed error', async () => {
    const inbox = folder('Inbox', mails(3));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 6 }),
        fc.integer({ min: 0, max: 300 }),
        async (changes, cut) => {
          let armed = false;
          const { mailbox } = await opened({
            folders: new Map([[INBOX, inbox]]),
            rgbOut: (rgbOut) => {
              if (!armed) return rgbOut;
              const wrong = rgbOut.slice();
              for (const [at, byte] of changes) wrong[at % wrong.length] = byte;
              wrong.fill(0, Math.max(8, wrong.length - cut));
              return wrong;
            },
          });
          armed = true;
          try {
            await subjects(mailbox, { limit: 20 });
            using message = await mailbox.message(INBOX, messageId(1));
            await message.recipients();
            await message.attachments();
          } catch (error) {
            assert.ok(error instanceof RpchError, String(error));
            assert.ok(error instanceof ProtocolError || error.fault === 'peer' || error.code === 'RPCH_STORE');
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('RopBatch', () => {
  test('what had no room is sent again, and what was done is not', async () => {
    const interrupt = { after: 2, by: 'too-small' as const, times: 1 };
    const store = new FakeStore({ folders: new Map([[INBOX, folder('Inbox', mails(3))]]), interrupt });
    const session = await MapiSession.connect(store.calls, { userDn: DN });
    const mailbox = await Mailbox.open(session, { legacyDn: DN });
    assert.deepEqual(await subjects(mailbox), ['Mail 0', 'Mail 1', 'Mail 2']);
    assert.deepEqual(store.rops.slice(1), [
      ['OpenFolder', 'GetContentsTable', 'SetColumns', 'QueryRows'],
      ['SetColumns', 'QueryRows'],
    ]);
  });

  test('an answer that never has room is an error, not a loop', async () => {
    const interrupt = { after: 0, by: 'too-small' as const, times: 0 };
    const store = new FakeStore({ folders: new Map([[INBOX, folder('Inbox')]]), interrupt });
    const session = await MapiSession.connect(store.calls, { userDn: DN });
    const mailbox = await Mailbox.open(session, { legacyDn: DN });
    interrupt.times = 1000;
    await assert.rejects(subjects(mailbox), isMapi(ErrorCode.BufferTooSmall, 'RopOpenFolder'));
    assert.equal(store.rops.length, 3);
  });

  test('a server that asks for patience gets it, for a while', async () => {
    const waited: number[] = [];
    const wait = async (ms: number) => void waited.push(ms);
    const interrupt = { after: 1, by: 'backoff' as const, times: 1 };
    const folders = new Map([[INBOX, folder('Inbox', mails(2))]]);
    const { mailbox } = await opened({ folders, interrupt }, { wait });
    assert.deepEqual(await subjects(mailbox), ['Mail 0', 'Mail 1']);
    assert.deepEqual(waited, [250]);
    Object.assign(interrupt, { after: 0, times: 1000 });
    await assert.rejects(
      subjects(mailbox),
      (error) => error instanceof MapiError && error.errorCode === ErrorCode.ServerBusy,
    );
  });

  test('who cannot wait says so', async () => {
    const interrupt = { after: 1, by: 'backoff' as const, times: 1 };
    const { mailbox } = await opened({ folders: new Map([[INBOX, folder('Inbox')]]), interrupt });
    await assert.rejects(subjects(mailbox), { code: 'RPCH_SERVER_BUSY', fault: 'peer' });
  });
});

describe('Mailbox', () => {
  test('folders with their paths, parents first', async () => {
    const folders = new Map([
      [INBOX, folder('Inbox', mails(2))],
      [messageId(20), folder('Projects', [], 2)],
      [messageId(21), folder('2026', [], 3)],
      [messageId(22), folder('Private', [], 2)],
      [messageId(23), folder('Sent Items', [])],
    ]);
    const { mailbox } = await opened({ folders, rowsAtOnce: 2 });
    const found = await mailbox.folders();
    assert.deepEqual(
      found.map(({ path }) => path.join('/')),
      ['Inbox', 'Inbox/Projects', 'Inbox/Projects/2026', 'Inbox/Private', 'Sent Items'],
    );
    assert.deepEqual(
      [found[0]?.id, found[0]?.messages, found[0]?.unread, found[0]?.containerClass, found[0]?.isSearch],
      [INBOX, 2, 1, 'IPF.Note', false],
    );
  });

  test('a table is opened, arranged and read in one call, then page by page', async () => {
    const { mailbox, store } = await opened({ folders: new Map([[INBOX, folder('Inbox', mails(25))]]) });
    const found = await subjects(mailbox, { offset: 3, limit: 20, pageSize: 9 });
    assert.deepEqual(
      found,
      Array.from({ length: 20 }, (_, at) => `Mail ${at + 3}`),
    );
    assert.deepEqual(store.rops.slice(1), [
      ['OpenFolder', 'GetContentsTable', 'SetColumns', 'SeekRow', 'QueryRows'],
      ['Release', 'QueryRows'],
      ['QueryRows'],
    ]);
  });

  for (const disguise of [false, true]) {
    test(`chained rows are read in their order${disguise ? ', compressed and obfuscated' : ''}`, async () => {
      const behaviour = { rowsAtOnce: 4, payloads: 5, disguise };
      const { mailbox, store } = await opened({
        folders: new Map([[INBOX, folder('Inbox', mails(50))]]),
        ...behaviour,
      });
      assert.deepEqual(
        await subjects(mailbox, { pageSize: 4 }),
        Array.from({ length: 50 }, (_, at) => `Mail ${at}`),
      );
      assert.equal(store.rops.length, 1 + 3);
    });
  }

  test('an empty folder, no rows at all, a folder that is not there', async () => {
    const { mailbox } = await opened({ folders: new Map([[INBOX, folder('Inbox')]]) });
    assert.deepEqual(await subjects(mailbox), []);
    assert.deepEqual(await subjects(mailbox, { limit: 0 }), []);
    const rows = mailbox.contents(messageId(99), { columns: [PidTag.Mid] });
    await assert.rejects(rows.next(), isMapi(ErrorCode.NotFound, 'RopOpenFolder'));
  });

  test('handles that are not needed any more are released along with later calls', async () => {
    const { mailbox, store } = await opened({ folders: new Map([[INBOX, folder('Inbox', mails(9))]]) });
    for (let i = 0; i < 5; i += 1) {
      for await (const _ of mailbox.contents(INBOX, { columns: [PidTag.Mid], pageSize: 3 })) break;
      using _message = await mailbox.message(INBOX, messageId(1));
    }
    await mailbox.folderProperties(INBOX, [PidTag.DisplayName]);
    await mailbox.folderProperties(INBOX, [PidTag.DisplayName]);
    assert.deepEqual(store.handles, ['folder', 'logon']);
  });

  test('properties of a folder; those that are not there are left out', async () => {
    const { mailbox } = await opened({ folders: new Map([[INBOX, folder('Inbox')]]) });
    const { values, errors } = await mailbox.folderProperties(INBOX, [PidTag.DisplayName, PidTag.Comment]);
    assert.deepEqual([...values], [[PidTag.DisplayName, 'Inbox']]);
    assert.equal(errors.size, 0);
  });
});

describe('Message', () => {
  const long = 'Grüße '.repeat(20_000);
  const bytes = Uint8Array.from({ length: 300_000 }, (_, at) => at % 251);
  const inner: FakeMessage = { properties: properties([PidTag.NormalizedSubject, 'inside'], [PidTag.Body, 'deep']) };
  const recipients = Array.from({ length: 40 }, (_, at) =>
    properties(
      [PidTag.RecipientType, at === 0 ? 2 : 0x81],
      [PidTag.DisplayName, `Person ${at}`],
      [PidTag.AddressType, at === 1 ? 'EX' : 'SMTP'],
      [PidTag.EmailAddress, at === 1 ? '/o=Example/cn=p1' : `p${at}@example.org`],
      ...(at === 1 ? [[PidTag.SmtpAddress, 'one@example.org'] as const] : []),
    ),
  );
  const mail: FakeMessage = {
    properties: properties(
      [PidTag.NormalizedSubject, 'Hello'],
      [PidTag.Body, long],
      [PidTag.Html, Buffer.from('<p>Gr\xfc\xdfe</p>', 'latin1')],
      [PidTag.InternetCodepage, 1252],
      [PidTag.Importance, 2],
    ),
    recipients,
    attachments: [
      {
        properties: properties(
          [PidTag.AttachLongFilename, 'data.bin'],
          [PidTag.AttachMethod, AttachMethod.ByValue],
          [PidTag.AttachSize, 300_100],
          [PidTag.AttachDataBinary, bytes],
        ),
      },
      {
        properties: properties([PidTag.DisplayName, 'inside'], [PidTag.AttachMethod, AttachMethod.EmbeddedMessage]),
        embedded: inner,
      },
    ],
  };
  const folders = new Map([[INBOX, folder('Inbox', [mail, inner])]]);

  test('subject, properties, and those that are too long for an answer', async () => {
    const { mailbox } = await opened({ folders });
    using message = await mailbox.message(INBOX, messageId(1));
    assert.equal(message.subject, 'Re: Hello');
    const { values, errors } = await message.properties([PidTag.Importance, PidTag.Body, PidTag.DisplayCc]);
    assert.deepEqual([...values], [[PidTag.Importance, 2]]);
    assert.deepEqual([...errors], [[PidTag.Body, ErrorCode.NotEnoughMemory]]);
    using small = await mailbox.message(INBOX, messageId(2));
    assert.deepEqual([...(await small.allProperties())], [...inner.properties]);
  });

  for (const behaviour of [
    { bytesAtOnce: 1000, payloads: 7 },
    { bytesAtOnce: 0x7000, payloads: 1 },
    { payloads: 96, disguise: true },
  ]) {
    test(`bodies and attachments as streams: ${JSON.stringify(behaviour)}`, async () => {
      const { mailbox } = await opened({ folders, ...behaviour });
      using message = await mailbox.message(INBOX, messageId(1));
      assert.equal(await message.text(), long);
      assert.equal(await message.html(), '<p>Grüße</p>');
      const [data, embedded] = await message.attachments();
      assert.deepEqual([data?.name, data?.method, data?.size, embedded?.name], ['data.bin', 1, 300_100, 'inside']);
      using attachment = await message.attachment(0);
      const blocks: Uint8Array[] = [];
      for await (const block of attachment.data()) blocks.push(block);
      assert.deepEqual(Buffer.concat(blocks), Buffer.from(bytes));
    });
  }

  test('a message inside a message', async () => {
    const { mailbox } = await opened({ folders });
    using message = await mailbox.message(INBOX, messageId(1));
    using attachment = await message.attachment(1);
    using within = await Message.openEmbedded(attachment);
    assert.equal(within.subject, 'Re: inside');
    assert.equal(await within.text(), 'deep');
    assert.equal(await within.html(), undefined);
  });

  test('all recipients, those that did not come with the message too', async () => {
    for (const recipientsAtOnce of [255, 7, 1]) {
      const { mailbox } = await opened({ folders, recipientsAtOnce });
      using message = await mailbox.message(INBOX, messageId(1));
      const found = await message.recipients();
      assert.deepEqual(
        found.map(({ name }) => name),
        recipients.map((recipient) => recipient.get(PidTag.DisplayName)),
      );
      assert.deepEqual([found[0]?.type, found[1]?.type], ['cc', 'to']);
      assert.deepEqual([found[1]?.address, found[1]?.addressType], ['one@example.org', 'SMTP']);
    }
  });

  test('a value that is larger than wanted is not read', async () => {
    const { mailbox, store } = await opened({ folders });
    using message = await mailbox.message(INBOX, messageId(1));
    await assert.rejects(message.text({ limit: 1000 }), { code: 'RPCH_TOO_LARGE', fault: 'caller' });
    assert.equal(store.rops.filter((rops) => rops.includes('ReadStream')).length, 1);
  });

  test('a stream that ends too early is the fault of the server', async () => {
    const { mailbox } = await opened({ folders, bytesAtOnce: 0 });
    using message = await mailbox.message(INBOX, messageId(1));
    await assert.rejects(message.text(), { code: 'RPCH_STREAM_CUT', fault: 'peer' });
  });

  test('attachments and messages that are not there', async () => {
    const { mailbox } = await opened({ folders });
    await assert.rejects(mailbox.message(INBOX, messageId(9)), isMapi(ErrorCode.NotFound, 'RopOpenMessage'));
    using message = await mailbox.message(INBOX, messageId(1));
    await assert.rejects(message.attachment(9), isMapi(ErrorCode.NotFound, 'RopOpenAttachment'));
    using attachment = await message.attachment(0);
    await assert.rejects(Message.openEmbedded(attachment), isMapi(ErrorCode.NotFound, 'RopOpenEmbeddedMessage'));
  });
});
