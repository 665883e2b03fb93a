import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Auth3, encodeAuth3 } from '../../src/dcerpc/auth3.ts';
import { type Bind, encodeBind } from '../../src/dcerpc/bind.ts';
import { decodeBindNak } from '../../src/dcerpc/bind-nak.ts';
import { decodeFault } from '../../src/dcerpc/fault.ts';
import { PduType, PfcFlag } from '../../src/dcerpc/header.ts';
import { openPdu, type Pdu } from '../../src/dcerpc/pdu.ts';
import { PduProtection } from '../../src/dcerpc/pdu-protection.ts';
import { encodeRequest } from '../../src/dcerpc/request.ts';
import { decodeResponse } from '../../src/dcerpc/response.ts';
import type { OfferedInterface, RpcCall, RpcInterface } from '../../src/dcerpc/rpc-interface.ts';
import type { AuthVerifier } from '../../src/dcerpc/sec-trailer.ts';
import { type AcceptorResult, AuthLevel, AuthType, type SecurityAcceptor } from '../../src/dcerpc/security-context.ts';
import { BindTimeFeature, bindTimeFeatureSyntax, NDR } from '../../src/dcerpc/syntax-id.ts';
import { encodeVerificationTrailer } from '../../src/dcerpc/verification-trailer.ts';
import { ProtocolError } from '../../src/errors.ts';
import { ECHO } from '../../src/interfaces/echo.ts';
import { FakeProtection } from './fake-security.ts';
import { bindPdu, cut, ECHO_ELEMENT, hex, Recorder, requestRun, serverAssociation, u32 } from './support.ts';

const HELLO = Uint8Array.of(1);
const PROOF = Uint8Array.of(3);

/** Three legs: 1, 2, 3. Leg 3 followed by other bytes is what a client without the password sends. Without a user it is anonymous. */
class ThreeLegs implements SecurityAcceptor {
  complete = false;
  readonly #user: string | undefined;
  readonly #last: Uint8Array | undefined;
  readonly #gate: Promise<void> | undefined;

  constructor(options: { user?: string | undefined; last?: Uint8Array; gate?: Promise<void> } = {}) {
    this.#user = 'user' in options ? options.user : 'alice';
    this.#last = options.last;
    this.#gate = options.gate;
  }

  async step(token: Uint8Array): Promise<AcceptorResult> {
    await this.#gate;
    if (token[0] === 1) return { kind: 'challenge', token: Uint8Array.of(2) };
    if (token[0] !== 3) throw new ProtocolError('RPCH_BAD_TOKEN', 'no leg', 'test');
    const [user, last] = [this.#user, this.#last];
    if (token.length > 1)
      return { kind: 'refused', ...(user === undefined ? {} : { user, domain: 'PEER' }), why: 'wrong password' };
    this.complete = true;
    const protection = () => new FakeProtection();
    if (user === undefined) return { kind: 'anonymous', token: last, protection };
    return { kind: 'accepted', user, domain: 'PEER', workstation: '', token: last, protection };
  }
}

interface Scene {
  readonly acceptor?: () => SecurityAcceptor;
  readonly minimumLevel?: number;
  readonly maxSecurityContexts?: number;
}

/** A client of a server whose interface keeps the calls that reach it. */
function scene({ acceptor = () => new ThreeLegs(), minimumLevel, maxSecurityContexts }: Scene = {}) {
  const calls: RpcCall[] = [];
  const served: RpcInterface = {
    name: 'kept',
    syntax: ECHO,
    handle(_opnum, stub, _littleEndian, call) {
      calls.push(call);
      return stub;
    },
  };
  const offered: OfferedInterface = minimumLevel === undefined ? served : { interface: served, minimumLevel };
  const output = new Recorder();
  const association = serverAssociation(output, {
    interfaces: [offered],
    security: { ntlm: acceptor },
    maxSecurityContexts,
  });
  const give = async (pdu: Uint8Array): Promise<Pdu[]> => {
    association.rpc(pdu, 1);
    await settle();
    return output.take();
  };
  const giveOne = async (pdu: Uint8Array): Promise<Pdu> => {
    const [answer, ...more] = await give(pdu);
    assert.equal(more.length, 0);
    assert.ok(answer !== undefined, 'no answer');
    return answer;
  };
  return { association, output, calls, give, giveOne };
}

/** Lets promises go on; more than a leg takes. */
async function settle(): Promise<void> {
  for (let i = 0; i < 30; i++) await Promise.resolve();
}

const verifier = (token: Uint8Array, changes: Partial<AuthVerifier> = {}): AuthVerifier => {
  return { authType: AuthType.ntlm, authLevel: AuthLevel.privacy, authContextId: 7, token, ...changes };
};

function bindWith(auth: AuthVerifier, changes: Partial<Bind> = {}): Uint8Array {
  return encodeBind(
    {
      ptype: PduType.bind,
      pfcFlags: PfcFlag.CONC_MPX,
      callId: 1,
      littleEndian: true,
      maxXmitFrag: 5840,
      maxRecvFrag: 5840,
      assocGroupId: 0,
      elements: [ECHO_ELEMENT],
      ...changes,
    },
    auth,
  );
}

const alterWith = (auth: AuthVerifier, changes: Partial<Bind> = {}) =>
  bindWith(auth, { ptype: PduType.alter_context, ...changes });

function auth3With(auth: AuthVerifier): Uint8Array {
  const head: Auth3 = { pfcFlags: 0, callId: 1, littleEndian: true };
  return encodeAuth3(head, auth);
}

/** The client's protection of the context that the verifiers above begin. */
function protectionOf({ authLevel = AuthLevel.privacy as number, authContextId = 7, headerSigning = false } = {}) {
  const protection = authLevel === AuthLevel.connect ? undefined : new FakeProtection();
  return new PduProtection({ authType: AuthType.ntlm, authLevel, authContextId, headerSigning, protection });
}

function request(callId: number, stub: Uint8Array, protection?: PduProtection, maxFrag = 5840): Uint8Array[] {
  return cut(encodeRequest({ callId, littleEndian: true, contextId: 0, opnum: 0, stub }, maxFrag, protection).bytes);
}

const one = (pdus: Uint8Array[]): Uint8Array => {
  assert.equal(pdus.length, 1);
  return pdus[0] as Uint8Array;
};

const faultOf = (pdu: Pdu) => [decodeFault(pdu).status, pdu.pfcFlags] as const;

/** The stub of a response, opened by the client's protection. */
function responseOf(bytes: Uint8Array, protection: PduProtection): Uint8Array {
  const pdu = openPdu(bytes);
  protection.open(bytes, pdu);
  return decodeResponse(openPdu(bytes)).stub;
}

/** A client whose context of that level is complete. */
async function authenticated(authLevel: number, options: Scene = {}) {
  const begun = scene(options);
  const ack = await begun.giveOne(bindWith(verifier(HELLO, { authLevel })));
  assert.equal(ack.ptype, PduType.bind_ack);
  assert.deepEqual(ack.secTrailer?.token, Uint8Array.of(2));
  assert.deepEqual(await begun.give(auth3With(verifier(PROOF, { authLevel }))), []);
  return { ...begun, protection: protectionOf({ authLevel }) };
}

test('bind, auth3, a sealed call in fragments: who calls is known, the answer is sealed', async () => {
  const { association, output, calls, protection } = await authenticated(AuthLevel.privacy);
  const stub = Uint8Array.from({ length: 3000 }, (_, i) => i & 0xff);
  for (const pdu of request(2, stub, protection, 1432)) association.rpc(pdu, 1);
  assert.deepEqual(calls[0]?.identity, { user: 'alice', domain: 'PEER', workstation: '' });
  assert.equal(calls[0]?.authType, AuthType.ntlm);
  assert.equal(calls[0]?.authLevel, AuthLevel.privacy);
  const answer = output.pdus.splice(0).map((pdu) => responseOf(pdu, protection));
  assert.deepEqual(new Uint8Array(Buffer.concat(answer)), stub);
});

test('a last leg by alter_context is answered with a trailer that has no token', async () => {
  const { giveOne, give, calls } = scene();
  await giveOne(bindWith(verifier(HELLO)));
  const [resp] = await give(alterWith(verifier(PROOF)));
  assert.equal(resp?.ptype, PduType.alter_context_resp);
  assert.equal(resp?.secTrailer, undefined);
  assert.deepEqual(resp?.body.subarray(-8), hex('0a06000007000000'));
  await give(one(request(2, u32(1), protectionOf())));
  assert.equal(calls.length, 1);
});

test('level connect: requests are plain, a trailer is not looked at, answers are plain', async () => {
  const { giveOne, calls } = await authenticated(AuthLevel.connect);
  assert.deepEqual(decodeResponse(await giveOne(one(request(2, u32(5))))).stub, u32(5));
  assert.equal(calls[0]?.identity?.user, 'alice');
  const signed = protectionOf({ authLevel: AuthLevel.integrity });
  const bytes = one(request(3, u32(6), signed));
  // the level of the trailer, behind header, stub and padding
  bytes[24 + 16 + 1] = AuthLevel.connect;
  assert.deepEqual(decodeResponse(await giveOne(bytes)).stub, u32(6));
});

test('PDUs that come in while a security provider works wait for it, and the transport is told', async () => {
  const gate = Promise.withResolvers<void>();
  const { association, output, calls } = scene({ acceptor: () => new ThreeLegs({ gate: gate.promise }) });
  association.rpc(bindWith(verifier(HELLO)), 1);
  assert.ok(output.held);
  association.rpc(auth3With(verifier(PROOF)), 1);
  const late = one(request(2, u32(1), protectionOf()));
  association.rpc(late, 1);
  late.fill(0);
  assert.equal(output.pdus.length, 0);
  gate.resolve();
  await settle();
  assert.ok(!output.held);
  assert.deepEqual(
    output.take().map(({ ptype }) => ptype),
    [PduType.bind_ack, PduType.response],
  );
  assert.equal(calls.length, 1);
});

test('an association that ends while a security provider works stays ended', async () => {
  const gate = Promise.withResolvers<void>();
  const { association, output } = scene({ acceptor: () => new ThreeLegs({ gate: gate.promise }) });
  association.rpc(bindWith(verifier(HELLO)), 1);
  association.close();
  gate.resolve();
  await settle();
  assert.equal(output.pdus.length, 0);
});

test('a bind that cannot be accepted: the reject_reason says why ([MS-RPCE] 2.2.2.5)', async () => {
  const cases: readonly [AuthVerifier, number][] = [
    [verifier(HELLO, { authType: AuthType.kerberos }), 8],
    [verifier(HELLO, { authLevel: AuthLevel.none }), 0],
    [verifier(HELLO, { authLevel: 7 }), 0],
    [verifier(HELLO, { authLevel: AuthLevel.call }), 9],
    [verifier(Uint8Array.of(3, 0)), 9],
    [verifier(Uint8Array.of(9)), 9],
  ];
  for (const [auth, reason] of cases) {
    const { giveOne, output } = scene();
    assert.equal(decodeBindNak(await giveOne(bindWith(auth))).reason, reason);
    assert.ok(output.ended !== undefined);
  }
});

test('a security provider that fails is a matter for the log', async () => {
  const cause = new TypeError('a defect');
  const acceptor = (): SecurityAcceptor => ({ complete: false, step: () => Promise.reject(cause) });
  const { giveOne, output } = scene({ acceptor });
  assert.equal(decodeBindNak(await giveOne(bindWith(verifier(HELLO)))).reason, 9);
  assert.equal(output.failures[0]?.cause, cause);
});

test('auth_pad_length of a bind does not count, unless it is absurd', async () => {
  const padded = (padding: number) => {
    const bytes = bindWith(verifier(HELLO));
    bytes[bytes.length - 1 - 8 + 2] = padding;
    return bytes;
  };
  assert.equal((await scene().giveOne(padded(4))).ptype, PduType.bind_ack);
  assert.equal(decodeBindNak(await scene().giveOne(padded(255))).reason, 4);
});

test('a refused logon: by auth3 it shows at the first call, by alter_context at once', async () => {
  const wrong = verifier(Uint8Array.of(3, 0));
  const { giveOne, give, output } = scene();
  await giveOne(bindWith(verifier(HELLO)));
  assert.deepEqual(await give(auth3With(wrong)), []);
  assert.ok(!output.over);
  assert.deepEqual(faultOf(await giveOne(one(request(2, u32(1), protectionOf())))), [5, 3]);
  assert.equal(output.ended?.message, 'PEER\\alice: wrong password');

  const altered = scene();
  await altered.giveOne(bindWith(verifier(HELLO)));
  assert.deepEqual(faultOf(await altered.giveOne(alterWith(wrong))), [5, 0x23]);
  assert.equal(altered.output.ended?.code, 'RPCH_RPC_AUTH_REFUSED');
});

test('an acceptor that has more to say than auth3 can carry leaves the context invalid', async () => {
  const { giveOne, give } = scene({ acceptor: () => new ThreeLegs({ last: Uint8Array.of(4) }) });
  await giveOne(bindWith(verifier(HELLO)));
  assert.deepEqual(await give(auth3With(verifier(PROOF))), []);
  assert.deepEqual(faultOf(await giveOne(one(request(2, u32(1), protectionOf())))), [5, 3]);
});

test('a call amid an authentication, and legs out of turn', async () => {
  const amid = scene();
  await amid.giveOne(bindWith(verifier(HELLO)));
  assert.deepEqual(faultOf(await amid.giveOne(one(request(2, u32(1), protectionOf())))), [0x1c01000b, 0x23]);

  const done = await authenticated(AuthLevel.privacy);
  assert.deepEqual(faultOf(await done.giveOne(auth3With(verifier(PROOF)))), [0x1c01000b, 0x23]);

  const again = await authenticated(AuthLevel.privacy);
  assert.deepEqual(faultOf(await again.giveOne(alterWith(verifier(PROOF)))), [5, 0x23]);

  const changed = scene();
  await changed.giveOne(bindWith(verifier(HELLO)));
  const otherType = verifier(PROOF, { authType: AuthType.spnego });
  assert.deepEqual(faultOf(await changed.giveOne(alterWith(otherType))), [0x721, 0x23]);

  const unpadded = scene();
  await unpadded.giveOne(bindWith(verifier(HELLO)));
  const flawed = auth3With(verifier(PROOF));
  flawed[flawed.length - 1 - 8 + 2] = 1;
  assert.deepEqual(faultOf(await unpadded.giveOne(flawed)), [0x1c00001b, 0x23]);
});

test('requests that are not what their context wants end the connection', async () => {
  const damaged = one(request(2, u32(1), protectionOf()));
  damaged[30] = (damaged[30] ?? 0) ^ 1;
  const foreign = one(request(2, u32(1), protectionOf({ authLevel: AuthLevel.integrity })));
  const unknown = one(request(2, u32(1), protectionOf({ authContextId: 8 })));
  for (const [pdu, status] of [
    [damaged, 0x721],
    [foreign, 5],
    [unknown, 5],
  ] as const) {
    const { giveOne, output } = await authenticated(AuthLevel.privacy);
    assert.deepEqual(faultOf(await giveOne(pdu)), [status, 3]);
    assert.equal(output.ended?.code, 'RPCH_UNPROTECTED_CALL');
  }
  const later = await authenticated(AuthLevel.privacy);
  const [first, second] = request(2, new Uint8Array(100), later.protection, 112);
  later.association.rpc(first ?? hex(''), 1);
  // the same fragment without its trailer
  const bare = requestRun(2, 0, new Uint8Array(100), { maxFrag: 112 }).slice(112);
  assert.ok(second !== undefined);
  assert.deepEqual(faultOf(await later.giveOne(bare)), [0x1c01000b, 3]);
});

test('what is refused or ignored is opened all the same: the next call has the next signature', async () => {
  const { give, giveOne, calls, protection } = await authenticated(AuthLevel.integrity);
  const unknown = encodeRequest(
    { callId: 2, littleEndian: true, contextId: 9, opnum: 0, stub: new Uint8Array(300) },
    144,
    protection,
  );
  const [first, ...rest] = cut(unknown.bytes);
  assert.deepEqual(faultOf(await giveOne(first ?? hex(''))), [0x1c010003, 0x23]);
  for (const pdu of rest) assert.deepEqual(await give(pdu), []);
  await give(one(request(3, u32(1), protection)));
  assert.equal(calls.length, 1);
});

test('several security contexts on one connection, up to the limit', async () => {
  const users = ['alice', 'bob', 'carol'];
  const acceptor = () => new ThreeLegs({ user: users.shift() ?? '' });
  const { giveOne, give, calls, output } = scene({ acceptor, maxSecurityContexts: 2 });
  const elements = [ECHO_ELEMENT, { ...ECHO_ELEMENT, contextId: 9, transferSyntaxes: [bindTimeFeatureSyntax(0xff)] }];
  const ack = await giveOne(bindPdu({ elements }));
  assert.equal(ack.body[ack.body.length - 22], BindTimeFeature.SECURITY_CONTEXT_MULTIPLEXING | 2);
  for (const authContextId of [1, 2]) {
    await giveOne(alterWith(verifier(HELLO, { authContextId })));
    await give(auth3With(verifier(PROOF, { authContextId })));
  }
  const [second, first] = [protectionOf({ authContextId: 2 }), protectionOf({ authContextId: 1 })];
  await give(one(request(2, u32(1), second)));
  await give(one(request(3, u32(1), first)));
  await give(one(request(4, u32(1))));
  await give(one(request(5, u32(1), second)));
  assert.deepEqual(
    calls.map(({ identity }) => identity?.user),
    ['bob', 'alice', undefined, 'bob'],
  );
  assert.deepEqual(faultOf(await giveOne(alterWith(verifier(HELLO, { authContextId: 3 })))), [0x1c01000b, 0x23]);
  assert.equal(output.ended?.code, 'RPCH_TOO_MANY_CONTEXTS');
});

test('an interface below its level is access_denied at the first fragment, and the connection goes on', async () => {
  const plain = scene({ minimumLevel: AuthLevel.privacy });
  await plain.giveOne(bindPdu());
  const [first, ...rest] = request(2, new Uint8Array(3000), undefined, 1432);
  assert.deepEqual(faultOf(await plain.giveOne(first ?? hex(''))), [5, 3]);
  for (const pdu of rest) assert.deepEqual(await plain.give(pdu), []);
  assert.equal(plain.output.ended, undefined);
  const anonymous = 'a call of kept was refused: anonymous at auth_level 1, where 6 is wanted';
  assert.deepEqual(plain.output.refusals, [anonymous]);

  const signed = await authenticated(AuthLevel.integrity, { minimumLevel: AuthLevel.privacy });
  assert.deepEqual(faultOf(await signed.giveOne(one(request(2, u32(1), signed.protection)))), [5, 3]);
  assert.deepEqual(signed.output.refusals, [
    'a call of kept was refused: PEER\\alice at auth_level 5, where 6 is wanted',
  ]);

  // level packet is integrity over connections
  const packet = await authenticated(AuthLevel.packet, { minimumLevel: AuthLevel.integrity });
  await packet.give(one(request(2, u32(1), packet.protection)));
  assert.equal(packet.calls.length, 1);

  const acceptor = () => new ThreeLegs({ user: '' });
  const nameless = await authenticated(AuthLevel.privacy, { minimumLevel: AuthLevel.connect, acceptor });
  assert.deepEqual(faultOf(await nameless.giveOne(one(request(2, u32(1), nameless.protection)))), [5, 3]);
});

const nobody = () => new ThreeLegs({ user: undefined });
const LEVELS = [AuthLevel.connect, AuthLevel.packet, AuthLevel.integrity, AuthLevel.privacy];

test('a call in an anonymous context is told as one without authentication, whatever the level of the context', async () => {
  for (const authLevel of LEVELS) {
    const { association, output, calls, protection } = await authenticated(authLevel, { acceptor: nobody });
    association.rpc(one(request(2, u32(5), protection)), 1);
    assert.deepEqual(responseOf(output.pdus.splice(0)[0] ?? hex(''), protection), u32(5));
    const [call] = calls;
    assert.deepEqual(
      [call?.identity, call?.authType, call?.authLevel],
      [undefined, AuthType.none, AuthLevel.none],
      `level ${authLevel}`,
    );
  }
});

test('an anonymous context satisfies no level but none, and is anonymous to the log', async () => {
  for (const minimumLevel of LEVELS) {
    for (const authLevel of LEVELS) {
      const { giveOne, output, calls, protection } = await authenticated(authLevel, { minimumLevel, acceptor: nobody });
      assert.deepEqual(faultOf(await giveOne(one(request(2, u32(1), protection)))), [5, 3]);
      assert.equal(calls.length, 0);
      const why = `a call of kept was refused: anonymous at auth_level 1, where ${minimumLevel} is wanted`;
      assert.deepEqual(output.refusals, [why]);
      assert.equal(output.ended, undefined);
    }
  }
});

test('an anonymous context beside a named one: each call has its own', async () => {
  let made = 0;
  const acceptor = () => new ThreeLegs({ user: made++ === 0 ? undefined : 'alice' });
  const begun = await authenticated(AuthLevel.integrity, { minimumLevel: AuthLevel.integrity, acceptor });
  const named = { authLevel: AuthLevel.integrity, authContextId: 8 };
  await begun.giveOne(alterWith(verifier(HELLO, named)));
  assert.deepEqual(await begun.give(auth3With(verifier(PROOF, named))), []);
  await begun.giveOne(one(request(2, u32(1), protectionOf(named))));
  assert.equal(begun.calls[0]?.identity?.user, 'alice');
  assert.deepEqual(faultOf(await begun.giveOne(one(request(3, u32(1), begun.protection)))), [5, 3]);
  assert.equal(begun.calls.length, 1);
});

for (const acceptor of [undefined, nobody]) {
  const whose = acceptor === undefined ? '' : ', in an anonymous context too';
  test(`a verification trailer is compared and taken off; one that does not hold is access_denied${whose}`, async () => {
    const { association, giveOne, output, protection } = await authenticated(AuthLevel.integrity, {
      ...(acceptor && { acceptor }),
    });
    const trailed = (headerSigning: boolean) => {
      const context = { abstractSyntax: ECHO, transferSyntax: NDR };
      const trailer = encodeVerificationTrailer(4, { headerSigning, context, header: undefined });
      return Buffer.concat([u32(7), trailer ?? hex('')]);
    };
    association.rpc(one(request(2, trailed(false), protection)), 1);
    assert.deepEqual(responseOf(output.pdus.splice(0)[0] ?? hex(''), protection), u32(7));
    assert.deepEqual(faultOf(await giveOne(one(request(3, trailed(true), protection)))), [5, 3]);
    assert.equal(output.ended, undefined);
  });
}

test('co_cancel may be signed, and counts only if it is signed rightly', async () => {
  const answers: PromiseWithResolvers<Uint8Array>[] = [];
  const calls: RpcCall[] = [];
  const served: RpcInterface = {
    name: 'waiting',
    syntax: ECHO,
    handle(_opnum, _stub, _littleEndian, call) {
      calls.push(call);
      const answer = Promise.withResolvers<Uint8Array>();
      answers.push(answer);
      return answer.promise;
    },
  };
  const output = new Recorder();
  const association = serverAssociation(output, { interfaces: [served], security: { ntlm: () => new ThreeLegs() } });
  association.rpc(bindWith(verifier(HELLO, { authLevel: AuthLevel.integrity })), 1);
  await settle();
  association.rpc(auth3With(verifier(PROOF, { authLevel: AuthLevel.integrity })), 1);
  await settle();
  association.rpc(one(request(2, u32(1), protectionOf({ authLevel: AuthLevel.integrity }))), 1);
  const signed = hex('05001203 10000000 2800 1000 02000000 0a050000 07000000 00000000000000000000000000000000');
  association.rpc(signed, 1);
  assert.ok(!calls[0]?.signal.aborted);
  association.rpc(hex('05001203 10000000 1000 0000 02000000'), 1);
  assert.ok(calls[0]?.signal.aborted);
});

test('an authenticated session with damage is answered in PDUs, or ends; nothing is thrown and no handler is called twice', async () => {
  const pdus = (): Uint8Array[] => {
    const protection = protectionOf();
    return [
      bindWith(verifier(HELLO)),
      auth3With(verifier(PROOF)),
      ...request(2, new Uint8Array(200), protection, 144),
      alterWith(verifier(HELLO, { authContextId: 8 })),
      alterWith(verifier(PROOF, { authContextId: 8 })),
      ...request(3, u32(1), protection),
      ...request(4, u32(1), protectionOf({ authContextId: 8 })),
    ];
  };
  const whole = scene();
  for (const pdu of pdus()) await whole.give(pdu);
  assert.equal(whole.calls.length, 3);
  assert.ok(!whole.output.over);
  const damage = fc.array(fc.tuple(fc.nat(20), fc.nat(300), fc.nat(255)), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(damage, async (changes) => {
      const damaged = pdus();
      for (const [which, at, value] of changes) {
        const pdu = damaged[which % damaged.length];
        if (pdu === undefined) continue;
        pdu[at % pdu.length] = value;
        // the length is the deframer's business
        new DataView(pdu.buffer, pdu.byteOffset).setUint16(8, pdu.length, (pdu[4] ?? 0) >= 0x10);
        pdu[0] = 5;
        pdu[1] = 0;
      }
      const { give, calls, output } = scene();
      for (const pdu of damaged) await give(pdu);
      assert.ok(calls.length <= 3);
      assert.deepEqual(output.failures, []);
      assert.notEqual(output.ended?.code, 'RPCH_INTERNAL');
    }),
    { numRuns: 500 },
  );
});
