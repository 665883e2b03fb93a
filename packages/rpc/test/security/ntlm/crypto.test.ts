import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeAuthenticate } from '../../../src/security/ntlm/authenticate.ts';
import { AvId, avFlags } from '../../../src/security/ntlm/av-pairs.ts';
import { decodeChallenge } from '../../../src/security/ntlm/challenge.ts';
import { channelBindingsHash } from '../../../src/security/ntlm/channel-bindings.ts';
import { messageMic, ntowfv1, ntowfv2, ntProofStr, rc4k, sessionBaseKey } from '../../../src/security/ntlm/crypto.ts';
import { decodeNtlmv2Response } from '../../../src/security/ntlm/ntlmv2-response.ts';
import * as spec from './spec.ts';
import { exchanges, PASSWORD } from './tokens.ts';

const same = (actual: Uint8Array | undefined, expected: Uint8Array, what?: string) =>
  assert.equal(actual && Buffer.from(actual).toString('hex'), Buffer.from(expected).toString('hex'), what);

test('[MS-NLMP] 4.2.4: from the password to the encrypted session key', () => {
  const ntHash = ntowfv1(spec.PASSWORD);
  same(ntHash, spec.NTOWFV1);
  const responseKeyNT = ntowfv2(ntHash, spec.USER, spec.DOMAIN);
  same(responseKeyNT, spec.NTOWFV2);
  const proof = ntProofStr(responseKeyNT, spec.SERVER_CHALLENGE, spec.TEMP);
  same(proof, spec.NT_PROOF_STR);
  const key = sessionBaseKey(responseKeyNT, proof);
  same(key, spec.SESSION_BASE_KEY);
  same(rc4k(key, spec.RANDOM_SESSION_KEY), spec.ENCRYPTED_SESSION_KEY);
  same(rc4k(key, spec.ENCRYPTED_SESSION_KEY), spec.RANDOM_SESSION_KEY);
});

test('NTOWFv2 takes the user in any case and the domain as it is', () => {
  same(ntowfv2(spec.NTOWFV1, 'uSER', spec.DOMAIN), spec.NTOWFV2);
  assert.notDeepEqual(ntowfv2(spec.NTOWFV1, spec.USER, 'DOMAIN'), ntowfv2(spec.NTOWFV1, spec.USER, spec.DOMAIN));
});

test('upper case is Windows: one code unit for one, and nothing foreign becomes ASCII', () => {
  const key = (user: string) => Buffer.from(ntowfv2(spec.NTOWFV1, user, '')).toString('hex');
  assert.equal(key('jürgen'), key('JÜRGEN'));
  assert.notEqual(key('straße'), key('STRASSE'));
  assert.notEqual(key('alıce'), key('ALICE'));
});

test('the hash of channel bindings, and the MIC of a message that carries it', () => {
  const bindings = Buffer.concat([Buffer.from('tls-server-end-point:'), spec.CERTIFICATE_HASH]);
  same(channelBindingsHash(bindings), spec.BINDINGS_HASH);

  const message = decodeAuthenticate(spec.MIC_AUTHENTICATE);
  const response = decodeNtlmv2Response(message.ntChallengeResponse);
  const responseKeyNT = ntowfv2(spec.NTOWFV1, message.userName, message.domainName);
  same(ntProofStr(responseKeyNT, spec.SERVER_CHALLENGE, response.temp), response.ntProofStr);
  assert.equal(avFlags(response.avPairs), 2);
  same(response.avPairs.get(AvId.MsvAvChannelBindings), spec.BINDINGS_HASH);
  const key = sessionBaseKey(responseKeyNT, response.ntProofStr);
  same(message.mic, messageMic(key, spec.MIC_NEGOTIATE, spec.CHALLENGE, spec.MIC_AUTHENTICATE));
});

for (const { client, negotiate, challenge, authenticate } of exchanges) {
  test(`the proof and the MIC that ${client} sent`, () => {
    const message = decodeAuthenticate(authenticate);
    const response = decodeNtlmv2Response(message.ntChallengeResponse);
    const responseKeyNT = ntowfv2(ntowfv1(PASSWORD), message.userName, message.domainName);
    same(ntProofStr(responseKeyNT, decodeChallenge(challenge).serverChallenge, response.temp), response.ntProofStr);
    if (client.startsWith('impacket')) {
      assert.equal(message.mic, undefined);
      return;
    }
    const key = rc4k(sessionBaseKey(responseKeyNT, response.ntProofStr), message.encryptedRandomSessionKey);
    same(message.mic, messageMic(key, negotiate, challenge, authenticate));
  });
}
