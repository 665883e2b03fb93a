import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { createFile, DistinctNames, safeFileName } from '../../src/mail/file-names.ts';

async function directory(t: TestContext): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'rpch-mail-'));
  t.after(() => rm(made, { recursive: true, force: true }));
  return made;
}

test('names stay in their directory and harm nobody', () => {
  const safe = (name: string): string => safeFileName(name, 'attachment-1');
  assert.deepEqual(
    [
      'Report 1.pdf',
      '../../../etc/passwd',
      'C:\\Windows\\x.exe',
      '/etc/shadow',
      '..',
      '.',
      '',
      ' .bashrc ',
      'a\0b\n.txt',
      'CON',
      'nul.txt',
      'lpt1.doc.pdf',
      'a/b/',
      'x\u202etxt.exe',
      '\u0000',
    ].map(safe),
    [
      'Report 1.pdf',
      'passwd',
      'x.exe',
      'shadow',
      'attachment-1',
      'attachment-1',
      'attachment-1',
      'bashrc',
      'a_b_.txt',
      '_CON',
      '_nul.txt',
      '_lpt1.doc.pdf',
      'attachment-1',
      'x_txt.exe',
      '_',
    ],
  );
  assert.equal(safe('Grüße – 境界.docx'), 'Grüße – 境界.docx');
  const long = safe(`${'界'.repeat(300)}.pdf`);
  assert.ok(Buffer.byteLength(long) <= 180 && long.endsWith('.pdf'));
});

test('whatever a mail says, the name is one, and of one directory', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (said) => {
      const name = safeFileName(said, 'attachment');
      assert.equal(basename(name), name);
      assert.equal(dirname(resolve('/tmp/there', name)), '/tmp/there');
      assert.ok(name !== '' && name !== '.' && name !== '..' && !name.startsWith('.'));
      assert.ok(Buffer.byteLength(name) <= 255);
      assert.doesNotMatch(name, /[\p{Cc}\p{Cf}/\\]/u);
    }),
    { numRuns: 500 },
  );
});

test('of several with one name each gets its own', () => {
  const names = new DistinctNames();
  const claimed = ['a.txt', 'A.TXT', 'a.txt', 'b', 'b', 'a (2).txt'].map((name) => names.claim(name));
  assert.deepEqual(claimed, ['a.txt', 'A (2).TXT', 'a (3).txt', 'b', 'b (2)', 'a (2) (2).txt']);
});

test('what is there stays, unless it is to be overwritten; links are not followed', async (t) => {
  const inside = await directory(t);
  const { path, file } = await createFile(join(inside, 'new'), 'a.txt', false);
  await file.writeFile('one');
  await file.close();
  assert.equal(path, join(inside, 'new', 'a.txt'));
  await assert.rejects(createFile(join(inside, 'new'), 'a.txt', false), { code: 'RPCH_FILE_EXISTS' });
  const again = await createFile(join(inside, 'new'), 'a.txt', true);
  await again.file.writeFile('2');
  await again.file.close();
  assert.equal(await readFile(path, 'utf8'), '2');
  await writeFile(join(inside, 'target'), 'mine');
  await symlink(join(inside, 'target'), join(inside, 'link'));
  for (const force of [false, true]) {
    await assert.rejects(createFile(inside, 'link', force), (error) => error instanceof Error && 'code' in error);
  }
  assert.equal(await readFile(join(inside, 'target'), 'utf8'), 'mine');
  await assert.rejects(createFile(join(inside, 'target'), 'x', false), { code: 'RPCH_FILE' });
  assert.deepEqual((await readdir(inside)).sort(), ['link', 'new', 'target']);
});
