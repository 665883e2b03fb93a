import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { checkLayers } from '../../../../scripts/check-layers.ts';
import { findCycles } from '../../../../scripts/import-cycles.ts';
import { importsOf } from '../../../../scripts/imports.ts';

const manifests: Readonly<Record<string, string>> = {
  'package.json': '{"devDependencies":{"fast-check":"1"}}',
  'packages/rpc/package.json': '{}',
  'packages/proxy/package.json': '{"dependencies":{"@rpch/rpc":"1","pino":"1"}}',
  'packages/store/package.json': '{"dependencies":{"@rpch/rpc":"1"}}',
  'packages/cli/package.json': '{"dependencies":{"@rpch/rpc":"1","@rpch/proxy":"1"}}',
  'packages/testkit/package.json': '{"dependencies":{"@rpch/rpc":"1","rpch":"1"}}',
};

/** The violations of a tree of files, besides those manifests. */
function violationsOf(files: Readonly<Record<string, string>>): readonly string[] {
  const root = mkdtempSync(join(tmpdir(), 'rpch-layers-'));
  try {
    for (const [name, text] of Object.entries({ ...manifests, ...files })) {
      mkdirSync(dirname(join(root, name)), { recursive: true });
      writeFileSync(join(root, name), text);
    }
    return checkLayers(root).violations;
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** Put together here, so that the check of this file itself does not find them. */
const DYNAMIC = 'import';

test('imports are found in all their forms, with their lines, and not in comments', () => {
  const text = [
    "import { a } from './a.ts';",
    'import type {',
    '  B,',
    "} from './b.ts';",
    "import './c.ts';",
    "import * as d from './d.ts';",
    "export { e } from './e.ts';",
    "export * from './f.ts';",
    "export type { G } from './g.ts';",
    "// import { x } from './x.ts';",
    '/**',
    " * import('./x.ts')",
    ' */',
    `const h = await ${DYNAMIC}('./h.ts');`,
    `const i = await ${DYNAMIC}(name);`,
    `type J = ${DYNAMIC}('./j.ts').J;`,
    "export const from = 'from';",
  ].join('\n');
  const found = importsOf(text).map(({ from, line }) => `${line} ${from}`);
  assert.deepEqual(found, [
    '1 ./a.ts',
    '2 ./b.ts',
    '5 ./c.ts',
    '6 ./d.ts',
    '7 ./e.ts',
    '8 ./f.ts',
    '9 ./g.ts',
    '14 ./h.ts',
    '15 undefined',
    '16 ./j.ts',
  ]);
});

test('one cycle is told for each group of files that import each other', () => {
  const edges = new Map([
    ['a', ['b', 'x']],
    ['b', ['c']],
    ['c', ['a', 'b']],
    ['d', ['d']],
    ['e', ['a', 'outside']],
    ['x', []],
  ]);
  assert.deepEqual(findCycles(edges), [
    ['a', 'b', 'c', 'a'],
    ['d', 'd'],
  ]);
});

test('a tree that imports downwards has no violation', () => {
  const found = violationsOf({
    'packages/rpc/src/errors.ts': "import { hash } from 'node:crypto';",
    'packages/rpc/src/bytes/cursor.ts': "import { E } from '../errors.ts';",
    'packages/rpc/src/rpch/rts.ts': "import { C } from '../bytes/cursor.ts';",
    'packages/rpc/src/net/tcp.ts': "import { R } from '../rpch/rts.ts';\nimport { Socket } from 'node:net';",
    'packages/rpc/src/mod.ts': "export * from './net/tcp.ts';",
    'packages/rpc/src/internal_mod.ts': "export * from './mod.ts';",
    'packages/rpc/test/a.test.ts':
      "import '../src/mod.ts';\nimport '@rpch/testkit';\nimport 'fast-check';\nimport 'node:fs';",
    'packages/proxy/src/mod.ts': "import { R } from '@rpch/rpc/internal';\nimport 'pino';\nimport 'node:net';",
    'packages/store/src/mapi/rop.ts': "import '@rpch/rpc/internal';",
    'packages/store/src/client/session.ts': "import '../mapi/rop.ts';\nimport '@rpch/rpc';",
    'packages/store/src/mailbox/mailbox.ts': "import '../mapi/rop.ts';\nimport 'node:fs';",
    'packages/cli/src/main.ts': "import '@rpch/proxy';\nimport '@rpch/rpc';",
    'packages/testkit/src/mod.ts': "import '@rpch/rpc';\nimport 'rpch';\nconst x = import(y);",
  });
  assert.deepEqual(found, []);
});

const wrong: readonly (readonly [what: string, file: string, text: string, expected: RegExp])[] = [
  [
    'an upper layer',
    'packages/rpc/src/bytes/b.ts',
    "\nimport '../net/n.ts';",
    /b\.ts:2: bytes must not import net, .*above/,
  ],
  [
    'a layer beside',
    'packages/rpc/src/crypto/c.ts',
    "import '../asn1/a.ts';",
    /c\.ts:1: crypto must not import asn1, .*beside/,
  ],
  ['a folder in no layer', 'packages/rpc/src/odd/o.ts', "import '../errors.ts';", /in no layer/],
  [
    'sockets outside of net',
    'packages/rpc/src/rpch/r.ts',
    "import { connect } from 'node:net';",
    /must not import node:net/,
  ],
  [
    'clocks outside of net',
    'packages/rpc/src/rpch/r.ts',
    "import 'node:timers/promises';",
    /must not import node:timers/,
  ],
  [
    'an upper package',
    'packages/rpc/src/net/n.ts',
    "import '@rpch/proxy';",
    /rpc must not import @rpch\/proxy, which is above/,
  ],
  [
    'a package beside',
    'packages/store/src/mapi/m.ts',
    "import '@rpch/proxy';",
    /store must not import @rpch\/proxy, which is beside/,
  ],
  [
    'the store from its client',
    'packages/store/src/client/c.ts',
    "import '../mailbox/m.ts';",
    /client must not import mailbox, which is above/,
  ],
  [
    'files in what is pure',
    'packages/store/src/mapi/m.ts',
    "import 'node:fs';",
    /mapi must not import node:fs: .* client, sql, mailbox/,
  ],
  [
    'the command line from the proxy',
    'packages/proxy/src/p.ts',
    "import 'rpch';",
    /proxy must not import rpch, which is above/,
  ],
  ['the testkit', 'packages/proxy/src/p.ts', "import '@rpch/testkit';", /only tests, benchmarks and soaks/],
  ['another package by path', 'packages/proxy/src/p.ts', "import '../../rpc/src/errors.ts';", /import it by its name/],
  ['its own tests', 'packages/proxy/src/p.ts', "import '../test/helper.ts';", /must not import packages\/proxy\/test/],
  ['what is not declared', 'packages/proxy/src/p.ts', "import 'left-pad/x';", /left-pad is not declared/],
  ['what only tests may have', 'packages/rpc/src/net/n.ts', "import 'fast-check';", /fast-check is not declared/],
  ['a missing file', 'packages/proxy/src/p.ts', "import './gone.ts';", /gone\.ts does not exist/],
  ['what no one can read', 'packages/proxy/src/p.ts', 'await import(name);', /cannot be checked/],
  ['itself', 'packages/proxy/src/p.ts', "import './p.ts';", /p\.ts:1: an import cycle/],
  [
    'anything, in the manifest of rpc',
    'packages/rpc/package.json',
    '{"dependencies":{"x":"1"}}',
    /must not depend on anything/,
  ],
];

for (const [what, file, text, expected] of wrong) {
  test(`a violation is found: ${what}`, () => {
    const found = violationsOf({
      'packages/rpc/src/errors.ts': '',
      'packages/rpc/src/asn1/a.ts': '',
      'packages/rpc/src/net/n.ts': '',
      'packages/store/src/mailbox/m.ts': '',
      'packages/proxy/test/helper.ts': '',
      [file]: text,
    });
    assert.equal(found.length, 1, found.join('\n'));
    assert.match(found[0] ?? '', expected);
  });
}

test('examples have the public door, Node and each other, and nothing else', () => {
  const violations = violationsOf({
    'examples/a.ts': [
      "import { RpcClient } from '@rpch/rpc';",
      "import { parseArgs } from 'node:util';",
      "import { b } from './b.ts';",
      "import { c } from '@rpch/rpc/internal';",
      "import { d } from '../packages/rpc/src/mod.ts';",
      "import { e } from '@rpch/testkit';",
    ].join('\n'),
    'examples/b.ts': 'export const b = 1;',
  });
  const said = 'examples import @rpch/rpc, @rpch/store/client and each other, not';
  assert.deepEqual(violations, [
    `examples/a.ts:4: ${said} @rpch/rpc/internal`,
    `examples/a.ts:5: ${said} ../packages/rpc/src/mod.ts`,
    `examples/a.ts:6: ${said} @rpch/testkit`,
  ]);
});
