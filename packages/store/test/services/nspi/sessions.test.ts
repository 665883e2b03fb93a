import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AuthLevel, ContextHandles, ndr, nspiDeclaration, ProtocolError, RpcFaultError } from '@rpch/rpc/internal';
import fc from 'fast-check';
import { ErrorCode } from '../../../src/mapi/error-code.ts';
import { PidTag } from '../../../src/mapi/property-tags.ts';
import { nspiServer } from '../../../src/services/nspi/nspi-server.ts';
import {
  bound,
  cells,
  constant,
  directoryOf,
  ENTRIES,
  entry,
  firstCells,
  keptLog,
  nspiClient,
  rpcCall,
  SERVER_GUID,
  stat,
  tags,
} from './support.ts';

const NAME = tags(PidTag.DisplayName);

describe('NspiBind and NspiUnbind', () => {
  const directory = constant(directoryOf());
  const serverOf = () => nspiServer({ directory, serverGuid: SERVER_GUID, log: keptLog() });
  const bind = { dwFlags: 0, pStat: stat({ CodePage: 20261 }), pServerGuid: { ab: new Uint8Array(16) } };

  test('privacy is asked for, unless it is said otherwise', () => {
    assert.equal(serverOf().minimumLevel, AuthLevel.privacy);
    const low = nspiServer({ directory, serverGuid: SERVER_GUID, log: keptLog(), minimumLevel: AuthLevel.none });
    assert.equal(low.minimumLevel, AuthLevel.none);
  });

  test('a session from its beginning to its end', async () => {
    const contextHandles = new ContextHandles();
    const client = nspiClient(serverOf(), rpcCall({ contextHandles }));
    const { pServerGuid, contextHandle, result } = await client.bind(bind);
    assert.equal(result, 0);
    assert.equal(Buffer.from(pServerGuid?.ab ?? []).toString('hex'), '3d2c1b0a5f4e89479abcdef012345678');
    assert.equal(contextHandles.size, 1);
    const ended = await client.unbind({ contextHandle, Reserved: 0 });
    assert.deepEqual(ended, { contextHandle: ndr.NULL_CONTEXT_HANDLE, result: 1 });
    assert.equal(contextHandles.size, 0);
    const again = await client.unbind({ contextHandle: ended.contextHandle, Reserved: 0 });
    assert.equal(again.result, ErrorCode.UnbindFailure);
    assert.equal((await client.bind({ ...bind, pServerGuid: null })).pServerGuid, null);
  });

  test('nobody in particular, and code pages that cannot be, are refused', async () => {
    const contextHandles = new ContextHandles();
    const refused = async (changes: object, call = rpcCall({ contextHandles })) => {
      const answer = await nspiClient(serverOf(), call).bind({ ...bind, ...changes });
      assert.deepEqual([answer.pServerGuid, answer.contextHandle], [null, ndr.NULL_CONTEXT_HANDLE]);
      return answer.result;
    };
    assert.equal(await refused({}, rpcCall({ identity: undefined, contextHandles })), ErrorCode.LoginFailure);
    assert.equal(await refused({ dwFlags: 0x20 }), ErrorCode.LoginFailure);
    assert.equal(await refused({ pStat: stat({ CodePage: 1200 }) }), ErrorCode.NotSupported);
    assert.equal(await refused({ pStat: stat({ CodePage: 4711 }) }), ErrorCode.InvalidCodepage);
    assert.equal(contextHandles.size, 0);
  });

  test('a handle that is not open is a fault', async () => {
    const client = nspiClient(serverOf());
    const hRpc = { attributes: 0, uuid: '00000000-0000-4000-8000-000000000001' };
    const status = 0x1c00001a;
    await assert.rejects(client.queryColumns({ hRpc, Reserved: 0, dwFlags: 0 }), { status });
    await assert.rejects(client.queryColumns({ hRpc: ndr.NULL_CONTEXT_HANDLE, Reserved: 0, dwFlags: 0 }), { status });
    await assert.rejects(client.unbind({ contextHandle: hRpc, Reserved: 0 }), { status });
  });

  test('operations that are not there', () => {
    for (const opnum of [15, 21]) {
      assert.throws(() => serverOf().handle(opnum, new Uint8Array(64), true, rpcCall()), { status: 0x1c010002 });
    }
  });
});

describe('a directory that changes', () => {
  test('minimal entry ids stay what they are; who is gone is gone, who is new is there', async () => {
    let current = directoryOf();
    const { client, hRpc } = await bound(() => current);
    const all = async () => {
      const pPropTags = tags(PidTag.DisplayName, PidTag.InstanceKey);
      const { ppRows } = await client.queryRows({
        hRpc,
        dwFlags: 0,
        pStat: stat(),
        lpETable: null,
        Count: 50,
        pPropTags,
      });
      return new Map(
        (ppRows?.aRow ?? []).map((row) => {
          const values = cells(row);
          return [values.get(PidTag.DisplayName), (values.get(PidTag.InstanceKey) as Buffer).readUInt32LE()] as const;
        }),
      );
    };
    const before = await all();
    const aaron = entry(0x100, 'aaron');
    const { bob: _bob, ...others } = ENTRIES;
    current = directoryOf([aaron, ...Object.values(others)], 2);
    const after = await all();
    assert.equal([...after.keys()][0], 'aaron');
    assert.equal(after.has('Bob Baker'), false);
    for (const [name, mid] of before) if (name !== 'Bob Baker') assert.equal(after.get(name), mid);
    assert.ok(![...before.values()].includes(after.get('aaron') ?? 0));
    const CurrentRec = before.get('Bob Baker') ?? 0;
    const gone = await client.getProps({ hRpc, dwFlags: 0, pStat: stat({ CurrentRec }), pPropTags: NAME });
    assert.equal(gone.result, ErrorCode.ErrorsReturned);
    current = directoryOf(Object.values(ENTRIES), 3);
    assert.deepEqual(await all(), before);
  });
});

test('big-endian clients get the same rows', async () => {
  const server = nspiServer({ directory: constant(directoryOf()), serverGuid: SERVER_GUID, log: keptLog() });
  const call = rpcCall();
  const rows = async (littleEndian: boolean) => {
    const client = nspiClient(server, call, littleEndian);
    const { contextHandle: hRpc } = await client.bind({ dwFlags: 0, pStat: stat(), pServerGuid: null });
    const pPropTags = tags(PidTag.DisplayName, PidTag.EntryId, PidTag.AddressBookProxyAddresses, PidTag.ObjectType);
    return (await client.queryRows({ hRpc, dwFlags: 0, pStat: stat(), lpETable: null, Count: 9, pPropTags })).ppRows;
  };
  const [little, big] = [await rows(true), await rows(false)];
  assert.deepEqual(big, little);
  assert.deepEqual(await rows(true), little);
  assert.equal(firstCells(little)[0], 'Alice Ångström');
});

test('a large address book: pages anywhere, many shapes of rows, all languages', async () => {
  const entries = Array.from({ length: 2_000 }, (_, i) =>
    entry(i + 1, `user${i}`, { displayName: `Person ${(i * 7919) % 2_000}` }),
  );
  const { client, hRpc } = await bound(constant(directoryOf(entries)));
  for (let i = 0; i < 60; i++) {
    const pStat = stat({ CurrentRec: 1, NumPos: i, TotalRecs: 60, SortLocale: i, CodePage: i % 2 === 0 ? 1252 : 1251 });
    const pPropTags = tags(PidTag.DisplayName, ...Array.from({ length: i }, () => PidTag.ObjectType));
    const { ppRows, result } = await client.queryRows({
      hRpc,
      dwFlags: 0,
      pStat,
      lpETable: null,
      Count: 200,
      pPropTags,
    });
    assert.deepEqual([result, ppRows?.aRow.length], [0, Math.min(200, 2_000 - Math.floor((2_000 * i) / 60))]);
  }
  const { ppMIds } = await client.resolveNamesW({
    hRpc,
    Reserved: 0,
    pStat: stat(),
    pPropTags: NAME,
    paWStr: { Strings: ['user17', 'user1', '=user1', 'person'] },
  });
  assert.deepEqual(ppMIds?.aulPropTag, [2, 2, 2, 1]);
});

test('what would take too long is refused: names by the thousand, filters of many conditions', async () => {
  const people = Array.from({ length: 3_000 }, (_, i) => entry(i + 1, `a${i}`, { displayName: `Ann Smith ${i}` }));
  const { client, hRpc } = await bound(constant(directoryOf(people)));
  const ask = { hRpc, Reserved: 0, pStat: stat({ ContainerID: 0x12 }), pPropTags: NAME };
  // Nobody is in the container that is asked, so that each name is held against everybody.
  const names = async (count: number) =>
    (await client.resolveNamesW({ ...ask, paWStr: { Strings: Array.from({ length: count }, () => 'ann') } })).result;
  assert.equal(await names(100), 0);
  assert.equal(await names(1_000), ErrorCode.TooComplex);
  const exist = { res: { case: 8, value: { ulReserved1: 0, ulPropTag: PidTag.EntryId, ulReserved2: 0 } } } as const;
  const matches = async (count: number) => {
    const Filter = { res: { case: 0, value: { lpRes: Array.from({ length: count }, () => exist) } } } as const;
    const common = { hRpc, Reserved1: 0, pStat: stat(), pReserved: null, Reserved2: 0, lpPropName: null };
    return (await client.getMatches({ ...common, Filter, ulRequested: 5_000, pPropTags: null })).result;
  };
  assert.equal(await matches(100), 0);
  assert.equal(await matches(2_000), ErrorCode.TooComplex);
});

describe('hostile stubs', () => {
  test('bytes that nobody meant are a fault or a return value, and nothing else', async () => {
    const { server, hRpc } = await bound();
    const opnums = Object.values(nspiDeclaration.procedures).map(({ opnum }) => opnum);
    const call = rpcCall();
    const handle = Buffer.alloc(20);
    Buffer.from(hRpc.uuid.replaceAll('-', ''), 'hex').copy(handle, 4);
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...opnums),
        fc.uint8Array({ maxLength: 400 }),
        fc.boolean(),
        async (opnum, bytes, withHandle) => {
          const stub = withHandle ? Buffer.concat([handle, bytes]) : bytes;
          try {
            await server.handle(opnum, new Uint8Array(stub), true, call);
          } catch (error) {
            assert.ok(error instanceof ProtocolError || error instanceof RpcFaultError, String(error));
          }
        },
      ),
      { numRuns: 3000 },
    );
  });

  test('numbers of all sizes where numbers belong', async () => {
    const { client, hRpc } = await bound();
    const u32 = fc.oneof(
      fc.constantFrom(0, 1, 2, 3, 0x10, 0x1f, 0x20, 0x21, 1000, 1001, 1200, 1252, 0x7fffffff, 0xffffffff),
      fc.nat(0xffffffff),
    );
    const i32 = fc.oneof(fc.constantFrom(0, 1, -1, -0x80000000, 0x7fffffff), fc.integer());
    const stats = fc.record({
      SortType: fc.constantFrom(0, 0, 3, 1000, 77),
      ContainerID: u32,
      CurrentRec: u32,
      Delta: i32,
      NumPos: u32,
      TotalRecs: u32,
      CodePage: fc.constantFrom(1252, 0, 1200, 20261, 7),
      TemplateLocale: u32,
      SortLocale: u32,
    });
    const columns = fc.option(fc.array(u32, { maxLength: 20 }).map((list) => tags(...list)));
    const mids = fc.array(u32, { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(stats, u32, u32, columns, fc.option(mids), async (pStat, a, b, pPropTags, list) => {
        const common = { hRpc, Reserved: 0 };
        const explicit = list === null ? null : tags(...list);
        const results = [
          await client.updateStat({ ...common, pStat, plDelta: 0 }),
          await client.queryRows({ hRpc, dwFlags: a, pStat, lpETable: list, Count: b, pPropTags }),
          await client.getProps({ hRpc, dwFlags: a, pStat, pPropTags }),
          await client.getPropList({ hRpc, dwFlags: a, dwMId: b, CodePage: pStat.CodePage }),
          await client.compareMIds({ ...common, pStat, MId1: a, MId2: b }),
          await client.resortRestriction({ ...common, pStat, pInMIds: explicit ?? tags(), ppOutMIds: null }),
          await client.seekEntries({
            ...common,
            pStat,
            pTarget: { ulPropTag: 0x3001001f, ulReserved: 0, Value: { case: 0x1f, value: 'm' } },
            lpETable: explicit,
            pPropTags,
          }),
          await client.getMatches({
            hRpc,
            Reserved1: 0,
            pStat,
            pReserved: null,
            Reserved2: 0,
            Filter: null,
            lpPropName: null,
            ulRequested: a,
            pPropTags,
          }),
          await client.getSpecialTable({ hRpc, dwFlags: a, pStat, lpVersion: b }),
          await client.getTemplateInfo({
            hRpc,
            dwFlags: a,
            ulType: b,
            pDN: null,
            dwCodePage: pStat.CodePage,
            dwLocaleID: a,
          }),
          await client.modLinkAtt({ hRpc, dwFlags: a, ulPropTag: a, dwMId: b, lpEntryIds: { lpbin: null } }),
        ];
        for (const { result } of results)
          assert.ok(result === 0 || result === ErrorCode.ErrorsReturned || result >= 0x80000000, String(result));
      }),
      { numRuns: 300 },
    );
  });
});
