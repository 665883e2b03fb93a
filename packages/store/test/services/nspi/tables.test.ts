import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ErrorCode } from '../../../src/mapi/error-code.ts';
import { PidTag } from '../../../src/mapi/property-tags.ts';
import { bound, cells, constant, directoryOf, ENTRIES, entry, firstCells, IN_ORDER, stat, tags } from './support.ts';

const NAME = tags(PidTag.DisplayName);
const END = 2;

describe('NspiUpdateStat', () => {
  test('counts rows, moves, and stays inside the table', async () => {
    const { client, hRpc } = await bound();
    const update = (changes: Parameters<typeof stat>[0], plDelta: number | null = 0) =>
      client.updateStat({ hRpc, Reserved: 0, pStat: stat(changes), plDelta });
    const begin = await update({});
    assert.deepEqual([begin.result, begin.pStat.TotalRecs, begin.pStat.NumPos, begin.plDelta], [0, 7, 0, 0]);
    const third = await update({ CurrentRec: begin.pStat.CurrentRec, Delta: 2 });
    assert.deepEqual([third.pStat.NumPos, third.pStat.Delta, third.plDelta], [2, 0, 2]);
    const back = await update({ CurrentRec: third.pStat.CurrentRec, Delta: -100 });
    assert.deepEqual([back.pStat.CurrentRec, back.pStat.NumPos, back.plDelta], [begin.pStat.CurrentRec, 0, -2]);
    const end = await update({ CurrentRec: third.pStat.CurrentRec, Delta: 0x7fffffff });
    assert.deepEqual([end.pStat.CurrentRec, end.pStat.NumPos, end.plDelta], [END, 7, 5]);
    assert.deepEqual((await update({ CurrentRec: END, Delta: -1 }, null)).pStat.NumPos, 6);
    assert.equal((await update({}, null)).plDelta, null);
  });

  test('a fraction of the table', async () => {
    const { client, hRpc } = await bound();
    const at = async (NumPos: number, TotalRecs: number, Delta = 0) => {
      const pStat = stat({ CurrentRec: 1, NumPos, TotalRecs, Delta });
      return (await client.updateStat({ hRpc, Reserved: 0, pStat, plDelta: null })).pStat.NumPos;
    };
    assert.deepEqual(
      [await at(0, 100), await at(50, 100), await at(99, 100), await at(500, 100), await at(5, 0)],
      [0, 3, 6, 7, 0],
    );
    assert.deepEqual([await at(50, 100, 2), await at(50, 100, -9)], [5, 0]);
  });

  test('unknown containers and records, and code pages that cannot be', async () => {
    const { client, hRpc, log } = await bound();
    const result = async (changes: Parameters<typeof stat>[0]) =>
      (await client.updateStat({ hRpc, Reserved: 0, pStat: stat(changes), plDelta: null })).result;
    assert.equal(await result({ ContainerID: 0x999 }), ErrorCode.InvalidBookmark);
    assert.equal(await result({ CurrentRec: 0x99999 }), ErrorCode.NotFound);
    assert.equal(await result({ CodePage: 1200 }), ErrorCode.NotSupported);
    assert.equal(await result({ CodePage: 4711 }), ErrorCode.InvalidCodepage);
    assert.equal(await result({ SortType: 3 }), ErrorCode.GeneralFailure);
    for (const CodePage of [0, 1251, 20261, 65001, 932]) assert.equal(await result({ CodePage }), 0);
    assert.deepEqual(log.lines[0]?.event, 'nspi.refused');
  });
});

describe('NspiQueryRows', () => {
  test('pages through the global address list to its end', async () => {
    const { client, hRpc } = await bound();
    const names: unknown[] = [];
    let pStat = stat();
    for (const page of [3, 3, 1]) {
      const answer = await client.queryRows({ hRpc, dwFlags: 0, pStat, lpETable: null, Count: 3, pPropTags: NAME });
      assert.equal(answer.result, 0);
      assert.equal(answer.ppRows?.aRow.length, page);
      names.push(...firstCells(answer.ppRows));
      pStat = answer.pStat;
    }
    assert.deepEqual(names, IN_ORDER);
    assert.deepEqual([pStat.CurrentRec, pStat.NumPos, pStat.TotalRecs], [END, 7, 7]);
    const none = await client.queryRows({ hRpc, dwFlags: 0, pStat, lpETable: null, Count: 3, pPropTags: NAME });
    assert.deepEqual([none.result, none.ppRows?.aRow.length], [0, 0]);
    const back = await client.queryRows({
      ...{ hRpc, dwFlags: 0, lpETable: null, Count: 50, pPropTags: NAME },
      pStat: stat({ CurrentRec: END, Delta: -2 }),
    });
    assert.deepEqual(firstCells(back.ppRows), IN_ORDER.slice(-2));
  });

  test('containers hold their kinds', async () => {
    const { client, hRpc } = await bound();
    const { ppRows } = await client.getSpecialTable({ hRpc, dwFlags: 4, pStat: stat(), lpVersion: 0 });
    const contents = new Map<unknown, unknown[]>();
    for (const row of ppRows?.aRow ?? []) {
      const ContainerID = cells(row).get(PidTag.AddressBookContainerId) as number;
      const pStat = stat({ ContainerID });
      const answer = await client.queryRows({ hRpc, dwFlags: 0, pStat, lpETable: null, Count: 50, pPropTags: NAME });
      contents.set(cells(row).get(PidTag.DisplayName), firstCells(answer.ppRows));
    }
    assert.deepEqual(Object.fromEntries(contents), {
      'Global Address List': IN_ORDER,
      'All Address Lists': [],
      'All Contacts': ['Carol (partner)'],
      'All Groups': ['Sales', 'Staff'],
      'All Users': ['Alice Ångström', 'Bob Baker', 'Bobby Brown', 'Зоя Иванова'],
    });
  });

  test('an explicit table: its order, errors for what is not there, STAT untouched', async () => {
    const { client, hRpc } = await bound();
    const dns = [ENTRIES.ghost, ENTRIES.bob].map(({ legacyDn }) => legacyDn);
    const { ppOutMIds } = await client.dnToMId({ hRpc, Reserved: 0, pNames: { Strings: dns } });
    const [ghost = 0, bob = 0] = ppOutMIds?.aulPropTag ?? [];
    const pStat = stat({ ContainerID: 0x999, CurrentRec: 77, Delta: 5 });
    const lpETable = [bob, 0, 0xffffffff, ghost];
    const answer = await client.queryRows({ hRpc, dwFlags: 0, pStat, lpETable, Count: 3, pPropTags: NAME });
    assert.equal(answer.result, 0);
    assert.deepEqual(answer.pStat, pStat);
    const missing = { error: ErrorCode.NotFound };
    assert.deepEqual(firstCells(answer.ppRows), ['Bob Baker', missing, missing]);
  });

  test('columns of a client that names none: 8-bit text', async () => {
    const { client, hRpc } = await bound();
    const pStat = stat({ CodePage: 1252 });
    const answer = await client.queryRows({ hRpc, dwFlags: 0, pStat, lpETable: null, Count: 1, pPropTags: null });
    assert.deepEqual(
      [...cells(answer.ppRows?.aRow[0])],
      [
        [0xfffd0003, 0],
        [0x0ffe0003, 6],
        [0x39000003, 0],
        [0x3001001e, 'Alice \xc5ngstr\xf6m'],
        [0x3a1a001e, '+49 30 1'],
        [0x3a18001e, 'Research'],
        [0x3a19001e, '1.23'],
      ],
    );
  });

  test('no rows wanted, too many columns', async () => {
    const { client, hRpc } = await bound();
    const ask = async (Count: number, columns: number) => {
      const pPropTags = tags(...Array.from({ length: columns }, () => PidTag.DisplayName));
      return await client.queryRows({ hRpc, dwFlags: 0, pStat: stat(), lpETable: null, Count, pPropTags });
    };
    assert.deepEqual((await ask(0, 1)).result, ErrorCode.InvalidParam);
    assert.deepEqual((await ask(1, 501)).result, ErrorCode.TableTooBig);
    assert.deepEqual((await ask(1, 501)).ppRows, null);
  });

  test('a response is bounded, whatever is asked for', async () => {
    const { client, hRpc } = await bound();
    const lpETable = Array.from({ length: 100_000 }, (_, i) => i);
    const rowsOf = async (columns: number) => {
      const pPropTags = tags(...Array.from({ length: columns }, (_, i) => (0x1000 + i) * 0x10000 + 3));
      const ask = { hRpc, dwFlags: 0, pStat: stat(), lpETable, Count: 100_000, pPropTags };
      return (await client.queryRows(ask)).ppRows?.aRow.length;
    };
    assert.equal(await rowsOf(1), 5000);
    assert.equal(await rowsOf(500), 200);
  });
});

describe('sorting', () => {
  const people = ['Zebra', 'Äpfel', 'Apfel', 'Öl', 'Olaf', 'apfel', 'Ård'];
  const directory = directoryOf(people.map((displayName, i) => entry(i + 1, `user${i}`, { displayName })));

  const sorted = async (SortLocale: number) => {
    const { client, hRpc } = await bound(constant(directory));
    const ask = { hRpc, dwFlags: 0, pStat: stat({ SortLocale }), lpETable: null, Count: 50, pPropTags: NAME };
    return firstCells((await client.queryRows(ask)).ppRows);
  };

  test('by the locale that is asked for; what is unknown is sorted as English is', async () => {
    const english = ['apfel', 'Apfel', 'Äpfel', 'Ård', 'Öl', 'Olaf', 'Zebra'];
    assert.deepEqual(await sorted(0x409), english);
    assert.deepEqual(await sorted(0xdeadbeef), english);
    assert.deepEqual(await sorted(0x41d), ['apfel', 'Apfel', 'Olaf', 'Zebra', 'Ård', 'Äpfel', 'Öl']);
    assert.deepEqual(await sorted(0x10407), ['Äpfel', 'apfel', 'Apfel', 'Ård', 'Öl', 'Olaf', 'Zebra']);
  });

  test('NspiSeekEntries finds the first that is not before, in any case', async () => {
    const { client, hRpc } = await bound(constant(directory));
    const seek = async (value: string, more: Parameters<typeof stat>[0] = {}) =>
      await client.seekEntries({
        ...{ hRpc, Reserved: 0, pStat: stat(more), lpETable: null, pPropTags: NAME },
        pTarget: { ulPropTag: PidTag.DisplayName, ulReserved: 0, Value: { case: 0x1f, value } },
      });
    const found = await seek('APFEL');
    assert.deepEqual([found.result, found.pStat.NumPos, found.pStat.TotalRecs], [0, 0, 7]);
    assert.deepEqual(firstCells(found.ppRows).slice(0, 2), ['apfel', 'Apfel']);
    assert.equal((await seek('o')).pStat.NumPos, 4);
    assert.equal((await seek('Z', { SortLocale: 0x41d })).pStat.NumPos, 3);
    assert.equal((await seek('zz')).result, ErrorCode.NotFound);
    assert.equal((await seek('a', { SortType: 1000 })).result, ErrorCode.GeneralFailure);
  });
});

describe('NspiSeekEntries', () => {
  test('in an explicit table, without rows, and of other properties', async () => {
    const { client, hRpc } = await bound();
    const dns = [ENTRIES.sales, ENTRIES.alice, ENTRIES.bob].map(({ legacyDn }) => legacyDn);
    const mids = (await client.dnToMId({ hRpc, Reserved: 0, pNames: { Strings: dns } })).ppOutMIds;
    const pTarget = { ulPropTag: 0x3001001e, ulReserved: 0, Value: { case: 0x1e, value: 'b' } } as const;
    const ask = { hRpc, Reserved: 0, pStat: stat(), pTarget, lpETable: mids, pPropTags: null };
    const found = await client.seekEntries(ask);
    assert.deepEqual([found.result, found.pStat.NumPos, found.pStat.TotalRecs], [0, 1, 3]);
    assert.equal(found.pStat.CurrentRec, mids?.aulPropTag[2]);
    assert.equal(found.ppRows, null);
    const withRows = await client.seekEntries({ ...ask, pPropTags: NAME });
    assert.deepEqual(firstCells(withRows.ppRows), ['Bob Baker', 'Sales']);
    const surname = { ...pTarget, ulPropTag: 0x3a11001e };
    assert.equal((await client.seekEntries({ ...ask, pTarget: surname })).result, ErrorCode.GeneralFailure);
    assert.equal((await client.seekEntries({ ...ask, Reserved: 1 })).result, ErrorCode.NotSupported);
  });
});

describe('NspiResortRestriction and NspiCompareMIds', () => {
  test('lists are sorted, and what is unknown is dropped', async () => {
    const { client, hRpc } = await bound();
    const dns = [ENTRIES.staff, ENTRIES.bob, ENTRIES.alice].map(({ legacyDn }) => legacyDn);
    const { ppOutMIds } = await client.dnToMId({ hRpc, Reserved: 0, pNames: { Strings: dns } });
    const [staff = 0, bob = 0, alice = 0] = ppOutMIds?.aulPropTag ?? [];
    const pInMIds = tags(staff, 0xdead, bob, 0, alice);
    const ask = { hRpc, Reserved: 0, pStat: stat({ CurrentRec: bob }), pInMIds, ppOutMIds: null };
    const answer = await client.resortRestriction(ask);
    assert.deepEqual(answer.ppOutMIds?.aulPropTag, [alice, bob, staff]);
    assert.deepEqual([answer.pStat.CurrentRec, answer.pStat.NumPos, answer.pStat.TotalRecs], [bob, 1, 3]);
    const lost = await client.resortRestriction({ ...ask, pStat: stat({ CurrentRec: 0xdead, NumPos: 9 }) });
    assert.deepEqual([lost.pStat.CurrentRec, lost.pStat.NumPos], [0, 0]);
    const phonetic = await client.resortRestriction({ ...ask, pStat: stat({ SortType: 3 }) });
    assert.deepEqual([phonetic.result, phonetic.ppOutMIds], [ErrorCode.GeneralFailure, null]);

    const compare = (MId1: number, MId2: number, ContainerID = 0) =>
      client.compareMIds({ hRpc, Reserved: 0, pStat: stat({ ContainerID }), MId1, MId2 });
    assert.ok((await compare(alice, bob)).plResult < 0);
    assert.ok((await compare(staff, bob)).plResult > 0);
    assert.deepEqual(await compare(bob, bob), { plResult: 0, result: 0 });
    assert.equal((await compare(bob, 0xdead)).result, ErrorCode.GeneralFailure);
    assert.equal((await compare(bob, alice, 0x12)).result, ErrorCode.GeneralFailure);
  });
});
