import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as door from '@rpch/rpc';
import * as mailDoor from '@rpch/store/client';
import { EXAMPLES, ROOT } from './example-process.ts';

const GUIDE = readFileSync(join(ROOT, 'docs/programmer.md'), 'utf8');
const MARKER = /^<!-- examples\/([\w.-]+)(?:: (.+))? -->$/;

interface Block {
  readonly marker: string;
  readonly text: string;
}

/** The code blocks of the guide, each with the line above it. */
function blocks(): Block[] {
  const lines = GUIDE.split('\n');
  const found: Block[] = [];
  for (let at = 0; at < lines.length; at++) {
    if (lines[at]?.startsWith('```') !== true) continue;
    const end = lines.indexOf('```', at + 1);
    found.push({ marker: lines[at - 1] ?? '', text: lines.slice(at + 1, end).join('\n') });
    at = end;
  }
  return found;
}

/** An example, or the region of it that has this name, without the indentation that all its lines have. */
function excerpt(file: string, name: string | undefined): string {
  const lines = readFileSync(join(EXAMPLES, file), 'utf8').trimEnd().split('\n');
  if (name === undefined) return lines.join('\n');
  const begin = lines.findIndex((line) => /^\s*(?:\/\/|#) #region (.+)$/.exec(line)?.[1] === name);
  assert.ok(begin >= 0, `examples/${file} has no region ${name}`);
  const length = lines.slice(begin + 1).findIndex((line) => /^\s*(?:\/\/|#) #endregion$/.test(line));
  const inside = lines.slice(begin + 1, begin + 1 + length);
  const indentation = Math.min(...inside.filter((line) => line !== '').map((line) => line.search(/\S/)));
  return inside
    .map((line) => line.slice(indentation))
    .join('\n')
    .trimEnd();
}

test('every code block of the guide is a part of an example', () => {
  const all = blocks();
  assert.ok(all.length > 20);
  for (const { marker, text } of all) {
    const [, file, name] = MARKER.exec(marker) ?? [];
    assert.ok(file !== undefined, `a block without the name of its example: ${text.slice(0, 80)}`);
    assert.equal(text, excerpt(file, name), marker);
  }
  assert.ok(!/^ {4}\S/m.test(GUIDE.replace(/^```[\s\S]*?^```$/gm, '')), 'a block that is indented, not fenced');
});

test('the code of the README of @rpch/rpc is the first call', () => {
  const code = /^```ts\n([\s\S]*?)\n```$/m.exec(readFileSync(join(ROOT, 'packages/rpc/README.md'), 'utf8'))?.[1];
  assert.equal(code, excerpt('first-call.ts', 'first call'));
});

test('every region of an example stands in the guide', () => {
  const shown = new Set(blocks().map(({ marker }) => marker));
  for (const file of globSync('*.{ts,sh}', { cwd: EXAMPLES })) {
    for (const [, name] of readFileSync(join(EXAMPLES, file), 'utf8').matchAll(/#region (.+)$/gm)) {
      assert.ok(shown.has(`<!-- examples/${file}: ${name} -->`), `${file}: ${name}`);
    }
  }
});

/** The names in the first column of a section's tables, sorted. */
function namesOf(section: string): string[] {
  const begin = GUIDE.indexOf(section);
  assert.ok(begin >= 0, section);
  const end = GUIDE.indexOf('\n## ', begin + 1);
  const rows = GUIDE.slice(begin, end < 0 ? undefined : end)
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  const named = rows.flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`(\w+)`/g)].map(([, name = '']) => name));
  return [...new Set(named)].sort();
}

/** What a module exports, types too. */
function exportsOf(file: string): string[] {
  return [...readFileSync(join(ROOT, file), 'utf8').matchAll(/^export (?:type )?\{([^}]*)\}/gm)]
    .flatMap(([, names = '']) => names.split(','))
    .map((name) => name.trim().replace(/^type /, ''))
    .filter((name) => name !== '');
}

test('the guide has a line on every name of the public doors, and names no other', () => {
  const rpc = [...exportsOf('packages/rpc/src/mod.ts'), 'ndr'];
  for (const name of Object.keys(door)) assert.ok(rpc.includes(name), name);
  assert.deepEqual(namesOf('## 3. The public door'), rpc.sort());
  const mail = exportsOf('packages/store/src/client/mod.ts');
  for (const name of Object.keys(mailDoor)) assert.ok(mail.includes(name), name);
  assert.deepEqual(namesOf('### Names of `@rpch/store/client`'), mail.sort());
});

test('the guide names every type that can be declared', () => {
  const table = GUIDE.slice(GUIDE.indexOf('| IDL |'), GUIDE.indexOf('### The first server'));
  const words = new Set(table.match(/\w+/g));
  // Classes are for those who write types of their own.
  const declared = Object.keys(door.ndr).filter((name) => name === 'NULL_CONTEXT_HANDLE' || /^[a-z]/.test(name));
  assert.ok(declared.length > 30);
  for (const name of declared) assert.ok(words.has(name), name);
});

test('every error code that the guide names is thrown somewhere', () => {
  const sources = globSync('packages/{rpc/src,store/src/client}/**/*.ts', { cwd: ROOT }).map((file) =>
    readFileSync(join(ROOT, file), 'utf8'),
  );
  const codes = new Set(GUIDE.match(/RPCH_[A-Z0-9_]+/g));
  assert.ok(codes.size > 10);
  for (const code of codes)
    assert.ok(
      sources.some((source) => source.includes(`'${code}'`)),
      code,
    );
});

test('every link of the guide leads somewhere', () => {
  const headings = new Set(
    [...GUIDE.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => {
      return heading
        .toLowerCase()
        .replace(/[^\w -]/g, '')
        .replaceAll(' ', '-');
    }),
  );
  for (const [, to = ''] of GUIDE.matchAll(/\]\(([^)]+)\)/g)) {
    if (to.startsWith('#')) assert.ok(headings.has(to.slice(1)), to);
    else assert.ok(globSync(join('docs', to), { cwd: ROOT }).length > 0, to);
  }
});

test('every tool says how it is used', () => {
  for (const file of globSync('*.{ts,sh}', { cwd: EXAMPLES })) {
    const head = readFileSync(join(EXAMPLES, file), 'utf8').split(/^(?:import|set) /m)[0] ?? '';
    const isTool = !head.includes('Not a tool');
    assert.equal(new RegExp(`Usage: .*examples/${file.replace('.', '\\.')}`).test(head), isTool, file);
  }
});
