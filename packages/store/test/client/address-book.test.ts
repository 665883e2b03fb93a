import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type ClientOf,
  emsmdbDeclaration,
  type InterfaceDeclaration,
  nspiDeclaration,
  parseBinding,
  rfrDeclaration,
} from '@rpch/rpc/internal';
import { AddressBook } from '../../src/client/address-book.ts';
import { MapiError } from '../../src/client/mapi-error.ts';
import { propertiesOfRow } from '../../src/client/nspi-values.ts';
import { openMailbox } from '../../src/client/open-mailbox.ts';
import { addressBookServer, mailboxServer } from '../../src/client/referral.ts';
import { type MapiServers, type MapiService, RpcServers } from '../../src/client/servers.ts';
import { ErrorCode } from '../../src/mapi/error-code.ts';
import { PidTag } from '../../src/mapi/property-tags.ts';
import { type FakeBookBehaviour, type FakeEntry, fakeAddressBook, fakeReferral } from './fake-address-book.ts';
import { FakeStore } from './fake-store.ts';
import { inMemory, type Made } from './in-memory.ts';

const MDB = '/o=Example/ou=First/cn=Configuration/cn=Servers/cn=mail01/cn=Microsoft Private MDB';

function entry(account: string, displayName: string): FakeEntry {
  return { account, displayName, legacyDn: `/o=Example/ou=First/cn=Recipients/cn=${account}`, homeMdb: MDB };
}

const ENTRIES = [entry('alice', 'Alice Liddell'), entry('al', 'Al Bundy'), entry('bob', 'Bob Baumeister')];

function bookOf(behaviour: Partial<FakeBookBehaviour> = {}, made?: (call: Made) => void) {
  return AddressBook.bind(inMemory(nspiDeclaration, fakeAddressBook({ entries: ENTRIES, ...behaviour }), made));
}

describe('AddressBook', () => {
  test('resolves names, aliases and addresses', async () => {
    const book = await bookOf();
    const bob = await book.resolve('bob');
    assert.deepEqual(bob, {
      kind: 'resolved',
      entry: {
        displayName: 'Bob Baumeister',
        legacyDn: '/o=Example/ou=First/cn=Recipients/cn=bob',
        smtpAddress: 'bob@example.org',
        account: 'bob',
        displayType: 0,
        homeMdb: MDB,
      },
    });
    const al = await book.resolve('al');
    assert.equal(al.kind, 'ambiguous');
    assert.deepEqual(al.kind === 'ambiguous' && al.candidates.map(({ account }) => account), ['alice', 'al']);
    assert.deepEqual(await book.resolve('nobody'), { kind: 'unknown' });
  });

  test('a name that is ambiguous among nobody is unknown; one among too many has no candidates', async () => {
    const odd = await bookOf({ unknownIsAmbiguous: true });
    assert.deepEqual(await odd.resolve('nobody'), { kind: 'unknown' });
    const large = await bookOf({ getMatchesResult: ErrorCode.TableTooBig });
    assert.deepEqual(await large.resolve('al'), { kind: 'ambiguous', candidates: [] });
  });

  test('lists a container page by page, and ends where a server does not move on', async () => {
    const pages: Made[] = [];
    const book = await bookOf({ rowsAtOnce: 2 }, (call) => pages.push(call));
    const names: string[] = [];
    for await (const { displayName } of book.list()) names.push(displayName);
    assert.deepEqual(names, ['Alice Liddell', 'Al Bundy', 'Bob Baumeister']);
    assert.equal(pages.filter(({ method }) => method === 'queryRows').length, 2);
    const stuck = fakeAddressBook({ entries: ENTRIES });
    const { queryRows } = stuck;
    assert.ok(queryRows);
    const calls = inMemory(nspiDeclaration, {
      ...stuck,
      queryRows: async (input, context) => ({ ...(await queryRows(input, context)), pStat: input.pStat }),
    });
    let rows = 0;
    for await (const _ of (await AddressBook.bind(calls)).list()) rows += 1;
    assert.equal(rows, 3);
  });

  test('details by DN', async () => {
    const book = await bookOf();
    const found = await book.details(ENTRIES[2]?.legacyDn ?? '', { tags: [PidTag.SmtpAddress, PidTag.Title] });
    assert.deepEqual([...(found?.values ?? [])], [[PidTag.SmtpAddress, 'bob@example.org']]);
    assert.equal((await book.details(ENTRIES[2]?.legacyDn ?? ''))?.values.get(PidTag.DisplayName), 'Bob Baumeister');
    assert.equal(await book.details('/o=Nowhere'), undefined);
  });

  test('is unbound once; a bind that is refused is a MapiError', async () => {
    const made: string[] = [];
    const book = await bookOf({}, ({ method }) => made.push(method));
    await book.unbind();
    await book[Symbol.asyncDispose]();
    assert.deepEqual(made, ['bind', 'unbind']);
    await assert.rejects(bookOf({ bindResult: ErrorCode.InvalidCodepage }), (error) => {
      assert.ok(error instanceof MapiError);
      assert.deepEqual([error.operation, error.errorName], ['NspiBind', 'InvalidCodepage']);
      return true;
    });
  });
});

test('values of every type that NSPI has', () => {
  const ab = Uint8Array.from({ length: 16 }, (_, at) => at);
  const time = { dwLowDateTime: 0xd53e8000, dwHighDateTime: 0x019db1de };
  const lpProps = [
    { ulPropTag: 0x30010002, Value: { case: 2, value: -5 } },
    { ulPropTag: 0x3001000b, Value: { case: 11, value: 1 } },
    { ulPropTag: 0x3001001e, Value: { case: 30, value: 'Gr\u00fc\u00dfe \u0080' } },
    { ulPropTag: 0x3002001e, Value: { case: 30, value: null } },
    { ulPropTag: 0x30070040, Value: { case: 64, value: time } },
    { ulPropTag: 0x30010048, Value: { case: 72, value: { ab } } },
    { ulPropTag: 0x30010102, Value: { case: 258, value: { lpb: Uint8Array.of(1, 2) } } },
    { ulPropTag: 0x3003101f, Value: { case: 4127, value: { lppszW: ['a', null, 'b'] } } },
    { ulPropTag: 0x30041102, Value: { case: 4354, value: { lpbin: [{ lpb: Uint8Array.of(3) }] } } },
    { ulPropTag: 0x3005000a, Value: { case: 10, value: 0x8007000e } },
    { ulPropTag: 0x3006000a, Value: { case: 10, value: 0x8004010f } },
  ].map((each) => ({ ulReserved: 0, ...each }));
  const { values, errors } = propertiesOfRow({ Reserved: 0, lpProps } as never, 1252);
  assert.deepEqual(
    [...values.values()],
    [
      -5,
      true,
      'Grüße €',
      116444736000000000n,
      '03020100-0504-0706-0809-0a0b0c0d0e0f',
      Uint8Array.of(1, 2),
      ['a', 'b'],
      [Uint8Array.of(3)],
    ],
  );
  assert.deepEqual([...errors], [[0x3005000a, 0x8007000e]]);
});

/** Services in this process, and who was asked where. */
class FakeServers implements MapiServers {
  readonly asked: string[] = [];
  readonly sent: Made[] = [];
  readonly #store: FakeStore;
  readonly #referral: ReturnType<typeof fakeReferral>;

  constructor(store: FakeStore, referral = fakeReferral('book01.example.org', 'mail01.example.org')) {
    this.#store = store;
    this.#referral = referral;
  }

  async bind<D extends InterfaceDeclaration>(
    service: MapiService,
    declaration: D,
    server?: string,
  ): Promise<ClientOf<D>> {
    this.asked.push(`${service} ${server ?? '-'}`);
    const handlers = {
      [nspiDeclaration.name]: fakeAddressBook({ entries: ENTRIES }),
      [rfrDeclaration.name]: this.#referral,
      [emsmdbDeclaration.name]: this.#store.handlers,
    }[declaration.name];
    return inMemory(declaration, handlers as never, (call) => this.sent.push(call));
  }

  close(): void {}
}

describe('openMailbox', () => {
  const store = () => new FakeStore({ folders: new Map() });

  test('as Outlook does it: referral, address book, referral, information store', async () => {
    const servers = new FakeServers(store());
    const { mailbox, session, caller } = await openMailbox(servers, { user: 'EXAMPLE\\bob', follow: true });
    assert.deepEqual(servers.asked, [
      'referral -',
      'address book book01.example.org',
      'information store mail01.example.org',
    ]);
    assert.deepEqual(
      servers.sent.map(({ method }) => method),
      ['getNewDSA', 'bind', 'resolveNamesW', 'getFQDNFromServerDN', 'unbind', 'ecDoConnectEx', 'ecDoRpcExt2'],
    );
    const fqdn = servers.sent[3]?.input as { szMailboxServerDN: string };
    assert.equal(fqdn.szMailboxServerDN, '/o=Example/ou=First/cn=Configuration/cn=Servers/cn=mail01');
    const connect = servers.sent[5]?.input as { szUserDN: string };
    assert.equal(connect.szUserDN, '/o=Example/ou=First/cn=Recipients/cn=bob');
    assert.equal(caller?.displayName, 'Bob Baumeister');
    assert.equal(mailbox.session, session);
  });

  test('without referral, everything is where the binding says', async () => {
    const servers = new FakeServers(store());
    await openMailbox(servers, { user: 'bob' });
    assert.deepEqual(servers.asked, ['address book -', 'information store -']);
  });

  test('with a DN the address book is not asked', async () => {
    const servers = new FakeServers(store());
    await openMailbox(servers, { user: 'bob', legacyDn: '/o=Example/cn=bob' });
    assert.deepEqual(servers.asked, ['information store -']);
  });

  test("another's mailbox, by name and by DN", async () => {
    for (const mailbox of ['alice@example.org', ENTRIES[0]?.legacyDn ?? '']) {
      const fake = store();
      await openMailbox(new FakeServers(fake), { user: 'bob', mailbox });
      const logon = fake.requests.find(({ rop }) => rop.name === 'Logon')?.request as unknown as { essdn: string };
      assert.equal(logon.essdn, ENTRIES[0]?.legacyDn);
    }
  });

  test('an alias that others begin with is meant all the same; a name that nobody has is told', async () => {
    const { caller } = await openMailbox(new FakeServers(store()), { user: 'al' });
    assert.equal(caller?.displayName, 'Al Bundy');
    await assert.rejects(openMailbox(new FakeServers(store()), { user: 'nobody' }), { code: 'RPCH_UNKNOWN_USER' });
    await assert.rejects(openMailbox(new FakeServers(store()), { user: 'a' }), {
      code: 'RPCH_AMBIGUOUS_USER',
      message: /Alice Liddell <alice@example\.org>, Al Bundy/,
    });
  });

  test('a session whose mailbox does not open is ended', async () => {
    const fake = new FakeStore({ folders: new Map(), logonResult: ErrorCode.AccessDenied });
    const servers = new FakeServers(fake);
    await assert.rejects(openMailbox(servers, { user: 'bob' }), (error) => error instanceof MapiError);
    assert.equal(servers.sent.at(-1)?.method, 'ecDoDisconnect');
  });
});

test('referrals: names of servers that are none are left out', async () => {
  const dn = '/o=Example/ou=First/cn=Configuration/cn=Servers/cn=mail01';
  const calls = (server: string | null) => inMemory(rfrDeclaration, fakeReferral(server, server));
  assert.equal(await addressBookServer(calls('guid@example.org'), ''), 'guid@example.org');
  assert.equal(await mailboxServer(calls('mail01.example.org'), dn), 'mail01.example.org');
  for (const name of [null, '', 'a b', 'http://x/', `${'a'.repeat(256)}`]) {
    assert.equal(await addressBookServer(calls(name), ''), undefined);
    assert.equal(await mailboxServer(calls(name), dn), undefined);
  }
});

test('ports: those of the specifications behind a proxy, the one of the binding else', () => {
  const ports = (binding: string, options: ConstructorParameters<typeof RpcServers>[1] = {}) => {
    const servers = new RpcServers(parseBinding(binding), options);
    const services = ['information store', 'referral', 'address book'] as const;
    return services.map((service) => servers.portOf(service));
  };
  assert.deepEqual(ports('ncacn_http:a[,RpcProxy=p]'), [6001, 6002, 6004]);
  assert.deepEqual(ports('ncacn_http:a[6001,RpcProxy=p]'), [6001, 6002, 6004]);
  assert.deepEqual(ports('ncacn_http:a[6101,RpcProxy=p]'), [6101, 6101, 6101]);
  assert.deepEqual(ports('ncacn_ip_tcp:a[6101]'), [6101, 6101, 6101]);
  assert.deepEqual(ports('ncacn_ip_tcp:a'), [undefined, undefined, undefined]);
  const some = { ports: { referral: 'mapper', 'address book': 7 } } as const;
  assert.deepEqual(ports('ncacn_http:a[,RpcProxy=p]', some), [6001, undefined, 7]);
});
