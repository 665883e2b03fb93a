import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { RpchError } from '@rpch/rpc';
import { Mailbox, mailboxFile } from '@rpch/store';
import { AttachMethod, type OpenedMailbox, PidTag, type Properties, type PropertyValue } from '@rpch/store/client';
import { CommanderError } from 'commander';
import { printAttachments } from '../../src/mail/attachments.ts';
import { parsePorts } from '../../src/mail/open.ts';
import { type RpcServer, startRpcServer } from '../../src/serve/rpc-server.ts';
import { serveSettings } from '../../src/serve/settings.ts';
import { captured, type Ran, run } from './run-mail.ts';

/** Counters of folders that every mailbox has. */
const INBOX = 0xd;
const SENT = 0xa;
/** FILETIME of 2026-03-01 12:00 UTC. */
const NOON = 134_168_400_000_000_000n;

function properties(...values: (readonly [tag: number, value: PropertyValue])[]): Properties {
  return new Map(values);
}

const inner = {
  properties: properties([PidTag.Subject, 'inside'], [PidTag.NormalizedSubject, 'inside'], [PidTag.Body, 'deep']),
  recipients: [],
  attachments: [],
};

const first = {
  properties: properties(
    [PidTag.Subject, 'Re: Tea\x1b[2J at five'],
    [PidTag.SubjectPrefix, 'Re: '],
    [PidTag.NormalizedSubject, 'Tea\x1b[2J at five'],
    [PidTag.SentRepresentingName, 'Mad Hatter'],
    [PidTag.SentRepresentingSmtpAddress, 'hatter@example.org'],
    [PidTag.SenderName, 'March Hare'],
    [PidTag.DisplayTo, 'Alice Liddell'],
    [PidTag.MessageDeliveryTime, NOON],
    [PidTag.MessageFlags, 0],
    [PidTag.Importance, 2],
    [PidTag.Body, 'Come at five.\r\n\r\nBring cups.\r\n'],
    [PidTag.Html, Buffer.from('<p>Come at <b>five</b>.</p>')],
    [PidTag.TransportMessageHeaders, 'Received: from x\r\nSubject: Tea\r\n'],
  ),
  recipients: [
    {
      rowId: 0,
      type: 1,
      properties: properties(
        [PidTag.DisplayName, 'Alice Liddell'],
        [PidTag.AddressType, 'SMTP'],
        [PidTag.EmailAddress, 'alice@example.org'],
      ),
    },
    {
      rowId: 1,
      type: 2,
      properties: properties(
        [PidTag.DisplayName, 'Dormouse'],
        [PidTag.AddressType, 'EX'],
        [PidTag.EmailAddress, '/o=Example/cn=dormouse'],
      ),
    },
  ],
  attachments: [
    {
      number: 0,
      properties: properties(
        [PidTag.AttachLongFilename, '../../cups.txt'],
        [PidTag.AttachMethod, AttachMethod.ByValue],
        [PidTag.AttachMimeTag, 'text/plain'],
        [PidTag.AttachDataBinary, Buffer.from('six cups')],
      ),
    },
    {
      number: 1,
      properties: properties([PidTag.DisplayName, 'inside'], [PidTag.AttachMethod, AttachMethod.EmbeddedMessage]),
      embedded: inner,
    },
  ],
};

const second = {
  properties: properties(
    [PidTag.Subject, ''],
    [PidTag.NormalizedSubject, ''],
    [PidTag.MessageFlags, 1],
    [PidTag.MessageDeliveryTime, NOON - 864_000_000_000n],
    [PidTag.Html, Buffer.from('<p>Gr&uuml;&szlig;e</p>')],
    [PidTag.InternetCodepage, 65001],
  ),
  recipients: [],
  attachments: [],
};

const data = mkdtempSync(join(tmpdir(), 'rpch-mail-'));
let server: RpcServer;
/** Ids of the two messages, as the command prints them. */
let [one, two] = ['', ''];
let projects = '';

before(async () => {
  const now = () => Date.UTC(2026, 2, 2);
  mkdirSync(dirname(mailboxFile(data, 'alice')), { recursive: true });
  const store = Mailbox.create(mailboxFile(data, 'alice'), 'alice', {
    now,
    random: (length) => Buffer.alloc(length, 9),
  });
  const original = Buffer.from('Subject: T\xe9a\r\n\r\nCome.\r\n', 'latin1');
  one = `d.${store.messages.add(INBOX, first, { original }).id.toString(16)}`;
  two = `d.${store.messages.add(INBOX, second).id.toString(16)}`;
  store.messages.add(SENT, first);
  projects = store.folders.create(INBOX, { name: 'Pro/jects', type: 1 }).id.toString(16);
  store.close();
  const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const flags = {
    listen: ['ncacn_ip_tcp:127.0.0.1[0]'],
    user: ['alice:x', 'bob:y'],
    data,
    interfaces: 'mgmt,emsmdb,nspi,rfr',
  };
  server = await startRpcServer(serveSettings(flags), quiet);
});

after(async () => {
  await server.close();
  rmSync(data, { recursive: true, force: true });
});

/** Runs `rpch mail` in this process as alice, against a server in it that is reached by TCP. */
function mail(args: readonly string[], width?: number): Promise<Ran> {
  const port = server.listening[0]?.port;
  return run([`ncacn_ip_tcp:127.0.0.1[${port}]`, '-u', 'alice', '-p', 'x', ...args], width);
}

test('folders: paths with counts and ids', async () => {
  const { out, err, failed } = await mail(['folders']);
  assert.deepEqual([err, failed], ['', false]);
  const lines = out.split('\n');
  assert.match(lines[0] ?? '', /^folder +unread {2}messages {2}of +id$/);
  assert.ok(lines.some((line) => /^Inbox +1 +2 {2}mail +d$/.test(line)));
  assert.ok(lines.some((line) => line.startsWith('Inbox/Pro\\/jects ') && line.endsWith(` ${projects}`)));
  assert.equal(out.includes('Common Views'), false);
  assert.match((await mail(['folders', '--all'])).out, /^Top of .*\/Inbox +1 +2 {2}mail +d$/m);
  const { folders } = JSON.parse((await mail(['folders', '--json'])).out);
  const { id, messages, unread, containerClass } = folders.find(({ path }: { path: string }) => path === 'Inbox');
  assert.deepEqual([id, messages, unread, containerClass], ['d', 2, 1, 'IPF.Note']);
});

test('list: the messages of a folder by its path or its id, without what a terminal would obey', async () => {
  for (const name of ['Inbox', 'inbox/', 'd']) {
    const { out, err, failed } = await mail(['list', name]);
    assert.deepEqual([err, failed], ['', false]);
    const [title, newest = '', older = ''] = out.split('\n');
    assert.match(title ?? '', /^id +date +from +subject +size$/);
    assert.match(
      newest,
      new RegExp(`^${one} +●@! {2}2026-03-01 12:00 {2}Mad Hatter {2}Re: Tea \\[2J at five +\\S+ \\w*B$`),
    );
    assert.match(older, new RegExp(`^${two} +2026-02-28 12:00 +\\(no subject\\)`));
  }
  assert.match((await mail(['list', 'Sent Items'])).out, /^id +date +to +subject/);
  assert.match((await mail(['list', 'Inbox', '--reverse', '-n', '1'])).out, /no subject/);
  assert.match((await mail(['list', 'Inbox', '--skip', '1'])).out, /^id.*\n.*no subject.*\n$/);
  assert.match((await mail(['list', 'Inbox', '--unread'])).out, /^id.*\n.*Mad Hatter.*\n$/);
  for (const line of (await mail(['list', 'Inbox'], 60)).out.split('\n')) assert.ok(line.length <= 60, line);
  const empty = await mail(['list', 'Inbox/Pro\\/jects']);
  assert.deepEqual([empty.out, empty.err, empty.failed], ['', 'no messages in Inbox/Pro\\/jects\n', false]);
});

test('list --json: dates, ids and marks for programs', async () => {
  const { folder, messages } = JSON.parse((await mail(['list', 'Inbox', '--json', '-n', '1'])).out);
  assert.equal(folder, 'Inbox');
  assert.deepEqual(
    messages.map(({ size, ...rest }: { size: number }) => [size > 0, rest]),
    [
      [
        true,
        {
          id: one,
          subject: 'Re: Tea [2J at five',
          from: 'Mad Hatter',
          to: 'Alice Liddell',
          date: '2026-03-01T12:00:00.000Z',
          unread: true,
          attachments: true,
          important: true,
        },
      ],
    ],
  );
});

test('show: head, text and what is attached', async () => {
  const { out, err, failed } = await mail(['show', one]);
  assert.deepEqual([err, failed], ['', false]);
  const [head, attached] = out.split('\n#  ');
  assert.equal(
    head,
    [
      'From:     Mad Hatter <hatter@example.org>, sent by March Hare',
      'To:       Alice Liddell <alice@example.org>',
      'Cc:       Dormouse',
      'Date:     Sun 2026-03-01 12:00 +00:00',
      'Subject:  Re: Tea [2J at five',
      '',
      'Come at five.',
      '',
      'Bring cups.',
      '',
    ].join('\n'),
  );
  assert.match(
    attached ?? '',
    new RegExp(`\\n0 {2}\\.\\./\\.\\./cups\\.txt {2}text/plain .*\\n1 {2}inside +message: show ${one}/1 `),
  );
  assert.match((await mail(['show', two])).out, /Subject: {2}\n\nGrüße\n$/);
  assert.match((await mail(['show', `${one}/1`])).out, /Subject: {2}inside\n\ndeep\n$/);
  assert.equal((await mail(['show', one, '--html'])).out, '<p>Come at <b>five</b>.</p>\n');
  assert.equal((await mail(['show', one, '--headers'])).out, 'Received: from x\nSubject: Tea\n');
  assert.equal((await mail(['show', one, '--raw'])).out, 'Subject: T\xe9a\r\n\r\nCome.\r\n');
  const json = JSON.parse((await mail(['show', one, '--json'])).out);
  assert.deepEqual([json.id, json.text, json.recipients.length], [one, 'Come at five.\r\n\r\nBring cups.\r\n', 2]);
  assert.equal(json.attachments[1].id, `${one}/1`);
});

test('what is not there is told, exit code 1', async () => {
  const cases: readonly (readonly [args: readonly string[], err: RegExp])[] = [
    [
      ['show', 'd.99999'],
      /^rpch mail: information store at 127\.0\.0\.1:\d+: there is no such .*NotFound.*\n {2}Check: /,
    ],
    [['show', `${one}/0`], /^rpch mail: attachment 0 is no message\n$/],
    [['show', two, '--headers'], /^rpch mail: the message has no transport headers/],
    [['show', two, '--raw'], /^rpch mail: the server has not kept what the message has come as\n$/],
    [['show', `${one}/1`, '--html'], /^rpch mail: the message has no HTML\n$/],
    [['list', 'Inbx'], /^rpch mail: there is no folder "Inbx"; rpch mail … folders lists them\n$/],
    [['list', 'Pro\\/jects'], /did you mean Inbox\/Pro\\\/jects\?\n$/],
    [['folders', '--mailbox', 'nobody'], /^rpch mail: the address book knows no "nobody"\n$/],
    [['folders', '--mailbox', 'bob'], /^rpch mail: information store at .*\(RopLogon: /],
  ];
  for (const [args, expected] of cases) {
    const { out, err, failed } = await mail(args);
    assert.deepEqual([out, failed], ['', true], args.join(' '));
    assert.match(err, expected);
  }
});

test('search: subjects, names and texts, in every folder or in one', async () => {
  const found = async (...args: string[]) => {
    const { out, failed } = await mail(['search', ...args, '--json']);
    assert.equal(failed, false);
    return JSON.parse(out).messages.map(({ folder }: { folder: string }) => folder);
  };
  assert.deepEqual((await found('TEA')).sort(), ['Inbox', 'Sent Items']);
  assert.deepEqual((await found('march hare')).sort(), ['Inbox', 'Sent Items']);
  assert.deepEqual(await found('bring cups', '--in', 'inbox'), ['Inbox']);
  assert.deepEqual(await found('bring cups', '--no-body'), []);
  assert.match((await mail(['search', 'tea', '-n', '1'])).out, /^id +date +folder +from +subject +size\n.*\n$/);
  const none = await mail(['search', 'unicorn']);
  assert.deepEqual([none.out, none.err, none.failed], ['', 'nothing found in 2 folders\n', false]);
});

test('attachments: are listed, and saved under names that harm nobody', async (t) => {
  const there = join(await directory(t), 'deep', 'er');
  const saved = await mail(['attachments', one, '--save', there]);
  assert.deepEqual([saved.err, saved.failed], ['1 that are no files were not saved\n', false]);
  assert.equal(saved.out, `${join(there, 'cups.txt')}  8 B\n`);
  assert.equal(await readFile(join(there, 'cups.txt'), 'utf8'), 'six cups');
  const again = await mail(['attachments', one, '--save', there]);
  const told = `rpch mail: ${join(there, 'cups.txt')} is there already; --force overwrites it\n`;
  assert.deepEqual([again.failed, again.err], [true, told]);
  const forced = await mail(['attachments', one, '--save', there, '--force', '--json']);
  assert.equal(JSON.parse(forced.out).attachments[0].saved, join(there, 'cups.txt'));
  assert.deepEqual(await readdir(there), ['cups.txt']);
  assert.equal((await mail(['attachments', two])).err, 'nothing is attached\n');
});

test('a file of which not all came is taken away again', async (t) => {
  const there = await directory(t);
  const attachment = {
    async *data() {
      yield Buffer.from('half');
      throw new RpchError('RPCH_STREAM_CUT', 'peer', 'a stream of 8 bytes ended after 4');
    },
    [Symbol.dispose]: () => {},
  };
  const info = {
    number: 0,
    name: 'a.txt',
    size: 8,
    mimeType: '',
    contentId: undefined,
    method: AttachMethod.ByValue,
    hidden: false,
  };
  const message = { attachments: async () => [info], attachment: async () => attachment, [Symbol.dispose]: () => {} };
  const opened = { mailbox: { message: async () => message } } as unknown as OpenedMailbox;
  await assert.rejects(printAttachments(opened, 'd.1', { save: there }, captured().io), { code: 'RPCH_STREAM_CUT' });
  assert.deepEqual(await readdir(there), []);
});

async function directory(t: TestContext): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'rpch-mail-'));
  t.after(() => rm(made, { recursive: true, force: true }));
  return made;
}

test('errors name the service and the hop', async () => {
  const nobody = await run(['ncacn_ip_tcp:127.0.0.1[1]', '-u', 'alice', '-p', 'x', 'folders']);
  assert.equal(nobody.failed, true);
  assert.match(nobody.err, /^rpch mail: address book at 127\.0\.0\.1:1: TCP: nothing listens/);
  const port = server.listening[0]?.port;
  const wrong = await run([`ncacn_ip_tcp:127.0.0.1[${port}]`, '-u', 'alice', '-p', 'wrong', 'folders', '--json']);
  const { failed } = JSON.parse(wrong.out);
  assert.deepEqual([failed.service, failed.hop, wrong.failed], ['address book', 'RPC authentication', true]);
  const open = await mail(['folders', '--rpc-auth', 'none']);
  assert.equal(open.failed, true);
  assert.match(open.err, /^rpch mail: address book at 127\.0\.0\.1:\d+: call: /);
  const dn = await mail(['folders', '--user-dn', '/o=Nowhere/cn=nobody']);
  assert.match(dn.err, /^rpch mail: information store at 127\.0\.0\.1:\d+: .*\(EcDoConnectEx: /);
});

test('wrong usage is told before anything is called', async () => {
  const binding = ['ncacn_ip_tcp:127.0.0.1[1]', '-u', 'alice', '-p', 'x'];
  const wrong = [
    [...binding, 'fold'],
    [...binding, 'list'],
    [...binding, 'folders', 'x'],
    [...binding, 'folders', '--ports', 'x=1'],
    [...binding, 'folders', '--ports', 'nspi=70000'],
    ['ncacn_ip_tcp:127.0.0.1[1]', 'folders'],
    ['nonsense', 'folders', '-u', 'a', '-p', 'b'],
  ];
  for (const args of wrong) {
    await assert.rejects(run(args), (error) => error instanceof RpchError && error.fault === 'caller', args.join(' '));
  }
  await assert.rejects(run([...binding, 'list', 'x', '--sort', 'colour']), CommanderError);
});

test('ids and numbers that are none are wrong usage', async () => {
  for (const args of [
    ['show', 'x'],
    ['list', 'Inbox', '-n', '-1'],
    ['list', 'Inbox', '--skip', 'x'],
    ['search', ' '],
  ]) {
    await assert.rejects(
      mail(args),
      (error) => error instanceof RpchError && error.code === 'RPCH_USAGE',
      args.join(' '),
    );
  }
});

test('--ports', () => {
  assert.deepEqual(parsePorts('emsmdb=1, rfr=2,nspi=3'), { 'information store': 1, referral: 2, 'address book': 3 });
  assert.deepEqual(parsePorts('mapper'), {
    'information store': 'mapper',
    referral: 'mapper',
    'address book': 'mapper',
  });
  assert.deepEqual(parsePorts(undefined), {});
});
