import {
  AuthLevel,
  DerReader,
  decodeNegTokenInit,
  decodeNegTokenResp,
  ECHO,
  encodeMechTypeList,
  encodeNegTokenInit,
  encodeNegTokenResp,
  encodeVerificationTrailer,
  type MessageProtection,
  NDR,
  NTLMSSP_OID,
  ProtocolError,
  RpchError,
  type SecurityAcceptor,
  type SecurityInitiator,
  type VerificationExpected,
  verifyTrailer,
} from '@rpch/rpc/internal';
import { ACCEPTORS, ACCOUNT, INITIATORS, tokensOf } from './fuzz-accounts.ts';
import { piecesOf, sequence } from './fuzz-sequence.ts';
import { atOnce, must, type Target } from './fuzz-target.ts';

/** negTokenResp [1] of NegotiationToken (RFC 4178 4.2). */
const RESPONSE_TAG = 0xa1;
const LEVELS = [AuthLevel.connect, AuthLevel.integrity, AuthLevel.privacy] as const;
const MAKERS = [INITIATORS.spnego, INITIATORS.secondChoice] as const;

/** Tokens of whole authentications at every level. */
const tokens = {
  ntlm: await Promise.all(LEVELS.map((level) => tokensOf(INITIATORS.ntlm(level), ACCEPTORS.ntlm()))),
  spnego: await Promise.all(MAKERS.flatMap((make) => LEVELS.map((level) => tokensOf(make(level), ACCEPTORS.spnego())))),
};

/** Every token is answered at once; only the account that proves itself is accepted, and once. */
async function accept(acceptor: SecurityAcceptor, input: Uint8Array): Promise<void> {
  let accepted = false;
  for (const token of piecesOf(input)) {
    try {
      const result = await atOnce(acceptor.step(token), 'a step of the acceptor');
      must(!accepted || result.kind === 'refused', 'what comes after the end is refused');
      must(acceptor.complete === (accepted || result.kind === 'accepted'), 'complete once it was accepted');
      if (result.kind !== 'accepted') continue;
      accepted = true;
      must(result.user.toLowerCase() === ACCOUNT.user, 'nobody is accepted who has no account');
      exercise(result.protection());
    } catch (error) {
      // a peer may begin anew
      if (!(error instanceof ProtocolError)) throw error;
    }
  }
}

/** The first piece chooses the initiator: its level, and what it would rather have; the others are the server's tokens. */
async function initiate(makers: readonly ((level: number) => SecurityInitiator)[], input: Uint8Array): Promise<void> {
  const [first, ...pieces] = piecesOf(input);
  const choice = first?.[0] ?? 0;
  const level = LEVELS[choice % LEVELS.length] ?? AuthLevel.privacy;
  const initiator = makers[Math.floor(choice / LEVELS.length) % makers.length]?.(level);
  must(initiator !== undefined, 'there is an initiator');
  await atOnce(initiator.step(undefined), 'the first step');
  for (const token of pieces) {
    const was = initiator.complete;
    await atOnce(initiator.step(token), 'a step of the initiator');
    must(!was, 'a token after the end is refused');
    if (initiator.complete && level > AuthLevel.connect) exercise(initiator.protection);
  }
}

/** A context that is complete protects, and takes nobody else's signature. */
function exercise(protection: MessageProtection): void {
  const message = new Uint8Array(40).fill(1);
  const signature = new Uint8Array(protection.signatureLength);
  protection.sign(message, signature);
  protection.seal(message, message.subarray(8, 32), signature);
  let taken = true;
  try {
    protection.unseal(message, message.subarray(8, 32), new Uint8Array(protection.signatureLength).fill(3));
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    taken = false;
  }
  must(!taken, 'a signature that is none is not taken');
}

/** What the initiator may throw: it is the peer's fault, always. */
const peersFault = (error: unknown): boolean => error instanceof RpchError && error.fault === 'peer';

function walk(reader: DerReader): void {
  while (reader.tag !== undefined) {
    if ((reader.tag & 0x20) !== 0) walk(reader.sub(reader.tag));
    else if (reader.tag === 6) reader.oid();
    else if (reader.tag === 10) reader.enumerated();
    else reader.element();
  }
  reader.end();
}

/** The elements, whatever they mean, and the message that the first byte announces. */
function spnegoTokens(input: Uint8Array): void {
  try {
    walk(new DerReader(input, 'X.690'));
  } catch (error) {
    // a message may be right all the same: what nobody needs of it is not looked at
    if (!(error instanceof ProtocolError)) throw error;
  }
  if (input[0] === RESPONSE_TAG) {
    const message = decodeNegTokenResp(input);
    const again = decodeNegTokenResp(encodeNegTokenResp(message));
    must(JSON.stringify(again) === JSON.stringify(message), 'a NegTokenResp survives a round trip');
    return;
  }
  const { mechTypes, mechToken } = decodeNegTokenInit(input);
  const again = decodeNegTokenInit(encodeNegTokenInit({ mechTypeList: encodeMechTypeList(mechTypes), mechToken }));
  must(again.mechTypes.join() === mechTypes.join(), 'a list of mechanisms survives a round trip');
}

const EXPECTED: VerificationExpected = {
  littleEndian: true,
  callId: 2,
  contextId: 0,
  opnum: 1,
  headerSigning: true,
  context: { abstractSyntax: ECHO, transferSyntax: NDR },
};

const TRAILERS = [
  { headerSigning: true, context: undefined, header: undefined },
  { headerSigning: undefined, context: EXPECTED.context, header: undefined },
  { headerSigning: true, context: EXPECTED.context, header: EXPECTED },
].map((commands) => {
  const stub = new Uint8Array(21).fill(5);
  return Buffer.concat([stub, encodeVerificationTrailer(stub.length, commands) ?? new Uint8Array()]);
});

/** DER and SPNEGO's messages; both sides of NTLM and SPNEGO, as sequences of tokens; the verification trailer. */
export const SECURITY_TARGETS: readonly Target[] = [
  {
    name: 'SPNEGO tokens',
    seeds: [
      ...tokens.spnego.flatMap(({ toAcceptor, toInitiator }) => [...toAcceptor, ...toInitiator]),
      encodeNegTokenInit({
        mechTypeList: encodeMechTypeList([NTLMSSP_OID, '1.2.840.48018.1.2.2']),
        mechToken: undefined,
      }),
    ],
    run: spnegoTokens,
  },
  {
    name: 'NTLM acceptor',
    sequence: {},
    seeds: tokens.ntlm.map(({ toAcceptor }) => sequence(toAcceptor)),
    run: (input) => accept(ACCEPTORS.ntlm(), input),
  },
  {
    name: 'NTLM initiator',
    sequence: {},
    seeds: tokens.ntlm.map(({ toInitiator }, i) => sequence([Uint8Array.of(i), ...toInitiator])),
    mayThrow: peersFault,
    run: (input) => initiate([INITIATORS.ntlm], input),
  },
  {
    name: 'SPNEGO acceptor',
    sequence: {},
    seeds: [...tokens.spnego, ...tokens.ntlm].map(({ toAcceptor }) => sequence(toAcceptor)),
    run: (input) => accept(ACCEPTORS.spnego(), input),
  },
  {
    name: 'SPNEGO initiator',
    sequence: {},
    seeds: tokens.spnego.map(({ toInitiator }, i) => sequence([Uint8Array.of(i), ...toInitiator])),
    mayThrow: peersFault,
    run: (input) => initiate(MAKERS, input),
  },
  {
    name: 'verification trailer',
    seeds: TRAILERS,
    run: (input) => {
      const length = verifyTrailer(input, EXPECTED);
      must(length >= 0 && length <= input.length, 'what is left of a stub is a part of it');
    },
  },
];
