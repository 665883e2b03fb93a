import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalAccount, canonicalNtlmAccount } from '../../src/accounts/names.ts';

const DOMAINS = { netbios: 'PEER', dns: 'peer.test', computer: 'GATE' };

function nameOf(text: string, domains = {}): string {
  const name = canonicalAccount(text, domains);
  return name.ok ? name.name : assert.fail(`${JSON.stringify(text)}: ${name.why}`);
}

test('once a domain is configured, every way to write an account of it is one account', () => {
  for (const text of [
    'alice',
    'ALICE',
    'PEER\\alice',
    'peer\\Alice',
    'alice@peer.test',
    'Alice@PEER.TEST',
    'peer.test\\alice',
    'alice@peer',
    'GATE\\alice',
  ]) {
    assert.deepEqual(canonicalAccount(text, DOMAINS), { ok: true, name: 'alice', local: true }, text);
  }
});

test('accounts of other domains are other accounts, in one form', () => {
  for (const text of ['OTHER\\alice', 'alice@Other', 'other\\ALICE']) {
    assert.deepEqual(canonicalAccount(text, DOMAINS), { ok: true, name: 'other\\alice', local: false }, text);
  }
  assert.equal(nameOf('PEER\\alice'), 'peer\\alice', 'nothing is configured');
  assert.equal(nameOf('alice@peer.test.evil', DOMAINS), 'peer.test.evil\\alice');
});

test('text that is no account name is refused, and not repeated', () => {
  const rows: [string, RegExp][] = [
    ['', /empty/],
    ['PEER\\', /account name is empty/],
    ['\\alice', /domain name is empty/],
    ['@peer.test', /account name is empty/],
    ['alice@', /domain name is empty/],
    ['PEER\\alice@peer.test', /holds one of/],
    ['a@b@peer.test', /holds one of/],
    ['PEER\\x\\alice', /holds one of/],
    ['alice\n', /invisible/],
    ['al\0ice', /invisible/],
    ['alice\u202e', /invisible/],
    ['al\u200bice', /invisible/],
    ['al\ud800ice', /invisible/],
    ['al\u2028ice', /invisible/],
    ['al\u00a0ice', /invisible/],
    [' alice', /space/],
    ['alice ', /space/],
    ['a:b', /holds one of/],
    ['a"b', /holds one of/],
    ['a'.repeat(257), /257 characters/],
  ];
  for (const [text, why] of rows) {
    const name = canonicalAccount(text, DOMAINS);
    assert.ok(!name.ok, JSON.stringify(text));
    assert.match(name.why, why);
    if (text.length > 8) assert.ok(!name.why.includes(text));
  }
  assert.equal(nameOf('a'.repeat(256)).length, 256);
});

test('the canonical form is a fixed point, and canonically equivalent text is equal', () => {
  assert.equal(nameOf('JOSE\u0301'), nameOf('jos\u00e9'));
  assert.equal(nameOf('\u212aelvin'), 'kelvin');
  assert.ok(!canonicalAccount('\u037e', DOMAINS).ok, 'U+037E composes to a semicolon');
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), (text) => {
      const once = canonicalAccount(text, DOMAINS);
      if (once.ok && once.local) assert.deepEqual(canonicalAccount(once.name, DOMAINS), once);
      if (once.ok) assert.equal(once.name, once.name.toLowerCase());
    }),
  );
});

test('NTLM carries user and domain apart, or all of it as the user', () => {
  const rows: [string, string, string | undefined][] = [
    ['Alice', 'PEER', 'alice'],
    ['Alice', 'peer.test', 'alice'],
    ['alice', '', 'alice'],
    ['alice@peer.test', '', 'alice'],
    ['PEER\\alice', '', 'alice'],
    ['alice', 'OTHER', 'other\\alice'],
    ['alice@peer.test', 'PEER', undefined],
    ['', 'PEER', undefined],
    ['alice', 'PE\\ER', undefined],
    ['a'.repeat(200), 'b'.repeat(57), undefined],
  ];
  for (const [user, domain, expected] of rows) {
    const name = canonicalNtlmAccount(user, domain, DOMAINS);
    assert.equal(name.ok ? name.name : undefined, expected, `${user} in ${domain}`);
  }
});
