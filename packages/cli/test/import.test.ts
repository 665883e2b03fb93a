import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { changeAccounts, makeRecord, PasswordHasher } from '@rpch/proxy';
import { Mailbox, mailboxFile } from '@rpch/store';
import { type ImportIo, importCommand } from '../src/commands/import.ts';
import { ProgressLine, tellDuration, tellProgress } from '../src/import/progress-line.ts';

const INBOX = 0x0d;
const NOW = Date.UTC(2026, 10, 20);
const HASHER = new PasswordHasher({ random: (length) => Buffer.alloc(length, 7), cost: { logN: 1, r: 1, p: 1 } });
const RANDOM = (length: number) => new Uint8Array(length).fill(5);

/** A data directory with the account alice, and a file with mail. */
async function prepare(t: TestContext, mail = 'Subject: hello\n\nworld\n') {
  const root = await mkdtemp(join(tmpdir(), 'rpch-import-'));
  t.after(() => rm(root, { recursive: true }));
  const data = join(root, 'data');
  const alice = await makeRecord({ name: 'alice', password: 'wonderland', groups: [], ntlm: false }, HASHER);
  await changeAccounts(data, () => [alice]);
  const path = join(root, 'mail');
  await writeFile(path, mail);
  return { data, path };
}

async function rpchImport(line: readonly string[], signal = new AbortController().signal) {
  let out = '';
  let err = '';
  let code = 0;
  const io: ImportIo = {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    isTerminal: false,
    now: () => NOW,
    signal: () => signal,
    exitWith: (wanted) => {
      code = wanted;
    },
  };
  const command = importCommand(io).exitOverride().configureOutput({ writeErr: io.err, writeOut: io.out });
  await command.parseAsync([...line], { from: 'user' });
  return { out, err, code };
}

test('mail comes into a mailbox that is made for it', async (t) => {
  const { data, path } = await prepare(t);
  const first = await rpchImport(['--data', data, '--user', 'Alice', '--json', path]);
  assert.equal(first.code, 0, first.err);
  const { imported, failed, interrupted } = JSON.parse(first.out);
  assert.deepEqual({ imported, failed, interrupted }, { imported: 1, failed: 0, interrupted: false });
  assert.match(first.err, /^1 message, .* \(100 %\)/);
  assert.match(first.err, /1 message imported/);
  const second = await rpchImport(['--data', data, '--user', 'alice', '--folder', 'Inbox', path]);
  assert.deepEqual([second.code, second.out], [0, '']);
  const store = Mailbox.open(mailboxFile(data, 'alice'), { now: () => NOW, random: RANDOM });
  t.after(() => store.close());
  assert.equal(store.folders.get(INBOX)?.contentCount, 2);
});

test('folders are named by paths, in which a slash can be escaped', async (t) => {
  const { data, path } = await prepare(t);
  await rpchImport(['--data', data, '--user', 'alice', '--folder', '/inbox/A\\/B/C/', path]);
  const store = Mailbox.open(mailboxFile(data, 'alice'), { now: () => NOW, random: RANDOM });
  t.after(() => store.close());
  const parent = store.folders.childNamed(INBOX, 'A/B');
  assert.ok(parent && store.folders.childNamed(parent.id, 'C')?.contentCount === 1);
});

test('who has no account has no mailbox, and what is not there is told', async (t) => {
  const { data, path } = await prepare(t);
  const nobody = await rpchImport(['--data', data, '--user', 'mallory', path]);
  assert.equal(nobody.code, 1);
  assert.match(nobody.err, /mallory has no mailbox in .*; rpch users add mallory/);
  const nothing = await rpchImport(['--data', data, '--user', 'alice', join(dirname(path), 'nowhere')]);
  assert.equal(nothing.code, 1);
  assert.match(nothing.err, /cannot read .*nowhere: ENOENT/);
  assert.equal((await rpchImport(['--data', data, '--user', 'a/b', path])).code, 2);
});

test('wrong usage is refused before anything is read', async (t) => {
  const { data, path } = await prepare(t);
  const base = ['--data', data, '--user', 'alice'];
  for (const wrong of [
    base,
    [...base, '--mbox', 'mmdf', path],
    [...base, '--skip', '-1', path],
    [...base, '--folder', '//', path],
    [path],
  ]) {
    await assert.rejects(rpchImport(wrong), { name: 'CommanderError', exitCode: 1 }, wrong.join(' '));
  }
});

test('an import that is stopped says where to go on', async (t) => {
  const { data, path } = await prepare(t);
  const { code, err } = await rpchImport(['--data', data, '--user', 'alice', path], AbortSignal.abort());
  assert.equal(code, 1);
  assert.match(err, /interrupted; to go on: --skip 0/);
});

test('progress: one line on a terminal, few lines elsewhere', () => {
  const progress = { messages: 12_400, bytes: 2 ** 28, totalBytes: 2 ** 30, elapsed: 15_000, remaining: 45_000 };
  const text = '12,400 messages, 256 MiB of 1.0 GiB (25 %), 827 a second, 45 s left';
  assert.equal(tellProgress(progress), text);
  assert.equal(tellDuration(130_000), '2 min 10 s');
  assert.equal(tellDuration(11_100_000), '3 h 5 min');
  const shown = (isTerminal: boolean, step: number) => {
    let written = '';
    let time = 0;
    const line = new ProgressLine({ err: (piece) => (written += piece), isTerminal, now: () => (time += step) });
    for (const word of ['a', 'b', 'c']) line.show(word);
    line.end();
    return written;
  };
  assert.equal(shown(true, 60), '\r\x1b[Ka\r\x1b[Kc\r\x1b[K');
  assert.equal(shown(false, 6000), 'a\nc\n');
});
