import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  AuthLevel,
  type ContextHandleType,
  defineInterface,
  EndpointRegistry,
  ndr,
  ntlmAccounts,
  RpcClient,
  type RpcClientOptions,
  serverInterface,
  serveTcp,
} from '@rpch/rpc';

const SOURCES = fileURLToPath(new URL('../src/', import.meta.url));

/** What a file exports by name: from where, and as what; of `export *` all that the other file declares. */
function exportsOf(file: string): { readonly name: string; readonly file: string }[] {
  const text = readFileSync(file, 'utf8');
  const at = (from: string) => join(dirname(file), from);
  const named = [...text.matchAll(/^export (?:type )?\{([^}]*)\} from '([^']+)'/gm)].flatMap(
    ([, names = '', from = '']) =>
      names
        .split(',')
        .map((name) => name.trim().replace(/^type /, ''))
        .filter((name) => name !== '')
        .map((name) => ({ name, file: at(from) })),
  );
  const all = [...text.matchAll(/^export \*(?: as \w+)? from '([^']+)'/gm)].flatMap(([, from = '']) =>
    exportsOf(at(from)),
  );
  const declared = [...text.matchAll(DECLARATION)].map(([, name = '']) => ({ name, file }));
  return [...named, ...all, ...declared];
}

const DECLARATION = /^export (?:abstract )?(?:async )?(?:class|function\*?|const|interface|type) (\w+)/gm;

/** Whether the line above a declaration ends a doc comment. */
function isDocumented(name: string, file: string): boolean {
  const lines = readFileSync(file, 'utf8').split('\n');
  const declares = new RegExp(
    `^export (?:abstract )?(?:async )?(?:class|function\\*?|const|interface|type) ${name}\\b`,
  );
  const at = lines.findIndex((line) => declares.test(line));
  assert.ok(at > 0, `${name} is not declared in ${file}`);
  return /\*\/$/.test(lines[at - 1] ?? '');
}

test('everything that the public door exports has a doc comment', () => {
  const all = exportsOf(join(SOURCES, 'mod.ts'));
  assert.ok(all.length > 90);
  const silent = all.filter(({ name, file }) => !isDocumented(name, file));
  assert.deepEqual(
    silent.map(({ name, file }) => `${file.slice(SOURCES.length)}: ${name}`),
    [],
  );
});

const counter = defineInterface({
  name: 'counter',
  uuid: '0d0a5c5e-3f39-4b0b-9d4f-7a2f5d0c1e01',
  version: [1, 0],
  procedures: {
    begin: ndr.procedure({ name: 'Begin', opnum: 0, parameters: { handle: ndr.output(ndr.contextHandle) } }),
    next: ndr.procedure({
      name: 'Next',
      opnum: 1,
      parameters: { handle: ndr.input(ndr.contextHandle), who: ndr.output(ndr.string(ndr.wchar)) },
      returns: ndr.uint32,
    }),
  },
});

test('declare, serve and call: identity, levels, context handles, rundown', async (t) => {
  const { promise: gone, resolve } = Promise.withResolvers<number>();
  const COUNTER: ContextHandleType<{ at: number }> = { name: 'counter', rundown: ({ at }) => resolve(at) };
  const served = serverInterface(
    counter,
    {
      begin: (_input, { contextHandles }) => ({ handle: contextHandles.open(COUNTER, { at: 0 }) }),
      next: async ({ handle }, { contextHandles, identity }) => {
        return { who: identity?.user ?? '', result: ++contextHandles.get(COUNTER, handle).at };
      },
    },
    { minimumLevel: AuthLevel.privacy },
  );
  const registry = new EndpointRegistry();
  const security = ntlmAccounts({ domain: 'EXAMPLE', lookup: (user) => (user === 'alice' ? 'wonderland' : undefined) });
  const server = await serveTcp({ host: '127.0.0.1', port: 0, interfaces: [served], security, registry });
  t.after(() => server.close());
  assert.deepEqual(
    registry.entries.map(({ port, annotation }) => [port, annotation]),
    [[server.port, 'counter']],
  );
  const client = (options: RpcClientOptions) => new RpcClient(`ncacn_ip_tcp:127.0.0.1[${server.port}]`, options);
  const credentials = { user: 'EXAMPLE\\alice', password: 'wonderland' };
  {
    await using low = client({ credentials, level: 'integrity' });
    await assert.rejects((await low.bind(counter)).begin(), { code: 'RPCH_RPC_FAULT', status: 5 });
    await using alice = client({ credentials });
    const bound = await alice.bind(counter);
    const { handle } = await bound.begin();
    assert.deepEqual(await bound.next({ handle }), { who: 'alice', result: 1 });
    assert.deepEqual(await bound.next({ handle }), { who: 'alice', result: 2 });
  }
  assert.equal(await gone, 2);
});
