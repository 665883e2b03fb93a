import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { RpchError } from '@rpch/rpc';
import { Mailbox, mailboxFile } from '@rpch/store';
import { PidTag, Right } from '@rpch/store/client';
import { type RpcServer, startRpcServer } from '../../src/serve/rpc-server.ts';
import { serveSettings } from '../../src/serve/settings.ts';
import { lines, type Ran, usersOf } from './run-mail.ts';

/** Counters of folders that every mailbox has. */
const [INBOX, DRAFTS, CALENDAR, NOTES] = [0xd, 0xe, 0xf, 0x11];

const DIRECTORY = `
organization: { name: Example, domain: example.org }
users:
  alice: { displayName: Alice Winter }
  bob: { displayName: Bob Mason }
  bo.tree: { displayName: Bo Tree }
  bo.diddley: { displayName: Bo Diddley }
groups:
  development: { displayName: Development, members: [bob] }
`;

const data = mkdtempSync(join(tmpdir(), 'rpch-delegates-'));
let server: RpcServer;
let [shared, below, hidden] = ['', '', ''];

before(async () => {
  writeFileSync(join(data, 'directory.yaml'), DIRECTORY);
  mkdirSync(dirname(mailboxFile(data, 'alice')), { recursive: true });
  const now = () => Date.UTC(2026, 2, 2);
  const store = Mailbox.create(mailboxFile(data, 'alice'), 'alice', { now, random: (n) => Buffer.alloc(n, 9) });
  const add = (folder: number, subject: string) => {
    const properties = new Map([
      [PidTag.Subject, subject],
      [PidTag.NormalizedSubject, subject],
      [PidTag.Body, 'tea'],
    ]);
    store.messages.add(folder, { properties, recipients: [], attachments: [] });
  };
  const make = (parent: number) => store.folders.create(parent, { name: 'Shared', type: 1 }).id;
  const [one, two, secret] = [make(INBOX), make(DRAFTS), store.folders.create(INBOX, { name: 'Secret', type: 1 }).id];
  [shared, below, hidden] = [one, two, secret].map((id) => id.toString(16)) as [string, string, string];
  add(CALENDAR, 'Dentist');
  add(INBOX, 'for alice alone');
  add(secret, 'secret');
  add(one, 'for all to read');
  // An account that was there once.
  store.folders.setPermissions(NOTES, [{ account: 'gone', name: 'Gone Fishing', rights: Right.ReadAny }]);
  store.close();
  const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const user = ['alice:x', 'bob:x', 'bo.tree:x', 'bo.diddley:x'];
  const flags = { listen: ['ncacn_ip_tcp:127.0.0.1[0]'], user, data, interfaces: 'mgmt,emsmdb,nspi,rfr' };
  server = await startRpcServer(serveSettings(flags), quiet);
});

after(async () => {
  await server.close();
  rmSync(data, { recursive: true, force: true });
});

const { as, alice, bob } = usersOf(() => server);

/** The one line in which a command says why it fails; nothing is printed, and the exit code is 1. */
async function refusal(ran: Promise<Ran>): Promise<string> {
  const { out, err, failed } = await ran;
  assert.deepEqual([out, failed], ['', true]);
  assert.match(err, /^rpch mail: .*\n$/);
  return err.slice('rpch mail: '.length, -1);
}

async function isUsage(ran: Promise<Ran>, message: RegExp): Promise<void> {
  await assert.rejects(ran, (error) => {
    assert.ok(error instanceof RpchError);
    assert.deepEqual([error.code, error.fault], ['RPCH_USAGE', 'caller']);
    assert.match(error.message, message);
    return true;
  });
}

test('alice lets bob read her calendar: that he may, nothing else, and no more once she has revoked it', async () => {
  assert.match((await bob('folders')).err, /RopLogon: AccessDenied/);
  assert.deepEqual(await lines(alice('permissions', 'Calendar')), [
    'who|role|rights',
    'Default|Free/Busy time|folder visible, free/busy time',
    'Anonymous|None',
  ]);
  assert.deepEqual(await lines(alice('permissions', 'Calendar', '--grant', 'bob:reviewer')), [
    'who|role|rights',
    'Default|Free/Busy time|folder visible, free/busy time',
    'Anonymous|None',
    'Bob Mason|Reviewer|read items, folder visible, free/busy time, free/busy details',
  ]);
  const { out, err, failed } = await bob('folders');
  assert.match(out, /^folder +unread +messages +of +role +id\nCalendar +1 +1 +events +Reviewer +f\n$/);
  assert.deepEqual([err, failed], ['these are the folders that you may see; there may be others\n', false]);
  const json = JSON.parse((await bob('folders', '--json')).out);
  assert.equal(json.partial, true);
  assert.deepEqual(
    json.folders.map(({ id, path, role }: Record<string, string>) => [id, path, role]),
    [['f', 'Calendar', 'Reviewer']],
  );
  for (const name of ['Calendar', 'calendar', 'f']) assert.match((await bob('list', name)).out, /Dentist/);
  assert.match((await bob('search', 'dentist')).out, /Calendar +Dentist/);
  assert.match((await bob('search', 'alone')).err, /^nothing found in Calendar\n$/);

  for (const name of ['Inbox', 'Contacts', 'Inbox/Secret']) {
    const told = `there is no folder "${name}" that you may see; rpch mail … folders lists those`;
    assert.equal(await refusal(bob('list', name)), told);
  }
  for (const id of ['d', hidden, '7fffff']) assert.match((await bob('list', id)).err, /RopOpenFolder: NotFound/);
  const owners = "only the mailbox's owner, and who has the role Owner in Calendar, may see and change its permissions";
  assert.equal(await refusal(bob('permissions', 'Calendar')), owners);
  assert.equal(await refusal(bob('permissions', 'Calendar', '--grant', 'bob:Owner')), owners);

  assert.equal((await lines(alice('permissions', 'Calendar', '--revoke', 'Bob Mason'))).length, 3);
  assert.match((await bob('list', 'Calendar')).err, /RopLogon: AccessDenied/);
});

test('folders whose parents may not be seen: by their names where one has it, by their ids where several have', async () => {
  await lines(alice('permissions', 'Inbox/Shared', '--grant', 'bob:Publishing Editor'));
  assert.match((await bob('list', 'Shared')).out, /for all to read/);
  await lines(alice('permissions', below, '--grant', 'bob:Contributor'));
  const listed = JSON.parse((await bob('folders', '--json')).out).folders;
  assert.deepEqual(
    listed.map(({ id, path, role }: Record<string, string>) => [id, path, role]),
    [
      ['f', 'Calendar', 'Free/Busy time'],
      [below, 'Shared', 'Contributor'],
      [shared, 'Shared', 'Publishing Editor'],
    ],
  );
  const several = `there are several folders "Shared": say which by its id, of ${below}, ${shared}`;
  assert.equal(await refusal(bob('list', 'Shared')), several);
  assert.match((await bob('list', shared)).out, /for all to read/);
  assert.match((await bob('list', below)).err, /RopGetContentsTable: AccessDenied/);
  assert.match((await bob('search', 'tea')).out, /^id.*\n.* Shared +for all to read .*\n$/);
  for (const folder of [shared, below]) await lines(alice('permissions', folder, '--revoke', 'bob@example.org'));
});

test('everybody and nobody, several at once, rights in words; --json', async () => {
  const grants = ['default:none', 'ANONYMOUS:Contributor', 'bob:read items,edit all', 'bo.tree:owner'];
  const flags = grants.flatMap((grant) => ['--grant', grant]);
  const { folder, permissions } = JSON.parse((await alice('permissions', 'Tasks', ...flags, '--json')).out);
  assert.equal(folder, 'Tasks');
  assert.deepEqual(
    permissions.map(({ legacyDn: _, ...rest }: Record<string, unknown>) => rest),
    [
      { kind: 'default', name: 'Default', role: 'None', rights: [] },
      { kind: 'anonymous', name: 'Anonymous', role: 'Contributor', rights: ['create items', 'folder visible'] },
      {
        kind: 'member',
        name: 'Bob Mason',
        role: 'Custom',
        rights: ['read items', 'edit own', 'edit all', 'folder visible'],
      },
      {
        kind: 'member',
        name: 'Bo Tree',
        role: 'Owner',
        rights: [
          'read items',
          'create items',
          'create subfolders',
          'edit own',
          'edit all',
          'delete own',
          'delete all',
          'folder owner',
          'folder contact',
          'folder visible',
        ],
      },
    ],
  );
  assert.match(permissions[2].legacyDn, /cn=bob$/);
  // Who has the role Owner may change it, and by a DN.
  const owner = ['--mailbox', 'alice', 'permissions', 'Tasks', '--grant', `${permissions[2].legacyDn}:Author`];
  assert.deepEqual(await lines(as('bo.tree', ...owner, '--revoke', 'anonymous')), [
    'who|role|rights',
    'Default|None',
    'Anonymous|None',
    'Bob Mason|Author|read items, create items, edit own, delete own, folder visible',
    'Bo Tree|Owner|read items, create items, create subfolders, edit own, edit all, delete own, delete all, folder owner, folder contact, folder visible',
  ]);
});

test('rights to free/busy data are of the Calendar alone', async () => {
  const [, everybody] = await lines(
    alice(
      'permissions',
      'Calendar',
      '--grant',
      'default:Free/Busy time, subject, location',
      '--grant',
      'anonymous:Reviewer',
    ),
  );
  assert.equal(everybody, 'Default|Free/Busy time, subject, location|free/busy time, free/busy details');
  const [, nobody, anonymous] = await lines(alice('permissions', 'Calendar', '--revoke', 'default'));
  assert.deepEqual([nobody, anonymous], ['Default|None', 'Anonymous|Reviewer|read items, folder visible']);
  const refused = await refusal(alice('permissions', 'Inbox', '--grant', 'bob:Free/Busy time'));
  assert.equal(refused, 'rights to free/busy data are of the Calendar folder alone, and not of Inbox');
});

test('whose account is gone can be revoked by the name that he had', async () => {
  assert.deepEqual((await lines(alice('permissions', 'Notes'))).at(-1), 'Gone Fishing|Custom|read items');
  assert.equal((await lines(alice('permissions', 'Notes', '--revoke', 'gone fishing'))).length, 2);
});

test('what is wrong is told in a sentence, and nothing is changed', async () => {
  const inbox = await lines(alice('permissions', 'Inbox'));
  const cases: readonly (readonly [flags: readonly string[], told: string])[] = [
    [['--grant', 'nobody:Reviewer'], 'the address book knows no "nobody"'],
    [['--revoke', 'nobody'], 'the address book knows no "nobody"'],
    [['--revoke', 'bob'], 'Bob Mason has no entry in the permissions of Inbox'],
    [
      ['--grant', 'bob:Reviewer', '--grant', 'bo:Reviewer'],
      '"bo" may mean several in the address book: Bo Diddley <bo.diddley@example.org>, Bo Tree <bo.tree@example.org>, Bob Mason <bob@example.org>',
    ],
    [
      ['--grant', 'bob:Reviewer', '--grant', 'development:Reviewer'],
      'the server gives rights to users alone, which Development is not; nothing was changed',
    ],
  ];
  for (const [flags, told] of cases) assert.equal(await refusal(alice('permissions', 'Inbox', ...flags)), told);
  assert.equal(
    await refusal(alice('permissions', 'Inbx', '--grant', 'bob:Reviewer')),
    'there is no folder "Inbx"; rpch mail … folders lists them',
  );
  await isUsage(alice('permissions', 'Inbox', '--grant', 'bob:Reviwer'), /^"Reviwer" is no role: expected Owner, /);
  await isUsage(alice('permissions', 'Inbox', '--grant', 'bob:read items,fly'), /^"read items,fly" is no role/);
  await isUsage(alice('permissions', 'Inbox', '--grant', 'bob'), /^expected USER:ROLE for --grant/);
  await isUsage(alice('permissions', 'Inbox', '--grant', ':Owner'), /^expected USER:ROLE for --grant/);
  await isUsage(alice('permissions', 'Inbox', '--revoke', ' '), /^expected a user for --revoke/);
  await isUsage(alice('permissions', 'Inbox', '--grant', 'bob:Owner', '--revoke', 'Bob Mason'), /named twice/);
  await isUsage(alice('permissions'), /^permissions needs a folder$/);
  await isUsage(alice('list', 'Inbox', '--grant', 'bob:Owner'), /belong to permissions/);
  assert.deepEqual(await lines(alice('permissions', 'Inbox')), inbox);
});
