import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Cursor } from '../../../src/bytes/cursor.ts';
import { ProtocolError } from '../../../src/errors.ts';
import {
  type AuthenticateMessage,
  decodeAuthenticate,
  encodeAuthenticate,
} from '../../../src/security/ntlm/authenticate.ts';
import { type AvPair, decodeAvPairs, encodeAvPairs } from '../../../src/security/ntlm/av-pairs.ts';
import { decodeChallenge, encodeChallenge } from '../../../src/security/ntlm/challenge.ts';
import { describeNegotiateFlags, NegotiateFlag } from '../../../src/security/ntlm/flags.ts';
import { decodeNegotiate, encodeNegotiate } from '../../../src/security/ntlm/negotiate.ts';
import { decodeNtlmv2Response } from '../../../src/security/ntlm/ntlmv2-response.ts';
import * as spec from './spec.ts';
import { exchanges } from './tokens.ts';

const hex = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString('hex');

test('the CHALLENGE_MESSAGE of [MS-NLMP] 4.2.4.3', () => {
  const message = decodeChallenge(spec.CHALLENGE);
  assert.equal(message.flags, 0xe28a8233);
  assert.equal(message.targetName, 'Server');
  assert.equal(hex(message.serverChallenge), hex(spec.SERVER_CHALLENGE));
  assert.deepEqual(message.version, { major: 6, minor: 0, build: 6000, ntlmRevision: 15 });
  assert.deepEqual(
    [...message.targetInfo].map(([id, value]) => [id, Buffer.from(value).toString('utf16le')]),
    [
      [2, 'Domain'],
      [1, 'Server'],
    ],
  );
  assert.equal(hex(encodeChallenge(message)), hex(spec.CHALLENGE));
});

test('the AUTHENTICATE_MESSAGE of [MS-NLMP] 4.2.4.3', () => {
  const message = decodeAuthenticate(spec.AUTHENTICATE);
  assert.deepEqual([message.userName, message.domainName, message.workstation], [spec.USER, spec.DOMAIN, 'COMPUTER']);
  assert.equal(message.flags, 0xe2888235);
  assert.deepEqual(message.version, { major: 5, minor: 1, build: 2600, ntlmRevision: 15 });
  assert.equal(message.mic, undefined);
  assert.equal(hex(message.encryptedRandomSessionKey), hex(spec.ENCRYPTED_SESSION_KEY));
  const response = decodeNtlmv2Response(message.ntChallengeResponse);
  assert.equal(hex(response.ntProofStr), hex(spec.NT_PROOF_STR));
  assert.equal(hex(response.temp), hex(spec.TEMP));
  assert.equal(response.timestamp, 0n);
  assert.equal(hex(response.challengeFromClient), 'aaaaaaaaaaaaaaaa');
});

test('the recorded tokens: who, from where, and with what', () => {
  const seen = exchanges.map(({ client, negotiate, challenge, authenticate }) => {
    const { domainName, userName, workstation, version, mic } = decodeAuthenticate(authenticate);
    return [
      client,
      decodeNegotiate(negotiate).flags.toString(16),
      decodeChallenge(challenge).flags.toString(16),
      `${domainName}\\${userName} ${workstation}`,
      version?.major,
      mic !== undefined,
    ];
  });
  assert.deepEqual(seen, [
    ['smbtorture over HTTP', '62088205', '62898205', 'PEER\\alice PEERCLIENT', 6, true],
    ['smbtorture over HTTPS', '62088205', '62898205', 'PEER\\alice PEERCLIENT', 6, true],
    ['impacket 0.10', 'a0880205', 'a2890205', 'PEER\\alice ', undefined, false],
    ['impacket 0.10 over HTTPS', 'a0880205', 'a2890205', 'PEER\\alice ', undefined, false],
    ['FreeRDP 2.11, IN channel', 'e20882b7', 'e2898235', 'PEER\\alice peerclient', 6, true],
    ['FreeRDP 2.11, OUT channel', 'e20882b7', 'e2898235', 'PEER\\alice peerclient', 6, true],
  ]);
});

test('flags are described by the names of the specification', () => {
  assert.deepEqual(describeNegotiateFlags(0x80000011), ['NEGOTIATE_UNICODE', 'NEGOTIATE_SIGN', 'NEGOTIATE_56']);
});

const version = fc.record(
  {
    major: fc.nat(255),
    minor: fc.nat(255),
    build: fc.nat(65_535),
    ntlmRevision: fc.nat(255),
  },
  { noNullPrototype: true },
);
const name = fc.string({ maxLength: 20 });
const blob = (maxLength: number) => fc.uint8Array({ maxLength });
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

test('NEGOTIATE_MESSAGE round trip', () => {
  const { NEGOTIATE_OEM_DOMAIN_SUPPLIED, NEGOTIATE_OEM_WORKSTATION_SUPPLIED, NEGOTIATE_VERSION } = NegotiateFlag;
  const flags = NEGOTIATE_OEM_DOMAIN_SUPPLIED + NEGOTIATE_OEM_WORKSTATION_SUPPLIED + NEGOTIATE_VERSION;
  fc.assert(
    fc.property(blob(20), blob(20), version, (domainName, workstation, version) => {
      const message = { flags, domainName, workstation, version };
      assert.deepEqual(decodeNegotiate(encodeNegotiate(message)), message);
      const unsaid = { ...message, flags: 1 };
      const nothing = new Uint8Array();
      assert.deepEqual(decodeNegotiate(encodeNegotiate(unsaid)), {
        flags: 1,
        domainName: nothing,
        workstation: nothing,
        version: undefined,
      });
    }),
  );
});

test('CHALLENGE_MESSAGE round trip, with target information in any order', () => {
  const pairs = fc.uniqueArray(
    fc.tuple(fc.integer({ min: 11, max: 65_535 }), blob(30)).map(([id, value]): AvPair => [id, value]),
    { selector: ([id]) => id, maxLength: 8 },
  );
  fc.assert(
    fc.property(name, bytes(8), pairs, version, (targetName, serverChallenge, targetInfo, version) => {
      const message = { flags: 0xe28a8231, targetName, serverChallenge, targetInfo: new Map(targetInfo), version };
      assert.deepEqual(decodeChallenge(encodeChallenge(message)), message);
    }),
  );
});

test('AUTHENTICATE_MESSAGE round trip, with and without a MIC', () => {
  const parts = { lm: blob(30), nt: blob(100), key: blob(16), domain: name, user: name, workstation: name };
  fc.assert(
    fc.property(fc.record(parts), version, fc.option(bytes(16), { nil: undefined }), (part, version, mic) => {
      const message: AuthenticateMessage = {
        flags: 0xe2888235,
        lmChallengeResponse: part.lm,
        ntChallengeResponse: Uint8Array.of(1, ...part.nt),
        domainName: part.domain,
        userName: part.user,
        workstation: part.workstation,
        encryptedRandomSessionKey: part.key,
        version,
        mic,
      };
      assert.deepEqual(decodeAuthenticate(encodeAuthenticate(message)), message);
    }),
  );
});

test('OEM text: ASCII as it is, the rest marked on both ways', () => {
  const message = decodeAuthenticate(spec.AUTHENTICATE);
  const oem = encodeAuthenticate({ ...message, flags: message.flags - 1, userName: 'Jürgen' });
  assert.equal(decodeAuthenticate(oem).userName, 'J?rgen');
  oem.set([0x81], Buffer.from(oem).indexOf('J?') + 1);
  assert.equal(decodeAuthenticate(oem).userName, 'J\ufffdrgen');
});

test('fields outside the message, inside its header or of odd length are protocol errors', () => {
  const change = (at: number, value: number) => {
    const message = Buffer.from(spec.AUTHENTICATE);
    message.writeUInt32LE(value, at);
    return message;
  };
  const userOffset = 40;
  for (const offset of [0, 63, spec.AUTHENTICATE.length - 7, 0x7fff_fff0, 0xffff_ffff]) {
    assert.throws(() => decodeAuthenticate(change(userOffset, offset)), { code: 'RPCH_NTLM_FIELD' }, `${offset}`);
  }
  assert.throws(() => decodeAuthenticate(change(36, 0x0007_0007)), { name: 'ProtocolError', code: 'RPCH_BAD_UTF16' });
  const empty = change(36, 0);
  empty.writeUInt32LE(0xffff_ffff, userOffset);
  assert.equal(decodeAuthenticate(empty).userName, '', 'the offset of an empty field means nothing');
});

test('what is no NTLM message, or another one, is a protocol error', () => {
  assert.throws(() => decodeNegotiate(Buffer.from('NTLMSSQ\0\x01\0\0\0')), { code: 'RPCH_NTLM_SIGNATURE' });
  assert.throws(() => decodeNegotiate(spec.CHALLENGE), { code: 'RPCH_NTLM_MESSAGE_TYPE' });
  assert.throws(() => decodeChallenge(spec.AUTHENTICATE), { code: 'RPCH_NTLM_MESSAGE_TYPE' });
  assert.throws(() => decodeAuthenticate(spec.MIC_NEGOTIATE), { code: 'RPCH_NTLM_MESSAGE_TYPE' });
});

test('AV_PAIRs: no end, a wrong length and a repetition are protocol errors; what follows the end is left alone', () => {
  const decode = (text: string) => decodeAvPairs(new Cursor(Buffer.from(text, 'hex'), 'test'));
  assert.equal(decode('0000000012345678').size, 0);
  assert.throws(() => decode('06000400 02000000'.replace(' ', '')), { code: 'RPCH_SHORT_FRAME' });
  assert.throws(() => decode('060003000200000000000000'), { code: 'RPCH_NTLM_AV_LENGTH' });
  assert.throws(() => decode('0000040000000000'), { code: 'RPCH_NTLM_AV_LENGTH' });
  const flags: AvPair = [6, Uint8Array.of(2, 0, 0, 0)];
  assert.throws(() => decodeAvPairs(new Cursor(encodeAvPairs([flags, flags]), 'test')), { code: 'RPCH_NTLM_AV_TWICE' });
});

test('a response of another version is a protocol error', () => {
  const response = Buffer.concat([spec.NT_PROOF_STR, spec.TEMP]);
  response[17] = 2;
  assert.throws(() => decodeNtlmv2Response(response), { code: 'RPCH_NTLM_RESP_TYPE' });
});

/** Every decoder, down to the response inside an AUTHENTICATE_MESSAGE. */
const decoders: ((token: Uint8Array) => unknown)[] = [
  decodeNegotiate,
  decodeChallenge,
  (token) => decodeNtlmv2Response(decodeAuthenticate(token).ntChallengeResponse),
];

function onlyProtocolErrors(token: Uint8Array): void {
  for (const decode of decoders) {
    try {
      decode(token);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
    }
  }
}

test('every prefix of a real token is decoded or is a protocol error', () => {
  for (const { negotiate, challenge, authenticate } of exchanges) {
    for (const token of [negotiate, challenge, authenticate]) {
      for (let end = 0; end < token.length; end++) onlyProtocolErrors(token.subarray(0, end));
    }
  }
});

test('random bytes, and real tokens with bytes changed, never do worse than a protocol error', () => {
  const real = exchanges.flatMap(({ negotiate, challenge, authenticate }) => [negotiate, challenge, authenticate]);
  const changed = fc
    .tuple(fc.constantFrom(...real), fc.array(fc.tuple(fc.nat(500), fc.nat(255)), { maxLength: 6 }))
    .map(([token, changes]) => {
      const copy = Uint8Array.from(token);
      for (const [at, value] of changes) copy[12 + (at % (copy.length - 12))] = value;
      return copy;
    });
  fc.assert(fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), changed), onlyProtocolErrors), { numRuns: 1000 });
});
