import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseEntryId } from '../../../src/mapi/entry-id.ts';
import { ErrorCode } from '../../../src/mapi/error-code.ts';
import { PropertyType, typeOf, withType } from '../../../src/mapi/property.ts';
import { PidTag } from '../../../src/mapi/property-tags.ts';
import { COLUMNS } from '../../../src/services/nspi/object-methods.ts';
import { bound, type Client, cells, directoryOf, ENTRIES, type Handle, SERVER_GUID, stat, tags } from './support.ts';

const AT = { codePage: 1252 };

async function midOf(client: Client, hRpc: Handle, dn: string): Promise<number> {
  const { ppOutMIds, result } = await client.dnToMId({ hRpc, Reserved: 0, pNames: { Strings: [dn] } });
  assert.equal(result, 0);
  return ppOutMIds?.aulPropTag[0] ?? 0;
}

describe('NspiGetProps', () => {
  test('everything that a user has, and what every object must have ([MS-OXNSPI] 3.1.4.1.7)', async () => {
    const { client, hRpc } = await bound();
    const mid = await midOf(client, hRpc, ENTRIES.alice.legacyDn);
    const pStat = stat({ CurrentRec: mid, CodePage: 1200 });
    const { ppRows, result } = await client.getProps({ hRpc, dwFlags: 0, pStat, pPropTags: null });
    assert.equal(result, 0);
    const values = cells(ppRows);
    const dn = ENTRIES.alice.legacyDn;
    const expected = {
      [PidTag.ObjectType]: 6,
      [PidTag.DisplayType]: 0,
      [PidTag.DisplayTypeEx]: 0x40000000,
      [PidTag.InitialDetailsPane]: 0,
      [PidTag.AddressBookContainerId]: 0,
      [PidTag.DisplayName]: 'Alice Ångström',
      [PidTag.TransmittableDisplayName]: 'Alice Ångström',
      [PidTag.AddressBookDisplayNamePrintable]: 'Alice Angstrom',
      [PidTag.AddressType]: 'EX',
      [PidTag.EmailAddress]: dn,
      [PidTag.AddressBookObjectDistinguishedName]: dn,
      [PidTag.SearchKey]: Buffer.from(`EX:${dn.toUpperCase()}\0`),
      [PidTag.InstanceKey]: Buffer.from(new Uint32Array([mid]).buffer),
      [PidTag.MappingSignature]: Buffer.from('dca740c8c042101ab4b908002b2fe182', 'hex'),
      [PidTag.AddressBookObjectGuid]: Buffer.from('00000000000000408000000000000001', 'hex'),
      [PidTag.Account]: 'alice',
      [PidTag.SmtpAddress]: 'alice@example.org',
      [PidTag.AddressBookProxyAddresses]: ['SMTP:alice@example.org', 'smtp:a.angstrom@example.org'],
      [PidTag.AddressBookHomeMessageDatabase]:
        '/o=Test/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Configuration/cn=Servers/cn=mail.example.org' +
        '/cn=Microsoft Private MDB',
      [PidTag.GivenName]: 'Alice',
      [PidTag.Surname]: 'Ångström',
      [PidTag.Title]: 'Physicist',
      [PidTag.DepartmentName]: 'Research',
      [PidTag.CompanyName]: 'Test',
      [PidTag.OfficeLocation]: '1.23',
      [PidTag.PrimaryTelephoneNumber]: '+49 30 1',
      [PidTag.MobileTelephoneNumber]: '+49 170 1',
      [PidTag.SendRichInfo]: 1,
      [PidTag.AddressBookIsMemberOfDistributionList]: 0,
    };
    for (const [tag, value] of Object.entries(expected))
      assert.deepEqual(values.get(Number(tag)), value, `0x${Number(tag).toString(16)}`);
    for (const tag of [PidTag.EntryId, PidTag.RecordKey, PidTag.TemplateId]) {
      const id = parseEntryId(values.get(tag) as Uint8Array, AT);
      assert.deepEqual(id, { kind: 'address-book', type: 0, dn });
    }
    assert.equal(values.has(PidTag.AddressBookMember), false);
  });

  test('a group and a contact', async () => {
    const { client, hRpc } = await bound();
    const props = async (dn: string, dwFlags = 0) => {
      const pStat = stat({ CurrentRec: await midOf(client, hRpc, dn), CodePage: 1200 });
      return cells((await client.getProps({ hRpc, dwFlags, pStat, pPropTags: null })).ppRows);
    };
    const group = await props(ENTRIES.sales.legacyDn);
    assert.deepEqual(
      [PidTag.ObjectType, PidTag.DisplayType, PidTag.AddressBookMember, PidTag.ContainerFlags].map((tag) =>
        group.get(tag),
      ),
      [8, 1, 0, 9],
    );
    assert.equal(group.get(PidTag.AddressBookDistributionListMemberCount), 4);
    assert.equal(group.has(PidTag.AddressBookHomeMessageDatabase), false);
    const contact = await props(ENTRIES.carol.legacyDn, 1);
    assert.deepEqual([contact.get(PidTag.ObjectType), contact.get(PidTag.DisplayType)], [6, 6]);
    // fSkipObjects
    assert.equal(contact.has(PidTag.AddressBookIsMemberOfDistributionList), false);
  });

  test('missing values are errors and say so; unknown objects have none', async () => {
    const { client, hRpc } = await bound();
    const pPropTags = tags(PidTag.DisplayName, PidTag.ThumbnailPhoto, PidTag.DisplayName, 0x3001_0102);
    const CurrentRec = await midOf(client, hRpc, ENTRIES.bob.legacyDn);
    const known = await client.getProps({ hRpc, dwFlags: 0, pStat: stat({ CurrentRec }), pPropTags });
    assert.equal(known.result, ErrorCode.ErrorsReturned);
    assert.deepEqual(
      known.ppRows?.lpProps?.map(({ ulPropTag, Value }) => [ulPropTag, Value.value]),
      [
        [PidTag.DisplayName, 'Bob Baker'],
        [withType(PidTag.ThumbnailPhoto, PropertyType.ErrorCode), ErrorCode.NotFound],
        [PidTag.DisplayName, 'Bob Baker'],
        [0x3001000a, ErrorCode.NotFound],
      ],
    );
    const unknown = await client.getProps({ hRpc, dwFlags: 0, pStat: stat({ CurrentRec: 0xdead }), pPropTags });
    assert.equal(unknown.result, ErrorCode.ErrorsReturned);
    assert.deepEqual(
      unknown.ppRows?.lpProps?.map(({ ulPropTag, Value }) => [typeOf(ulPropTag), Value.value]),
      pPropTags.aulPropTag.map(() => [PropertyType.ErrorCode, ErrorCode.NotFound]),
    );
    const all = await client.getProps({ hRpc, dwFlags: 0, pStat: stat({ CurrentRec: 0xdead }), pPropTags: null });
    assert.deepEqual([all.result, all.ppRows], [ErrorCode.GeneralFailure, null]);
    const pStat = stat({ CurrentRec, ContainerID: 0x999 });
    assert.equal((await client.getProps({ hRpc, dwFlags: 0, pStat, pPropTags })).result, ErrorCode.InvalidBookmark);
  });

  test('entry ids of the session and permanent ones', async () => {
    const { client, hRpc } = await bound();
    const mid = await midOf(client, hRpc, ENTRIES.sales.legacyDn);
    const entryId = async (dwFlags: number) => {
      const pStat = stat({ CurrentRec: mid });
      const { ppRows } = await client.getProps({ hRpc, dwFlags, pStat, pPropTags: tags(PidTag.EntryId) });
      return parseEntryId(cells(ppRows).get(PidTag.EntryId) as Uint8Array, AT);
    };
    assert.deepEqual(await entryId(0), { kind: 'address-book', type: 1, dn: ENTRIES.sales.legacyDn });
    assert.deepEqual(await entryId(2), { kind: 'ephemeral', server: SERVER_GUID, type: 1, mid });
  });

  test('8-bit text in the code page that is asked for; names that it lacks are 7-bit names', async () => {
    const { client, hRpc } = await bound();
    const name = async (dn: string, CodePage: number, tag = 0x3001001e) => {
      const pStat = stat({ CurrentRec: await midOf(client, hRpc, dn), CodePage });
      const { ppRows, result } = await client.getProps({ hRpc, dwFlags: 0, pStat, pPropTags: tags(tag) });
      return result === 0 ? cells(ppRows).get(tag) : result;
    };
    const { alice, zoe } = ENTRIES;
    assert.equal(await name(alice.legacyDn, 1252), 'Alice \xc5ngstr\xf6m');
    assert.equal(await name(alice.legacyDn, 850), 'Alice \x8fngstr\x94m');
    assert.equal(await name(alice.legacyDn, 1251), 'Alice Angstrom');
    assert.equal(await name(zoe.legacyDn, 1251), '\xc7\xee\xff \xc8\xe2\xe0\xed\xee\xe2\xe0');
    assert.equal(await name(zoe.legacyDn, 1252), 'zoe');
    assert.equal(await name(zoe.legacyDn, 1252, 0x3a06001e), '???');
    assert.equal(await name(zoe.legacyDn, 1200), ErrorCode.NotSupported);
    assert.equal(await name(zoe.legacyDn, 1200, PidTag.DisplayName), 'Зоя Иванова');
    const pStat = stat({ CurrentRec: await midOf(client, hRpc, zoe.legacyDn) });
    const untyped = await client.getProps({ hRpc, dwFlags: 0, pStat, pPropTags: tags(0x30010000, 0x0ffe0000) });
    assert.deepEqual(
      [...cells(untyped.ppRows)],
      [
        [PidTag.DisplayName, 'Зоя Иванова'],
        [PidTag.ObjectType, 6],
      ],
    );
  });
});

describe('lists of properties', () => {
  test('NspiGetPropList is what NspiGetProps returns, with text of the code page', async () => {
    const { client, hRpc } = await bound();
    const dwMId = await midOf(client, hRpc, ENTRIES.sales.legacyDn);
    for (const [CodePage, text] of [
      [1200, PropertyType.String],
      [1252, PropertyType.String8],
    ] as const) {
      const list = await client.getPropList({ hRpc, dwFlags: 0, dwMId, CodePage });
      const pStat = stat({ CurrentRec: dwMId, CodePage });
      const { ppRows } = await client.getProps({ hRpc, dwFlags: 0, pStat, pPropTags: null });
      assert.deepEqual(list.ppPropTags?.aulPropTag, [...cells(ppRows).keys()]);
      assert.ok(list.ppPropTags?.aulPropTag.includes(withType(PidTag.DisplayName, text)));
      assert.ok(list.ppPropTags?.aulPropTag.includes(PidTag.AddressBookMember));
    }
    const skipped = await client.getPropList({ hRpc, dwFlags: 1, dwMId, CodePage: 1252 });
    assert.ok(skipped.ppPropTags?.aulPropTag.every((tag) => typeOf(tag) !== PropertyType.Object));
    const none = { hRpc, dwFlags: 0, dwMId: 0, CodePage: 1252 };
    assert.deepEqual(await client.getPropList(none), { ppPropTags: null, result: ErrorCode.GeneralFailure });
    const odd = await client.getPropList({ ...none, dwMId, CodePage: 4711 });
    assert.equal(odd.result, ErrorCode.InvalidCodepage);
  });

  test('NspiQueryColumns lists whatever any object has', async () => {
    const { client, hRpc } = await bound();
    const wide = await client.queryColumns({ hRpc, Reserved: 0, dwFlags: 0x80000000 });
    assert.deepEqual(wide.ppColumns?.aulPropTag, COLUMNS);
    const narrow = await client.queryColumns({ hRpc, Reserved: 0, dwFlags: 0 });
    assert.ok(narrow.ppColumns?.aulPropTag.every((tag) => (tag & 0xefff) !== PropertyType.String));
    const dns = [...Object.values(ENTRIES).map(({ legacyDn }) => legacyDn), directoryOf().organization.serverDn];
    for (const dn of dns) {
      const dwMId = await midOf(client, hRpc, dn);
      const { ppPropTags } = await client.getPropList({ hRpc, dwFlags: 0, dwMId, CodePage: 1200 });
      for (const tag of ppPropTags?.aulPropTag ?? []) assert.ok(COLUMNS.includes(tag), `0x${tag.toString(16)}`);
    }
  });

  test('there are no named properties', async () => {
    const { client, hRpc } = await bound();
    const common = { hRpc, Reserved: 0 };
    const names = await client.getNamesFromIDs({ ...common, lpguid: null, pPropTags: tags(PidTag.DisplayName) });
    assert.deepEqual(names, {
      ...{ ppReturnedPropTags: null, result: 0 },
      ppNames: { aNames: [{ lpguid: null, ulReserved: 0, lID: 0 }] },
    });
    const pNames = [{ lpguid: { ab: new Uint8Array(16) }, ulReserved: 0, lID: 7 }, null];
    const ids = await client.getIDsFromNames({ ...common, dwFlags: 0, pNames });
    assert.deepEqual(ids, { ppPropTags: tags(10, 10), result: ErrorCode.ErrorsReturned });
    const verified = await client.getIDsFromNames({ ...common, dwFlags: 2, pNames });
    assert.deepEqual(verified, { ppPropTags: null, result: ErrorCode.AccessDenied });
  });
});

test('NspiDNToMId finds entries, hidden ones too, containers and the server, in any case', async () => {
  const { client, hRpc } = await bound();
  const { ghost, alice } = ENTRIES;
  const guidDn = `/guid=${Buffer.from('00000000000000408000000000000001', 'hex').toString('hex')}`;
  const { serverDn } = directoryOf().organization;
  const { ppRows } = await client.getSpecialTable({ hRpc, dwFlags: 4, pStat: stat(), lpVersion: 0 });
  const containers = (ppRows?.aRow ?? []).slice(1).map((row) => {
    const id = parseEntryId(cells(row).get(PidTag.EntryId) as Uint8Array, AT);
    return { dn: id.kind === 'address-book' ? id.dn : '', mid: cells(row).get(PidTag.AddressBookContainerId) };
  });
  const Strings = [
    ghost.legacyDn,
    alice.legacyDn.toUpperCase(),
    guidDn,
    'nobody',
    null,
    serverDn,
    ...containers.map(({ dn }) => dn),
  ];
  const { ppOutMIds } = await client.dnToMId({ hRpc, Reserved: 0, pNames: { Strings } });
  const [hidden, upper, byGuid, nobody, none, server, ...found] = ppOutMIds?.aulPropTag ?? [];
  assert.ok(hidden !== undefined && hidden >= 0x10);
  assert.ok(upper !== undefined && upper >= 0x10);
  assert.equal(byGuid, upper);
  assert.deepEqual([nobody, none], [0, 0]);
  assert.deepEqual(
    found,
    containers.map(({ mid }) => mid),
  );
  const pStat = stat({ CurrentRec: server ?? 0 });
  const pPropTags = tags(PidTag.AddressBookNetworkAddress);
  const network = cells((await client.getProps({ hRpc, dwFlags: 0, pStat, pPropTags })).ppRows);
  assert.deepEqual([...network.values()], [['ncacn_ip_tcp:mail.example.org', 'ncacn_http:mail.example.org']]);
});

describe('NspiGetSpecialTable', () => {
  test('the hierarchy, the global address list first', async () => {
    const { client, hRpc } = await bound();
    const table = await client.getSpecialTable({
      hRpc,
      dwFlags: 4,
      pStat: stat({ CodePage: 0, SortType: 0x20000 }),
      lpVersion: 0,
    });
    assert.equal(table.result, 0);
    const rows = (table.ppRows?.aRow ?? []).map(cells);
    assert.deepEqual(
      rows.map((row) => [row.get(PidTag.Depth), row.get(PidTag.ContainerFlags), row.get(PidTag.DisplayName)]),
      [
        [0, 9, 'Global Address List'],
        [0, 10, 'All Address Lists'],
        [1, 9, 'All Contacts'],
        [1, 9, 'All Groups'],
        [1, 9, 'All Users'],
      ],
    );
    assert.deepEqual(parseEntryId(rows[0]?.get(PidTag.EntryId) as Uint8Array, AT), {
      kind: 'address-book',
      type: 0x100,
      dn: '/',
    });
    assert.equal(rows[0]?.get(PidTag.AddressBookContainerId), 0);
    assert.deepEqual(rows[2]?.get(PidTag.AddressBookParentEntryId), rows[1]?.get(PidTag.EntryId));
    assert.equal(rows[1]?.has(PidTag.AddressBookParentEntryId), false);
    const again = await client.getSpecialTable({ hRpc, dwFlags: 4, pStat: stat(), lpVersion: table.lpVersion });
    assert.deepEqual([again.result, again.ppRows, again.lpVersion], [0, { aRow: [] }, table.lpVersion]);
  });

  test('8-bit names, and templates of new addresses', async () => {
    const { client, hRpc } = await bound();
    const narrow = await client.getSpecialTable({ hRpc, dwFlags: 0, pStat: stat(), lpVersion: 0 });
    assert.equal(cells(narrow.ppRows?.aRow[0]).get(0x3001001e), 'Global Address List');
    const wide = await client.getSpecialTable({ hRpc, dwFlags: 0, pStat: stat({ CodePage: 1200 }), lpVersion: 0 });
    assert.deepEqual([wide.result, wide.ppRows], [ErrorCode.NotSupported, null]);
    const templates = await client.getSpecialTable({ hRpc, dwFlags: 6, pStat: stat(), lpVersion: 5 });
    assert.deepEqual(templates, { lpVersion: 5, ppRows: { aRow: [] }, result: 0 });
  });
});

describe('NspiGetTemplateInfo', () => {
  /** The controls of a template, as [MS-OXOABKT] 2.2.2.1 has them. */
  function controls(data: Buffer) {
    assert.equal(data.readUInt32LE(0), 1);
    return Array.from({ length: data.readUInt32LE(4) }, (_, i) => {
      const [x, width, y, height, type, flags, tag, size, at] = Array.from({ length: 9 }, (_, word) =>
        data.readUInt32LE(8 + 36 * i + 4 * word),
      );
      const text = data.subarray(at, data.indexOf(0, at)).toString('latin1');
      return { x, width, y, height, type, flags, tag, size, text };
    });
  }

  test('details of users and groups show what they have, in the code page', async () => {
    const { client, hRpc } = await bound();
    const ask = { hRpc, dwFlags: 0x61, pDN: null, dwCodePage: 1252, dwLocaleID: 0x407 };
    for (const ulType of [0, 1, 6]) {
      const { ppData, result } = await client.getTemplateInfo({ ...ask, ulType });
      assert.equal(result, 0);
      const data = cells(ppData).get(PidTag.TemplateData) as Buffer;
      const rows = controls(data);
      assert.equal(rows[0]?.type, 8, 'a page comes first');
      for (const { text, type, tag, x = 0, width = 0, y = 0, height = 0 } of rows) {
        assert.ok(text.length > 0 && text.length < 128);
        if ([1, 2, 11].includes(type ?? -1))
          assert.ok(
            COLUMNS.some((column) => column >>> 16 === (tag ?? 0) >>> 16),
            `0x${tag?.toString(16)}`,
          );
        assert.ok(x + width <= 371 && y + height <= 200, text);
      }
      assert.ok(rows.some(({ tag }) => tag === (ulType === 1 ? PidTag.AddressBookMember : 0x3a11001e)));
    }
    const rest = await client.getTemplateInfo({ ...ask, ulType: 0, dwFlags: 4 });
    assert.deepEqual([rest.result, rest.ppData?.lpProps], [0, []]);
  });

  test('what is not there, and code pages that cannot be', async () => {
    const { client, hRpc } = await bound();
    const ask = { hRpc, dwFlags: 1, ulType: 0, pDN: null, dwCodePage: 1252, dwLocaleID: 0x409 };
    const result = async (changes: object) => (await client.getTemplateInfo({ ...ask, ...changes })).result;
    assert.equal(await result({ ulType: 0x102 }), ErrorCode.InvalidLocale);
    assert.equal(await result({ pDN: '/o=nowhere' }), ErrorCode.InvalidLocale);
    assert.equal(await result({ dwCodePage: 1200 }), ErrorCode.InvalidCodepage);
    assert.equal(await result({ dwCodePage: 4711 }), ErrorCode.InvalidCodepage);
  });
});

test('nobody changes anything', async () => {
  const { client, hRpc } = await bound();
  const [sales, bob] = [
    await midOf(client, hRpc, ENTRIES.sales.legacyDn),
    await midOf(client, hRpc, ENTRIES.bob.legacyDn),
  ];
  const mod = async (changes: { Reserved?: number; CurrentRec?: number; pPropTags?: null }) => {
    const { Reserved = 0, CurrentRec = bob, pPropTags = tags(PidTag.Title) } = changes;
    const pRow = { Reserved: 0, lpProps: null };
    return (await client.modProps({ hRpc, Reserved, pStat: stat({ CurrentRec }), pPropTags, pRow })).result;
  };
  assert.equal(await mod({}), ErrorCode.AccessDenied);
  assert.equal(await mod({ Reserved: 1 }), ErrorCode.GeneralFailure);
  assert.equal(await mod({ CurrentRec: 0xdead }), ErrorCode.InvalidParam);
  assert.equal(
    (await client.modProps({ hRpc, Reserved: 0, pStat: stat(), pPropTags: null, pRow: { Reserved: 0, lpProps: [] } }))
      .result,
    ErrorCode.InvalidParam,
  );
  const link = async (dwMId: number, ulPropTag: number = PidTag.AddressBookMember) =>
    (
      await client.modLinkAtt({
        hRpc,
        dwFlags: 0,
        ulPropTag,
        dwMId,
        lpEntryIds: { lpbin: [{ lpb: new Uint8Array(32) }] },
      })
    ).result;
  assert.equal(await link(sales), ErrorCode.AccessDenied);
  assert.equal(await link(bob), 0);
  assert.equal(await link(0xdead), ErrorCode.InvalidParam);
  assert.equal(await link(sales, PidTag.DisplayName), ErrorCode.NotFound);
});
