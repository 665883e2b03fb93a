import type { SecurityAcceptor, SecurityInitiator } from '../dcerpc/security-context.ts';
import type { InitiatorMechanism } from './mechanism.ts';
import { NtlmAcceptor, type NtlmAcceptorOptions } from './ntlm/acceptor.ts';
import { NtlmInitiator, type NtlmInitiatorOptions } from './ntlm/initiator.ts';
import { SpnegoAcceptor } from './spnego/acceptor.ts';
import { SpnegoInitiator } from './spnego/initiator.ts';
import { NTLMSSP_OID } from './spnego/neg-token.ts';

/** Makes initiators of the same kind, for the same account: each call one, for one security context. */
export type InitiatorFactory = () => SecurityInitiator;
/** Makes acceptors of the same kind: each call one, for one security context. */
export type AcceptorFactory = () => SecurityAcceptor;

/** Contexts of NTLM: auth_type 10, and HTTP's scheme NTLM. Throws as the constructor of {@link NtlmInitiator} does. */
export function ntlmSecurity(options: NtlmInitiatorOptions): InitiatorFactory {
  new NtlmInitiator(options);
  return () => new NtlmInitiator(options);
}

/**
 * NTLM as a mechanism that SPNEGO may choose. Up to level `connect` it signs nothing, mechListMICs neither: a list of several
 * mechanisms is unprotected there. It must not sign at that level: Samba's server fails every call at level connect whose
 * context could sign (its replies have a size for a signature, and none may be in them). Throws as {@link ntlmSecurity} does.
 */
export function ntlmMechanism(options: NtlmInitiatorOptions): InitiatorMechanism {
  new NtlmInitiator(options);
  return { oid: NTLMSSP_OID, make: () => new NtlmInitiator(options) };
}

/** Contexts of SPNEGO: auth_type 9. The mechanism that is preferred comes first. */
export function spnegoSecurity(mechanisms: readonly [InitiatorMechanism, ...InitiatorMechanism[]]): InitiatorFactory {
  return () => new SpnegoInitiator(mechanisms);
}

/** Accepts NTLM, with SPNEGO around it or without. */
export function spnegoAcceptance(options: NtlmAcceptorOptions): AcceptorFactory {
  return () => new SpnegoAcceptor([{ oid: NTLMSSP_OID, make: () => new NtlmAcceptor(options) }]);
}
