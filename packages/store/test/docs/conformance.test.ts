import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { FaultStatus, RpcFaultError, type RpcInterface } from '@rpch/rpc';
import {
  asyncEmsmdbDeclaration,
  emsmdbDeclaration,
  type InterfaceDeclaration,
  nspiDeclaration,
  rfrDeclaration,
} from '@rpch/rpc/internal';
import { ErrorCode, errorName } from '../../src/mapi/error-code.ts';
import { ROPS } from '../../src/mapi/rops/all.ts';
import * as extraResponses from '../../src/mapi/rops/extra-responses.ts';
import { HANDLERS } from '../../src/services/emsmdb/rops/all.ts';
import { rfrServer } from '../../src/services/rfr/rfr-server.ts';
import { TestStore } from '../services/emsmdb/rop-client.ts';
import { ROP_SAMPLES } from '../services/emsmdb/rop-samples.ts';
import { OBJECT_KINDS, openScene, send } from '../services/emsmdb/rop-scene.ts';
import { RunningStore } from '../services/emsmdb/store-client.ts';
import { bound, constant, directoryOf, keptLog, rpcCall, stat } from '../services/nspi/support.ts';
import { ConformancePage, type ConformanceRow } from './conformance-page.ts';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const page = new ConformancePage();

const INTERFACES: readonly (readonly [heading: string, InterfaceDeclaration])[] = [
  ['EMSMDB', emsmdbDeclaration],
  ['AsyncEMSMDB', asyncEmsmdbDeclaration],
  ['NSPI', nspiDeclaration],
  ['RFR', rfrDeclaration],
];

describe('docs/conformance.md has each operation of an interface once', () => {
  for (const [heading, { procedures }] of INTERFACES) {
    test(heading, () => {
      const declared = Object.values(procedures).map(({ name, opnum }): [number, string] => [opnum, name]);
      const rows = page.rows(heading).map(({ number, name }): [number, string] => [number, name]);
      assert.deepEqual(
        rows,
        declared.toSorted(([one], [other]) => one - other),
      );
    });
  }
});

describe('docs/conformance.md has each ROP once', () => {
  const rows = page.rows('ROPs');
  const sections = ropSections();

  test('with its name and its section, in the order of their ids', () => {
    const extra = Object.values(extraResponses).filter((each) => each instanceof extraResponses.ExtraResponse);
    const known = [...ROPS.values(), ...extra].map(({ id, name }) => [id, `Rop${name}`, sections.get(name)]);
    assert.ok(known.length > 127);
    assert.deepEqual(
      rows.map(({ number, name, section }) => [number, name, section]),
      known.toSorted(([one], [other]) => Number(one) - Number(other)),
    );
  });

  test('what a client may send is implemented or refused, all else is the server’s to send', () => {
    for (const { number, status } of rows) {
      const sent = status === 'sent' || status === 'never sent';
      assert.equal(ROPS.has(number), !sent);
    }
    const counts = ['implemented', 'refused'].map((status) => rows.filter((row) => row.status === status).length);
    assert.ok(page.text.includes(`${counts[0]} are implemented and ${counts[1]} are refused.`), `counts: ${counts}`);
  });

  test('what is implemented is done by a handler, what is refused answers its code on whatever object', (t) => {
    const store = new TestStore();
    t.after(() => store.close());
    const samples = new Map(ROP_SAMPLES.map((sample) => [sample.rop.id, sample]));
    const refusals = openScene(store);
    for (const { number, name, status, code } of rows) {
      const sample = samples.get(number);
      if (sample === undefined) continue;
      assert.ok(status === 'refused' || HANDLERS.has(number), `${name} has no handler`);
      if (code !== undefined) checkCode(code);
      if (status === 'refused') {
        for (const kind of OBJECT_KINDS) assert.equal(send(sample, refusals, kind), code?.value, `${name} on ${kind}`);
      } else {
        const own = new TestStore();
        const answer = send(sample, openScene(own)) ?? ErrorCode.Success;
        own.close();
        assert.equal(errorName(answer), code?.name ?? 'Success', name);
      }
    }
    assert.equal(samples.size, ROPS.size);
  });

  test('all other ids are refused with the whole call, and logged', (t) => {
    const store = new TestStore();
    t.after(() => store.close());
    const client = store.session('alice');
    const reserved = Array.from({ length: 256 }, (_, id) => id).filter((id) => !ROPS.has(id));
    assert.match(
      page.section('ROPs'),
      /All other ids are reserved: the whole call is answered with RpcFormat \(0x000004b6\)/,
    );
    for (const id of reserved) {
      const payload = Uint8Array.of(4, 0, id, 0);
      const { result } = client.raw(Uint8Array.of(0, 0, 4, 0, payload.length, 0, payload.length, 0, ...payload));
      assert.equal(errorName(result), 'RpcFormat', `0x${id.toString(16)}`);
    }
    const logged = store.recorded.lines.filter(({ fields }) => fields.event === 'store.rop.unknown');
    assert.deepEqual(
      logged.map(({ fields }) => fields.rop),
      reserved,
    );
  });
});

describe('operations that docs/conformance.md calls refused answer their code, reserved ones the fault', () => {
  const refused = (heading: string): Readonly<Record<string, ConformanceRow['code']>> =>
    Object.fromEntries(
      page
        .rows(heading)
        .filter(({ status }) => status === 'refused')
        .map(({ name, code }) => [name, code]),
    );

  test('EMSMDB and AsyncEMSMDB', async (t) => {
    const store = await RunningStore.start();
    t.after(() => store.close());
    const { emsmdb, connect } = connection(store);
    const { pcxh } = await connect();
    const answer = await emsmdb.ecRRegisterPushNotification({
      ...{ pcxh, iRpc: 0, rgbContext: new Uint8Array(16), grbitAdviseBits: 0xffffffff },
      rgbCallbackAddress: Uint8Array.of(2, 0, ...new Uint8Array(14)),
    });
    const { EcRRegisterPushNotification: code, ...more } = refused('EMSMDB');
    checkCode(code);
    assert.deepEqual([answer.result, more], [code?.value, {}]);
    assert.deepEqual(refused('AsyncEMSMDB'), {});
    checkReserved('EMSMDB', emsmdbDeclaration, store.host.emsmdb());
    checkReserved('AsyncEMSMDB', asyncEmsmdbDeclaration, store.host.asyncEmsmdb());
  });

  test('NSPI and RFR', async () => {
    const { client, hRpc, server } = await bound();
    const { ppOutMIds } = await client.dnToMId({ hRpc, Reserved: 0, pNames: { Strings: [groupDn()] } });
    const dwMId = ppOutMIds?.aulPropTag[0] ?? 0;
    const member = 0x8009000d;
    const pStat = stat({ CurrentRec: dwMId });
    const pPropTags = { aulPropTag: [member] };
    const pRow = { Reserved: 0, lpProps: [] };
    const modProps = await client.modProps({ hRpc, Reserved: 0, pStat, pPropTags, pRow });
    const lpEntryIds = { lpbin: [] };
    const modLinkAtt = await client.modLinkAtt({ hRpc, dwFlags: 0, ulPropTag: member, dwMId, lpEntryIds });
    const { NspiModProps: first, NspiModLinkAtt: second, ...more } = refused('NSPI');
    for (const code of [first, second]) checkCode(code);
    assert.deepEqual([modProps.result, modLinkAtt.result, more], [first?.value, second?.value, {}]);
    assert.deepEqual(refused('RFR'), {});
    checkReserved('NSPI', nspiDeclaration, server);
    checkReserved('RFR', rfrDeclaration, rfrServer({ directory: constant(directoryOf()), log: keptLog() }));
  });
});

test('the tests that docs/conformance.md names are there, and name what they show', () => {
  const keys = new Map(
    INTERFACES.flatMap(([, { procedures }]) => Object.entries(procedures).map(([key, { name }]) => [name, key])),
  );
  for (const heading of [...INTERFACES.map(([name]) => name), 'ROPs']) {
    for (const { name, tests } of page.rows(heading)) {
      const short = name.replace(/^Rop/, '');
      const names = [name, short, keys.get(name) ?? `${short.charAt(0).toLowerCase()}${short.slice(1)}`];
      for (const path of tests) assert.ok(mentions(path, names), `${path} does not name ${names.join(' or ')}`);
    }
  }
  for (const [, path = ''] of page.text.matchAll(/\]\(\.\.\/([^)]+)\)/g)) assert.ok(existsSync(ROOT + path), path);
});

/** Whether a test has one of the names, but for what it imports. */
function mentions(path: string, names: readonly string[]): boolean {
  assert.match(path, /\.test\.ts$/);
  const text = readFileSync(ROOT + path, 'utf8').replace(/^import\s[^;]*;$/gm, '');
  return names.some((name) => new RegExp(`\\b${name}\\b`).test(text));
}

function checkCode(code: ConformanceRow['code']): void {
  assert.ok(code !== undefined);
  assert.equal(Object.entries(ErrorCode).find(([name]) => name === code.name)?.[1], code.value, code.name);
}

/** Every operation up to 31 that is not declared is a fault, which the page says. */
function checkReserved(heading: string, { procedures }: InterfaceDeclaration, served: RpcInterface): void {
  assert.match(
    page.section(heading),
    /All other operations.* are reserved: the fault nca_s_op_rng_error \(0x1c010002\)\./,
  );
  const declared = new Set(Object.values(procedures).map(({ opnum }) => opnum));
  for (let opnum = 0; opnum < 32; opnum += 1) {
    if (declared.has(opnum)) continue;
    assert.throws(
      () => served.handle(opnum, new Uint8Array(0), true, rpcCall()),
      (error) => error instanceof RpcFaultError && error.status === FaultStatus.nca_s_op_rng_error,
      `${heading} ${opnum}`,
    );
  }
}

function connection(store: RunningStore) {
  const made = store.connection('alice');
  return { emsmdb: made.emsmdb, connect: () => made.connect() };
}

function groupDn(): string {
  return directoryOf().entries.find(({ kind }) => kind === 'group')?.legacyDn ?? assert.fail('no group');
}

/** Sections of [MS-OXCROPS] by ROPs, as the declarations tell them. */
function ropSections(): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const file of globSync('packages/store/src/mapi/rops/*.ts', { cwd: ROOT })) {
    const text = readFileSync(ROOT + file, 'utf8');
    const declarations = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*export const (\w+) = (?:defineRop|new ExtraResponse)\(/g;
    for (const [, comment = '', name = ''] of text.matchAll(declarations)) {
      const section = /\[MS-OXCROPS\] (2\.2\.[\d.]*\d)/.exec(comment)?.[1];
      if (section !== undefined) found.set(name, section);
    }
  }
  return found;
}
