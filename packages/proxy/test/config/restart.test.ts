import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSettings } from '../../src/config/load.ts';
import { needRestart } from '../../src/config/restart.ts';

const settings = (text: string) => parseSettings(text, '/etc/rpch/rpch.yaml');

test('rules take effect at once, listeners and endpoints after a restart', () => {
  const before = settings('endpoints: [{ listen: "10.0.0.1:1", connect: "a:1", from: [10.0.0.0/24] }]');
  const rows: [string, string[]][] = [
    ['endpoints: [{ listen: "10.0.0.1:1", connect: "a:1", from: [10.0.0.0/24] }]', []],
    ['endpoints: [{ listen: "10.0.0.1:1", connect: "a:1", from: [10.0.0.0/25] }]', ['endpoints']],
    ['endpoints: [{ listen: "10.0.0.1:1", connect: "b:1", from: [10.0.0.0/24] }]', ['endpoints']],
    ['', ['endpoints']],
    [
      'listen: [{ url: "http://127.0.0.1:8080", allowV1: true }]\nlimits: { pairTimeout: 1 }',
      ['listen', 'endpoints', 'limits'],
    ],
  ];
  for (const [text, keys] of rows) {
    assert.deepEqual(
      needRestart(before, settings(text)),
      keys.map((key) => `a change of "${key}" takes effect after a restart`),
      text,
    );
  }
  const plain = settings('');
  const changed = settings(
    'allow: ["ncacn_http:a[1]"]\nvalidPorts: b:1\nauth: { domain: PEER }\ntls: { max: 1.2 }\ndataDir: x',
  );
  assert.deepEqual(needRestart(plain, changed), []);
});
