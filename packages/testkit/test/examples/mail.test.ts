import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ntlmAccounts, serveHttp } from '@rpch/rpc';
import {
  DIRECTORY_FILE,
  demoDirectory,
  EmbeddedDirectory,
  fillDemoMailbox,
  Mailbox,
  mailboxFile,
  nspiServer,
  rfrServer,
  StoreHost,
} from '@rpch/store';
import { LiveProxy } from '../../src/live-proxy.ts';
import { runExample } from './example-process.ts';

const ALICE = ['-u', 'EXAMPLE\\alice', '-p', 'wonderland'];
const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** A server with alice's mails of the demonstration, all its services at one port, behind a proxy; the binding. */
async function begin(t: TestContext): Promise<string> {
  const dataDir = mkdtempSync(join(tmpdir(), 'rpch-mail-'));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  writeFileSync(join(dataDir, DIRECTORY_FILE), demoDirectory('example.org'));
  const file = mailboxFile(dataDir, 'alice');
  mkdirSync(dirname(file), { recursive: true });
  const mailbox = Mailbox.create(file, 'alice', { now: Date.now, random: randomBytes });
  await fillDemoMailbox(mailbox, { account: 'alice', domain: 'example.org', now: Date.now });
  mailbox.close();
  const embedded = await EmbeddedDirectory.load({
    dataDir,
    accounts: ['alice', 'bob'],
    defaults: { domain: 'example.org', serverName: 'demo' },
    warn: assert.fail,
  });
  const directory = () => embedded.current;
  const store = await StoreHost.start({ dataDir, directory, log });
  t.after(() => store.close());
  const server = await serveHttp({
    host: '127.0.0.1',
    port: 0,
    interfaces: [
      store.emsmdb(),
      store.asyncEmsmdb(),
      nspiServer({ directory, serverGuid: randomUUID(), log }),
      rfrServer({ directory, log }),
    ],
    security: ntlmAccounts({
      domain: 'EXAMPLE',
      lookup: (user) => (user === 'alice' || user === 'mallory' ? 'wonderland' : undefined),
    }),
  });
  t.after(() => server.close());
  const flags = {
    allow: [`ncacn_http:127.0.0.1[${server.port}]`],
    user: ['alice:wonderland', 'mallory:wonderland'],
    domain: 'EXAMPLE',
  };
  const proxy = await LiveProxy.start({ flags });
  t.after(() => proxy.stop());
  return `ncacn_http:127.0.0.1[${server.port},RpcProxy=127.0.0.1:${proxy.port}]`;
}

test('mail.ts lists folders and mails with attachments, and reads one, through a proxy', async (t) => {
  const binding = await begin(t);
  const { code, stdout, stderr } = await runExample(t, 'mail.ts', binding, ...ALICE);
  assert.deepEqual([code, stderr], [0, '']);
  const lines = stdout.split('\n');
  assert.ok(lines.includes('Projects/Tern: 8 messages, 0 unread'), stdout);
  const dates = lines.flatMap((line) => /^(\d{4}-\S+Z) \S/.exec(line)?.[1] ?? []);
  assert.equal(dates.length, 10);
  assert.deepEqual(dates, dates.toSorted().reverse());
  const newest = lines.find((line) => line.startsWith(`${dates[0]} `))?.slice(`${dates[0]} `.length);
  assert.ok(
    lines.some((line) => line.startsWith(`${newest} from `)),
    stdout,
  );
  assert.ok(lines.includes('to Alice Winter alice@example.org'), stdout);
  assert.match(lines.at(-1) ?? '', /^\S.*: [1-9]\d* bytes of \w+\/\S+$/);
});

test('mail.ts says that the address book does not know somebody', async (t) => {
  const binding = await begin(t);
  const { code, stdout, stderr } = await runExample(t, 'mail.ts', binding, '-u', 'mallory', '-p', 'wonderland');
  assert.deepEqual([code, stdout], [1, '']);
  assert.match(stderr, /^RPCH_UNKNOWN_USER: .*"mallory".*at fault: caller/);
});
