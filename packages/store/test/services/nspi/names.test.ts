import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RestrictionR } from '@rpch/rpc/internal';
import { ErrorCode } from '../../../src/mapi/error-code.ts';
import { PidTag } from '../../../src/mapi/property-tags.ts';
import { bound, cells, ENTRIES, firstCells, IN_ORDER, stat, tags } from './support.ts';

const NAME = tags(PidTag.DisplayName);

describe('NspiResolveNames', () => {
  const outcomes = async (names: readonly string[], ContainerID = 0) => {
    const { client, hRpc } = await bound();
    const ask = { hRpc, Reserved: 0x80000000, pStat: stat({ ContainerID }), pPropTags: NAME };
    const answer = await client.resolveNamesW({ ...ask, paWStr: { Strings: names } });
    assert.equal(answer.result, 0);
    return { mids: answer.ppMIds?.aulPropTag, names: firstCells(answer.ppRows) };
  };

  test('one, several, none', async () => {
    const { mids, names } = await outcomes(['alice', 'bo', 'nobody', '', 'Carol (partner)']);
    assert.deepEqual(mids, [2, 1, 0, 0, 2]);
    assert.deepEqual(names, ['Alice Ångström', 'Carol (partner)']);
  });

  test('by everything that people write', async () => {
    const meant: Record<string, string | number> = {
      ALI: 'Alice Ångström',
      angstr: 'Alice Ångström',
      Ångström: 'Alice Ångström',
      'a.angstrom@example.org': 'Alice Ångström',
      'SMTP:A.Angstrom@EXAMPLE.org': 'Alice Ångström',
      'ali  angs': 'Alice Ångström',
      'Ångström, Alice': 'Alice Ångström',
      зоя: 'Зоя Иванова',
      bob: 'Bob Baker',
      '=bob': 'Bob Baker',
      '=SMTP:bob@example.org': 'Bob Baker',
      '=bo': 0,
      '=Bob Baker': 0,
      'Bob B': 1,
      'Bob Ba': 'Bob Baker',
      'baker bobby': 0,
      'carol@partner': 'Carol (partner)',
      s: 1,
      ghost: 0,
      [ENTRIES.ghost.legacyDn.toLowerCase()]: 'Ghost',
      [`EX:${ENTRIES.bob.legacyDn}`]: 'Bob Baker',
      [`=${ENTRIES.bob.legacyDn}`]: 'Bob Baker',
      '/guid=00000000000000408000000000000002': 'Bob Baker',
      '/guid=ffffffffffffffffffffffffffffffff': 0,
      '   ': 0,
      [`${'x'.repeat(5000)}`]: 0,
    };
    for (const [name, expected] of Object.entries(meant)) {
      const { mids, names } = await outcomes([name]);
      if (typeof expected === 'number') assert.deepEqual([mids, names], [[expected], []], name);
      else assert.deepEqual([mids, names], [[2], [expected]], name);
    }
  });

  test('inside a container', async () => {
    assert.deepEqual((await outcomes(['alice', 'sa', 's'], 0x12)).mids, [0, 2, 1]);
    const { client, hRpc } = await bound();
    const ask = { hRpc, Reserved: 0, pStat: stat({ ContainerID: 0x99 }), pPropTags: NAME, paWStr: { Strings: ['a'] } };
    assert.deepEqual(await client.resolveNamesW(ask), {
      ppMIds: null,
      ppRows: null,
      result: ErrorCode.InvalidBookmark,
    });
  });

  test('8-bit names are read in the code page', async () => {
    const { client, hRpc } = await bound();
    const ask = { hRpc, Reserved: 0, pPropTags: NAME, paStr: { Strings: ['\xc7\xee\xff', null] } };
    const cyrillic = await client.resolveNames({ ...ask, pStat: stat({ CodePage: 1251 }) });
    assert.deepEqual([cyrillic.ppMIds?.aulPropTag, firstCells(cyrillic.ppRows)], [[2, 0], ['Зоя Иванова']]);
    const latin = await client.resolveNames({ ...ask, pStat: stat({ CodePage: 1252 }) });
    assert.deepEqual(latin.ppMIds?.aulPropTag, [0, 0]);
  });
});

describe('NspiGetMatches', () => {
  const text = (ulPropTag: number, value: string) =>
    ({ ulPropTag, ulReserved: 0, Value: { case: 0x1f, value } }) as const;
  const number = (ulPropTag: number, value: number) =>
    ({ ulPropTag, ulReserved: 0, Value: { case: 3, value } }) as const;
  const property = (
    relop: number,
    ulPropTag: number,
    lpProp: ReturnType<typeof text> | ReturnType<typeof number>,
  ): RestrictionR => ({
    res: { case: 4, value: { relop, ulPropTag, lpProp } },
  });
  const anr = (name: string) => property(4, PidTag.Anr, text(PidTag.Anr, name));

  const ask = async (
    Filter: RestrictionR | null,
    more: { ulRequested?: number; stat?: Parameters<typeof stat>[0]; lID?: number } = {},
  ) => {
    const { client, hRpc } = await bound();
    const lpPropName = more.lID === undefined ? null : { lpguid: null, ulReserved: 0, lID: more.lID };
    return await client.getMatches({
      ...{ hRpc, Reserved1: 0, pStat: stat(more.stat), pReserved: null, Reserved2: 0, Filter, lpPropName },
      ...{ ulRequested: more.ulRequested ?? 50, pPropTags: NAME },
    });
  };
  const found = async (Filter: RestrictionR, more: Parameters<typeof ask>[1] = {}) => {
    const answer = await ask(Filter, more);
    assert.equal(answer.result, 0);
    assert.equal(answer.ppOutMIds?.aulPropTag.length, answer.ppRows?.aRow.length);
    return firstCells(answer.ppRows);
  };

  test('names, alone and among other conditions', async () => {
    assert.deepEqual(await found(anr('bo')), ['Bob Baker', 'Bobby Brown']);
    assert.deepEqual(await found(anr('ghost')), []);
    const user = property(4, PidTag.DisplayType, number(PidTag.DisplayType, 0));
    assert.deepEqual(await found({ res: { case: 0, value: { lpRes: [anr('s'), user] } } }), []);
    assert.deepEqual(await found({ res: { case: 1, value: { lpRes: [anr('sal'), anr('ali')] } } }), [
      'Alice Ångström',
      'Sales',
    ]);
    const not: RestrictionR = { res: { case: 2, value: { lpRes: anr('s') } } };
    assert.deepEqual(await found({ res: { case: 0, value: { lpRes: [not, user] } } }), [
      'Alice Ångström',
      'Bob Baker',
      'Bobby Brown',
      'Зоя Иванова',
    ]);
    assert.deepEqual(await found(anr('s'), { stat: { ContainerID: 0x13 } }), []);
  });

  test('other conditions', async () => {
    const content = (ulFuzzyLevel: number, value: string): RestrictionR => ({
      res: { case: 3, value: { ulFuzzyLevel, ulPropTag: 0x3001001e, lpProp: text(PidTag.DisplayName, value) } },
    });
    assert.deepEqual(await found(content(0x10002, 'BO')), ['Bob Baker', 'Bobby Brown']);
    assert.deepEqual(await found(content(1, 'an')), []);
    assert.deepEqual(
      await found({ res: { case: 8, value: { ulReserved1: 0, ulPropTag: PidTag.EntryId, ulReserved2: 0 } } }),
      IN_ORDER,
    );
    assert.deepEqual(
      await found({ res: { case: 8, value: { ulReserved1: 0, ulPropTag: 0x3a17001e, ulReserved2: 0 } } }),
      ['Alice Ångström'],
    );
    const mask: RestrictionR = {
      res: { case: 6, value: { relBMR: 1, ulPropTag: PidTag.DisplayTypeEx, ulMask: 0x40000000 } },
    };
    assert.equal((await found(mask)).length, 4);
    assert.deepEqual(await found(property(4, PidTag.Account, text(PidTag.Account, 'STAFF'))), ['Staff']);
  });

  test('what a property leads to, sorted, without what is hidden', async () => {
    const { client, hRpc } = await bound();
    const { ppOutMIds } = await client.dnToMId({ hRpc, Reserved: 0, pNames: { Strings: [ENTRIES.sales.legacyDn] } });
    const CurrentRec = ppOutMIds?.aulPropTag[0] ?? 0;
    const members = await ask(null, { stat: { CurrentRec, ContainerID: PidTag.AddressBookMember, SortType: 1000 } });
    assert.deepEqual(firstCells(members.ppRows), ['Alice Ångström', 'Bob Baker', 'Carol (partner)']);
    assert.equal(members.pStat.ContainerID, CurrentRec);
    const named = await ask(null, { stat: { CurrentRec }, lID: 0x8009000d | 0 });
    assert.deepEqual(firstCells(named.ppRows), firstCells(members.ppRows));
    const groups = await ask(null, { stat: { CurrentRec, ContainerID: PidTag.AddressBookIsMemberOfDistributionList } });
    assert.deepEqual(firstCells(groups.ppRows), ['Staff']);
    const manager = await ask(null, { stat: { CurrentRec, ContainerID: PidTag.AddressBookManager } });
    assert.deepEqual([manager.result, manager.ppOutMIds?.aulPropTag], [0, []]);
    const nothing = await ask(null, { stat: { CurrentRec, ContainerID: PidTag.DisplayName } });
    assert.deepEqual([nothing.result, nothing.ppOutMIds, nothing.ppRows], [ErrorCode.NotSupported, null, null]);
    const written = await ask(null, { stat: { CurrentRec, ContainerID: PidTag.AddressBookMember, SortType: 1001 } });
    assert.equal(written.result, ErrorCode.NotSupported);
    const unknown = await ask(null, { stat: { CurrentRec: 0xdead, ContainerID: PidTag.AddressBookMember } });
    assert.equal(unknown.result, ErrorCode.GeneralFailure);
  });

  test('too many, too complex, out of place', async () => {
    const everything: RestrictionR = {
      res: { case: 8, value: { ulReserved1: 0, ulPropTag: PidTag.EntryId, ulReserved2: 0 } },
    };
    assert.equal((await ask(everything, { ulRequested: 6 })).result, ErrorCode.TableTooBig);
    assert.equal((await ask(everything, { ulRequested: 7 })).result, 0);
    let deep = everything;
    for (let i = 0; i < 1000; i++) deep = { res: { case: 2, value: { lpRes: deep } } };
    assert.equal((await ask(deep)).result, ErrorCode.TooComplex);
    const wide: RestrictionR = { res: { case: 1, value: { lpRes: Array.from({ length: 10_000 }, () => everything) } } };
    assert.equal((await ask(wide)).result, ErrorCode.TooComplex);
    const names: RestrictionR = { res: { case: 1, value: { lpRes: Array.from({ length: 17 }, () => anr('a')) } } };
    assert.equal((await ask(names)).result, ErrorCode.TooComplex);
    const sub: RestrictionR = { res: { case: 9, value: { ulSubObject: 0x0e12000d, lpRes: everything } } };
    assert.equal((await ask(sub)).result, ErrorCode.TooComplex);
    assert.equal((await ask({ res: { case: 2, value: { lpRes: null } } })).result, ErrorCode.InvalidParam);
    assert.equal((await ask(everything, { stat: { ContainerID: 0x99 } })).result, ErrorCode.InvalidBookmark);
    assert.equal((await ask(everything, { stat: { SortType: 3 } })).result, ErrorCode.GeneralFailure);
  });

  test('entry ids of the rows are those of the session', async () => {
    const { client, hRpc } = await bound();
    const common = {
      hRpc,
      Reserved1: 0,
      pStat: stat(),
      pReserved: null,
      Reserved2: 0,
      lpPropName: null,
      ulRequested: 9,
    };
    const answer = await client.getMatches({ ...common, Filter: anr('alice'), pPropTags: tags(PidTag.EntryId) });
    assert.equal((cells(answer.ppRows?.aRow[0]).get(PidTag.EntryId) as Buffer)[0], 0x87);
  });
});
