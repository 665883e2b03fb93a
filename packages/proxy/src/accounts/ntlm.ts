import { NtlmAcceptor, type NtlmAcceptorOptions } from '@rpch/rpc/internal';
import type { AcceptNtlm } from './local-provider.ts';

/** Handshakes of our own NTLM acceptor, in which the server calls itself `target`. */
export function acceptNtlmAs(common: Pick<NtlmAcceptorOptions, 'target' | 'now' | 'random'>): AcceptNtlm {
  return (options) => new NtlmAcceptor({ ...common, ...options });
}
