/** Security contexts: who is on the other side, and a key shared with it. Bytes in, bytes out, no sockets. */
export {
  type AcceptorResult,
  AuthLevel,
  AuthType,
  type MessageProtection,
  type PeerIdentity,
  type SecurityAcceptor,
  type SecurityInitiator,
} from '../dcerpc/security-context.ts';
export type { AcceptorMechanism, InitiatorMechanism, NegotiableAcceptor, NegotiableResult } from './mechanism.ts';
export { MAX_NTLM_TOKEN, NtlmAcceptor, type NtlmAcceptorOptions } from './ntlm/acceptor.ts';
export { type Account, parseAccount } from './ntlm/account.ts';
export { type AuthenticateMessage, decodeAuthenticate } from './ntlm/authenticate.ts';
export { AvFlag, AvId, type AvPairs } from './ntlm/av-pairs.ts';
export { type ChallengeMessage, decodeChallenge } from './ntlm/challenge.ts';
export { channelBindingsHash } from './ntlm/channel-bindings.ts';
export { ntowfv1, rc4k } from './ntlm/crypto.ts';
export type { Version } from './ntlm/fields.ts';
export { describeNegotiateFlags, NegotiateFlag } from './ntlm/flags.ts';
export { type NtlmCredentials, NtlmInitiator, type NtlmInitiatorOptions } from './ntlm/initiator.ts';
export { decodeNegotiate, type NegotiateMessage } from './ntlm/negotiate.ts';
export { decodeNtlmv2Response, type Ntlmv2Response } from './ntlm/ntlmv2-response.ts';
export type { NtlmTarget } from './ntlm/server-challenge.ts';
export {
  type AcceptorFactory,
  type InitiatorFactory,
  ntlmMechanism,
  ntlmSecurity,
  spnegoAcceptance,
  spnegoSecurity,
} from './providers.ts';
export { SpnegoAcceptor } from './spnego/acceptor.ts';
export { SpnegoInitiator } from './spnego/initiator.ts';
export { NTLMSSP_OID } from './spnego/neg-token.ts';
