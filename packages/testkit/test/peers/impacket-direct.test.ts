import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { echoInterface, type HttpServerOptions, serveHttp } from '@rpch/rpc/internal';
import { describeFailure, runCommand } from '../../src/peers/commands.ts';
import { SYSTEM_PYTHON } from '../../src/peers/impacket.ts';
import { requirePeer } from '../../src/peers/requirePeer.ts';
import { peerScript } from '../../src/peers/scripts.ts';

/** Lines of impacket-direct.py: one for each thing that went as it should. */
const STEPS = [
  'banner',
  'bind',
  'AddOne',
  ...[1, 1000, 100_000].map((size) => `EchoData ${size}`),
  ...[100_000, 300_000].map((size) => `SourceData ${size}`),
];

/** Serves rpcecho over ncacn_http and lets impacket's plain ncacn_http transport call it. */
async function run(t: TestContext, version1: HttpServerOptions['version1']) {
  const lines: string[] = [];
  const log = (line: string): void => {
    lines.push(line);
  };
  const options = { host: '127.0.0.1', port: 0, interfaces: [echoInterface], log };
  const server = await serveHttp(version1 === undefined ? options : { ...options, version1 });
  t.after(() => server.close());
  const args = [peerScript('impacket-direct.py'), '127.0.0.1', String(server.port)];
  const result = await runCommand(SYSTEM_PYTHON, args, { timeoutMs: 60_000 });
  return { result, lines, server, account: describeFailure(args, result) };
}

test('impacket calls rpcecho straight on an ncacn_http port', async (t) => {
  if (!(await requirePeer(t, 'impacket'))) return;
  const { result, lines, server, account } = await run(t, undefined);
  assert.equal(result.code, 0, account);
  assert.deepEqual(
    result.stdout.trimEnd().split('\n'),
    STEPS.map((step) => `${step} ok`),
    account,
  );
  assert.deepEqual(lines, []);
  assert.deepEqual([server.counts.version1, server.counts.sessions], [1, 0]);
});

test('... and gets no further than the banner where version 1 is off', async (t) => {
  if (!(await requirePeer(t, 'impacket'))) return;
  const { result, lines, account } = await run(t, 'off');
  assert.notEqual(result.code, 0, account);
  assert.equal(result.stdout, 'banner ok\n', account);
  assert.equal(lines.filter((line) => line.includes('RPCH_V1_REFUSED')).length, 1);
});
