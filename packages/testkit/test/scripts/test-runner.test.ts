import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runCommand } from '../../src/peers/commands.ts';

const RUNNER = fileURLToPath(new URL('../../../../scripts/test.ts', import.meta.url));

const files: Readonly<Record<string, string>> = {
  good: `import { test, describe, it } from 'node:test';
    test('alone', () => {});
    test('parent', async (t) => { await t.test('one', () => {}); await t.test('two', (t) => t.diagnostic('a note')); });
    describe('suite', () => { it('three', () => {}); });
    describe('nothing in it', () => {});`,
  skipping: `import { test } from 'node:test';
    test('here', () => {});
    test('group', async (t) => { await t.test('there', (t) => t.skip('no peer')); });`,
  bad: `import { test, describe, it, before } from 'node:test';
    import assert from 'node:assert/strict';
    test('compares', () => { console.log('written by it'); assert.equal(1, 2, 'one is not two'); });
    test('parent of its own fault', async (t) => { await t.test('fine', () => {}); throw new Error('afterwards'); });
    test('innocent parent', async (t) => { await t.test('guilty', () => { throw new Error('inside'); }); });
    describe('hook', () => { before(() => { throw new Error('no ground'); }); it('never', () => {}); });`,
  late: `import { test } from 'node:test';
    test('ends too early', () => { setTimeout(() => { throw new Error('too late'); }, 20); });`,
  broken: `throw new Error('at load');`,
  empty: '',
};

describe('the test command', () => {
  const root = mkdtempSync(join(tmpdir(), 'rpch-runner-'));
  after(() => rmSync(root, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    const file = join(root, 'packages', 'some', 'test', 'deep', `${name}.test.ts`);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }

  /** Runs the command as its users do: outside of any other test run, whatever this one was told about peers. */
  const run = async (filters: readonly string[], required = false) => {
    const env = { NODE_TEST_CONTEXT: undefined, RPCH_REQUIRE_PEERS: required ? '1' : undefined };
    const result = await runCommand(process.execPath, [RUNNER, ...filters], { timeoutMs: 60_000, cwd: root, env });
    const lines = result.stdout.trimEnd().split('\n');
    return { code: result.code, last: lines.at(-1), text: result.stdout + result.stderr };
  };

  test('counts the leaves of the test tree, in its last line', async () => {
    const { code, last, text } = await run(['good.test']);
    assert.equal(last, '4 passed, 0 failed, 0 skipped', text);
    assert.equal(code, 0);
    assert.match(text, /^ {4}a note$/m);
  });

  test('names what was skipped, and passes', async () => {
    const { code, last, text } = await run(['skipping']);
    assert.equal(last, '1 passed, 0 failed, 1 skipped', text);
    assert.equal(code, 0);
    const file = join('packages', 'some', 'test', 'deep', 'skipping.test.ts');
    assert.ok(text.includes(`skipped ${file} (no peer):\n    group > there\n`), text);
  });

  test('allows no skip where every peer is required', async () => {
    const { code, last } = await run(['skipping'], true);
    assert.equal(last, '1 passed, 0 failed, 1 skipped');
    assert.equal(code, 1);
  });

  test('tells failures in full and counts a parent only for its own', async () => {
    const { code, last, text } = await run(['bad.test']);
    assert.equal(last, '1 passed, 5 failed, 0 skipped', text);
    assert.equal(code, 1);
    for (const part of ['one is not two', 'written by it', 'afterwards', 'innocent parent > guilty', 'no ground']) {
      assert.ok(text.includes(part), part);
    }
  });

  for (const name of ['late', 'broken', 'empty']) {
    test(`a file fails that is ${name}`, async () => {
      const { code, last, text } = await run([`${name}.test`]);
      assert.equal(last, `${name === 'late' ? 1 : 0} passed, 1 failed, 0 skipped`, text);
      assert.equal(code, 1);
    });
  }

  test('adds up several files, and fails when none matches', async () => {
    assert.equal((await run(['good.test', 'skipping'])).last, '5 passed, 0 failed, 1 skipped');
    const none = await run(['no-such-file']);
    assert.equal(none.last, '0 passed, 0 failed, 0 skipped');
    assert.equal(none.code, 1);
  });
});
