import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from '@rpch/rpc';
import { Cursor, Writer } from '@rpch/rpc/internal';
import fc from 'fast-check';
import { ErrorCode, StoreError } from '../../src/mapi/error-code.ts';
import type { Properties, PropertyTag, PropertyValue } from '../../src/mapi/property.ts';
import { PidTag } from '../../src/mapi/property-tags.ts';
import {
  type RecipientRow,
  readRecipientRow,
  recipientProperties,
  recipientRow,
  writeRecipientRow,
} from '../../src/mapi/recipient-row.ts';
import { hex, read, refusesEveryPrefix, survives, tagged, unicodeText, WESTERN, written } from './support.ts';

const encode = (row: RecipientRow, columns: readonly PropertyTag[] = []): Uint8Array =>
  written((writer) => writeRecipientRow(writer, row, columns, WESTERN));
const decode = (bytes: Uint8Array, columns: readonly PropertyTag[] = []): RecipientRow =>
  read(bytes, (cursor) => readRecipientRow(cursor, columns, WESTERN));

/** szDNPrefix as EcDoConnectEx gives it: of 21 characters. */
const PREFIX = '/o=A/cn=Recipients/cn=';

const examples: readonly (readonly [string, RecipientRow, string, Properties])[] = [
  [
    'an SMTP address: flags 0x021B',
    { flags: 0x021b, emailAddress: 'a@b', displayName: 'A', cells: [{ value: 6 }, { error: ErrorCode.NotFound }] },
    '1b02 6100400062000000 41000000 0200 01 00 06000000 0a 0f010480',
    new Map<PropertyTag, PropertyValue>([
      [PidTag.ObjectType, 6],
      [PidTag.AddressType, 'SMTP'],
      [PidTag.EmailAddress, 'a@b'],
      [PidTag.DisplayName, 'A'],
      [PidTag.Responsibility, false],
      [PidTag.SendRichInfo, true],
    ]),
  ],
  [
    // The shape in which Outlook sends users of the address book: flags 0x0651, the DN without its prefix.
    'a user of the address book',
    {
      flags: 0x0651,
      addressPrefixUsed: PREFIX.length,
      displayType: 0,
      x500Dn: 'jo',
      displayName: 'Jo',
      simpleDisplayName: 'jo',
      cells: [{ value: 6 }],
    },
    `5106 ${PREFIX.length.toString(16)} 00 6a6f00 4a006f000000 6a006f000000 0100 00 06000000`,
    new Map<PropertyTag, PropertyValue>([
      [PidTag.ObjectType, 6],
      [PidTag.AddressType, 'EX'],
      [PidTag.EmailAddress, `${PREFIX}jo`],
      [PidTag.DisplayType, 0],
      [PidTag.DisplayName, 'Jo'],
      [PidTag.AddressBookDisplayNamePrintable, 'jo'],
      [PidTag.TransmittableDisplayName, 'Jo'],
      [PidTag.Responsibility, false],
      [PidTag.SendRichInfo, true],
    ]),
  ],
  [
    'an address of a type of its own, in the code page',
    {
      flags: 0x81b8,
      addressType: 'X',
      emailAddress: 'é',
      displayName: 'Ä',
      transmittableDisplayName: 'T',
      cells: [],
    },
    'b881 5800 e900 c400 5400 0000 00',
    new Map<PropertyTag, PropertyValue>([
      [PidTag.AddressType, 'X'],
      [PidTag.EmailAddress, 'é'],
      [PidTag.DisplayName, 'Ä'],
      [PidTag.TransmittableDisplayName, 'T'],
      [PidTag.Responsibility, true],
      [PidTag.SendRichInfo, false],
    ]),
  ],
  [
    'a personal distribution list',
    { flags: 0x0006, entryId: hex('0102'), searchKey: hex('03'), cells: [] },
    '0600 0200 0102 0100 03 0000 00',
    new Map<PropertyTag, PropertyValue>([
      [PidTag.AddressType, 'MAPIPDL'],
      [PidTag.EntryId, hex('0102')],
      [PidTag.SearchKey, hex('03')],
      [PidTag.Responsibility, false],
      [PidTag.SendRichInfo, true],
    ]),
  ],
];
const COLUMNS = [PidTag.ObjectType, PidTag.SmtpAddress];

for (const [name, row, bytes, properties] of examples) {
  test(`[MS-OXCDATA] 2.8.3.2: ${name}`, () => {
    assert.deepEqual(encode(row, COLUMNS), hex(bytes));
    assert.deepEqual(decode(hex(bytes), COLUMNS), row);
    assert.deepEqual(recipientProperties(row, COLUMNS, PREFIX), properties);
    refusesEveryPrefix(hex(bytes), (cursor) => readRecipientRow(cursor, COLUMNS, WESTERN));
  });
}

test('any bytes are a recipient or a typed error', () => {
  survives((cursor) => readRecipientRow(cursor, COLUMNS, WESTERN));
});

test('more columns than the ROP has', () => {
  assert.throws(() => readRecipientRow(new Cursor(hex('0000 0100 00'), 'test'), [], WESTERN), ProtocolError);
});

test('a row without what its flags ask for is not written', () => {
  for (const flags of [0x0008, 0x0010, 0x0020, 0x0400, 0x0001, 0x0006, 0x8000]) {
    assert.throws(
      () => writeRecipientRow(new Writer(), { flags, cells: [] }, [], WESTERN),
      (error) => error instanceof StoreError && error.errorCode === ErrorCode.InvalidParam,
    );
  }
});

const known = [PidTag.AddressType, PidTag.EmailAddress, PidTag.DisplayName, PidTag.TransmittableDisplayName] as const;

test('what a row is made of comes back from the wire', () => {
  const address = fc.constantFrom('SMTP', 'EX', 'FAX', 'MS', 'PROFS', 'X400', 'MAPIPDL', '');
  const text = unicodeText.filter((value) => value.length > 0);
  fc.assert(
    fc.property(address, text, text, fc.option(text), tagged, (type, email, display, transmittable, [tag, value]) => {
      const addressType = type === 'EX' ? 'EX' : type;
      const properties = new Map<PropertyTag, PropertyValue>([
        [PidTag.AddressType, addressType],
        [PidTag.EmailAddress, addressType === 'EX' ? '/o=A/cn=b' : email],
        [PidTag.DisplayName, display],
        ...(transmittable === null ? [] : [[PidTag.TransmittableDisplayName, transmittable] as const]),
        [tag, value],
      ]);
      const columns = [tag, PidTag.SmtpAddress];
      const back = recipientProperties(
        decode(encode(recipientRow(properties, columns), columns), columns),
        columns,
        '',
      );
      for (const each of known) {
        const wanted = each === PidTag.AddressType && type === '' ? undefined : properties.get(each);
        assert.deepEqual(back.get(each), wanted);
      }
      assert.equal(back.has(PidTag.SmtpAddress), false);
    }),
  );
});

test('a personal list with its ids, and one that has lost them', () => {
  const list = new Map<PropertyTag, PropertyValue>([
    [PidTag.AddressType, 'MAPIPDL'],
    [PidTag.EntryId, hex('01')],
    [PidTag.SearchKey, hex('02')],
    [PidTag.Responsibility, true],
    [PidTag.SendRichInfo, false],
  ]);
  assert.deepEqual(recipientRow(list, []), { flags: 0x0386, entryId: hex('01'), searchKey: hex('02'), cells: [] });
  list.delete(PidTag.SearchKey);
  assert.deepEqual(recipientRow(list, []), { flags: 0x8380, addressType: 'MAPIPDL', cells: [] });
});

test('the row id and the type stand before the row and not among its properties', () => {
  const columns = [PidTag.Rowid, PidTag.RecipientType, PidTag.Surname];
  const row: RecipientRow = { flags: 0, cells: [{ value: 3 }, { value: 1 }, 'absent'] };
  assert.deepEqual([...recipientProperties(row, columns, '').keys()], [PidTag.Responsibility, PidTag.SendRichInfo]);
});

test('columns of 8-bit strings are kept as Unicode, and those of any type by the type that came', () => {
  const columns = [0x39fe001e, 0x3a000000];
  const row: RecipientRow = { flags: 0, cells: [{ value: 'a@b' }, { value: 'alias', type: 0x001e }] };
  const properties = recipientProperties(row, columns, '');
  assert.equal(properties.get(PidTag.SmtpAddress), 'a@b');
  assert.equal(properties.get(PidTag.Account), 'alias');
  assert.deepEqual(recipientRow(properties, [0x39fe001e]).cells, [{ value: 'a@b' }]);
});
