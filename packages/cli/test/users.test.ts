import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { PasswordHasher, readAccounts } from '@rpch/proxy';
import { type UsersIo, usersCommand } from '../src/commands/users.ts';

/** What process.exit does to a program, without ending this one. */
class Exit extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super(`exit ${exitCode}`);
    this.exitCode = exitCode;
  }
}

const hasher = new PasswordHasher({
  random: (length) => Buffer.alloc(length, 7),
  cost: { logN: 1, r: 1, p: 1 },
});

interface Terminal {
  /** What is typed, or comes through the pipe. */
  readonly input?: string | Uint8Array;
  readonly tty?: boolean;
}

/** Runs `rpch users …` and gives what came of it. */
async function rpchUsers(line: string[], { input = '', tty = false }: Terminal = {}) {
  const stdin = new PassThrough();
  let out = '';
  let err = '';
  const raw: boolean[] = [];
  const io: UsersIo = {
    stdin: Object.assign(stdin, { isTTY: tty, setRawMode: (on: boolean) => raw.push(on) }),
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    exit: (code) => {
      throw new Exit(code);
    },
    hasher,
  };
  stdin.end(input);
  let code = 0;
  try {
    await usersCommand(io).parseAsync(line, { from: 'user' });
  } catch (error) {
    if (!(error instanceof Exit)) throw error;
    code = error.exitCode;
  }
  return { code, out, err, raw };
}

async function inDirectory(work: (data: string) => Promise<void>): Promise<void> {
  const parent = await mkdtemp(join(tmpdir(), 'rpch-users-'));
  try {
    await work(join(parent, 'data'));
  } finally {
    await rm(parent, { recursive: true });
  }
}

async function passwordOf(data: string, name: string): Promise<(password: string) => Promise<boolean>> {
  const record = (await readAccounts(data)).find((account) => account.name === name) ?? assert.fail(`no ${name}`);
  return (password) => hasher.matches(record.verifier, password);
}

test('add, list, passwd and remove keep an account', async () => {
  await inDirectory(async (data) => {
    const added = await rpchUsers(['add', 'Alice', '--data', data, '--groups', 'Staff, admins'], { input: 'pw 1\n' });
    assert.deepEqual(added, {
      code: 0,
      out: '',
      err: 'alice added; a proxy that is running takes it over on SIGHUP\n',
      raw: [],
    });
    assert.ok(await (await passwordOf(data, 'alice'))('pw 1'));
    await rpchUsers(['add', 'bob', '--data', data, '--ntlm'], { input: 'x\r\n' });
    assert.ok(await (await passwordOf(data, 'bob'))('x'), 'CR LF ends a line too');

    const table = await rpchUsers(['list', '--data', data]);
    assert.deepEqual([table.code, table.out], [0, 'alice  basic       staff,admins\nbob    basic,ntlm\n']);
    const json = await rpchUsers(['list', '--data', data, '--json']);
    assert.deepEqual(JSON.parse(json.out), [
      { name: 'alice', groups: ['staff', 'admins'], ntlm: false },
      { name: 'bob', groups: [], ntlm: true },
    ]);

    const changed = await rpchUsers(['passwd', 'ALICE', '--data', data, '--json'], { input: 'new' });
    assert.deepEqual(JSON.parse(changed.out), { name: 'alice', groups: ['staff', 'admins'], ntlm: false });
    const matches = await passwordOf(data, 'alice');
    assert.ok((await matches('new')) && !(await matches('pw 1')), 'a line without an end is one');

    const removed = await rpchUsers(['remove', 'alice', '--data', data]);
    assert.equal(removed.code, 0);
    assert.deepEqual(
      (await readAccounts(data)).map(({ name }) => name),
      ['bob'],
    );
  });
});

test('passwd renews an NT hash, and adds or forgets it when told', async () => {
  await inDirectory(async (data) => {
    await rpchUsers(['add', 'bob', '--data', data, '--ntlm'], { input: 'one\n' });
    const hash = async () => (await readAccounts(data))[0]?.ntHash;
    const before = await hash();
    await rpchUsers(['passwd', 'bob', '--data', data], { input: 'two\n' });
    const renewed = await hash();
    assert.ok(before !== undefined && renewed !== undefined);
    assert.notDeepEqual(renewed, before, 'the old password would go on working over NTLM');
    await rpchUsers(['passwd', 'bob', '--data', data, '--no-ntlm'], { input: 'two\n' });
    assert.equal(await hash(), undefined);
    await rpchUsers(['passwd', 'bob', '--data', data, '--ntlm', '--groups', ''], { input: 'two\n' });
    assert.deepEqual(await hash(), renewed);
  });
});

test('a failure is one sentence on stderr and exit code 1', async () => {
  await inDirectory(async (data) => {
    await rpchUsers(['add', 'alice', '--data', data], { input: 'pw\n' });
    const rows: [string[], string | Uint8Array, string][] = [
      [['add', 'ALICE'], 'x\n', 'account alice exists already; to change it: rpch users passwd alice'],
      [['passwd', 'bob'], 'x\n', `there is no account bob in ${data}`],
      [['remove', 'bob'], '', `there is no account bob in ${data}`],
      [['add', 'bob'], '', 'expected a password on standard input, found nothing'],
      [['add', 'bob'], '\n', 'the password is empty'],
      [['add', 'bob'], 'x'.repeat(257), 'the password has more than 256 characters'],
      [['add', 'bob'], 'x'.repeat(100_000), 'the password has more than 4096 characters'],
      [['add', 'bob'], Buffer.from([0xff, 0x0a]), 'expected the password in UTF-8'],
    ];
    for (const [line, input, sentence] of rows) {
      const { code, out, err } = await rpchUsers([...line, '--data', data], { input });
      assert.deepEqual({ code, out, err }, { code: 1, out: '', err: `rpch users: ${sentence}\n` });
    }
    assert.equal((await readAccounts(data)).length, 1);
  });
});

test('wrong usage is exit code 2', async () => {
  await inDirectory(async (data) => {
    for (const line of [
      [],
      ['frobnicate'],
      ['add'],
      ['add', 'alice'],
      ['add', 'alice', '--data'],
      ['add', 'alice', 'bob', '--data', data],
      ['add', 'alice', '--data', data, '--what'],
      ['add', 'PEER\\alice', '--data', data],
      ['add', 'a\nb', '--data', data],
      ['add', 'alice', '--data', data, '--groups', 'a,,b'],
    ]) {
      const { code, out, err } = await rpchUsers(line, { input: 'pw\n' });
      assert.equal(code, 2, line.join(' '));
      assert.equal(out, '');
      assert.ok(err.length > 0);
    }
    const { err } = await rpchUsers(['add', 'PEER\\alice', '--data', data]);
    assert.match(err, /^rpch users: account name holds one of .*; expected a bare account name without domain\n$/);
    assert.deepEqual(await readAccounts(data), []);
  });
});

test('every command has help with an example', async () => {
  for (const command of [[], ['add'], ['passwd'], ['list'], ['remove']]) {
    const { code, out } = await rpchUsers([...command, '--help']);
    assert.equal(code, 0);
    assert.match(out, new RegExp(`Example:\\n  .*rpch users ${command[0] ?? 'add'} .*--data`));
  }
});

test('at a terminal the password is typed twice and never shown', async () => {
  await inDirectory(async (data) => {
    const typed = await rpchUsers(['add', 'alice', '--data', data], { input: 'secret\rsecret\r', tty: true });
    assert.deepEqual(typed, {
      code: 0,
      out: '',
      err: 'Password: \nAgain: \nalice added; a proxy that is running takes it over on SIGHUP\n',
      raw: [true, false],
    });
    assert.ok(await (await passwordOf(data, 'alice'))('secret'));
    const edited = 'sx\x7fécretoops\x15sécret\r\nsécret\r\n';
    await rpchUsers(['passwd', 'alice', '--data', data], { input: edited, tty: true });
    assert.ok(await (await passwordOf(data, 'alice'))('sécret'));
  });
});

test('at a terminal, giving up and typing wrongly are told, and echo is switched on again', async () => {
  await inDirectory(async (data) => {
    for (const [input, sentence] of [
      ['one\rtwo\r', 'the two passwords differ'],
      ['on\x03', 'given up'],
      ['one\r\x04', 'given up'],
      ['one\r', 'the terminal was closed'],
      ['\x1b[A\r', 'a password cannot hold that key'],
      ['x'.repeat(5000), 'the password is too long'],
    ] as const) {
      const { code, err, raw } = await rpchUsers(['add', 'alice', '--data', data], { input, tty: true });
      assert.equal(code, 1);
      assert.ok(err.endsWith(`rpch users: ${sentence}\n`), err);
      assert.deepEqual(raw, [true, false]);
    }
    assert.deepEqual(await readAccounts(data), []);
  });
});
