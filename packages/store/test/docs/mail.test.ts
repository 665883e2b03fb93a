import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseDirectoryFile } from '../../src/directory/directory-file.ts';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const PAGE = readFileSync(join(ROOT, 'docs/mail.md'), 'utf8');
const SOURCE = readFileSync(join(ROOT, 'packages/store/src/directory/directory-file.ts'), 'utf8');
const EXAMPLE = /^```yaml\n([\s\S]*?)\n```$/m.exec(PAGE)?.[1] ?? '';

/** Names in backticks in one column of the tables of a section. */
function named(heading: string, column: number): string[] {
  const begin = PAGE.indexOf(`\n## ${heading}`);
  assert.ok(begin >= 0, heading);
  const rows = PAGE.slice(begin, PAGE.indexOf('\n## ', begin + 1)).match(/^\| `.*$/gm) ?? [];
  return rows.flatMap((row) =>
    [...(row.split(/(?<!\\)\|/)[column] ?? '').matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
  );
}

/** The words between quotes of a constant of directory-file.ts. */
function keysOf(constant: string): string[] {
  const [, list = ''] = new RegExp(`const ${constant} = \\[([^\\]]*)\\]`).exec(SOURCE) ?? [];
  return [...list.matchAll(/'(\w+)'/g)].map(([, key = '']) => key);
}

test('the directory.yaml of the page is one', () => {
  const { organization, users, groups, contacts } = parseDirectoryFile(EXAMPLE, 'docs/mail.md');
  assert.deepEqual(organization, { name: 'Example', domain: 'example.org', server: 'mail.example.org' });
  assert.deepEqual([...users.keys()], ['alice', 'bob', 'carol']);
  assert.deepEqual(
    groups.get('development')?.members.map(({ name }) => name),
    ['alice', 'bob', 'priya@partner.example'],
  );
  assert.equal(contacts.get('priya')?.address, 'priya@partner.example');
  assert.equal(users.get('carol')?.hidden, true);
});

test('it has every key, and so has the table beside it', () => {
  const keys = ['name', 'domain', 'server', 'members', ...['TEXTS', 'NUMBERS', 'COMMON'].flatMap(keysOf)];
  assert.ok(keys.length > 15);
  for (const key of keys) assert.match(EXAMPLE, new RegExp(`^ +${key}:`, 'm'));
  assert.deepEqual(named('The address book', 1).sort(), keys.sort());
});

test('the log has the events that the page says, and no other of mail', () => {
  const sources = globSync('packages/{store/src/services/**,cli/src/serve}/*.ts', { cwd: ROOT });
  const written = sources.flatMap((file) =>
    [...readFileSync(join(ROOT, file), 'utf8').matchAll(/'((?:store|nspi|rfr|directory|demo)\.[a-z][a-z.-]*)'/g)].map(
      ([, event = '']) => event,
    ),
  );
  assert.ok(written.length > 10);
  assert.deepEqual(named('The log', 1).sort(), [...new Set(written)].sort());
});

test('every link of the page, of gromox.md and of the README leads somewhere', () => {
  for (const page of ['docs/mail.md', 'docs/gromox.md', 'README.md']) {
    const text = readFileSync(join(ROOT, page), 'utf8');
    for (const [, to = ''] of text.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)) {
      if (!to.startsWith('https:')) assert.ok(globSync(join(ROOT, page, '..', to)).length > 0, `${page}: ${to}`);
    }
  }
});
