import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { AuthLevel, type ClientOf, ntlmAccounts, RpcClient, serveHttp, serveTcp } from '@rpch/rpc';
import { nspiDeclaration, rfrDeclaration } from '@rpch/rpc/internal';
import { EmbeddedDirectory, nspiServer, rfrServer } from '@rpch/store';
import { startCapture } from '../../src/peers/capture.ts';
import { describeFailure } from '../../src/peers/commands.ts';
import { runExchanger } from '../../src/peers/impacket.ts';
import { startProxy } from '../../src/peers/proxy.ts';
import { requirePeer } from '../../src/peers/requirePeer.ts';
import { findMalformed, readFields } from '../../src/peers/tshark.ts';

const DOMAIN = 'RPCHTEST';
/** The computer that the proxy says it is, and so the server that exchanger.py asks it for. */
const COMPUTER = 'RPCHMAIL';
const ALICE = { name: 'alice', password: 'Al1ce.Passw0rd' } as const;

const DIRECTORY = `
organization:
  name: Wonderland
  domain: wonderland.test
  server: mail.wonderland.test
users:
  alice:
    guid: 8d3f5c1a-0001-4000-8000-00000000a11c
    displayName: Alice Liddell
    givenName: Alice
    surname: Liddell
    title: Dreamer
    telephone: +44 1865 1
    addresses: [a.liddell@wonderland.test]
groups:
  tea:
    displayName: Tea Party
    members: [alice, hatter]
contacts:
  hatter:
    displayName: Mad Hätter
    address: hatter@hats.test
`;

const folder = mkdtempSync(join(tmpdir(), 'rpch-nspi-'));
writeFileSync(join(folder, 'directory.yaml'), DIRECTORY);
after(() => rmSync(folder, { recursive: true, force: true }));

const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const embedded = await EmbeddedDirectory.load({
  ...{ dataDir: folder, accounts: ['alice', 'bob'], defaults: { domain: 'example.org', serverName: 'other' } },
  warn: assert.fail,
});
const directory = () => embedded.current;
const security = ntlmAccounts({
  domain: DOMAIN,
  computer: COMPUTER,
  lookup: (user) => (user === ALICE.name ? ALICE.password : undefined),
});
const interfaces = (minimumLevel?: number) => {
  const level = minimumLevel === undefined ? {} : { minimumLevel };
  return [nspiServer({ directory, serverGuid: randomUUID(), log, ...level }), rfrServer({ directory, log, ...level })];
};

describe("impacket's exchanger.py reads the address book through the proxy", async () => {
  const host = '127.0.0.1';
  const started: { stop(): Promise<void> }[] = [];
  after(async () => {
    for (const each of started.reverse()) await each.stop();
  });
  let ready: Promise<void> | undefined;
  const start = async () => {
    const server = await serveHttp({ host, port: 0, interfaces: interfaces(), security });
    started.push({ stop: () => server.close() });
    const proxied = { ip: host, rpcPort: server.port, user: ALICE, domain: DOMAIN };
    const map = ['--computer', COMPUTER, '--map', `ncacn_http:${COMPUTER}:6004=${host}:${server.port}`];
    started.push(await startProxy(proxied, { httpsPort: 443, more: map }));
  };
  const account = `${DOMAIN}/${ALICE.name}:${ALICE.password}`;

  /** What exchanger.py prints between its banner and its end. */
  const run = async (...args: string[]): Promise<string> => {
    const result = await runExchanger(host, account, ['nspi', ...args]);
    const text = describeFailure(['exchanger.py', ...args], result);
    assert.equal(result.code, 0, text);
    assert.doesNotMatch(result.stdout + result.stderr, /\[!\]|\[-\]|Protocol failed|Traceback/, text);
    return result.stdout;
  };
  const peers = async (t: Parameters<typeof requirePeer>[0]) => {
    if (!(await requirePeer(t, 'impacket'))) return false;
    ready ??= start();
    await ready;
    return true;
  };

  test('list-tables', async (t) => {
    if (!(await peers(t))) return;
    const printed = await run('list-tables', '-count');
    const tables = [...printed.matchAll(/^( *)(\S.*)\n *TotalRecs: (\d+)\n *Guid: (\S+)$/gm)];
    assert.deepEqual(
      tables.map(([, indent = '', name, count]) => [indent.length, name, Number(count)]),
      [
        [0, 'Default Global Address List', 4],
        [0, 'All Address Lists', 0],
        [4, 'All Contacts', 1],
        [4, 'All Groups', 1],
        [4, 'All Users', 2],
      ],
    );
  });

  test('dump-tables, all its kinds of rows', async (t) => {
    if (!(await peers(t))) return;
    const gal = await run('dump-tables', '-name', 'GAL');
    assert.match(
      gal,
      /alice@wonderland\.test[\s\S]*bob@wonderland\.test[\s\S]*hatter@hats\.test[\s\S]*tea@wonderland\.test/,
    );
    assert.match(gal, /8d3f5c1a-0001-4000-8000-00000000a11c/);
    const extended = await run('dump-tables', '-name', 'GAL', '-lookup-type', 'EXTENDED');
    for (const text of ['Alice Liddell', 'Mad Hätter', 'Dreamer', 'smtp:a.liddell@wonderland.test']) {
      assert.ok(extended.includes(text), `${text} in ${extended}`);
    }
    const full = await run('dump-tables', '-name', 'GAL', '-lookup-type', 'FULL', '-rows-per-request', '2');
    assert.ok(full.includes('/o=Wonderland/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=alice'));
    assert.equal(full.split('=======================').length - 1, 4);
    const users = await run('dump-tables', '-name', 'All Users', '-lookup-type', 'GUIDS');
    assert.match(users, /^8d3f5c1a-0001-4000-8000-00000000a11c$/m);
    const groups = await run('dump-tables', '-name', 'All Groups');
    assert.match(groups, /tea@wonderland\.test/);
    assert.doesNotMatch(groups, /alice@|hatter@/);
  });

  test('guid-known', async (t) => {
    if (!(await peers(t))) return;
    for (const type of ['MINIMAL', 'EXTENDED', 'FULL']) {
      const args = ['-guid', '8d3f5c1a-0001-4000-8000-00000000a11c', '-lookup-type', type];
      assert.match(await run('guid-known', ...args), /alice@wonderland\.test/);
    }
    const unknown = await runExchanger(host, account, ['nspi', 'guid-known', '-guid', randomUUID()]);
    assert.match(unknown.stdout + unknown.stderr, /Object with specified GUID not found/);
  });

  test('dnt-lookup', async (t) => {
    if (!(await peers(t))) return;
    const printed = await run('dnt-lookup', '-start-dnt', '0', '-stop-dnt', '400', '-lookup-type', 'EXTENDED');
    assert.match(printed, /^# MIds 0-349:$/m);
    for (const name of ['Alice Liddell', 'Mad Hätter', 'Tea Party']) assert.ok(printed.includes(name), name);
  });

  test('another name of the server is refused', async (t) => {
    if (!(await peers(t))) return;
    const result = await runExchanger(host, account, ['-rpc-hostname', 'OTHER', 'nspi', 'list-tables']);
    assert.match(result.stdout + result.stderr, /Protocol failed/);
  });
});

test('tshark finds nothing malformed in NSPI and RFR, and reads the rows', async (t) => {
  if (!(await requirePeer(t, 'tshark'))) return;
  const server = await serveTcp({ host: '127.0.0.1', port: 0, interfaces: interfaces(AuthLevel.none), security });
  const capture = await startCapture(join(folder, 'nspi.pcap'), [server.port]);
  // Level connect proves who calls, and hides nothing from a capture.
  const client = new RpcClient(`ncacn_ip_tcp:127.0.0.1[${server.port}]`, {
    credentials: { user: `${DOMAIN}\\${ALICE.name}`, password: ALICE.password },
    provider: 'ntlm',
    level: 'connect',
  });
  const calls = await everything(await client.bind(nspiDeclaration), await client.bind(rfrDeclaration));
  client.close();
  await capture.stop();
  await server.close();
  const options = { dcerpcPorts: [server.port] };
  assert.deepEqual(await findMalformed(capture.file, options), []);
  const rows = await readFields(capture.file, 'nspi || rfr', ['dcerpc.opnum', '_ws.col.Protocol'], options);
  const dissected = new Set(rows.map(([opnum, protocol]) => `${protocol} ${opnum}`));
  for (const call of calls) assert.ok(dissected.has(call), `${call} among ${[...dissected].join(', ')}`);
  const told = async (opnum: number, field: string) =>
    (
      await readFields(capture.file, `dcerpc.pkt_type == 2 && dcerpc.opnum == ${opnum} && ${field}`, [field], options)
    ).flat();
  const names = ['Alice Liddell', 'bob', 'Mad Hätter', 'Tea Party'];
  assert.deepEqual(await told(3, 'nspi.SPropValue_CTR.lpszW'), [names.join(',')]);
  assert.deepEqual(await told(0, 'rfr.RfrGetNewDSA.ppszServer'), ['mail.wonderland.test']);
  assert.deepEqual(await told(1, 'rfr.RfrGetFQDNFromLegacyDN.ppszServerFQDN'), ['mail.wonderland.test']);
});

type Nspi = ClientOf<typeof nspiDeclaration>;
type Rfr = ClientOf<typeof rfrDeclaration>;

const STAT: Parameters<Nspi['bind']>[0]['pStat'] = {
  ...{ SortType: 0, ContainerID: 0, CurrentRec: 0, Delta: 0, NumPos: 0, TotalRecs: 0 },
  ...{ CodePage: 1252, TemplateLocale: 0x409, SortLocale: 0x409 },
};
/** tshark 4.0 takes the pointers of multi-valued text for numbers, and loses its place: exchanger.py has those. */
const COLUMNS = { aulPropTag: [0x3001001f, 0x3003001e, 0x0fff0102, 0x0ffe0003, 0x3a40000b, 0x8009000d] };

/** Makes every call of both interfaces once, and returns their names as tshark's protocol column and opnum have them. */
async function everything(nspi: Nspi, rfr: Rfr): Promise<string[]> {
  const bind = await nspi.bind({ dwFlags: 0, pStat: STAT, pServerGuid: { ab: new Uint8Array(16) } });
  assert.equal(bind.result, 0);
  const { contextHandle: hRpc } = bind;
  const common = { hRpc, Reserved: 0 };
  assert.equal((await nspi.getSpecialTable({ hRpc, dwFlags: 4, pStat: STAT, lpVersion: 0 })).result, 0);
  assert.equal((await nspi.updateStat({ ...common, pStat: STAT, plDelta: 0 })).result, 0);
  const page = { hRpc, dwFlags: 0, pStat: STAT, lpETable: null, Count: 50, pPropTags: COLUMNS };
  assert.equal((await nspi.queryRows(page)).ppRows?.aRow.length, 4);
  const pTarget = { ulPropTag: 0x3001001f, ulReserved: 0, Value: { case: 0x1f, value: 'b' } } as const;
  const seek = { ...common, pStat: STAT, pTarget, lpETable: null, pPropTags: COLUMNS };
  assert.equal((await nspi.seekEntries(seek)).result, 0);
  const lpProp = { ulPropTag: 0x360c001f, ulReserved: 0, Value: { case: 0x1f, value: 'ali' } } as const;
  const Filter = { res: { case: 4, value: { relop: 4, ulPropTag: 0x360c001f, lpProp } } } as const;
  const match = { hRpc, Reserved1: 0, pStat: STAT, pReserved: null, Reserved2: 0, Filter, lpPropName: null };
  const matches = await nspi.getMatches({ ...match, ulRequested: 50, pPropTags: COLUMNS });
  assert.equal(matches.ppRows?.aRow.length, 1);
  const pInMIds = { aulPropTag: matches.ppOutMIds?.aulPropTag ?? [] };
  const [mid = 0] = pInMIds.aulPropTag;
  assert.equal((await nspi.resortRestriction({ ...common, pStat: STAT, pInMIds, ppOutMIds: null })).result, 0);
  const dn = embedded.current.entries[0]?.legacyDn ?? '';
  assert.deepEqual((await nspi.dnToMId({ ...common, pNames: { Strings: [dn] } })).ppOutMIds, pInMIds);
  assert.equal((await nspi.getPropList({ hRpc, dwFlags: 0, dwMId: mid, CodePage: 1252 })).result, 0);
  // A null pointer of pPropTags is malformed to tshark 4.0, which takes it for a reference pointer.
  const props = { hRpc, dwFlags: 0, pStat: { ...STAT, CurrentRec: mid }, pPropTags: { aulPropTag: [0x3001001f] } };
  assert.equal((await nspi.getProps(props)).result, 0);
  assert.equal((await nspi.compareMIds({ ...common, pStat: STAT, MId1: mid, MId2: mid })).result, 0);
  const template = { hRpc, dwFlags: 1, ulType: 0, pDN: null, dwCodePage: 1252, dwLocaleID: 0x409 };
  assert.equal((await nspi.getTemplateInfo(template)).result, 0);
  assert.equal((await nspi.queryColumns({ ...common, dwFlags: 0x80000000 })).result, 0);
  const narrow = { ...common, pStat: STAT, pPropTags: COLUMNS, paStr: { Strings: ['alice'] } };
  assert.deepEqual((await nspi.resolveNames(narrow)).ppMIds?.aulPropTag, [2]);
  const wide = { ...common, pStat: STAT, pPropTags: COLUMNS, paWStr: { Strings: ['Mad Hätter', 'nobody'] } };
  assert.deepEqual((await nspi.resolveNamesW(wide)).ppMIds?.aulPropTag, [2, 0]);
  assert.equal((await nspi.unbind({ contextHandle: hRpc, Reserved: 0 })).result, 1);
  const { serverDn, serverName } = embedded.current.organization;
  const dsa = await rfr.getNewDSA({ ulFlags: 0, pUserDN: dn, ppszUnused: null, ppszServer: '' });
  assert.equal(dsa.ppszServer, serverName);
  const server = await rfr.getFQDNFromServerDN({ ulFlags: 0, szMailboxServerDN: serverDn });
  assert.equal(server.ppszServerFQDN, serverName);
  const opnums = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 16, 19, 20];
  return [...opnums.map((opnum) => `NSPI ${opnum}`), 'RFR 0', 'RFR 1'];
}
