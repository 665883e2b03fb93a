import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { DIRECTORY_FILE, EmbeddedDirectory, namedGuid } from '../../src/directory/embedded-directory.ts';
import type { DirectoryEntry } from '../../src/directory/model.ts';

const folder = mkdtempSync(join(tmpdir(), 'rpch-directory-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const path = join(folder, DIRECTORY_FILE);

const defaults = { domain: 'example.org', serverName: 'mail.example.org' };

async function load(text: string | undefined, accounts: readonly string[] = ['alice', 'bob']) {
  rmSync(path, { force: true });
  if (text !== undefined) writeFileSync(path, text);
  const warnings: string[] = [];
  const options = { dataDir: folder, accounts, defaults, warn: (line: string) => void warnings.push(line) };
  return { embedded: await EmbeddedDirectory.load(options), warnings };
}

async function loaded(text: string | undefined, accounts?: readonly string[]) {
  const { embedded, warnings } = await load(text, accounts);
  assert.deepEqual(warnings, []);
  return embedded.current;
}

const byName = (entries: readonly DirectoryEntry[]) => entries.map(({ displayName }) => displayName);

describe('without a file', () => {
  test('accounts are users of an organisation like any other', async () => {
    const directory = await loaded(undefined);
    const group = '/o=First Organization/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)';
    assert.deepEqual(directory.organization, {
      name: 'First Organization',
      administrativeGroupDn: group,
      serverDn: `${group}/cn=Configuration/cn=Servers/cn=mail.example.org`,
      serverName: 'mail.example.org',
      domain: 'example.org',
    });
    assert.deepEqual(byName(directory.entries), ['alice', 'bob']);
    const alice = directory.byAccount('alice');
    assert.deepEqual(alice, {
      guid: namedGuid(`user:alice@${group}`),
      kind: 'user',
      account: 'alice',
      legacyDn: `${group}/cn=Recipients/cn=alice`,
      displayName: 'alice',
      alias: 'alice',
      address: 'alice@example.org',
      proxyAddresses: ['SMTP:alice@example.org'],
      hidden: false,
    });
    assert.equal(directory.byGuid(alice.guid.toUpperCase()), alice);
    assert.equal(directory.byLegacyDn(alice.legacyDn.toUpperCase()), alice);
    assert.equal(directory.byAddress('ALICE@example.org'), alice);
    for (const nobody of [
      directory.byAccount('carol'),
      directory.byGuid(''),
      directory.byLegacyDn('/'),
      directory.byAddress('@'),
    ]) {
      assert.equal(nobody, undefined);
    }
  });

  test('an empty file is none, and accounts with odd names have DNs all the same', async () => {
    assert.deepEqual(byName((await loaded('')).entries), ['alice', 'bob']);
    assert.deepEqual(byName((await loaded('# nothing yet\n')).entries), ['alice', 'bob']);
    const zoe = (await loaded(undefined, ['зоя ивановна'])).entries[0];
    assert.match(zoe?.legacyDn ?? '', /cn=Recipients\/cn=[0-9a-f]{32}$/);
  });

  test('GUIDs are the same each time, and of version 5', async () => {
    const [first, second] = [await loaded(undefined), await loaded(undefined)];
    assert.deepEqual(first.entries, second.entries);
    assert.match(first.entries[0]?.guid ?? '', /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});

const FULL = `
organization:
  name: Wonderland
  domain: Wonderland.test
  server: MAIL01
users:
  Alice:
    displayName: Alice Liddell
    givenName: Alice
    surname: Liddell
    alias: al
    address: Alice.Liddell@wonderland.test
    addresses: [al@wonderland.test, alice.liddell@WONDERLAND.test]
    title: Dreamer
    department: 42
    company: Rabbit Hole
    office: 1.10
    telephone: +44 1865 1
    mobile: 0177
    guid: 8D3F5C1A-0001-4000-8000-00000000A11C
    legacyDn: /o=Old/ou=Site/cn=Recipients/cn=Alice
groups:
  tea:
    displayName: Tea Party
    members: [ALICE, bob, hatter, Alice.Liddell@wonderland.test, all]
  all:
    hidden: true
    members:
contacts:
  hatter:
    address: hatter@hats.test
`;

describe('directory.yaml', () => {
  test('says what there is to say', async () => {
    const directory = await loaded(FULL);
    assert.equal(directory.organization.domain, 'wonderland.test');
    assert.match(directory.organization.serverDn, /^\/o=Wonderland\/.*\/cn=MAIL01$/);
    const alice = directory.byAccount('alice');
    assert.deepEqual(alice, {
      guid: '8d3f5c1a-0001-4000-8000-00000000a11c',
      kind: 'user',
      account: 'alice',
      legacyDn: '/o=Old/ou=Site/cn=Recipients/cn=Alice',
      displayName: 'Alice Liddell',
      givenName: 'Alice',
      surname: 'Liddell',
      alias: 'al',
      address: 'Alice.Liddell@wonderland.test',
      proxyAddresses: ['SMTP:Alice.Liddell@wonderland.test', 'smtp:al@wonderland.test'],
      hidden: false,
      title: 'Dreamer',
      department: '42',
      company: 'Rabbit Hole',
      office: '1.10',
      telephone: '+44 1865 1',
      mobile: '0177',
    });
    assert.equal(directory.byAddress('AL@wonderland.test'), alice);
    assert.equal(directory.byAccount('bob')?.address, 'bob@wonderland.test');
    const hatter = directory.byAddress('hatter@hats.test');
    assert.deepEqual([hatter?.kind, hatter?.displayName, hatter?.account], ['contact', 'hatter', undefined]);
    const tea = directory.byAddress('tea@wonderland.test');
    const members = tea?.members?.map((guid) => directory.byGuid(guid)?.alias);
    assert.deepEqual(members, ['al', 'bob', 'hatter', 'all']);
    const all = directory.byAddress('all@wonderland.test');
    assert.deepEqual([all?.hidden, all?.members], [true, []]);
  });

  test('users without an account are left out, and said so', async () => {
    const text = 'users:\n  dave:\n    title: Gone\ngroups:\n  g:\n    members: [dave, bob]\n';
    const { embedded, warnings } = await load(text);
    assert.deepEqual(byName(embedded.current.entries), ['alice', 'bob', 'g']);
    assert.equal(embedded.current.entries[2]?.members?.length, 1);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /directory\.yaml:2: users\.dave: there is no such account/);
  });

  const wrong: readonly (readonly [text: string, message: RegExp])[] = [
    ['users: [', /directory\.yaml:1: /],
    ['users:\n  alice:\n    title: a\n    title: b\n', /:4: /],
    ['users:\n  alice:\n    telefon: 1\n', /:3: users\.alice\.telefon: unknown key; known are displayName, /],
    ['people:\n  alice:\n', /:1: people: unknown key; known are organization, users, groups, contacts$/],
    ['users: alice\n', /:1: users: expected a map/],
    ['users:\n  alice: [1]\n', /:2: users\.alice: expected a map/],
    ['users:\n  alice:\n    hidden: maybe\n', /:3: users\.alice\.hidden: expected true or false$/],
    ['users:\n  alice:\n    address: alice\n', /:3: users\.alice\.address: expected an address such as/],
    ['users:\n  alice:\n    addresses: a@b\n', /:3: users\.alice\.addresses: expected a list/],
    [
      'users:\n  alice:\n    addresses:\n      - a@b.c\n      - "x y@b"\n',
      /:5: users\.alice\.addresses\[1\]: expected an addr/,
    ],
    ['users:\n  alice:\n    guid: 12\n', /:3: users\.alice\.guid: expected a GUID$/],
    ['users:\n  alice:\n    title:\n', /:3: users\.alice\.title: expected a text$/],
    ['users:\n  alice:\n    title: "a\\tb"\n', /:3: users\.alice\.title: holds a control/],
    ['users:\n  alice:\n    legacyDn: alice\n', /:3: users\.alice\.legacyDn: expected a DN/],
    ['users:\n  "a b":\n', /:2: users\.a b: a name has no spaces/],
    ['users:\n  alice:\n  ALICE:\n', /:3: users\.ALICE: alice is there twice$/],
    ['groups:\n  bob:\n', /:2: groups\.bob: bob is the name of another entry too$/],
    ['groups:\n  g:\n    members: [nobody]\n', /:3: groups\.g\.members\[0\]: expected an account, the name of/],
    ['contacts:\n  c:\n    displayName: C\n', /:2: contacts\.c: a contact needs an address$/],
    [
      'contacts:\n  c:\n    address: Bob@example.org\n',
      /contacts\.c: another entry has the address bob@example\.org too$/,
    ],
    ['users: &u\n  alice:\n', /anchors and aliases are not understood here$/],
    ['users:\n  alice: &a\n    title: x\n  bob: *a\n', /:2: users\.alice: anchors and aliases/],
    ['users:\n  alice:\n    title: !!binary aGk=\n', /:3: .*tag/i],
    ['organization:\n  server: "a b"\n', /:2: organization\.server: expected the name of a server$/],
    [`users:\n  alice:\n    title: ${'x'.repeat(1025)}\n`, /:3: users\.alice\.title: 1025 characters, more than 1024$/],
  ];
  for (const [text, message] of wrong) {
    test(`wrong: ${JSON.stringify(text).slice(0, 60)}`, async () => {
      await assert.rejects(load(text), { code: 'RPCH_BAD_DIRECTORY', fault: 'configuration', message });
    });
  }

  test('a file that cannot be read is no missing one', async () => {
    const options = { dataDir: path, accounts: [], defaults, warn: assert.fail };
    writeFileSync(path, '');
    await assert.rejects(EmbeddedDirectory.load(options), { code: 'RPCH_IO' });
  });
});

describe('reload', () => {
  test('another version, of what is there then', async () => {
    const { embedded } = await load(FULL);
    const before = embedded.current;
    writeFileSync(path, 'contacts:\n  hatter:\n    address: hatter@hats.test\n');
    await embedded.reload(['alice', 'bob', 'carol']);
    assert.equal(embedded.current.version, before.version + 1);
    assert.deepEqual(byName(embedded.current.entries), ['alice', 'bob', 'carol', 'hatter']);
    assert.equal(byName(before.entries).length, 5);
  });

  test('where it fails all stays as it was', async () => {
    const { embedded } = await load(FULL);
    const before = embedded.current;
    writeFileSync(path, 'users: 1\n');
    await assert.rejects(embedded.reload(['alice']), { code: 'RPCH_BAD_DIRECTORY' });
    assert.equal(embedded.current, before);
  });
});
