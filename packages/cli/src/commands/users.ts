import { randomBytes } from 'node:crypto';
import { type AccountRecord, bareName, changeAccounts, makeRecord, PasswordHasher, readAccounts } from '@rpch/proxy';
import { RpchError } from '@rpch/rpc';
import { Command } from 'commander';
import { type PasswordInput, PasswordInputError, readPassword } from './password-input.ts';

/** What the command touches of the process. */
export interface UsersIo {
  readonly stdin: PasswordInput;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly exit: (code: number) => never;
  readonly hasher: PasswordHasher;
}

interface UserOptions {
  readonly data: string;
  readonly ntlm?: boolean;
  readonly groups?: string;
  readonly json?: boolean;
}

/** What was asked for cannot be done with the accounts as they are. */
class Failure extends Error {}

const DATA = ['--data <dir>', 'data directory of the proxy'] as const;
const JSON_FLAG = ['--json', 'print the account as JSON'] as const;
const NTLM = ['--ntlm', 'allow NTLM: keeps the NT hash, which is worth as much as the password'] as const;
const GROUPS = ['--groups <list>', 'groups that the account is in, such as staff,admins'] as const;

/**
 * `rpch users add|passwd|list|remove`: the accounts of the local provider. Exits with 0, with 1 on failure, with 2 on
 * wrong usage.
 */
export function usersCommand(io: UsersIo = processIo()): Command {
  const users = new Command('users')
    .description('keep the accounts that may log in at the proxy')
    .configureOutput({ writeOut: io.out, writeErr: io.err })
    .exitOverride((error) => io.exit(error.exitCode === 0 ? 0 : 2));
  example(users, 'rpch users add alice --data ./data --groups staff');
  const run = (action: () => Promise<void>) => finish(io, action);

  const add = users.command('add <name>').description('add an account; asks for its password');
  add.requiredOption(...DATA).option(...NTLM);
  add.option(...GROUPS).option(...JSON_FLAG);
  add.action((name: string, options: UserOptions) => run(() => addUser(io, name, options)));
  example(add, 'rpch users add alice --data ./data --ntlm --groups staff,admins');

  const passwd = users.command('passwd <name>').description('give an account a new password');
  passwd.requiredOption(...DATA).option(...NTLM);
  passwd.option('--no-ntlm', 'forbid NTLM: forgets the NT hash').option(...GROUPS);
  passwd.option(...JSON_FLAG);
  passwd.action((name: string, options: UserOptions) => run(() => changePassword(io, name, options)));
  example(passwd, 'printf "%s\\n" "$PASSWORD" | rpch users passwd alice --data ./data');

  const list = users.command('list').description('list the accounts');
  list.requiredOption(...DATA).option('--json', 'print the accounts as JSON');
  list.action((options: UserOptions) => run(() => listUsers(io, options)));
  example(list, 'rpch users list --data ./data --json');

  const remove = users.command('remove <name>').description('remove an account');
  remove.requiredOption(...DATA).option(...JSON_FLAG);
  remove.action((name: string, options: UserOptions) => run(() => removeUser(io, name, options)));
  example(remove, 'rpch users remove alice --data ./data');
  return users;
}

function example(command: Command, line: string): void {
  command.addHelpText('after', `\nExample:\n  ${line}`);
}

async function finish(io: UsersIo, action: () => Promise<void>): Promise<void> {
  let code: number;
  try {
    return await action();
  } catch (error) {
    const foreseen = [Failure, PasswordInputError, RpchError].some((kind) => error instanceof kind);
    if (!foreseen || !(error instanceof Error)) throw error;
    io.err(`rpch users: ${error.message}\n`);
    code = error instanceof RpchError && error.code === 'RPCH_BAD_ACCOUNT_NAME' ? 2 : 1;
  }
  io.exit(code);
}

async function addUser(io: UsersIo, written: string, options: UserOptions): Promise<void> {
  const name = bareName(written, 'account name');
  const groups = groupsOf(options.groups) ?? [];
  if (find(await readAccounts(options.data), name) !== undefined) throw new Failure(existsAlready(name));
  const password = await readPassword(io.stdin, io.err);
  const record = await makeRecord({ name, password, groups, ntlm: options.ntlm ?? false }, io.hasher);
  await changeAccounts(options.data, (accounts) => {
    if (find(accounts, name) !== undefined) throw new Failure(existsAlready(name));
    return [...accounts, record];
  });
  report(io, record, 'added', options);
}

async function changePassword(io: UsersIo, written: string, options: UserOptions): Promise<void> {
  const name = bareName(written, 'account name');
  const groups = groupsOf(options.groups);
  const before = existing(await readAccounts(options.data), name, options);
  const password = await readPassword(io.stdin, io.err);
  const ntlm = options.ntlm ?? before.ntHash !== undefined;
  const made = await makeRecord({ name, password, groups: groups ?? before.groups, ntlm }, io.hasher);
  await changeAccounts(options.data, (accounts) => {
    existing(accounts, name, options);
    return accounts.map((record) => (record.name === name ? made : record));
  });
  report(io, made, 'changed', options);
}

async function removeUser(io: UsersIo, written: string, options: UserOptions): Promise<void> {
  const name = bareName(written, 'account name');
  const removed = existing(await readAccounts(options.data), name, options);
  await changeAccounts(options.data, (accounts) => accounts.filter((record) => record.name !== name));
  report(io, removed, 'removed', options);
}

async function listUsers(io: UsersIo, options: UserOptions): Promise<void> {
  const accounts = await readAccounts(options.data);
  if (options.json === true) {
    io.out(`${JSON.stringify(accounts.map(shown), undefined, 2)}\n`);
    return;
  }
  const width = Math.max(0, ...accounts.map(({ name }) => name.length));
  for (const { name, ntHash, groups } of accounts) {
    io.out(
      `${name.padEnd(width)}  ${ntHash === undefined ? 'basic     ' : 'basic,ntlm'}  ${groups.join(',')}`.trimEnd(),
    );
    io.out('\n');
  }
}

function report(io: UsersIo, record: AccountRecord, done: string, options: UserOptions): void {
  if (options.json === true) io.out(`${JSON.stringify(shown(record))}\n`);
  io.err(`${record.name} ${done}; a proxy that is running takes it over on SIGHUP\n`);
}

/** Of an account, what may be printed. */
function shown({ name, groups, ntHash }: AccountRecord) {
  return { name, groups, ntlm: ntHash !== undefined };
}

function groupsOf(list: string | undefined): string[] | undefined {
  if (list === undefined) return undefined;
  return list === '' ? [] : list.split(',').map((group) => bareName(group.trim(), 'group name'));
}

function find(accounts: readonly AccountRecord[], name: string): AccountRecord | undefined {
  return accounts.find((record) => record.name === name);
}

function existing(accounts: readonly AccountRecord[], name: string, { data }: UserOptions): AccountRecord {
  const record = find(accounts, name);
  if (record === undefined) throw new Failure(`there is no account ${name} in ${data}`);
  return record;
}

function existsAlready(name: string): string {
  return `account ${name} exists already; to change it: rpch users passwd ${name}`;
}

function processIo(): UsersIo {
  return {
    stdin: process.stdin,
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
    exit: (code) => process.exit(code),
    hasher: new PasswordHasher({ random: randomBytes }),
  };
}
