import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { NetworkNamespace, requirePeer } from '@rpch/testkit';

const PROGRAM = fileURLToPath(new URL('../../bin/rpch.js', import.meta.url));
const obstacle = await NetworkNamespace.obstacle();

/** What the printed commands end with, in their order. */
const EXPECTED: readonly (readonly [RegExp, number, RegExp])[] = [
  [/^npx rpch mail .* folders$/, 0, /^Inbox +\d* +\d+ +mail +d$/m],
  [/^npx rpch mail .* list Inbox$/, 0, /^d\.\w+ .*Priya Raman/m],
  [/^npx rpch mail .* show d\.\w+$/, 0, /^From: +\S.*^Subject: +\S.*^# +attachment/ms],
  [/^npx rpch mail .* attachments d\.\w+$/, 0, /^\d+ +\S+\.\w+ +\w+\/\w+ +[\d.]+ (B|KiB)$/m],
  [/^npx rpch mail .* search invoice$/, 0, /^d\.\w+ /m],
  [/^curl -i -u /, 0, /^HTTP\/1\.1 200 /],
  [/^curl -i -k --ntlm/, 0, /HTTP\/1\.1 200 /],
  [/^npx rpch ping 'ncacn_http:demo\[6101,RpcProxy=127\.0\.0\.1:8080]'/, 0, /^call .*rpcecho/m],
  [/^npx rpch ping .* --https --insecure/, 0, /^call .*rpcecho/m],
  [/^npx rpch endpoints 'ncacn_http:demo\[,/, 0, /^rpcecho +1\.0 +ncacn_http +6001/m],
  [/^npx rpch ping .* --rpc-auth spnego --level privacy/, 0, /^RPC authentication .*spnego, level privacy/m],
  [/^npx rpch ping 'ncacn_http:secret/, 1, /503 RPC Error: 6ba/],
];

// Its ports are fixed: it has a network of its own, where nothing else can have them.
test('rpch up: what it prints works', { skip: obstacle ?? false }, async (t) => {
  if (!(await requirePeer(t, 'curl'))) return;
  const namespace = await NetworkNamespace.make();
  const data = mkdtempSync(join(tmpdir(), 'rpch-up-'));
  t.after(async () => {
    await namespace.remove();
    rmSync(data, { recursive: true, force: true });
  });
  execFileSync('ip', ['-n', namespace.name, 'link', 'set', 'lo', 'up']);
  const [enter = '', ...words] = namespace.enter;
  const up = spawn(enter, [...words, process.execPath, PROGRAM, 'up', '--data', data], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const exited = once(up, 'exit');
  try {
    let printed = '';
    for await (const text of up.stdout.setEncoding('utf8')) {
      printed += text;
      if (/secret.*\n\n$/s.test(printed)) break;
    }
    const lines = printed.split('\n').map((line) => line.trim());
    const commands = lines.filter((line) => /^(curl|npx) /.test(line));
    assert.equal(commands.length, EXPECTED.length, printed);
    for (const [i, [form, code, output]] of EXPECTED.entries()) {
      const command = commands[i] ?? '';
      assert.match(command, form);
      const line = command.replace(/^npx rpch/, `${process.execPath} ${PROGRAM}`);
      const result = await promisify(execFile)(enter, [...words, 'sh', '-c', line]).catch((error) => error);
      assert.equal(result.code ?? 0, code, `${command}\n${result.stdout}${result.stderr}`);
      assert.match(`${result.stdout}${result.stderr}`, output, command);
    }
  } finally {
    up.kill('SIGTERM');
  }
  assert.deepEqual(await exited, [0, null]);
});
