import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from '@rpch/rpc';
import fc from 'fast-check';
import {
  type EntryId,
  EntryIdType,
  formEntryId,
  OneOffFlag,
  ProviderUid,
  parseEntryId,
} from '../../src/mapi/entry-id.ts';
import { ErrorCode, StoreError } from '../../src/mapi/error-code.ts';
import { asciiText, counter, guid, hex, survives, unicodeText, WESTERN } from './support.ts';

const MAILBOX = '11111111-2222-3333-4444-555555555555';
const REPLICA = 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee';
const REPLICA_BYTES = 'aaaaaaaa bbbb cccc dddd eeeeeeeeeeee';

const examples: readonly (readonly [string, EntryId, string])[] = [
  [
    '[MS-OXCDATA] 2.2.4.1 folder',
    {
      kind: 'folder',
      provider: MAILBOX,
      type: EntryIdType.PrivateFolder,
      folder: { guid: REPLICA, counter: 0x0d },
    },
    `00000000 11111111 2222 3333 4444 555555555555 0100 ${REPLICA_BYTES} 00000000000d 0000`,
  ],
  [
    '[MS-OXCDATA] 2.2.4.1 public folder',
    {
      kind: 'folder',
      provider: ProviderUid.Public,
      type: EntryIdType.PublicFolder,
      folder: { guid: REPLICA, counter: 1 },
    },
    `00000000 1a447390aa6611cd9bc800aa002fc45a 0300 ${REPLICA_BYTES} 000000000001 0000`,
  ],
  [
    '[MS-OXCDATA] 2.2.4.2 message',
    {
      kind: 'message',
      provider: MAILBOX,
      type: EntryIdType.PrivateMessage,
      folder: { guid: REPLICA, counter: 0x0d },
      message: { guid: REPLICA, counter: 0x0102030405 },
    },
    `00000000 11111111 2222 3333 4444 555555555555 0700
     ${REPLICA_BYTES} 00000000000d 0000 ${REPLICA_BYTES} 000102030405 0000`,
  ],
  [
    '[MS-OXCDATA] 2.2.4.3 private store',
    { kind: 'store', public: false, server: 'SRV', mailboxDn: '/o=A/cn=b' },
    `00000000 38a1bb1005e5101aa1bb08002b2a56c2 00 00 656d736d64622e646c6c 00000000
     00000000 1b55fa20aa6611cd9bc800aa002fc45a 0c000000 53525600 2f6f3d412f636e3d6200`,
  ],
  [
    '[MS-OXCDATA] 2.2.4.3 public store',
    { kind: 'store', public: true, server: 'SRV', mailboxDn: '' },
    `00000000 38a1bb1005e5101aa1bb08002b2a56c2 00 00 656d736d64622e646c6c 00000000
     00000000 1c830210aa6611cd9bc800aa002fc45a 06000000 53525600`,
  ],
  [
    '[MS-OXCDATA] 2.2.5.2 address book',
    { kind: 'address-book', type: 1, dn: '/o=A/cn=b' },
    '00000000 dca740c8c042101ab4b908002b2fe182 01000000 01000000 2f6f3d412f636e3d6200',
  ],
  [
    '[MS-OXNSPI] 2.2.9.2 ephemeral',
    { kind: 'ephemeral', server: MAILBOX, type: 0x100, mid: 0x10 },
    '87000000 11111111 2222 3333 4444 555555555555 01000000 00010000 10000000',
  ],
  [
    '[MS-OXCDATA] 2.2.5.1 one-off',
    {
      kind: 'one-off',
      flags: OneOffFlag.Unicode | OneOffFlag.NoRichInfo,
      displayName: 'a',
      addressType: 'SMTP',
      emailAddress: 'a@b',
    },
    `00000000 812b1fa4bea310199d6e00dd010f5402 0000 0180
     61000000 53004d00540050000000 6100400062000000`,
  ],
];

for (const [name, id, bytes] of examples) {
  test(`${name}: bytes both ways`, () => {
    assert.deepEqual(formEntryId(id), hex(bytes));
    assert.deepEqual(parseEntryId(hex(bytes), WESTERN), id);
  });

  test(`${name}: nothing that is cut short`, () => {
    const whole = hex(bytes);
    for (let length = 0; length < whole.length; length += 1) {
      // Where its DN is cut off, an entry id of a private store is whole: one of a server without a DN.
      if (id.kind === 'store' && length === 64) continue;
      assert.throws(() => parseEntryId(whole.slice(0, length), WESTERN), ProtocolError, `${length} bytes`);
    }
  });
}

test('sizes that clients know by heart', () => {
  assert.deepEqual(
    examples
      .filter(([, { kind }]) => ['folder', 'message', 'ephemeral'].includes(kind))
      .map(([, id]) => formEntryId(id).length),
    [46, 46, 70, 32],
  );
});

test('a one-off with 8-bit strings is read in the code page of the session', () => {
  const bytes = hex('00000000 812b1fa4bea310199d6e00dd010f5402 0000 0000 c400 534d545000 61406200');
  assert.deepEqual(parseEntryId(bytes, WESTERN), {
    kind: 'one-off',
    flags: 0,
    displayName: 'Ä',
    addressType: 'SMTP',
    emailAddress: 'a@b',
  });
});

test('one-offs are formed with Unicode strings, whatever their flags', () => {
  const id = { kind: 'one-off', displayName: 'Ж', addressType: 'SMTP', emailAddress: 'a@b' } as const;
  const bytes = formEntryId({ ...id, flags: OneOffFlag.NoRichInfo });
  assert.deepEqual(parseEntryId(bytes, WESTERN), { ...id, flags: OneOffFlag.NoRichInfo | OneOffFlag.Unicode });
});

test('what newer clients put after the DN of a store is passed over', () => {
  const bytes = formEntryId({ kind: 'store', public: false, server: 'SRV', mailboxDn: '/cn=b' });
  assert.deepEqual(parseEntryId(Uint8Array.of(...bytes, 1, 2, 3), WESTERN), {
    kind: 'store',
    public: false,
    server: 'SRV',
    mailboxDn: '/cn=b',
  });
});

const plain = { noNullPrototype: true };
const globalId = fc.record({ guid, counter }, plain);
/** GUIDs of mailboxes are never those of the providers that have one of their own. */
const provider = guid;
const anyId: fc.Arbitrary<EntryId> = fc.oneof(
  fc.record(
    {
      kind: fc.constant('folder' as const),
      provider,
      type: fc.constantFrom(EntryIdType.PrivateFolder, EntryIdType.PublicFolder, EntryIdType.MappedPublicFolder),
      folder: globalId,
    },
    plain,
  ),
  fc.record(
    {
      kind: fc.constant('message' as const),
      provider,
      type: fc.constantFrom(EntryIdType.PrivateMessage, EntryIdType.PublicMessage, EntryIdType.MappedPublicMessage),
      folder: globalId,
      message: globalId,
    },
    plain,
  ),
  fc.record(
    { kind: fc.constant('store' as const), public: fc.boolean(), server: asciiText, mailboxDn: asciiText },
    plain,
  ),
  fc.record({ kind: fc.constant('address-book' as const), type: fc.nat(0xffffffff), dn: asciiText }, plain),
  fc.record(
    {
      kind: fc.constant('ephemeral' as const),
      server: guid,
      type: fc.nat(0xffffffff),
      mid: fc.nat(0xffffffff),
    },
    plain,
  ),
  fc.record(
    {
      kind: fc.constant('one-off' as const),
      flags: fc.nat(0xffff).map((flags) => flags | OneOffFlag.Unicode),
      displayName: unicodeText,
      addressType: unicodeText,
      emailAddress: unicodeText,
    },
    plain,
  ),
);

test('entry ids of all kinds are parsed as they were formed', () => {
  fc.assert(fc.property(anyId, (id) => assert.deepEqual(parseEntryId(formEntryId(id), WESTERN), id)));
});

test('any bytes are an entry id or a typed error, behind every provider', () => {
  survives((cursor) => parseEntryId(cursor.rest(), WESTERN));
  for (const [, id] of examples) {
    const head = formEntryId(id).slice(0, 20);
    survives((cursor) => parseEntryId(Uint8Array.of(...head, ...cursor.rest()), WESTERN));
  }
});

test('a type that belongs to the other kind is refused both ways', () => {
  const folder = { kind: 'folder', provider: MAILBOX, folder: { guid: REPLICA, counter: 1 } } as const;
  assert.throws(
    () => formEntryId({ ...folder, type: EntryIdType.PrivateMessage }),
    (error) => error instanceof StoreError && error.errorCode === ErrorCode.InvalidParam,
  );
  const bytes = formEntryId({ ...folder, type: EntryIdType.PrivateFolder });
  bytes[20] = EntryIdType.PrivateMessage;
  assert.throws(() => parseEntryId(bytes, WESTERN), ProtocolError);
});
