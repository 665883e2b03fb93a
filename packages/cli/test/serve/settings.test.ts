import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AuthLevel, RpchError } from '@rpch/rpc/internal';
import { formatServeListener, parseServeListener } from '../../src/serve/listener.ts';
import { type ServeFlags, serveSettings } from '../../src/serve/settings.ts';

const TCP = 'ncacn_ip_tcp:127.0.0.1[6101]';
const HTTP = 'ncacn_http:127.0.0.1[6001]';

test('where to listen is a string binding', () => {
  const cases = [
    [TCP, { protocol: 'ncacn_ip_tcp', host: '127.0.0.1', port: 6101 }],
    ['NCACN_HTTP:0.0.0.0[0]', { protocol: 'ncacn_http', host: '0.0.0.0', port: 0 }],
    ['ncacn_ip_tcp:localhost[endpoint=135]', { protocol: 'ncacn_ip_tcp', host: '127.0.0.1', port: 135 }],
    ['ncacn_ip_tcp:::1[6101]', { protocol: 'ncacn_ip_tcp', host: '::1', port: 6101 }],
    ['ncacn_ip_tcp:\\[::\\][6101]', { protocol: 'ncacn_ip_tcp', host: '::', port: 6101 }],
  ] as const;
  for (const [text, expected] of cases) {
    const listener = parseServeListener(text);
    assert.deepEqual(listener, expected);
    assert.deepEqual(parseServeListener(formatServeListener(listener)), expected);
  }
});

test('defaults: everything that there is, a login for echo, sealed calls for mail, both providers', () => {
  const settings = serveSettings({ listen: [TCP] });
  assert.deepEqual([...settings.interfaces], ['echo', 'mgmt', 'epm', 'emsmdb', 'nspi', 'rfr']);
  assert.equal(settings.level, AuthLevel.connect);
  assert.equal(settings.mailLevel, AuthLevel.privacy);
  assert.equal(settings.serverName, undefined);
  assert.deepEqual([...settings.providers], ['ntlm', 'spnego']);
  assert.equal(settings.proxies, undefined);
  assert.equal(settings.grace, 30_000);
  assert.equal(settings.keepDeleted, 14);
});

test('flags', () => {
  const settings = serveSettings({
    listen: [TCP, HTTP],
    interfaces: 'epm,echo,rfr',
    level: 'privacy',
    mailLevel: 'connect',
    serverName: 'mail.example.org',
    auth: 'spnego',
    proxies: ['10.0.0.1,10.0.1.0/24', 'fd00::1'],
    user: ['alice:wonder:land'],
    domain: 'EXAMPLE',
    keepDeleted: '0',
    drainTimeout: '0',
  });
  assert.deepEqual([...settings.interfaces], ['echo', 'epm', 'rfr']);
  assert.equal(settings.level, AuthLevel.privacy);
  assert.equal(settings.mailLevel, AuthLevel.connect);
  assert.equal(settings.serverName, 'mail.example.org');
  assert.deepEqual([...settings.providers], ['spnego']);
  assert.deepEqual(settings.proxies, ['10.0.0.1', '10.0.1.0/24', 'fd00::1']);
  assert.deepEqual(settings.accounts.auth.users, [{ name: 'alice', password: 'wonder:land' }]);
  assert.equal(settings.accounts.auth.domain, 'EXAMPLE');
  assert.equal(settings.grace, 0);
  assert.equal(settings.keepDeleted, 0);
});

const WRONG: readonly (readonly [ServeFlags, RegExp])[] = [
  [{}, /^--listen: expected at least one listener, found none$/],
  [{ listen: ['6101'] }, /^--listen: not a string binding: .*; expected 'ncacn_http:127\.0\.0\.1\[6001\]' or/],
  [
    { listen: ['ncacn_np:127.0.0.1[6101]'] },
    /^--listen: expected protocol ncacn_http or ncacn_ip_tcp, .*found "ncacn_np/,
  ],
  [
    { listen: ['ncacn_ip_tcp:dc1.example.org[135]'] },
    /^--listen: expected an address to listen on .*found "ncacn_ip_tcp:dc1/,
  ],
  [{ listen: ['ncacn_ip_tcp:127.0.0.1'] }, /^--listen: expected a port from 0 to 65535 in brackets, /],
  [{ listen: ['ncacn_ip_tcp:127.0.0.1[65536]'] }, /^--listen: expected a port from 0 to 65535 in brackets, /],
  [
    { listen: ['ncacn_http:127.0.0.1[6001,RpcProxy=a:80]'] },
    /^--listen: expected a binding without object and options, /,
  ],
  [
    { listen: [TCP], interfaces: 'echo,lsarpc' },
    /^--interfaces: expected a list of echo, mgmt, epm, emsmdb, nspi, rfr, found "lsarpc"$/,
  ],
  [
    { listen: [TCP], interfaces: '' },
    /^--interfaces: expected a list of echo, mgmt, epm, emsmdb, nspi, rfr, found ""$/,
  ],
  [
    { listen: [TCP], level: 'sealed' },
    /^--level: expected one of none, connect, packet, integrity, privacy, found "sealed"$/,
  ],
  [
    { listen: [TCP], mailLevel: 'none' },
    /^--mail-level: expected one of connect, packet, integrity, privacy, found "none"$/,
  ],
  [{ listen: [TCP], serverName: 'mail/1' }, /^--server-name: expected the name of a host, found "mail\/1"$/],
  [{ listen: [TCP], auth: 'kerberos' }, /^--auth: expected a list of ntlm, spnego, found "kerberos"$/],
  [
    { listen: [TCP], proxies: ['10.0.0.1'] },
    /^--proxies: expected a listener for ncacn_http, which alone takes proxies, found none$/,
  ],
  [{ listen: [TCP], drainTimeout: '1e3' }, /^--drain-timeout: expected seconds, at most 86400, found "1e3"$/],
  [{ listen: [TCP], keepDeleted: '-1' }, /^--keep-deleted: expected days, at most 36500, found "-1"$/],
  [{ listen: [TCP], keepDeleted: '36501' }, /^--keep-deleted: expected days, at most 36500, found "36501"$/],
  [{ listen: [TCP], user: ['alice'] }, /^--user: expected NAME:PASSWORD, found no colon$/],
];

test('what is wrong is told in one sentence', () => {
  for (const [flags, message] of WRONG) {
    assert.throws(
      () => serveSettings(flags),
      (error: unknown) => {
        assert.ok(error instanceof RpchError, String(error));
        assert.match(error.message, message);
        assert.ok(error.fault === 'caller' || error.fault === 'configuration');
        return !error.message.includes('\n');
      },
    );
  }
});
