import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CURL_FLAGS, Initiator, type Script, SESSION_KEY, WINDOWS_FLAGS } from '@rpch/testkit/ntlm-initiator';
import type { AcceptorResult } from '../../../src/dcerpc/security-context.ts';
import { NtlmAcceptor, type NtlmAcceptorOptions } from '../../../src/security/ntlm/acceptor.ts';
import { decodeChallenge } from '../../../src/security/ntlm/challenge.ts';
import { channelBindingsHash } from '../../../src/security/ntlm/channel-bindings.ts';
import { ntowfv1, rc4k } from '../../../src/security/ntlm/crypto.ts';
import { NegotiateFlag } from '../../../src/security/ntlm/flags.ts';
import { NtlmProtection } from '../../../src/security/ntlm/protection.ts';
import { exchanges, PASSWORD, TARGET } from './tokens.ts';

const NOW = Date.UTC(2026, 10, 23);
const NT_HASH = ntowfv1(PASSWORD);
const ALICE: Script = { user: 'alice', domain: 'PEER', ntHash: NT_HASH };
const BINDINGS = [Buffer.from('tls-server-end-point:one certificate'), Buffer.from('tls-server-end-point:another')];

const options: NtlmAcceptorOptions = {
  target: TARGET,
  now: () => NOW,
  random: (length) => Buffer.alloc(length, 0xc5),
  lookup: async (user, domain) =>
    user.toLowerCase() === 'alice' && (domain === 'PEER' || domain === '') ? NT_HASH : undefined,
};

async function challengeOf(acceptor: NtlmAcceptor, negotiate: Uint8Array): Promise<Uint8Array> {
  const result = await acceptor.step(negotiate);
  assert.equal(result.kind, 'challenge');
  return (result as Extract<AcceptorResult, { kind: 'challenge' }>).token;
}

async function run(script: Script, changes: Partial<NtlmAcceptorOptions> = {}): Promise<AcceptorResult> {
  const acceptor = new NtlmAcceptor({ ...options, ...changes });
  const initiator = new Initiator(script);
  const challenge = await challengeOf(acceptor, initiator.negotiate);
  const result = await acceptor.step(initiator.authenticate(challenge));
  assert.equal(acceptor.complete, result.kind !== 'refused');
  return result;
}

async function assertRefused(result: Promise<AcceptorResult>, why: RegExp): Promise<void> {
  const actual = await result;
  assert.equal(actual.kind, 'refused');
  assert.match((actual as Extract<AcceptorResult, { kind: 'refused' }>).why, why);
}

async function assertAccepted(result: Promise<AcceptorResult>): Promise<void> {
  assert.equal((await result).kind, 'accepted');
}

/** The server takes what a client that has the session key `key` signs. */
function assertKey(result: AcceptorResult, flags: number, key: Uint8Array): void {
  assert.ok(result.kind === 'accepted' || result.kind === 'anonymous');
  const signature = new Uint8Array(16);
  new NtlmProtection(flags, key, 'client').sign(Buffer.from('a message'), signature);
  result.protection().verify(Buffer.from('a message'), signature);
}

test('a modern client with a MIC is accepted, with the key that it chose', async () => {
  const result = await run(ALICE);
  assert.ok(result.kind === 'accepted');
  const { user, domain, workstation, token } = result;
  assert.deepEqual([user, domain, workstation, token], ['alice', 'PEER', 'CLIENT', undefined]);
  assertKey(result, WINDOWS_FLAGS, SESSION_KEY);
});

test('the challenge names the server and the time, and answers to what the client can do', async () => {
  const acceptor = new NtlmAcceptor(options);
  const challenge = decodeChallenge(await challengeOf(acceptor, new Initiator(ALICE).negotiate));
  assert.equal(challenge.targetName, 'PEER');
  assert.equal(challenge.flags, WINDOWS_FLAGS + NegotiateFlag.TARGET_TYPE_DOMAIN);
  assert.deepEqual([...challenge.targetInfo.keys()], [2, 1, 4, 3, 7]);
  const filetime = Buffer.from(challenge.targetInfo.get(7) ?? []).readBigUInt64LE();
  assert.equal(filetime / 10_000n - 11_644_473_600_000n, BigInt(NOW));

  const oem = decodeChallenge(await challengeOf(acceptor, new Initiator({ ...ALICE, flags: CURL_FLAGS }).negotiate));
  assert.equal(oem.targetName, 'PEER');
  assert.equal(oem.flags, CURL_FLAGS + NegotiateFlag.NEGOTIATE_TARGET_INFO + NegotiateFlag.TARGET_TYPE_DOMAIN);
});

test('a server without a domain gives its own name and TARGET_TYPE_SERVER', async () => {
  const acceptor = new NtlmAcceptor({ ...options, target: { netbiosDomain: 'EDGE', netbiosComputer: 'EDGE' } });
  const challenge = decodeChallenge(await challengeOf(acceptor, new Initiator(ALICE).negotiate));
  assert.equal(challenge.flags, WINDOWS_FLAGS + NegotiateFlag.TARGET_TYPE_SERVER);
  assert.deepEqual([...challenge.targetInfo.keys()], [2, 1, 7]);
});

test('a client that offers neither Unicode nor OEM is malformed', async () => {
  const acceptor = new NtlmAcceptor(options);
  const { negotiate } = new Initiator({ ...ALICE, flags: 0xe2888234 });
  await assert.rejects(acceptor.step(negotiate), { name: 'ProtocolError', code: 'RPCH_NTLM_FLAGS' });
});

for (const { client, negotiate, challenge, authenticate } of exchanges) {
  test(`the recorded exchange of ${client} is accepted again`, async () => {
    const recorded = decodeChallenge(challenge);
    const filetime = Buffer.from(recorded.targetInfo.get(7) ?? []).readBigUInt64LE();
    const acceptor = new NtlmAcceptor({
      ...options,
      now: () => Number(filetime / 10n - 11_644_473_600_000_000n) / 1000,
      random: () => recorded.serverChallenge,
    });
    const token = await challengeOf(acceptor, negotiate);
    // Samba answers impacket with a Version nobody asked for; impacket sends no MIC, so that it does not matter.
    if (!client.startsWith('impacket')) assert.deepEqual(Buffer.from(token), Buffer.from(challenge));
    const result = await acceptor.step(authenticate);
    assert.equal(result.kind, 'accepted', JSON.stringify(result));
  });
}

test('older clients: no MIC, OEM names, no key exchange, the user@domain form, the domain left out', async () => {
  await assertAccepted(run({ ...ALICE, mic: false }));
  await assertAccepted(run({ ...ALICE, flags: CURL_FLAGS, mic: false }));
  await assertAccepted(run({ ...ALICE, domain: '' }));
  await assertAccepted(run({ ...ALICE, provenDomain: '' }));
  await assertAccepted(run({ ...ALICE, trailer: Buffer.alloc(0) }));
  await assertAccepted(run({ ...ALICE, trailer: Buffer.alloc(8) }));
  const lookup = async (user: string) => (user === 'alice@peer.test' ? NT_HASH : undefined);
  await assertAccepted(run({ ...ALICE, user: 'alice@peer.test', domain: '' }, { lookup }));
});

test('a key exchange counts without signing and sealing too, and may then be left out', async () => {
  const flags = WINDOWS_FLAGS - 0x30;
  const exchanged = await run({ ...ALICE, flags });
  assert.throws(() => exchanged.kind === 'accepted' && exchanged.protection(), { code: 'RPCH_NTLM_NO_PROTECTION' });
  await assertAccepted(run({ ...ALICE, flags, mic: false, encryptedKey: Buffer.alloc(0) }));
  for (const [wrong, length] of [[WINDOWS_FLAGS, 0] as const, [flags, 15] as const]) {
    const result = run({ ...ALICE, flags: wrong, mic: false, encryptedKey: Buffer.alloc(length) });
    await assert.rejects(result, { name: 'ProtocolError', code: 'RPCH_NTLM_SESSION_KEY' });
  }
});

test('a wrong password, an unknown user and a wrong domain are refused, and named in the refusal', async () => {
  await assertRefused(run({ ...ALICE, ntHash: ntowfv1('wrong') }), /wrong password/);
  await assertRefused(run({ ...ALICE, user: 'mallory' }), /unknown account/);
  const result = await run({ ...ALICE, domain: 'ELSEWHERE' });
  assert.deepEqual(result, { kind: 'refused', user: 'alice', domain: 'ELSEWHERE', why: 'unknown account' });
});

test('an unknown user is refused even to a client that knows what stands in for the missing hash', async () => {
  await assertRefused(run({ ...ALICE, user: 'mallory', ntHash: new Uint8Array(16) }), /unknown account/);
});

test('anonymous, LM, LMv2 and NTLMv1 logons are refused before any account is looked up', async () => {
  const lookup = async () => assert.fail('no account should be looked up');
  const nothing = Buffer.alloc(0);
  await assertRefused(
    run({ ...ALICE, user: '', ntResponse: nothing, lmResponse: Buffer.alloc(1) }, { lookup }),
    /anonymous/,
  );
  await assertRefused(run({ ...ALICE, flags: WINDOWS_FLAGS + NegotiateFlag.ANONYMOUS }, { lookup }), /anonymous/);
  await assertRefused(run({ ...ALICE, ntResponse: nothing }, { lookup }), /no NTLMv2/);
  await assertRefused(run({ ...ALICE, ntResponse: Buffer.alloc(24, 1) }, { lookup }), /no NTLMv2/);
});

/** What the client of [MS-NLMP] 3.3.2 sends where user and password are empty. Its key is the one that it is. */
const NOBODY: Script = {
  ...{ user: '', domain: '', ntHash: new Uint8Array(16), flags: WINDOWS_FLAGS + NegotiateFlag.ANONYMOUS, mic: false },
  ...{ ntResponse: Buffer.alloc(0), lmResponse: Buffer.alloc(1), encryptedKey: rc4k(new Uint8Array(16), SESSION_KEY) },
};

test('an anonymous logon where it is let in: nobody, and a key of zeros ([MS-NLMP] 3.2.5.1.2)', async () => {
  const changes = { anonymous: true, lookup: async () => assert.fail('no account should be looked up') };
  const result = await run(NOBODY, changes);
  assert.deepEqual(Object.keys(result), ['kind', 'token', 'mechListMic', 'protection']);
  assertKey(result, WINDOWS_FLAGS, SESSION_KEY);
  const { ANONYMOUS, NEGOTIATE_KEY_EXCH } = NegotiateFlag;
  // The bit does not count ([MS-NLMP] appendix A, <28>), nor which of the two empty LM responses it is.
  assertKey(
    await run({ ...NOBODY, flags: WINDOWS_FLAGS, lmResponse: Buffer.alloc(0) }, changes),
    WINDOWS_FLAGS,
    SESSION_KEY,
  );
  const flags = WINDOWS_FLAGS + ANONYMOUS - NEGOTIATE_KEY_EXCH;
  assertKey(await run({ ...NOBODY, flags, encryptedKey: Buffer.alloc(0) }, changes), flags, new Uint8Array(16));
  // The first 16 bytes of RC4 under a key of zeros: as the encrypted key, they are a key of zeros.
  const encryptedKey = Buffer.from('de188941a3375d3a8a061e67576e926d', 'hex');
  assertKey(await run({ ...NOBODY, encryptedKey }, changes), WINDOWS_FLAGS, new Uint8Array(16));
  const short = run({ ...NOBODY, encryptedKey: Buffer.alloc(15) }, changes);
  await assert.rejects(short, { name: 'ProtocolError', code: 'RPCH_NTLM_SESSION_KEY' });
  await assertRefused(run(NOBODY), /^anonymous logon$/);
  await assertRefused(run(NOBODY, { ...changes, anonymous: false }), /^anonymous logon$/);
});

test('what is neither an account nor quite anonymous is refused, an anonymous logon let in or not', async () => {
  const changes = { anonymous: true, lookup: async () => assert.fail('no account should be looked up') };
  const response = Buffer.alloc(24, 1);
  const halves: readonly Script[] = [
    { ...NOBODY, user: 'alice' },
    { ...NOBODY, user: 'anonymous' },
    { ...NOBODY, ntResponse: response },
    { ...ALICE, user: '', domain: '' },
    { ...NOBODY, lmResponse: Buffer.alloc(1, 1) },
    { ...NOBODY, lmResponse: Buffer.alloc(2) },
    { ...NOBODY, lmResponse: response },
    { ...ALICE, flags: WINDOWS_FLAGS + NegotiateFlag.ANONYMOUS },
  ];
  for (const half of halves) await assertRefused(run(half, changes), /^neither an account nor an anonymous logon$/);
  await assertRefused(run({ ...NOBODY, user: 'alice', flags: WINDOWS_FLAGS }, changes), /no NTLMv2/);
  assert.equal((await run(ALICE, { anonymous: true })).kind, 'accepted');
});

test('nobody has channel bindings: where they are required there are no anonymous logons', async () => {
  const bound = (policy: 'required' | 'when-offered') => ({
    anonymous: true,
    channelBindings: { applicationData: BINDINGS, policy },
  });
  await assertRefused(run(NOBODY, bound('required')), /^anonymous logon: no channel bindings/);
  assert.equal((await run(NOBODY, bound('when-offered'))).kind, 'anonymous');
});

test('a MIC that is wrong, or announced and missing, is refused', async () => {
  const initiator = new Initiator(ALICE);
  for (const at of [72, 87]) {
    const acceptor = new NtlmAcceptor(options);
    const message = initiator.authenticate(await challengeOf(acceptor, initiator.negotiate));
    message.writeUInt8(message.readUInt8(at) ^ 1, at);
    await assertRefused(acceptor.step(message), /wrong MIC/);
  }
  await assertRefused(run({ ...ALICE, micWithoutField: true }), /MIC .* missing/);
});

test('a NEGOTIATE changed on its way shows in the MIC', async () => {
  const acceptor = new NtlmAcceptor(options);
  const initiator = new Initiator(ALICE);
  const weakened = Buffer.from(initiator.negotiate);
  weakened.writeUInt32LE(0xc2888235, 12);
  await assertRefused(acceptor.step(initiator.authenticate(await challengeOf(acceptor, weakened))), /wrong MIC/);
});

test('channel bindings when-offered: none, zeros, or one of ours', async () => {
  const channelBindings = { applicationData: BINDINGS, policy: 'when-offered' } as const;
  await assertAccepted(run(ALICE, { channelBindings }));
  await assertAccepted(run({ ...ALICE, bindingsHash: Buffer.alloc(16) }, { channelBindings }));
  for (const data of BINDINGS) {
    await assertAccepted(run({ ...ALICE, bindingsHash: channelBindingsHash(data) }, { channelBindings }));
  }
  await assertRefused(run({ ...ALICE, bindingsHash: Buffer.alloc(16, 1) }, { channelBindings }), /another TLS channel/);
});

test('channel bindings required: only one of ours', async () => {
  const channelBindings = { applicationData: BINDINGS, policy: 'required' } as const;
  await assertRefused(run(ALICE, { channelBindings }), /required/);
  await assertRefused(run({ ...ALICE, bindingsHash: Buffer.alloc(16) }, { channelBindings }), /required/);
  await assertRefused(run({ ...ALICE, bindingsHash: Buffer.alloc(16, 1) }, { channelBindings }), /another TLS channel/);
  for (const data of BINDINGS) {
    await assertAccepted(run({ ...ALICE, bindingsHash: channelBindingsHash(data) }, { channelBindings }));
  }
});

test('without channel bindings of our own, those of the client are not looked at', async () => {
  await assertAccepted(run({ ...ALICE, bindingsHash: Buffer.alloc(16, 1) }));
});

test('an answer is good for its own challenge and for one try', async () => {
  let nonce = 0;
  const acceptor = new NtlmAcceptor({ ...options, random: (length) => Buffer.alloc(length, ++nonce) });
  const initiator = new Initiator({ ...ALICE, mic: false });
  const first = initiator.authenticate(await challengeOf(acceptor, initiator.negotiate));
  const second = await challengeOf(acceptor, initiator.negotiate);
  await assertRefused(acceptor.step(first), /wrong password/);
  await assert.rejects(acceptor.step(initiator.authenticate(second)), { code: 'RPCH_NTLM_ORDER' });
  await assertAccepted(acceptor.step(initiator.authenticate(await challengeOf(acceptor, initiator.negotiate))));
});

test('after completion every step is refused', async () => {
  const acceptor = new NtlmAcceptor(options);
  const initiator = new Initiator(ALICE);
  const message = initiator.authenticate(await challengeOf(acceptor, initiator.negotiate));
  await assertAccepted(acceptor.step(message));
  for (const token of [message, initiator.negotiate, Buffer.alloc(0)]) {
    await assertRefused(acceptor.step(token), /complete already/);
  }
  assert.equal(acceptor.complete, true);
});

test('the acceptor keeps copies: a caller may reuse the buffers of earlier legs', async () => {
  const acceptor = new NtlmAcceptor(options);
  const initiator = new Initiator(ALICE);
  const negotiate = Buffer.from(initiator.negotiate);
  const challenge = await challengeOf(acceptor, negotiate);
  const message = initiator.authenticate(challenge);
  negotiate.fill(0);
  challenge.fill(0);
  const result = acceptor.step(message);
  message.fill(0);
  await assertAccepted(result);
});

test('messages out of order and tokens too large are protocol errors', async () => {
  const acceptor = new NtlmAcceptor(options);
  const [exchange] = exchanges;
  assert.ok(exchange);
  await assert.rejects(acceptor.step(exchange.authenticate), { name: 'ProtocolError', code: 'RPCH_NTLM_ORDER' });
  await assert.rejects(acceptor.step(exchange.challenge), { name: 'ProtocolError', code: 'RPCH_NTLM_ORDER' });
  await assert.rejects(acceptor.step(new Uint8Array(16_385)), { name: 'ProtocolError', code: 'RPCH_NTLM_TOKEN_SIZE' });
});

test('wrong configuration is told as such', async () => {
  const target = { netbiosDomain: '', netbiosComputer: 'EDGE' };
  assert.throws(() => new NtlmAcceptor({ ...options, target }), { code: 'RPCH_NTLM_TARGET', fault: 'configuration' });
  const lookup = async () => new Uint8Array();
  await assert.rejects(run(ALICE, { lookup }), { code: 'RPCH_NT_HASH_LENGTH', fault: 'configuration' });
});
