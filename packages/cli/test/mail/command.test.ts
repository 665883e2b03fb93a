import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { type TestContext, test } from 'node:test';
import {
  emsmdbDeclaration,
  nspiDeclaration,
  RpchError,
  rfrDeclaration,
  serverInterface,
  serveTcp,
} from '@rpch/rpc/internal';
import { AttachMethod, ErrorCode, PidTag, type Properties, type PropertyValue } from '@rpch/store/client';
import { CommanderError } from 'commander';
import { fakeAddressBook, fakeReferral } from '../../../store/test/client/fake-address-book.ts';
import {
  type FakeBehaviour,
  type FakeFolder,
  type FakeMessage,
  FakeStore,
} from '../../../store/test/client/fake-store.ts';
import { mailCommand } from '../../src/commands/mail.ts';
import { parsePorts } from '../../src/mail/open.ts';

const DN = '/o=Example/ou=First/cn=Recipients/cn=alice';
const ENTRIES = [{ account: 'alice', displayName: 'Alice Liddell', legacyDn: DN }];
const INBOX = (0xdn << 56n) | 1n;
const SENT = (7n << 56n) | 1n;

function properties(...values: (readonly [tag: number, value: PropertyValue])[]): Properties {
  return new Map(values);
}

function id(counter: number): bigint {
  return (BigInt(counter) << 56n) | 1n;
}

function folder(name: string, messages: readonly FakeMessage[], depth = 1): FakeFolder {
  return {
    properties: properties(
      [PidTag.DisplayName, name],
      [PidTag.Depth, depth],
      [PidTag.ContentCount, messages.length],
      [PidTag.ContentUnreadCount, messages.length],
      [PidTag.ContainerClass, 'IPF.Note'],
    ),
    messages: new Map(messages.map((message, at) => [id(at + 0x20), message])),
  };
}

/** FILETIME of 2026-03-01 12:00 UTC. */
const NOON = 134_168_400_000_000_000n;

const inner: FakeMessage = { properties: properties([PidTag.NormalizedSubject, 'inside'], [PidTag.Body, 'deep']) };
const first: FakeMessage = {
  properties: properties(
    [PidTag.Subject, 'Re: Tea\x1b[2J at five'],
    [PidTag.NormalizedSubject, 'Tea\x1b[2J at five'],
    [PidTag.SentRepresentingName, 'Mad Hatter'],
    [PidTag.SentRepresentingSmtpAddress, 'hatter@example.org'],
    [PidTag.SenderName, 'March Hare'],
    [PidTag.DisplayTo, 'Alice Liddell'],
    [PidTag.MessageDeliveryTime, NOON],
    [PidTag.MessageSize, 12_345],
    [PidTag.MessageFlags, 0x10],
    [PidTag.Importance, 2],
    [PidTag.Body, 'Come at five.\r\n\r\nBring cups.\r\n'],
    [PidTag.Html, Buffer.from('<p>Come at <b>five</b>.</p>')],
    [PidTag.TransportMessageHeaders, 'Received: from x\r\nSubject: Tea\r\n'],
  ),
  recipients: [
    properties(
      [PidTag.RecipientType, 1],
      [PidTag.DisplayName, 'Alice Liddell'],
      [PidTag.AddressType, 'SMTP'],
      [PidTag.EmailAddress, 'alice@example.org'],
    ),
    properties(
      [PidTag.RecipientType, 2],
      [PidTag.DisplayName, 'Dormouse'],
      [PidTag.AddressType, 'EX'],
      [PidTag.EmailAddress, '/o=Example/cn=dormouse'],
    ),
  ],
  attachments: [
    {
      properties: properties(
        [PidTag.AttachLongFilename, '../../cups.txt'],
        [PidTag.AttachMethod, AttachMethod.ByValue],
        [PidTag.AttachSize, 99],
        [PidTag.AttachMimeTag, 'text/plain'],
        [PidTag.AttachDataBinary, Buffer.from('six cups')],
      ),
    },
    {
      properties: properties([PidTag.DisplayName, 'inside'], [PidTag.AttachMethod, AttachMethod.Embedded]),
      embedded: inner,
    },
  ],
};
const second: FakeMessage = {
  properties: properties(
    [PidTag.NormalizedSubject, 'only HTML'],
    [PidTag.Subject, ''],
    [PidTag.MessageFlags, 1],
    [PidTag.Html, Buffer.from('<p>Gr&uuml;&szlig;e</p>')],
  ),
};
const FOLDERS = new Map([
  [INBOX, folder('Inbox', [first, second])],
  [id(0x30), folder('Pro/jects', [], 2)],
  [SENT, folder('Sent Items', [first])],
]);

interface Ran {
  readonly out: string;
  readonly err: string;
  readonly failed: boolean;
}

/** Handlers of some methods as those of all: the others are not called. */
function all<H extends object>(handlers: H): Required<H> {
  return handlers as Required<H>;
}

/** Runs `rpch mail` in this process, against a server in it that is reached by TCP. */
async function mail(
  t: TestContext,
  args: readonly string[],
  behaviour: Partial<FakeBehaviour> = {},
  width?: number,
): Promise<Ran> {
  const store = new FakeStore({ folders: FOLDERS, ...behaviour });
  const server = await serveTcp({
    host: '127.0.0.1',
    port: 0,
    interfaces: [
      serverInterface(emsmdbDeclaration, all(store.handlers)),
      serverInterface(nspiDeclaration, all(fakeAddressBook({ entries: ENTRIES }))),
      serverInterface(rfrDeclaration, all(fakeReferral(null, null))),
    ],
  });
  t.after(() => server.close());
  return run(
    [`ncacn_ip_tcp:127.0.0.1[${server.port}]`, '-u', 'alice', '-p', 'x', '--rpc-auth', 'none', ...args],
    width,
  );
}

async function run(args: readonly string[], width?: number): Promise<Ran> {
  let [out, err, failed] = ['', '', false];
  const command = mailCommand({
    stdin: new PassThrough(),
    env: {},
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    fail: () => {
      failed = true;
    },
    width,
    reader: { timeZone: 'UTC', now: new Date('2026-03-02T00:00:00Z') },
  });
  command.exitOverride().configureOutput({ writeErr: () => {} });
  await command.parseAsync([...args], { from: 'user' });
  return { out, err, failed };
}

test('folders: paths with counts and ids', async (t) => {
  const { out, err, failed } = await mail(t, ['folders']);
  assert.deepEqual([err, failed], ['', false]);
  assert.equal(
    out,
    [
      'folder            unread  messages  of    id',
      'Inbox                  2         2  mail  d',
      'Inbox/Pro\\/jects                 0  mail  30',
      'Sent Items             1         1  mail  7',
      '',
    ].join('\n'),
  );
  const { folders } = JSON.parse((await mail(t, ['folders', '--json'])).out);
  assert.deepEqual(folders[1], {
    id: '30',
    path: 'Inbox/Pro\\/jects',
    messages: 0,
    unread: 0,
    containerClass: 'IPF.Note',
    isSearch: false,
    hidden: false,
  });
});

test('list: the messages of a folder by its path or its id, without what a terminal would obey', async (t) => {
  for (const name of ['Inbox', 'inbox/', 'd']) {
    const { out, err, failed } = await mail(t, ['list', name]);
    assert.deepEqual([err, failed], ['', false]);
    assert.equal(
      out,
      [
        'id         date              from        subject                size',
        'd.20  ●@!  2026-03-01 12:00  Mad Hatter  Re: Tea [2J at five  12 KiB',
        'd.21                                     (no subject)            0 B',
        '',
      ].join('\n'),
    );
  }
  const sent = await mail(t, ['list', 'Sent Items']);
  assert.match(sent.out, /^id +date +to +subject/);
  const narrow = await mail(t, ['list', 'Inbox'], {}, 60);
  for (const line of narrow.out.split('\n')) assert.ok(line.length <= 60, line);
  const empty = await mail(t, ['list', 'Inbox/Pro\\/jects']);
  assert.deepEqual([empty.out, empty.err, empty.failed], ['', 'no messages in Inbox/Pro\\/jects\n', false]);
});

test('list --json: dates, ids and marks for programs', async (t) => {
  const { out } = await mail(t, ['list', 'Inbox', '--json', '-n', '1']);
  assert.deepEqual(JSON.parse(out), {
    folder: 'Inbox',
    messages: [
      {
        id: 'd.20',
        subject: 'Re: Tea [2J at five',
        from: 'Mad Hatter',
        to: 'Alice Liddell',
        date: '2026-03-01T12:00:00.000Z',
        size: 12_345,
        unread: true,
        attachments: true,
        important: true,
      },
    ],
  });
});

test('show: head, text and what is attached', async (t) => {
  const { out, err, failed } = await mail(t, ['show', 'd.20']);
  assert.deepEqual([err, failed], ['', false]);
  assert.equal(
    out,
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
      '#  attachment      type                  size',
      '0  ../../cups.txt  text/plain            99 B',
      '1  inside          message: show d.20/1   0 B',
      '',
    ].join('\n'),
  );
  assert.match((await mail(t, ['show', 'd.21'])).out, /Subject: {2}Re: only HTML\n\nGrüße\n$/);
  assert.match((await mail(t, ['show', 'd.20/1'])).out, /Subject: {2}Re: inside\n\ndeep\n$/);
  assert.equal((await mail(t, ['show', 'd.20', '--html'])).out, '<p>Come at <b>five</b>.</p>\n');
  assert.equal((await mail(t, ['show', 'd.20', '--headers'])).out, 'Received: from x\nSubject: Tea\n');
  const json = JSON.parse((await mail(t, ['show', 'd.20', '--json'])).out);
  assert.deepEqual([json.id, json.text, json.recipients.length], ['d.20', 'Come at five.\r\n\r\nBring cups.\r\n', 2]);
  assert.equal(json.attachments[1].id, 'd.20/1');
});

test('show: what is not there is told, exit code 1', async (t) => {
  const cases: readonly (readonly [args: readonly string[], err: RegExp])[] = [
    [['show', 'd.99'], /^rpch mail: information store at 127\.0\.0\.1:\d+: there is no such .*NotFound.*\n {2}Check: /],
    [['show', 'd.20/0'], /^rpch mail: attachment 0 is no message\n$/],
    [['show', 'd.21', '--headers'], /^rpch mail: the message has no transport headers/],
    [['show', 'd.20/1', '--html'], /^rpch mail: the message has no HTML\n$/],
    [['list', 'Inbx'], /^rpch mail: there is no folder "Inbx"; rpch mail … folders lists them\n$/],
    [['list', 'Pro\\/jects'], /did you mean Inbox\/Pro\\\/jects\?\n$/],
  ];
  for (const [args, expected] of cases) {
    const { out, err, failed } = await mail(t, args);
    assert.deepEqual([out, failed], ['', true]);
    assert.match(err, expected);
  }
});

test('search: in every folder, and a server that does not search in texts', async (t) => {
  const all = await mail(t, ['search', 'tea', '--json']);
  // The fake server restricts nothing: every message of every folder is found.
  const { messages } = JSON.parse(all.out);
  assert.deepEqual(
    messages.map(({ id: found, folder: where }: { id: string; folder: string }) => [found, where]),
    [
      ['d.20', 'Inbox'],
      ['7.20', 'Sent Items'],
      ['d.21', 'Inbox'],
    ],
  );
  const one = await mail(t, ['search', 'tea', '--in', 'inbox', '-n', '1']);
  assert.equal(one.out.split('\n').length, 3);
});

test('attachments: are listed, and saved under names that harm nobody', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'rpch-mail-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const there = join(directory, 'deep', 'er');
  const saved = await mail(t, ['attachments', 'd.20', '--save', there]);
  assert.deepEqual([saved.err, saved.failed], ['1 that are no files were not saved\n', false]);
  assert.equal(saved.out, `${join(there, 'cups.txt')}  8 B\n`);
  assert.equal(await readFile(join(there, 'cups.txt'), 'utf8'), 'six cups');
  const again = await mail(t, ['attachments', 'd.20', '--save', there]);
  assert.deepEqual(
    [again.failed, again.err],
    [true, `rpch mail: ${join(there, 'cups.txt')} is there already; --force overwrites it\n`],
  );
  const forced = await mail(t, ['attachments', 'd.20', '--save', there, '--force', '--json']);
  assert.equal(JSON.parse(forced.out).attachments[0].saved, join(there, 'cups.txt'));
  assert.deepEqual(await readdir(there), ['cups.txt']);
  assert.equal((await mail(t, ['attachments', 'd.21'])).err, 'nothing is attached\n');
});

test('a file of which not all came is taken away again', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'rpch-mail-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const { failed, err } = await mail(t, ['attachments', 'd.20', '--save', directory], { bytesAtOnce: 0 });
  assert.equal(failed, true);
  assert.match(err, /information store at/);
  assert.deepEqual(await readdir(directory), []);
});

test('errors name the service and the hop', async (t) => {
  const refused = await mail(t, ['folders'], { logonResult: ErrorCode.UnknownUser });
  assert.match(
    refused.err,
    /^rpch mail: information store at 127\.0\.0\.1:\d+: the server has no mailbox for that user \(RopLogon: UnknownUser/,
  );
  const json = await mail(t, ['folders', '--json'], { connectResult: ErrorCode.NotEncrypted });
  assert.equal(JSON.parse(json.out).failed.service, 'information store');
  const nobody = await run(['ncacn_ip_tcp:127.0.0.1[1]', '-u', 'alice', '-p', 'x', '--rpc-auth', 'none', 'folders']);
  assert.equal(nobody.failed, true);
  assert.match(nobody.err, /^rpch mail: address book at 127\.0\.0\.1:1: TCP: nothing listens/);
  const unknown = await mail(t, ['folders', '--mailbox', 'nobody']);
  assert.equal(unknown.err, 'rpch mail: the address book knows no "nobody"\n');
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

test('ids and numbers that are none are wrong usage', async (t) => {
  for (const args of [
    ['show', 'x'],
    ['list', 'Inbox', '-n', '-1'],
    ['list', 'Inbox', '--skip', 'x'],
    ['search', ' '],
  ]) {
    await assert.rejects(
      mail(t, args),
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
