import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Initiator, SESSION_KEY, WINDOWS_FLAGS } from '@rpch/testkit/ntlm-initiator';
import { AuthLevel, AuthType } from '../../../src/dcerpc/security-context.ts';
import type { AcceptorMechanism, InitiatorMechanism } from '../../../src/security/mechanism.ts';
import { NtlmAcceptor } from '../../../src/security/ntlm/acceptor.ts';
import { rc4k } from '../../../src/security/ntlm/crypto.ts';
import { NtlmInitiator } from '../../../src/security/ntlm/initiator.ts';
import { NtlmProtection } from '../../../src/security/ntlm/protection.ts';
import { ntlmMechanism, spnegoAcceptance, spnegoSecurity } from '../../../src/security/providers.ts';
import { SpnegoAcceptor } from '../../../src/security/spnego/acceptor.ts';
import { SpnegoInitiator } from '../../../src/security/spnego/initiator.ts';
import {
  decodeNegTokenInit,
  decodeNegTokenResp,
  encodeMechTypeList,
  encodeNegTokenInit,
  encodeNegTokenResp,
  NegState,
  NTLMSSP_OID,
} from '../../../src/security/spnego/neg-token.ts';
import { acceptorOptions, authenticate, converse, initiatorOptions } from '../support.ts';

const KERBEROS = '1.2.840.113554.1.2.2';
const LEVELS = [AuthLevel.connect, AuthLevel.packet, AuthLevel.integrity, AuthLevel.privacy];
const ntlm = (level: number = AuthLevel.privacy) => ntlmMechanism(initiatorOptions(level));
const acceptorNtlm: AcceptorMechanism = { oid: NTLMSSP_OID, make: () => new NtlmAcceptor(acceptorOptions) };
/** Stands for a mechanism that the acceptor does not have: NTLM under another name. */
const first = (level?: number): InitiatorMechanism => ({ ...ntlm(level), oid: KERBEROS });
const initiator = (...mechanisms: [InitiatorMechanism, ...InitiatorMechanism[]]) => new SpnegoInitiator(mechanisms);
const acceptor = () => new SpnegoAcceptor([acceptorNtlm]);

for (const level of LEVELS) {
  const signs = level > AuthLevel.connect;
  test(`NTLM within SPNEGO in memory, level ${level}: two round trips, ${signs ? 'with' : 'without'} mechListMICs`, async () => {
    const one = spnegoSecurity([ntlm(level)])();
    const other = spnegoAcceptance(acceptorOptions)();
    const last: Uint8Array[] = [];
    const { result, legs } = await authenticate(one, other, (token, leg) => {
      if (leg >= 2) last.push(token);
      return token;
    });
    assert.ok(result.kind === 'accepted' && one.complete && other.complete, JSON.stringify(result));
    assert.deepEqual([legs, one.authType, result.user, result.domain], [4, AuthType.spnego, 'alice', 'PEER']);
    for (const token of last) assert.equal(decodeNegTokenResp(token).mechListMIC?.length, signs ? 16 : undefined);
    assert.equal(last.length, 2);
    if (signs) converse(one.protection, result.protection(), level === AuthLevel.privacy);
    else assert.throws(() => one.protection, { code: 'RPCH_NTLM_NO_PROTECTION' });
  });

  test(`the acceptor knows only the second mechanism, level ${level}: it asks for MICs, and one round trip more`, async () => {
    const one = initiator(first(level), ntlm(level));
    const { result, legs } = await authenticate(one, acceptor(), (token, leg) => {
      if (leg === 1) {
        const { negState, supportedMech, responseToken } = decodeNegTokenResp(token);
        assert.deepEqual([negState, supportedMech, responseToken], [NegState.request_mic, NTLMSSP_OID, undefined]);
      }
      return token;
    });
    assert.ok(result.kind === 'accepted', JSON.stringify(result));
    assert.equal(legs, 6);
    if (signs) converse(one.protection, result.protection(), level === AuthLevel.privacy);
  });
}

test('a mechanism that cannot sign goes without mechListMICs', async () => {
  const { result } = await authenticate(initiator(ntlm(AuthLevel.connect)), acceptor(), (token, leg) => {
    if (leg >= 2) assert.equal(decodeNegTokenResp(token).mechListMIC, undefined);
    return token;
  });
  assert.equal(result.kind, 'accepted');
});

/** An anonymous logon within SPNEGO, its last token with that mechListMIC. */
async function logOnAsNobody(micOf: (list: Uint8Array) => Uint8Array | undefined) {
  const nothing = Buffer.alloc(0);
  const key = { encryptedKey: rc4k(new Uint8Array(16), SESSION_KEY), mic: false };
  const one = new Initiator({
    user: '',
    domain: '',
    ntHash: nothing,
    ntResponse: nothing,
    lmResponse: nothing,
    ...key,
  });
  const other = spnegoAcceptance({ ...acceptorOptions, anonymous: true })();
  const challenge = await other.step(
    encodeNegTokenInit({ mechTypeList: encodeMechTypeList([NTLMSSP_OID]), mechToken: one.negotiate }),
  );
  assert.ok(challenge.kind === 'challenge');
  const responseToken = one.authenticate(decodeNegTokenResp(challenge.token).responseToken ?? nothing);
  const mechListMIC = micOf(encodeMechTypeList([NTLMSSP_OID]));
  const result = await other.step(encodeNegTokenResp({ responseToken, mechListMIC }));
  assert.equal(other.complete, result.kind === 'anonymous');
  return result;
}

test('nobody within SPNEGO: the mechListMIC is checked where one comes, and nobody is not named', async () => {
  const signed = (list: Uint8Array) => new NtlmProtection(WINDOWS_FLAGS, SESSION_KEY, 'client').signMechList(list);
  for (const micOf of [() => undefined, signed]) {
    const result = await logOnAsNobody(micOf);
    assert.ok(result.kind === 'anonymous' && !('user' in result), JSON.stringify(result));
    assert.equal(decodeNegTokenResp(result.token ?? assert.fail()).negState, NegState.accept_completed);
  }
  const why = 'wrong mechListMIC: the list was changed on its way';
  assert.deepEqual(await logOnAsNobody(() => new Uint8Array(16)), { kind: 'refused', why });
});

test('NTLM without SPNEGO around it is accepted', async () => {
  const one = new NtlmInitiator(initiatorOptions(AuthLevel.privacy));
  const { result, legs } = await authenticate(one, acceptor());
  assert.ok(result.kind === 'accepted');
  assert.deepEqual([legs, result.token], [3, undefined]);
  converse(one.protection, result.protection(), true);
  const none = await new SpnegoAcceptor([]).step(
    (await new NtlmInitiator(initiatorOptions(1)).step(undefined)) ?? assert.fail(),
  );
  assert.ok(none.kind === 'refused' && /NTLM/.test(none.why));
});

test('a list without a token along: the acceptor takes the first choice, and is sent it', async () => {
  const one = initiator(ntlm());
  const { result, legs } = await authenticate(one, acceptor(), (token, leg) =>
    leg === 0
      ? encodeNegTokenInit({ mechTypeList: decodeNegTokenInit(token).mechTypeList, mechToken: undefined })
      : token,
  );
  assert.ok(result.kind === 'accepted', JSON.stringify(result));
  assert.equal(legs, 6);
  converse(one.protection, result.protection(), true);
});

test('whoever takes a mechanism off the list is found out by the MIC', async () => {
  const both: AcceptorMechanism[] = [{ ...acceptorNtlm, oid: KERBEROS }, acceptorNtlm];
  const one = initiator(first(), ntlm());
  const mechToken = (await ntlm().make().step(undefined)) ?? assert.fail();
  const attack = authenticate(one, new SpnegoAcceptor(both), (token, leg) => {
    if (leg === 0) return encodeNegTokenInit({ mechTypeList: encodeMechTypeList([NTLMSSP_OID]), mechToken: undefined });
    return token;
  });
  const { result } = await attack;
  assert.ok(result.kind === 'refused' && /mechListMIC/.test(result.why), `${result.kind} ${mechToken.length}`);
});

test('without the initiator’s mechListMIC, or with a wrong one, the acceptor refuses', async () => {
  const change = async (mechListMIC: (mic: Uint8Array) => Uint8Array | undefined) =>
    (
      await authenticate(initiator(ntlm()), acceptor(), (token, leg) => {
        if (leg !== 2) return token;
        const resp = decodeNegTokenResp(token);
        return encodeNegTokenResp({ ...resp, mechListMIC: mechListMIC(resp.mechListMIC ?? assert.fail()) });
      })
    ).result;
  for (const mic of [
    () => undefined,
    (right: Uint8Array) => right.map((byte, i) => (i === 7 ? byte ^ 1 : byte)),
    () => Buffer.of(1),
  ]) {
    const result = await change(mic);
    assert.ok(result.kind === 'refused' && /mechListMIC/.test(result.why));
    assert.deepEqual([result.user, result.domain], ['alice', 'PEER']);
  }
});

test('the initiator insists on what the acceptor owes it', async () => {
  const last = (resp: Parameters<typeof encodeNegTokenResp>[0]) =>
    authenticate(initiator(ntlm()), acceptor(), (token, leg) =>
      leg === 3 ? encodeNegTokenResp({ ...decodeNegTokenResp(token), ...resp }) : token,
    );
  const row = (resp: Parameters<typeof last>[0], code: string) =>
    assert.rejects(last(resp), { name: 'ProtocolError', code }, JSON.stringify(resp));
  await row({ mechListMIC: undefined }, 'RPCH_SPNEGO_MIC');
  await row({ mechListMIC: Buffer.alloc(16) }, 'RPCH_BAD_SIGNATURE');
  await row({ negState: undefined }, 'RPCH_SPNEGO_ORDER');
  await row({ negState: NegState.accept_incomplete }, 'RPCH_SPNEGO_ORDER');
  await row({ responseToken: Buffer.of(1) }, 'RPCH_SPNEGO_ORDER');
  await row({ supportedMech: KERBEROS }, 'RPCH_SPNEGO_ORDER');
  await assert.rejects(last({ negState: NegState.reject }), { name: 'RpchError', code: 'RPCH_SPNEGO_REJECTED' });
});

test('an answer to the list that is none', async () => {
  const answer = async (resp: Parameters<typeof encodeNegTokenResp>[0]) => {
    const one = initiator(ntlm());
    await one.step(undefined);
    assert.throws(() => one.protection, { code: 'RPCH_CONTEXT_INCOMPLETE' });
    return one.step(encodeNegTokenResp(resp));
  };
  const order = { name: 'ProtocolError', code: 'RPCH_SPNEGO_ORDER' };
  await assert.rejects(answer({ supportedMech: KERBEROS }), { code: 'RPCH_SPNEGO_MECHANISM' });
  await assert.rejects(answer({ negState: NegState.accept_completed }), order);
  await assert.rejects(answer({ responseToken: Buffer.from('NTLMSSP\0') }), { name: 'ProtocolError' });
  await assert.rejects(initiator(ntlm()).step(encodeNegTokenResp({})), order);
});

test('no mechanism in common is a refusal, and the peer may begin anew', async () => {
  const server = acceptor();
  const wrong = await server.step((await initiator(first()).step(undefined)) ?? assert.fail());
  assert.ok(wrong.kind === 'refused' && wrong.why.includes(KERBEROS));
  const order = { name: 'ProtocolError', code: 'RPCH_SPNEGO_ORDER' };
  await assert.rejects(server.step(encodeNegTokenResp({ responseToken: Buffer.of(1) })), order);
  const half = initiator(ntlm());
  assert.equal((await server.step((await half.step(undefined)) ?? assert.fail())).kind, 'challenge');
  await assert.rejects(server.step(encodeNegTokenResp({ negState: NegState.accept_incomplete })), order);
  const { result } = await authenticate(initiator(ntlm()), server);
  assert.equal(result.kind, 'accepted');
  const after = await server.step(Buffer.alloc(0));
  assert.ok(after.kind === 'refused' && /complete already/.test(after.why));
});

test('one byte changed in any token is an error on one side or a refusal on the other', async () => {
  const legs: Uint8Array[] = [];
  await authenticate(initiator(ntlm()), acceptor(), (token) => {
    legs.push(token);
    return token;
  });
  const accepted: string[] = [];
  for (const [leg, { length }] of legs.entries()) {
    for (let at = 0; at < length; at++) {
      const flip = (token: Uint8Array, now: number) =>
        now === leg ? token.map((byte, i) => (i === at ? byte ^ 1 : byte)) : token;
      const outcome = await authenticate(initiator(ntlm()), acceptor(), flip).catch((error: Error) => error);
      if (outcome instanceof Error) assert.ok(['ProtocolError', 'RpchError'].includes(outcome.name), outcome.stack);
      else if (outcome.result.kind === 'accepted') accepted.push(`leg ${leg}, byte ${at}`);
    }
  }
  // There the tag of mechToken becomes that of a field that nobody reads: the token is asked for, and comes.
  assert.deepEqual(accepted, ['leg 0, byte 30']);
});
