import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { NegotiateFlag } from '../../../src/security/ntlm/flags.ts';
import { NtlmProtection, protectionOf, sealKey, signKey } from '../../../src/security/ntlm/protection.ts';
import * as spec from './spec.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const FLAGS = 0xe28a8233;
const { NEGOTIATE_KEY_EXCH, NEGOTIATE_128, NEGOTIATE_56, NEGOTIATE_SIGN, NEGOTIATE_SEAL } = NegotiateFlag;
const without = (...bits: number[]) => bits.reduce((flags, bit) => (flags & ~bit) >>> 0, FLAGS);
/** NTLM v1 with client challenge: the same session security with 56 bits and no key exchange ([MS-NLMP] 4.2.3). */
const WEAK = {
  flags: without(NEGOTIATE_KEY_EXCH, NEGOTIATE_128),
  key: Buffer.from('eb93429a8bd952f8b89c55b87f475edc', 'hex'),
};

const pair = (flags = FLAGS, key = spec.RANDOM_SESSION_KEY) =>
  [new NtlmProtection(flags, key, 'client'), new NtlmProtection(flags, key, 'server')] as const;

test('[MS-NLMP] 4.2.4.4: keys and GSS_WrapEx of NTLMv2', () => {
  assert.equal(hex(sealKey(FLAGS, spec.RANDOM_SESSION_KEY, 'client')), '59f600973cc4960a25480a7c196e4c58');
  assert.equal(hex(signKey(spec.RANDOM_SESSION_KEY, 'client')), '4788dc861b4782f35d43fd98fe1a2d39');
  const [client] = pair();
  const message = Buffer.from('Plaintext', 'utf16le');
  const signature = new Uint8Array(16);
  client.seal(message, message, signature);
  assert.equal(hex(message), '54e50165bf1936dc996020c1811b0f06fb5f');
  assert.equal(hex(signature), '010000007fb38ec5c55d497600000000');
});

test('[MS-NLMP] 4.2.3.4: keys of 56 bits, and GSS_WrapEx without a key exchange', () => {
  assert.equal(hex(sealKey(WEAK.flags, WEAK.key, 'client')), '04dd7f014d8504d265a25cc86a3a7c06');
  assert.equal(hex(signKey(WEAK.key, 'client')), '60e799be5c72fc92922ae8ebe961fb8d');
  const [client] = pair(WEAK.flags, WEAK.key);
  const message = Buffer.from('Plaintext', 'utf16le');
  const signature = new Uint8Array(16);
  client.seal(message, message, signature);
  assert.equal(hex(message), 'a02372f6530273f3aa1eb90190ce5200c99d');
  assert.equal(hex(signature), '01000000ff2aeb52f681793a00000000');
});

test('both directions, signed and sealed in any mixture, a part of each message secret', () => {
  const step = fc.record({
    fromClient: fc.boolean(),
    sealed: fc.boolean(),
    message: fc.uint8Array({ maxLength: 200 }),
    cut: fc.tuple(fc.nat(200), fc.nat(200)),
  });
  const flags = fc.constantFrom(
    FLAGS,
    without(NEGOTIATE_KEY_EXCH),
    without(NEGOTIATE_128),
    WEAK.flags,
    without(NEGOTIATE_SEAL),
  );
  fc.assert(
    fc.property(flags, fc.array(step, { maxLength: 12 }), (agreed, steps) => {
      const [client, server] = pair(agreed);
      for (const { fromClient, sealed, message, cut } of steps) {
        const [from, to] = fromClient ? [client, server] : [server, client];
        const sent = message.slice();
        const secret = sent.subarray(Math.min(...cut), Math.max(...cut));
        const signature = new Uint8Array(16);
        if (sealed) from.seal(sent, secret, signature);
        else from.sign(sent, signature);
        if (sealed) to.unseal(sent, secret, signature);
        else to.verify(sent, signature);
        assert.deepEqual(sent, message);
      }
    }),
  );
});

test('one byte changed anywhere, a message missing or repeated, the wrong direction: refused', () => {
  const bad = { name: 'ProtocolError', code: 'RPCH_BAD_SIGNATURE' };
  for (const flags of [FLAGS, without(NEGOTIATE_KEY_EXCH)]) {
    for (let at = 0; at < 40 + 16; at++) {
      const [client, server] = pair(flags);
      const pdu = new Uint8Array(40 + 16);
      const [message, secret, signature] = [pdu.subarray(0, 40), pdu.subarray(10, 30), pdu.subarray(40)];
      client.seal(message, secret, signature);
      pdu[at] = (pdu[at] ?? 0) ^ 1;
      assert.throws(() => server.unseal(message, secret, signature), bad, `byte ${at}`);
    }
    const message = Buffer.from('a message');
    const signatures = [0, 1].map(() => new Uint8Array(16));
    const [first = assert.fail(), second = assert.fail()] = signatures;
    const [client] = pair(flags);
    client.sign(message, first);
    client.sign(message, second);
    const fresh = () => pair(flags)[1];
    assert.throws(() => fresh().verify(message, second), bad, 'the first is missing');
    const server = fresh();
    server.verify(message, first);
    assert.throws(() => server.verify(message, first), bad, 'repeated');
    assert.throws(() => pair(flags)[0].verify(message, first), bad, 'reflected');
    assert.throws(() => fresh().verify(message, first.subarray(0, 15)), bad, 'short');
    assert.throws(() => fresh().verify(message, Buffer.concat([first, Buffer.alloc(1)])), bad, 'long');
  }
});

test('a mechListMIC takes a number, but leaves the RC4 stream where it was ([MS-SPNG] 3.3.5.1)', () => {
  const list = Buffer.from('the list');
  for (const flags of [FLAGS, without(NEGOTIATE_KEY_EXCH)]) {
    const [client, server] = pair(flags);
    server.verifyMechList(list, client.signMechList(list));
    client.verifyMechList(list, server.signMechList(list));
    const message = Buffer.from('Plaintext', 'utf16le');
    const signature = new Uint8Array(16);
    client.seal(message, message, signature);
    // The cipher text of message 0 of a context without SPNEGO, under number 1.
    const plain = Buffer.from('Plaintext', 'utf16le');
    pair(flags)[0].seal(plain, plain, new Uint8Array(16));
    assert.equal(hex(message), hex(plain));
    assert.equal(hex(signature.subarray(12)), '01000000');
    server.unseal(message, message, signature);
    assert.throws(() => pair(flags)[1].verifyMechList(list, new Uint8Array(16)), { code: 'RPCH_BAD_SIGNATURE' });
  }
});

test('what protects nothing is a protocol error', () => {
  const { NEGOTIATE_EXTENDED_SESSIONSECURITY } = NegotiateFlag;
  for (const flags of [
    without(NEGOTIATE_SIGN, NEGOTIATE_SEAL),
    without(NEGOTIATE_EXTENDED_SESSIONSECURITY),
    without(NEGOTIATE_128, NEGOTIATE_56),
  ]) {
    assert.throws(() => protectionOf(flags, spec.RANDOM_SESSION_KEY, 'server'), {
      name: 'ProtocolError',
      code: 'RPCH_NTLM_NO_PROTECTION',
    });
  }
});
