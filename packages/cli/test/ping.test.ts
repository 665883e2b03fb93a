import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { PassThrough } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  EndpointRegistry,
  echoInterface,
  encodeTower,
  epmServer,
  NDR,
  ProtocolError,
  RpchError,
  type RpcInterface,
  serveTcp,
  type TcpServerOptions,
} from '@rpch/rpc/internal';
import { Command, CommanderError } from 'commander';
import fc from 'fast-check';
import { pingCommand } from '../src/commands/ping.ts';
import { addClientFlags, destinationOf } from '../src/ping/client-flags.ts';
import type { CommandIo } from '../src/ping/command-io.ts';
import { Journey } from '../src/ping/journey.ts';
import { interfaceOf, namedInterface } from '../src/ping/named-interface.ts';
import { tellTower } from '../src/ping/tell-tower.ts';

const PROGRAM = fileURLToPath(new URL('../bin/rpch.js', import.meta.url));

/** Runs `rpch` as a process. */
function rpch(args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [PROGRAM, ...args], { timeout: 60_000 }, (error, out, err) => {
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1, out, err });
    }).stdin?.end();
  });
}

async function server(t: TestContext, options: Partial<TcpServerOptions> = {}): Promise<string> {
  const { port, close } = await serveTcp({ host: '127.0.0.1', port: 0, interfaces: [echoInterface], ...options });
  t.after(() => close());
  return `ncacn_ip_tcp:127.0.0.1[${port}]`;
}

test('ping: every hop with its time, and the calls, exit code 0', async (t) => {
  const { code, out, err } = await rpch(['ping', await server(t), '-n', '3']);
  assert.deepEqual([code, err], [0, '']);
  const lines = out.trimEnd().split('\n');
  const hops = lines.slice(1, -1).map((line) => /^(.*?)\s+[\d.]+ ms\s+[\d.]+ ms {2}\S/.exec(line)?.[1]);
  assert.deepEqual(hops, ['DNS', 'TCP', 'bind', 'interface', 'call', 'call', 'call']);
  assert.match(lines.at(-1) ?? '', /^3 calls: shortest [\d.]+ ms, average [\d.]+ ms, longest [\d.]+ ms$/);
});

test('ping --json: one object, of a failure too, exit code 1', async (t) => {
  const binding = await server(t);
  const { code, out, err } = await rpch(['ping', binding, '--json', '--interface', 'NSPI']);
  assert.equal(code, 1);
  const { hops, ...rest } = JSON.parse(out);
  assert.deepEqual(
    hops.map(({ hop }: { hop: string }) => hop),
    ['DNS', 'TCP', 'bind'],
  );
  for (const { took, ms } of hops) assert.ok(took >= 0 && ms >= took);
  assert.deepEqual([rest.binding, rest.ok, rest.hop, rest.code], [binding, false, 'interface', 'RPCH_CONTEXT_REFUSED']);
  assert.match(err, /^rpch ping: interface: .* does not offer the interface: NSPI/);
});

test('ping: a server without rpcecho is called at its management interface, which tells what it offers', async (t) => {
  const other: RpcInterface = { ...echoInterface, name: 'samr', syntax: interfaceOf('samr').syntax };
  const { code, out } = await rpch(['ping', await server(t, { interfaces: [other] })]);
  assert.equal(code, 0);
  assert.match(out, /^interface .* rpcecho v1\.0 is not offered; the server's management is called instead$/m);
  assert.match(out, /^call .* management: 1 interfaces are offered: samr v1\.0$/m);
});

test('wrong usage: exit code 2, and nothing is called', async () => {
  const binding = 'ncacn_ip_tcp:127.0.0.1[1]';
  const { code, out, err } = await rpch(['ping', binding, '-n', '0']);
  assert.deepEqual([code, out, err], [2, '', 'rpch: expected a number of calls, found "0"\n']);
  for (const args of [
    [],
    ['not a binding'],
    [binding, '--level', 'sign'],
    [binding, '--rpc-auth', 'spnego'],
    [binding, '--http-proxy', 'proxy:80'],
    [binding, '--interface', 'no such interface'],
  ]) {
    const io: CommandIo = { stdin: new PassThrough(), out: () => {}, err: () => {}, env: {}, fail: () => {} };
    const command = pingCommand(io)
      .exitOverride()
      .configureOutput({ writeErr: () => {} });
    await assert.rejects(command.parseAsync(args, { from: 'user' }), (error: unknown) =>
      error instanceof RpchError ? error.fault === 'caller' : error instanceof CommanderError && error.exitCode === 1,
    );
  }
});

test('endpoints: page by page to the end, one interface alone, as JSON; exit code 1 where there is no mapper', async (t) => {
  const registry = new EndpointRegistry();
  const wanted = interfaceOf('EMSMDB').syntax;
  for (let i = 0; i < 250; i++) {
    const syntax = i === 140 ? wanted : echoInterface.syntax;
    registry.add({ syntax, protocol: 'ncacn_http', port: 6001 + i, address: '127.0.0.1', annotation: `number ${i}` });
  }
  const binding = await server(t, { interfaces: [epmServer(registry)] });
  const all = await rpch(['endpoints', binding]);
  assert.deepEqual([all.code, all.err, all.out.trimEnd().split('\n').length], [0, '', 251]);
  const one = await rpch(['endpoints', binding, '--interface', 'emsmdb', '--json']);
  assert.deepEqual(JSON.parse(one.out), {
    binding,
    endpoints: [
      {
        name: 'EMSMDB',
        uuid: wanted.uuid,
        version: '0.81',
        protocol: 'ncacn_http',
        endpoint: '6141 on 127.0.0.1',
        annotation: 'number 140',
      },
    ],
  });
  const none = await rpch(['endpoints', await server(t)]);
  assert.equal(none.code, 1);
  assert.match(none.err, /^rpch endpoints: bind: .* is an RPC server, but no endpoint mapper/);
});

test('a password that is left out is read; calls are authenticated only where something asks for it', async () => {
  const read = async (binding: string, line: readonly string[], typed = '') => {
    const stdin = new PassThrough();
    stdin.end(typed);
    const io: CommandIo = { stdin, out: () => {}, err: () => {}, env: {}, fail: () => {} };
    const command = addClientFlags(new Command());
    command.parse([...line], { from: 'user' });
    return (await destinationOf(binding, command.opts(), io)).client;
  };
  const http = 'ncacn_http:server[6001,RpcProxy=proxy.example.org]';
  const plain = await read(http, ['-u', 'alice'], 'typed\n');
  assert.deepEqual([plain.credentials, plain.provider], [{ user: 'alice', password: 'typed' }, 'none']);
  assert.equal((await read(http, ['-u', 'alice', '-p', 'x', '--level', 'privacy'])).provider, undefined);
  assert.equal((await read(http, ['-u', 'alice', '-p', 'x', '--rpc-auth', 'ntlm'])).provider, 'ntlm');
  assert.equal((await read('ncacn_ip_tcp:server[seal]', ['-u', 'alice', '-p', 'x'])).provider, undefined);
  const both = await read(http, ['-u', 'alice', '-p', 'x', '--http-user', 'bob', '--http-password', 'y']);
  assert.deepEqual(both.http?.credentials, { user: 'bob', password: 'y' });
  const proxied = await read(http, ['--http-proxy', 'bob:s%40y@squid:3128']);
  assert.deepEqual(proxied.http?.httpProxyCredentials, { user: 'bob', password: 's@y' });
  for (const line of [
    ['-u', 'alice'],
    ['-p', 'x'],
    ['--timeout', '0'],
    ['--http-proxy', 'ftp://x'],
  ]) {
    await assert.rejects(read(http, line), { code: 'RPCH_USAGE' });
  }
});

test('a journey stands at the hop after the last that was passed', () => {
  let now = 100;
  const journey = new Journey(
    () => now,
    () => {},
  );
  const way = { http: true, tls: true, httpProxy: false, httpLogin: true, rpcLogin: true, server: 'demo:6001' };
  journey.setOut('endpoint mapper', way);
  assert.equal(journey.standsAt, 'DNS');
  now += 5;
  journey.onHop('DNS', { name: 'proxy', addresses: ['192.0.2.1', '192.0.2.2'] });
  now += 7.25;
  journey.onHop('TCP', { address: '192.0.2.2', port: 443 });
  assert.equal(journey.standsAt, 'TLS');
  assert.deepEqual(journey.hops, [
    { hop: 'DNS', took: 5, ms: 5, found: 'proxy is 192.0.2.1, 192.0.2.2' },
    { hop: 'TCP', took: 7.3, ms: 12.3, found: '192.0.2.2, port 443' },
  ]);
  for (const hop of ['TLS', 'HTTP', 'authentication', 'proxy', 'server', 'bind'] as const) journey.onHop(hop, {});
  assert.equal(journey.standsAt, 'endpoint mapper');
  journey.setOut('server', way);
  journey.onHop('bind', {});
  assert.equal(journey.standsAt, 'RPC authentication');
});

test('interfaces by name and UUID, with the versions that are in use', () => {
  assert.equal(interfaceOf('nspi').syntax.version, 56);
  assert.equal(interfaceOf('EMSMDB').syntax.version, 81 << 16);
  assert.equal(interfaceOf('12345778-1234-ABCD-EF00-0123456789AC:2.1').syntax.version, (1 << 16) | 2);
  assert.equal(namedInterface('samr').version, undefined);
  for (const wrong of ['', 'nobody', 'samr:65536', 'samr:x']) {
    assert.throws(() => interfaceOf(wrong), { code: 'RPCH_USAGE' });
  }
});

/** A tower of two UUID floors, which are not looked at, and these. */
function tower(...floors: readonly (readonly [protocol: number, right: Uint8Array | string])[]): Uint8Array {
  const uuid: readonly [number, string] = [0x0d, ''];
  const all = [uuid, uuid, ...floors].map(([protocol, right]) => {
    const bytes = Buffer.from(right as string, 'latin1');
    return Buffer.concat([Buffer.from([1, 0, protocol]), Buffer.from([bytes.length, 0]), bytes]);
  });
  return Buffer.concat([Buffer.from([all.length, 0]), ...all]);
}

test('towers of each protocol sequence (C706 appendix I, [MS-RPCE] 2.1)', () => {
  const port = Buffer.from([0x17, 0x71]);
  const address = Buffer.from([192, 0, 2, 1]);
  const cases = [
    [tower([0x0b, ''], [0x07, port], [0x09, address]), 'ncacn_ip_tcp', '6001 on 192.0.2.1'],
    [tower([0x0b, ''], [0x1f, port], [0x09, Buffer.alloc(4)]), 'ncacn_http', '6001'],
    [tower([0x0a, ''], [0x08, port], [0x09, address]), 'ncadg_ip_udp', '6001 on 192.0.2.1'],
    [tower([0x0b, ''], [0x0f, '\\pipe\\lsass\0'], [0x11, '\\\\DC1\0']), 'ncacn_np', '\\pipe\\lsass on \\\\DC1'],
    [tower([0x0c, ''], [0x10, 'LRPC-1\0']), 'ncalrpc', 'LRPC-1'],
    [tower([0x55, '']), 'floors 85, -', '?'],
  ] as const;
  for (const [bytes, protocol, endpoint] of cases) assert.deepEqual(tellTower(bytes), { protocol, endpoint });
});

test('hostile towers: told, or ProtocolError', () => {
  const whole = encodeTower({
    interface: echoInterface.syntax,
    transferSyntax: NDR,
    protocol: 'ncacn_http',
    port: 593,
    address: '192.0.2.1',
  });
  for (let cut = 0; cut < whole.length; cut++) assert.throws(() => tellTower(whole.subarray(0, cut)), ProtocolError);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        tellTower(bytes);
      } catch (error) {
        assert.ok(error instanceof ProtocolError);
      }
    }),
  );
});
