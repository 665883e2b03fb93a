import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AuthLevel, AuthType } from '../../../src/dcerpc/security-context.ts';
import { NtlmAcceptor } from '../../../src/security/ntlm/acceptor.ts';
import { parseAccount } from '../../../src/security/ntlm/account.ts';
import { decodeAuthenticate } from '../../../src/security/ntlm/authenticate.ts';
import { AvId, avFlags } from '../../../src/security/ntlm/av-pairs.ts';
import { decodeChallenge, encodeChallenge } from '../../../src/security/ntlm/challenge.ts';
import { channelBindingsHash } from '../../../src/security/ntlm/channel-bindings.ts';
import { describeNegotiateFlags, NegotiateFlag } from '../../../src/security/ntlm/flags.ts';
import { NtlmInitiator, type NtlmInitiatorOptions } from '../../../src/security/ntlm/initiator.ts';
import { decodeNegotiate } from '../../../src/security/ntlm/negotiate.ts';
import { decodeNtlmv2Response } from '../../../src/security/ntlm/ntlmv2-response.ts';
import { acceptorOptions, authenticate, converse, initiatorOptions, NT_HASH } from '../support.ts';
import * as spec from './spec.ts';
import { exchanges } from './tokens.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const LEVELS = [AuthLevel.connect, AuthLevel.packet, AuthLevel.integrity, AuthLevel.privacy];

async function answerTo(challenge: Uint8Array, options: NtlmInitiatorOptions) {
  const initiator = new NtlmInitiator(options);
  await initiator.step(undefined);
  const token = (await initiator.step(challenge)) ?? assert.fail('no AUTHENTICATE');
  const message = decodeAuthenticate(token);
  return { initiator, message, response: decodeNtlmv2Response(message.ntChallengeResponse) };
}

test('[MS-NLMP] 4.2.4: the AUTHENTICATE_MESSAGE of the example, but for its AV_PAIRs', async () => {
  // The example's time is 0, its two nonces are given, and it leaves out the AV_PAIRs that 3.1.5.1.2 adds.
  const nonces = [Buffer.alloc(8, 0xaa), spec.RANDOM_SESSION_KEY];
  const { message, response, initiator } = await answerTo(spec.CHALLENGE, {
    credentials: { user: spec.USER, domain: spec.DOMAIN, password: spec.PASSWORD },
    level: AuthLevel.privacy,
    now: () => -11_644_473_600_000,
    random: () => nonces.shift() ?? assert.fail('a nonce too many'),
    workstation: 'COMPUTER',
  });
  const expected = decodeAuthenticate(spec.AUTHENTICATE);
  assert.deepEqual(
    [message.userName, message.domainName, message.workstation],
    [expected.userName, expected.domainName, expected.workstation],
  );
  assert.deepEqual(describeNegotiateFlags(message.flags), describeNegotiateFlags(expected.flags));
  assert.equal(hex(response.temp.subarray(0, 28)), hex(spec.TEMP.subarray(0, 28)));
  const plain = Buffer.from('Plaintext', 'utf16le');
  const signature = new Uint8Array(16);
  initiator.protection.seal(plain, plain, signature);
  assert.equal(hex(plain) + hex(signature), '54e50165bf1936dc996020c1811b0f06fb5f010000007fb38ec5c55d497600000000');
});

for (const level of LEVELS) {
  test(`initiator and acceptor in memory, level ${level}`, async () => {
    const initiator = new NtlmInitiator(initiatorOptions(level));
    const acceptor = new NtlmAcceptor(acceptorOptions);
    const { result, legs } = await authenticate(initiator, acceptor);
    assert.equal(result.kind, 'accepted', JSON.stringify(result));
    assert.ok(result.kind === 'accepted' && acceptor.complete && initiator.complete);
    assert.deepEqual([legs, result.user, result.domain, result.workstation], [3, 'alice', 'PEER', 'CLIENT']);
    assert.equal(initiator.authType, AuthType.ntlm);
    if (level === AuthLevel.connect) {
      assert.throws(() => initiator.protection, { code: 'RPCH_NTLM_NO_PROTECTION', fault: 'caller' });
      assert.throws(() => result.protection(), { name: 'ProtocolError', code: 'RPCH_NTLM_NO_PROTECTION' });
    } else {
      converse(initiator.protection, result.protection(), level === AuthLevel.privacy);
    }
  });
}

test('an NT hash serves in the place of a password', async () => {
  const credentials = { user: 'alice', domain: '', ntHash: NT_HASH };
  const initiator = new NtlmInitiator({ ...initiatorOptions(AuthLevel.connect), credentials });
  assert.equal((await authenticate(initiator, new NtlmAcceptor(acceptorOptions))).result.kind, 'accepted');
});

test('channel bindings and the target name reach the server, and are what it checks', async () => {
  const ours = Buffer.from('tls-server-end-point:our certificate');
  const run = async (channelBindings: Uint8Array | undefined) => {
    const options = { ...initiatorOptions(AuthLevel.connect), ...(channelBindings && { channelBindings }) };
    const bindings = { applicationData: [ours], policy: 'required' } as const;
    return (
      await authenticate(
        new NtlmInitiator(options),
        new NtlmAcceptor({ ...acceptorOptions, channelBindings: bindings }),
      )
    ).result.kind;
  };
  assert.deepEqual(
    [await run(ours), await run(Buffer.from('another')), await run(undefined)],
    ['accepted', 'refused', 'refused'],
  );

  const [exchange] = exchanges;
  assert.ok(exchange);
  const options = { ...initiatorOptions(AuthLevel.connect), channelBindings: ours, targetName: 'HTTP/proxy.test' };
  const { avPairs } = (await answerTo(exchange.challenge, options)).response;
  assert.equal(hex(avPairs.get(AvId.MsvAvChannelBindings) ?? ([] as never)), hex(channelBindingsHash(ours)));
  assert.equal(Buffer.from(avPairs.get(AvId.MsvAvTargetName) ?? []).toString('utf16le'), 'HTTP/proxy.test');
  assert.equal(avFlags(avPairs), 2);
});

test('pairs that a challenge puts into our mouth are replaced', async () => {
  const [exchange] = exchanges;
  assert.ok(exchange);
  const challenge = decodeChallenge(exchange.challenge);
  const targetInfo = new Map(challenge.targetInfo);
  targetInfo.set(AvId.MsvAvFlags, Buffer.from('05000000', 'hex')).set(AvId.MsvAvChannelBindings, Buffer.alloc(16, 1));
  targetInfo.set(AvId.MsvAvTargetName, Buffer.from('x', 'utf16le'));
  const { avPairs } = (
    await answerTo(encodeChallenge({ ...challenge, targetInfo }), initiatorOptions(AuthLevel.connect))
  ).response;
  assert.equal(avFlags(avPairs), 3, 'MIC_PRESENT and CONSTRAINED');
  assert.equal(hex(avPairs.get(AvId.MsvAvChannelBindings) ?? Buffer.of(1)), '00'.repeat(16));
  assert.equal(avPairs.get(AvId.MsvAvTargetName)?.length, 0);
});

test('what is offered: signing from packet on, sealing at privacy, a key exchange where keys are used', async () => {
  const offered = async (level: number) => {
    const token = (await new NtlmInitiator(initiatorOptions(level)).step(undefined)) ?? assert.fail();
    const names = describeNegotiateFlags(decodeNegotiate(token).flags);
    return ['SIGN', 'SEAL', 'KEY_EXCH', '128'].filter((name) => names.includes(`NEGOTIATE_${name}`)).join(' ');
  };
  assert.equal(await offered(AuthLevel.connect), '128');
  assert.equal(await offered(AuthLevel.packet), 'SIGN KEY_EXCH 128');
  assert.equal(await offered(AuthLevel.integrity), 'SIGN KEY_EXCH 128');
  assert.equal(await offered(AuthLevel.privacy), 'SIGN SEAL KEY_EXCH 128');
});

test('a challenge that lacks what the level needs is a downgrade', async () => {
  const initiator = new NtlmInitiator(initiatorOptions(AuthLevel.privacy));
  const acceptor = new NtlmAcceptor(acceptorOptions);
  const first = await acceptor.step((await initiator.step(undefined)) ?? assert.fail());
  assert.ok(first.kind === 'challenge');
  const full = decodeChallenge(first.token);
  const {
    NEGOTIATE_UNICODE,
    NEGOTIATE_NTLM,
    NEGOTIATE_EXTENDED_SESSIONSECURITY,
    NEGOTIATE_SIGN,
    NEGOTIATE_SEAL,
    NEGOTIATE_128,
  } = NegotiateFlag;
  const basic = [NEGOTIATE_UNICODE, NEGOTIATE_NTLM, NEGOTIATE_EXTENDED_SESSIONSECURITY];
  const rows = [
    ...LEVELS.map((level) => [level, basic] as const),
    [AuthLevel.packet, [NEGOTIATE_SIGN, NEGOTIATE_128]] as const,
    [AuthLevel.privacy, [NEGOTIATE_SIGN, NEGOTIATE_SEAL, NEGOTIATE_128]] as const,
  ];
  for (const [level, bits] of rows) {
    for (const bit of bits) {
      const weak = encodeChallenge({ ...full, flags: (full.flags & ~bit) >>> 0 });
      const [name = ''] = describeNegotiateFlags(bit);
      await assert.rejects(answerTo(weak, initiatorOptions(level)), {
        code: 'RPCH_NTLM_DOWNGRADE',
        fault: 'peer',
        message: new RegExp(name),
      });
    }
  }
  const nameless = encodeChallenge({ ...full, targetInfo: [] });
  await assert.rejects(answerTo(nameless, initiatorOptions(AuthLevel.packet)), {
    code: 'RPCH_NTLM_DOWNGRADE',
    message: /names/,
  });
  await answerTo(nameless, initiatorOptions(AuthLevel.connect));
});

test('without a key exchange the key is that of the password', async () => {
  const strip = NegotiateFlag.NEGOTIATE_KEY_EXCH;
  const initiator = new NtlmInitiator(initiatorOptions(AuthLevel.privacy));
  const acceptor = new NtlmAcceptor(acceptorOptions);
  const negotiate = Buffer.from((await initiator.step(undefined)) ?? []);
  negotiate.writeUInt32LE((negotiate.readUInt32LE(12) & ~strip) >>> 0, 12);
  const first = await acceptor.step(negotiate);
  assert.ok(first.kind === 'challenge');
  // The MIC is of the NEGOTIATE that was sent: the change shows.
  const verdict = await acceptor.step((await initiator.step(first.token)) ?? assert.fail());
  assert.ok(verdict.kind === 'refused' && /wrong MIC/.test(verdict.why));
});

test('one byte changed in any token is an error on one side, a refusal on the other, or shows in the signatures', async () => {
  const legs: Uint8Array[] = [];
  const untouched = (token: Uint8Array) => {
    legs.push(token);
    return token;
  };
  await authenticate(
    new NtlmInitiator(initiatorOptions(AuthLevel.privacy)),
    new NtlmAcceptor(acceptorOptions),
    untouched,
  );
  const accepted: string[] = [];
  for (const [leg, { length }] of legs.entries()) {
    for (let at = 0; at < length; at++) {
      const initiator = new NtlmInitiator(initiatorOptions(AuthLevel.privacy));
      const flip = (token: Uint8Array, now: number) =>
        now === leg ? token.map((byte, i) => (i === at ? byte ^ 1 : byte)) : token;
      const outcome = await authenticate(initiator, new NtlmAcceptor(acceptorOptions), flip).catch(
        (error: unknown) => error,
      );
      if (outcome instanceof Error)
        assert.ok(['ProtocolError', 'RpchError'].includes(outcome.name), `${outcome.stack}`);
      else if ((outcome as Awaited<ReturnType<typeof authenticate>>).result.kind === 'accepted')
        accepted.push(`leg ${leg}, byte ${at}`);
    }
  }
  assert.deepEqual(accepted, []);
});

test('tokens out of order; a failed initiator stays failed', async () => {
  const order = { name: 'ProtocolError', code: 'RPCH_NTLM_ORDER' };
  const [exchange] = exchanges;
  assert.ok(exchange);
  const options = initiatorOptions(AuthLevel.connect);
  await assert.rejects(new NtlmInitiator(options).step(exchange.challenge), order);
  const { initiator } = await answerTo(exchange.challenge, options);
  await assert.rejects(initiator.step(exchange.challenge), order);
  assert.equal(initiator.complete, false);
  const failed = new NtlmInitiator(options);
  await failed.step(undefined);
  assert.throws(() => failed.protection, { code: 'RPCH_CONTEXT_INCOMPLETE', fault: 'caller' });
  await assert.rejects(failed.step(new Uint8Array(16_385)), { code: 'RPCH_NTLM_TOKEN_SIZE' });
  await assert.rejects(failed.step(exchange.challenge), order);
});

test('challenges cut or random are no worse than the typed error', async () => {
  const [exchange] = exchanges;
  assert.ok(exchange);
  const options = initiatorOptions(AuthLevel.privacy);
  for (let cut = 0; cut < exchange.challenge.length; cut++) {
    await assert
      .rejects(answerTo(exchange.challenge.subarray(0, cut), options), /./, `cut at ${cut}`)
      .catch((error: Error) => {
        assert.match(error.message, /Missing expected rejection/);
      });
  }
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 120 }), async (bytes) => {
      const token = Buffer.concat([exchange.challenge.subarray(0, 12), bytes]);
      await answerTo(token, options).catch((error: Error) =>
        assert.ok(['ProtocolError', 'RpchError'].includes(error.name), error.stack),
      );
    }),
  );
});

test('wrong options are the caller’s fault', () => {
  const options = initiatorOptions(AuthLevel.connect);
  const wrong = { code: 'RPCH_NTLM_CREDENTIALS', fault: 'caller' };
  assert.throws(() => new NtlmInitiator({ ...options, credentials: { user: '', domain: '', password: '' } }), wrong);
  assert.throws(
    () => new NtlmInitiator({ ...options, credentials: { user: 'a', domain: '', ntHash: new Uint8Array(15) } }),
    wrong,
  );
  assert.throws(() => new NtlmInitiator({ ...options, targetName: 'x'.repeat(1025) }), wrong);
});

test('accounts as people write them', () => {
  for (const [text, user, domain] of [
    ['alice', 'alice', ''],
    ['PEER\\alice', 'alice', 'PEER'],
    ['alice@peer.test', 'alice@peer.test', ''],
    ['PEER\\alice@peer.test', 'alice@peer.test', 'PEER'],
    ['a\\b\\c', 'b\\c', 'a'],
    ['\\alice', 'alice', ''],
  ] as const) {
    assert.deepEqual(parseAccount(text), { user, domain });
  }
});
