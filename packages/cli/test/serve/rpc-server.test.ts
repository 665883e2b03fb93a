import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type AccountRecord, changeAccounts, type Log, makeRecord, PasswordHasher } from '@rpch/proxy';
import {
  asyncEmsmdbDeclaration,
  type Credentials,
  echoDeclaration,
  emsmdbDeclaration,
  epmDeclaration,
  mgmtDeclaration,
  nspiDeclaration,
  RpcClient,
  type RpcClientOptions,
  rfrDeclaration,
} from '@rpch/rpc/internal';
import { ALICE, LiveProxy } from '@rpch/testkit';
import { type RpcServer, startRpcServer } from '../../src/serve/rpc-server.ts';
import { type ServeFlags, serveSettings } from '../../src/serve/settings.ts';

const TCP = 'ncacn_ip_tcp:127.0.0.1[0]';
const HTTP = 'ncacn_http:127.0.0.1[0]';
const PASSWORD = 'wonderland';
const account = (user: string, password = PASSWORD): Credentials => ({ user, password });
const hasher = new PasswordHasher({
  random: (length) => Buffer.alloc(length, 7),
  cost: { logN: 1, r: 1, p: 1 },
});

const folder = mkdtempSync(join(tmpdir(), 'rpch-serve-'));
after(() => rmSync(folder, { recursive: true, force: true }));

interface Line {
  readonly level: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** A server on free ports, with its log kept. */
class Scene implements AsyncDisposable {
  readonly lines: Line[] = [];
  readonly flags: ServeFlags;
  #server: RpcServer | undefined;

  private constructor(flags: ServeFlags) {
    this.flags = { listen: [TCP], user: [`alice:${PASSWORD}`], domain: 'EXAMPLE', data: folder, ...flags };
  }

  static async start(flags: ServeFlags = {}): Promise<Scene> {
    const scene = new Scene(flags);
    const keep = (level: string) => (fields: Record<string, unknown>, message: string) => {
      scene.lines.push({ level, fields, message });
    };
    const log: Log = { debug: keep('debug'), info: keep('info'), warn: keep('warn'), error: keep('error') };
    scene.#server = await startRpcServer(serveSettings(scene.flags), log);
    return scene;
  }

  get server(): RpcServer {
    assert.ok(this.#server !== undefined);
    return this.#server;
  }

  port(at: number): number {
    return this.server.listening[at]?.port ?? 0;
  }

  client(options: RpcClientOptions = {}): RpcClient {
    return new RpcClient(`ncacn_ip_tcp:127.0.0.1[${this.port(0)}]`, options);
  }

  /** 1 more than 41, or an error. */
  async addOne(options: RpcClientOptions = {}): Promise<number> {
    await using client = this.client(options);
    const echo = await client.bind(echoDeclaration);
    return (await echo.addOne({ in_data: 41 })).out_data;
  }

  said(event: string): Line[] {
    return this.lines.filter(({ fields }) => fields.event === event);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close();
  }
}

test('an account in all the forms of its name, with both providers; wrong ones are refused and told to the log', async () => {
  await using scene = await Scene.start({ dnsDomain: 'example.org' });
  for (const user of ['alice', 'ALICE', 'EXAMPLE\\alice', 'alice@example.org', 'example\\Alice']) {
    for (const provider of ['ntlm', 'spnego'] as const) {
      assert.equal(await scene.addOne({ credentials: account(user), provider }), 42, `${user} ${provider}`);
    }
  }
  const accepted = scene.said('server.login');
  assert.equal(accepted.length, 10);
  assert.ok(accepted.every(({ level, fields }) => level === 'debug' && fields.name === 'alice'));

  for (const wrong of [account('alice', 'looking-glass'), account('mallory'), account('OTHER\\alice')]) {
    for (const provider of ['ntlm', 'spnego'] as const) {
      await assert.rejects(scene.addOne({ credentials: wrong, provider }), { name: /RpcFaultError|RpcCallError/ });
    }
  }
  const refused = scene.said('server.login').slice(10);
  assert.deepEqual(
    refused.map(({ level, fields }) => [level, fields.name, fields.outcome]),
    ['alice', 'alice', 'mallory', 'mallory', 'other\\alice', 'other\\alice'].map((name) => {
      return ['warn', name, 'bad-credentials'];
    }),
  );
});

test('echo wants a login by default; mgmt and epm take calls of anybody', async () => {
  await using scene = await Scene.start();
  await assert.rejects(scene.addOne(), { code: 'RPCH_RPC_FAULT', status: 5 });
  const [line] = scene.said('server');
  assert.match(
    line?.message ?? '',
    /: RPCH_ACCESS_DENIED: a call of rpcecho was refused: anonymous at auth_level 1, where 2/,
  );
  assert.equal(await scene.addOne({ credentials: account('alice'), level: 'connect' }), 42);

  await using client = scene.client();
  const mgmt = await client.bind(mgmtDeclaration);
  const { if_id_vector } = await mgmt.inqIfIds({});
  assert.deepEqual(
    if_id_vector?.if_id.map((id) => id?.uuid),
    [echoDeclaration, epmDeclaration, emsmdbDeclaration, asyncEmsmdbDeclaration, nspiDeclaration, rfrDeclaration].map(
      ({ syntax }) => syntax.uuid,
    ),
  );
});

test('the level that was asked for is wanted of echo, and refusals of calls do not flood the log', async () => {
  await using scene = await Scene.start({ level: 'integrity' });
  const credentials = account('alice');
  await assert.rejects(scene.addOne({ credentials, level: 'connect' }), { status: 5 });
  for (const level of ['packet', 'integrity', 'privacy'] as const) {
    assert.equal(await scene.addOne({ credentials, level }), 42);
  }
  await using client = scene.client();
  const echo = await client.bind(echoDeclaration);
  for (let i = 0; i < 50; i++) await assert.rejects(echo.addOne({ in_data: i }), { status: 5 });
  const refusals = scene.said('server');
  assert.ok(refusals.length >= 10 && refusals.length < 50, `${refusals.length} lines`);
  assert.match(refusals[0]?.message ?? '', /EXAMPLE\\alice at auth_level 2, where 5 is wanted$/);

  await using open = await Scene.start({ level: 'none' });
  assert.equal(await open.addOne(), 42);
});

test('only what was asked for is there', async () => {
  await using scene = await Scene.start({ interfaces: 'echo', auth: 'spnego', level: 'none' });
  await using client = scene.client();
  await client.bind(echoDeclaration);
  await assert.rejects(client.bind(mgmtDeclaration), { code: 'RPCH_CONTEXT_REFUSED' });
  await assert.rejects(client.bind(epmDeclaration), { code: 'RPCH_CONTEXT_REFUSED' });
  await assert.rejects(scene.addOne({ credentials: account('alice'), provider: 'ntlm' }), {
    code: 'RPCH_BIND_REFUSED',
  });
});

test('the endpoint mapper of every listener knows all of them; ncacn_http works through the proxy', async () => {
  await using scene = await Scene.start({ listen: [TCP, HTTP] });
  const [tcp, http] = [scene.port(0), scene.port(1)];
  const proxy = await LiveProxy.start({ flags: { map: [`ncacn_http:demo:593=127.0.0.1:${http}`], allow: [] } });
  try {
    await using mapper = scene.client();
    const { entries } = await (await mapper.bind(epmDeclaration)).lookup({
      inquiry_type: 0,
      object: null,
      interface_id: null,
      vers_option: 1,
      entry_handle: { attributes: 0, uuid: '00000000-0000-0000-0000-000000000000' },
      max_ents: 100,
    });
    // six interfaces at two listeners
    assert.equal(entries.length, 12);
    assert.notEqual(tcp, http);
    await using client = new RpcClient(`ncacn_http:demo[593,RpcProxy=127.0.0.1:${proxy.port}]`, {
      credentials: account('alice'),
      http: { credentials: { user: ALICE.name, password: ALICE.password } },
    });
    const echo = await client.bind(echoDeclaration);
    assert.equal((await echo.addOne({ in_data: 1 })).out_data, 2);
    assert.equal(scene.said('server.login').at(-1)?.fields.address, '127.0.0.1');
  } finally {
    await proxy.stop();
  }
});

test('guesses are slowed', async () => {
  await using scene = await Scene.start();
  for (let i = 0; i < 5; i++) await assert.rejects(scene.addOne({ credentials: account('alice', `guess ${i}`) }));
  const delays = scene.said('server.login').map(({ fields }) => Number(fields.delayed));
  assert.ok((delays.at(-1) ?? 0) > 500, String(delays));
});

test('accounts of the file that are marked for NTLM, read again when told so', async () => {
  const data = join(folder, 'accounts');
  const add = async (name: string, ntlm: boolean): Promise<void> => {
    const record: AccountRecord = await makeRecord({ name, password: PASSWORD, groups: [], ntlm }, hasher);
    await changeAccounts(data, (before) => [...before, record]);
  };
  await add('bob', false);
  await using scene = await Scene.start({ data, user: [] });
  assert.equal(scene.said('server.nobody').length, 1);
  await assert.rejects(scene.addOne({ credentials: account('bob') }));
  await add('carol', true);
  await assert.rejects(scene.addOne({ credentials: account('carol') }));
  await scene.server.reload(serveSettings(scene.flags).accounts);
  assert.equal(await scene.addOne({ credentials: account('carol') }), 42);
});

test('all listeners or none', async () => {
  await using scene = await Scene.start();
  const taken = `ncacn_ip_tcp:127.0.0.1[${scene.port(0)}]`;
  await assert.rejects(Scene.start({ listen: [TCP, taken] }), { code: 'RPCH_LISTEN_FAILED', fault: 'configuration' });
  await assert.rejects(Scene.start({ listen: [HTTP], proxies: ['proxy1'] }), {
    code: 'RPCH_BAD_ADDRESS',
    message: '--proxies: "proxy1" is no address and no network',
  });
});
