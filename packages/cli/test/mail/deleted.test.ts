import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { RpchError } from '@rpch/rpc';
import { Mailbox, mailboxFile } from '@rpch/store';
import { AttachMethod, PidTag } from '@rpch/store/client';
import { type RpcServer, startRpcServer } from '../../src/serve/rpc-server.ts';
import { serveSettings } from '../../src/serve/settings.ts';
import { lines, type Ran, usersOf } from './run-mail.ts';

/** Counters of folders that every mailbox has. */
const [DELETED, INBOX, SENT, CALENDAR] = [0xb, 0xd, 0xa, 0xf];
const DATE = String.raw`(?:today|\d{4}-\d\d-\d\d) \d\d:\d\d`;

let data: string;
let server: RpcServer;
/** Ids of what is in the Inbox, of what was deleted past Deleted Items, from the Inbox and from Sent Items, and of an appointment. */
let [tea, cake, sent, dentist] = ['', '', '', ''];

beforeEach(() => start({}));
afterEach(stop);

async function start(flags: { readonly keepDeleted?: string }): Promise<void> {
  data = mkdtempSync(join(tmpdir(), 'rpch-deleted-'));
  mkdirSync(dirname(mailboxFile(data, 'alice')), { recursive: true });
  // What was deleted too long ago would go: the clock is that of the server.
  let now = Date.now() - 3_600_000;
  let seed = 0;
  const random = (length: number) => {
    seed += 1;
    return Buffer.alloc(length, seed);
  };
  const store = Mailbox.create(mailboxFile(data, 'alice'), 'alice', { now: () => now, random });
  const add = (folder: number, subject: string) => {
    const properties = new Map([
      [PidTag.Subject, subject],
      [PidTag.NormalizedSubject, subject],
      [PidTag.SentRepresentingName, 'Mad Hatter'],
      [PidTag.Body, 'at five'],
    ]);
    const file = new Map<number, string | number | Uint8Array>([
      [PidTag.AttachLongFilename, 'cups.txt'],
      [PidTag.AttachMethod, AttachMethod.ByValue],
      [PidTag.AttachDataBinary, Buffer.from('six cups')],
    ]);
    const to = new Map([
      [PidTag.DisplayName, 'Dormouse'],
      [PidTag.EmailAddress, 'dormouse@example.org'],
    ]);
    const recipients = [{ rowId: 0, type: 1, properties: to }];
    const original = Buffer.from(`Subject: ${subject}\r\n\r\nat five\r\n`);
    const attachments = [{ number: 0, properties: file }];
    const { id } = store.messages.add(folder, { properties, recipients, attachments }, { original });
    return [id, `${folder.toString(16)}.${id.toString(16)}`] as const;
  };
  [, tea] = add(INBOX, 'Tea');
  [, dentist] = add(CALENDAR, 'Dentist');
  for (const [folder, subject] of [
    [INBOX, 'Cake'],
    [SENT, 'Thanks'],
  ] as const) {
    const [id, text] = add(folder, subject);
    now += 60_000;
    store.messages.delete(folder, [id]);
    if (folder === INBOX) cake = text;
    else sent = text;
  }
  store.close();
  const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const user = ['alice:x', 'bob:x'];
  const listen = ['ncacn_ip_tcp:127.0.0.1[0]'];
  server = await startRpcServer(
    serveSettings({ listen, user, data, interfaces: 'mgmt,emsmdb,nspi,rfr', ...flags }),
    quiet,
  );
}

async function stop(): Promise<void> {
  await server.close();
  rmSync(data, { recursive: true, force: true });
}

const { alice, bob } = usersOf(() => server);

/** The lines without the heads of columns. */
async function rows(ran: Promise<Ran>): Promise<string[]> {
  const [, ...rest] = await lines(ran);
  return rest;
}

async function told(ran: Promise<Ran>): Promise<string> {
  const { out, err, failed } = await ran;
  assert.deepEqual([out, failed], ['', false]);
  return err;
}

/** The one line in which a command says why it fails; nothing is printed, and the exit code is 1. */
async function refusal(ran: Promise<Ran>): Promise<string> {
  const { out, err, failed } = await ran;
  assert.deepEqual([out, failed], ['', true]);
  assert.match(err, /^rpch mail: .*\n$/);
  return err.slice('rpch mail: '.length, -1);
}

/** The id that a message has now, and what else the row says. */
async function now(ran: Promise<Ran>, was: string): Promise<[id: string, rest: string]> {
  const [row = '', ...more] = await rows(ran);
  assert.deepEqual(more, []);
  const [before, id = '', ...rest] = row.split('|');
  assert.equal(before, was);
  assert.match(id, /^[0-9a-f]+\.[0-9a-f]+$/);
  assert.notEqual(id, was);
  return [id, rest.join('|')];
}

const NONE = 'what was deleted once may be in Deleted Items';

test('what is deleted goes to Deleted Items, from there to where deleted shows it, and comes back whole', async () => {
  const [there, told1] = await now(alice('delete', tea), tea);
  assert.equal(told1, 'Deleted Items|Tea');
  assert.match(there, /^b\./);
  assert.equal((await rows(alice('list', 'Deleted Items'))).length, 1);
  assert.match(
    await told(alice('deleted', 'Deleted Items')),
    new RegExp(`^nothing .* kept in Deleted Items; ${NONE}\n$`),
  );

  assert.deepEqual(await rows(alice('delete', there)), [`${there}|${there}|(can be recovered)|Tea`]);
  assert.equal(await told(alice('list', 'Deleted Items')), 'no messages in Deleted Items\n');
  const [row, ...others] = await rows(alice('deleted', 'Deleted Items'));
  assert.match(row ?? '', new RegExp(String.raw`^${there}\|●@\|${DATE}\|${DATE}\|Mad Hatter\|Tea\|\S+ \w*B$`));
  assert.deepEqual(others, []);

  const [back, told2] = await now(alice('recover', there, '--to', 'inbox'), there);
  assert.equal(told2, 'Inbox|Tea');
  assert.match((await alice('show', back)).out, /Subject: {2}Tea\n\nat five\n\n.*cups\.txt/s);
  assert.match((await alice('show', back, '--raw')).out, /^Subject: Tea\r\n/);
  assert.match(await told(alice('deleted', 'Deleted Items')), /^nothing/);
});

test('deleted: of every folder, the last deleted first, or of one; recover brings back to where it was', async () => {
  const head = (await alice('deleted')).out.split('\n')[0]?.trim().split(/ {2,}/);
  assert.deepEqual(head, ['id', 'date', 'deleted', 'folder', 'from', 'subject', 'size']);
  const subjects = async (...args: string[]) =>
    JSON.parse((await alice('deleted', ...args, '--json')).out).messages.map(
      ({ subject }: { subject: string }) => subject,
    );
  assert.deepEqual(await subjects(), ['Thanks', 'Cake']);
  assert.deepEqual(await subjects('-n', '1'), ['Thanks']);
  assert.deepEqual(await subjects('Inbox'), ['Cake']);
  assert.match(
    (await alice('deleted', 'Sent Items')).out,
    /^id +date +deleted +to +subject +size\n.* Dormouse +Thanks/,
  );
  const { folder, messages } = JSON.parse((await alice('deleted', 'd', '--json')).out);
  assert.equal(folder, 'Inbox');
  const [{ date, size, deleted, ...rest }] = messages;
  assert.ok(Math.abs(Date.parse(deleted) - Date.now()) < 4_000_000, deleted);
  assert.ok(size > 0 && Date.parse(date) < Date.now());
  const marks = { unread: true, attachments: true, important: false };
  assert.deepEqual(rest, { id: cake, subject: 'Cake', from: 'Mad Hatter', to: 'Dormouse', folder: 'Inbox', ...marks });

  // Several of several folders; one that is named twice is one.
  const recovered = JSON.parse((await alice('recover', sent, cake, sent, '--json')).out);
  assert.deepEqual(
    recovered.messages.map(({ now: _, ...each }: { now: string }) => each),
    [
      { id: sent, subject: 'Thanks', folder: 'Sent Items' },
      { id: cake, subject: 'Cake', folder: 'Inbox' },
    ],
  );
  assert.deepEqual(recovered.left, []);
  for (const { now: id, subject } of recovered.messages)
    assert.match((await alice('show', id)).out, new RegExp(subject));
  assert.match(
    await told(alice('deleted')),
    new RegExp(String.raw`^nothing that was deleted is kept in \d+ folders; ${NONE}\n$`),
  );
});

test('messages with one search key are told apart', async () => {
  const [there] = await now(alice('delete', tea), tea);
  const copy = await copyOf(there);
  const row = JSON.parse((await alice('delete', there, copy, '--json')).out).messages;
  assert.deepEqual(
    row.map(({ id, recoverable }: Record<string, unknown>) => [id, recoverable]),
    [
      [there, true],
      [copy, true],
    ],
  );
  const { messages } = JSON.parse((await alice('recover', there, copy, '--json')).out);
  const ids = messages.map(({ now: id }: { now: string }) => id);
  assert.equal(new Set([there, copy, ...ids]).size, 4);
  const listed = JSON.parse((await alice('list', 'Deleted Items', '--json')).out).messages;
  assert.deepEqual(new Set(ids), new Set(listed.map(({ id }: { id: string }) => id)));
});

/** A copy of a message in its folder, as another client makes it beside the server. */
async function copyOf(text: string): Promise<string> {
  const counter = Number.parseInt(text.split('.')[1] ?? '', 16);
  const store = Mailbox.open(mailboxFile(data, 'alice'), { now: () => Date.now(), random: (n) => Buffer.alloc(n, 99) });
  store.messages.copy(DELETED, [counter], DELETED);
  const copy = store.messages.ids(DELETED, false).find((id) => id !== counter) ?? 0;
  store.close();
  return `b.${copy.toString(16)}`;
}

test('list, search, folders and show have nothing that is deleted', async () => {
  assert.deepEqual(
    (await rows(alice('list', 'Inbox'))).map((row) => row.split('|').at(-2)),
    ['Tea'],
  );
  assert.equal((await rows(alice('list', 'Inbox', '--unread'))).length, 1);
  assert.equal(await told(alice('search', 'cake')), 'nothing found in 2 folders\n');
  assert.equal(await told(alice('search', 'five', '--in', 'Sent Items')), 'nothing found in Sent Items\n');
  const { folders } = JSON.parse((await alice('folders', '--all', '--json')).out);
  const count = (id: string) => folders.find((folder: { id: string }) => folder.id === id).messages;
  assert.deepEqual(['d', 'a', 'b'].map(count), [1, 0, 0]);
  // What is deleted lies in the store under the number of the folder negated, which is no id.
  assert.match((await alice('list', 'fffffffffff3')).err, /NotFound/);
  assert.match((await alice('show', cake)).err, /NotFound/);
});

test('wrong ids are told in a sentence, and nothing is done', async () => {
  assert.equal(
    await refusal(alice('recover', cake, tea)),
    `${tea} is not deleted: it is in its folder; nothing was done`,
  );
  const unknown = (id: string) =>
    `${id} is no deleted message, or not for you to see, or kept no more: rpch mail … deleted lists what can be recovered; nothing was done`;
  for (const id of ['d.99999', `a.${cake.split('.')[1]}`, '7ffff.1', `2-d.${cake.split('.')[1]}`]) {
    assert.equal(await refusal(alice('recover', id)), unknown(id));
  }
  assert.equal(await refusal(alice('delete', tea, cake)), `${cake} is deleted already; nothing was done`);
  const none = 'd.99999 is no message, or not for you to see: list the folder again; nothing was done';
  assert.equal(await refusal(alice('delete', 'd.99999')), none);
  assert.match(await refusal(alice('recover', cake, '--to', 'Nowhere')), /^there is no folder "Nowhere"/);
  assert.match(await refusal(alice('recover', cake, '--to', '7ffff')), / there is no folder 7ffff that you may see$/);
  assert.match(await refusal(alice('deleted', 'Nowhere')), /^there is no folder "Nowhere"/);
  const usages: readonly (readonly [args: readonly string[], told: RegExp])[] = [
    [['recover'], /^recover needs the ids of messages$/],
    [['delete'], /^delete needs the ids of messages$/],
    [['recover', 'x'], /^expected the id of a message/],
    [['recover', `${cake}/0`], /is attached to a message, and goes where that goes$/],
    [['delete', ...Array.from({ length: 101 }, (_, at) => `d.${at}`)], /^expected at most 100 messages at once/],
    [['deleted', 'Inbox', 'Drafts'], /^deleted takes a folder, found "Inbox" "Drafts"$/],
    [['list', 'Inbox', 'Drafts'], /^list takes a folder, found/],
    [['deleted', '-n', '-1'], /^expected a number up to 10000 for --count/],
    [['delete', tea, '--to', 'Drafts'], /^--to belongs to recover$/],
  ];
  for (const [args, message] of usages) {
    await assert.rejects(alice(...args), (error) => {
      assert.ok(error instanceof RpchError && error.code === 'RPCH_USAGE', String(error));
      assert.match(error.message, message);
      return true;
    });
  }
  assert.equal((await rows(alice('deleted'))).length, 2);
  assert.equal((await rows(alice('list', 'Inbox'))).length, 1);
});

test('a delegate recovers what he may delete, to where he may put it', async () => {
  const grant = (folder: string, role: string) => rows(alice('permissions', folder, '--grant', `bob:${role}`));
  await grant('Calendar', 'Owner');
  const unknown = /^d\.\w+ is no deleted message, or not for you to see/;
  assert.match(await refusal(bob('recover', cake)), unknown);
  await grant('Inbox', 'Reviewer');
  assert.match((await rows(bob('deleted')))[0] ?? '', /\|Inbox\|Mad Hatter\|Cake\|/);
  assert.equal(await refusal(bob('recover', cake)), `${cake} stays where it is: you may not put messages into Inbox`);
  const left = `${cake} stays where it is: the server did not move it; that takes the right to delete it there`;
  assert.equal(await refusal(bob('recover', cake, '--to', 'Calendar')), left);
  const mayNot = `${dentist} stays where it is: there is no folder Deleted Items that you may see`;
  assert.equal(await refusal(bob('delete', dentist)), mayNot);
  await grant('Deleted Items', 'Contributor');
  const blind = await bob('delete', dentist);
  assert.match(blind.out, new RegExp(`^was .*\\n${dentist} +\\? +Deleted Items +Dentist\\n$`));
  assert.match(blind.err, /^the server does not tell the new id of every message: list the folder\n$/);
  const { out, failed } = await bob('recover', cake, '--to', 'Calendar', '--json');
  assert.deepEqual(
    [JSON.parse(out), failed],
    [{ messages: [], left: [{ id: cake, what: left.slice(cake.length + 1) }] }, true],
  );
  await grant('Inbox', 'Editor');
  assert.equal((await now(bob('recover', cake, '--to', 'Calendar'), cake))[1], 'Calendar|Cake');
});

test('a server that keeps nothing of what is deleted', async () => {
  await stop();
  await start({ keepDeleted: '0' });
  const [there] = await now(alice('delete', tea), tea);
  assert.deepEqual(await rows(alice('delete', there)), [`${there}|(gone for good)|Tea`]);
  assert.match(await refusal(alice('recover', there)), /^b\.\w+ is no deleted message/);
});
