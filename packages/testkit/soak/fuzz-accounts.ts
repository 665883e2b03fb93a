import {
  md4,
  NtlmAcceptor,
  type NtlmAcceptorOptions,
  type NtlmInitiatorOptions,
  ntlmMechanism,
  ntlmSecurity,
  type SecurityAcceptor,
  type SecurityInitiator,
  spnegoAcceptance,
  spnegoSecurity,
} from '@rpch/rpc/internal';

const NOW = Date.UTC(2026, 0, 1);
const ntHash = md4(Buffer.from('secret-of-alice', 'utf16le'));

/** The one account that is accepted. */
export const ACCOUNT = { user: 'alice', domain: 'PEER' } as const;

/** "Random" bytes and a clock that are always the same, so that tokens which answer each other can be kept. */
const FIXED = { now: () => NOW, random: (length: number) => new Uint8Array(length).fill(7) };

const ACCEPTOR: NtlmAcceptorOptions = {
  ...FIXED,
  target: { netbiosDomain: ACCOUNT.domain, netbiosComputer: 'SERVER', dnsDomain: 'peer.test' },
  lookup: async (user) => (user.toLowerCase() === ACCOUNT.user ? ntHash : undefined),
};

function initiatorOptions(level: number): NtlmInitiatorOptions {
  return { ...FIXED, credentials: { ...ACCOUNT, ntHash }, level, targetName: 'host/server' };
}

/** The accepting side of both providers. */
export const ACCEPTORS: { readonly ntlm: () => SecurityAcceptor; readonly spnego: () => SecurityAcceptor } = {
  ntlm: () => new NtlmAcceptor(ACCEPTOR),
  spnego: spnegoAcceptance(ACCEPTOR),
};

/** The initiating side of both, for an auth_level. */
export const INITIATORS: {
  readonly ntlm: (level: number) => SecurityInitiator;
  readonly spnego: (level: number) => SecurityInitiator;
  readonly secondChoice: (level: number) => SecurityInitiator;
} = {
  ntlm: (level) => ntlmSecurity(initiatorOptions(level))(),
  spnego: (level) => spnegoSecurity([ntlmMechanism(initiatorOptions(level))])(),
  // Kerberos is what it would rather have, and the acceptor does not know.
  secondChoice: (level) => spnegoSecurity([KERBEROS, ntlmMechanism(initiatorOptions(level))])(),
};

const KERBEROS = {
  oid: '1.2.840.113554.1.2.2',
  make: () => ({
    authType: 16,
    complete: false,
    get protection(): never {
      throw new Error('never complete');
    },
    mechListMic: 'unavailable' as const,
    step: async () => Uint8Array.of(0x60, 3, 1, 2, 3),
  }),
};

/** The tokens of a whole authentication, by who is to take them. */
export async function tokensOf(
  initiator: SecurityInitiator,
  acceptor: SecurityAcceptor,
): Promise<{ readonly toAcceptor: readonly Uint8Array[]; readonly toInitiator: readonly Uint8Array[] }> {
  const toAcceptor: Uint8Array[] = [];
  const toInitiator: Uint8Array[] = [];
  let token = await initiator.step(undefined);
  while (token !== undefined) {
    toAcceptor.push(token);
    const result = await acceptor.step(token);
    if (result.kind === 'refused') throw new Error(`a seed was refused: ${result.why}`);
    if (result.token === undefined) break;
    toInitiator.push(result.token);
    token = await initiator.step(result.token);
  }
  if (!initiator.complete || !acceptor.complete) throw new Error('a seed is not complete');
  return { toAcceptor, toInitiator };
}
