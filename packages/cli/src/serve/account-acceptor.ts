import type { NtlmLogin } from '@rpch/proxy';
import type { NegotiableAcceptor, NegotiableResult } from '@rpch/rpc/internal';

/**
 * NTLM for an RPC server, decided by the accounts of the proxy: names in all their forms are one account, failures are slowed. Who is
 * accepted has the account's own name, whatever the client wrote.
 */
export class AccountAcceptor implements NegotiableAcceptor {
  readonly #login: NtlmLogin;
  readonly #domain: string;
  #complete = false;

  /** @param domain of the accounts; empty where they have none. */
  constructor(login: NtlmLogin, domain: string) {
    this.#login = login;
    this.#domain = domain;
  }

  get complete(): boolean {
    return this.#complete;
  }

  /** Never rejects: what is malformed is refused, and told as every refusal is. */
  async step(token: Uint8Array): Promise<NegotiableResult> {
    if (this.#complete) return { kind: 'refused', why: 'the context is complete already' };
    const result = await this.#login.step(token);
    if (result.kind === 'challenge') return result;
    if (result.kind === 'refused') {
      const { name, reason, why } = result;
      return { kind: 'refused', ...(name === undefined ? {} : { user: name }), why: `${reason}: ${why}` };
    }
    const { account, session } = result;
    if (session === undefined) return { kind: 'refused', user: account.name, why: 'no keys to protect calls with' };
    this.#complete = true;
    return { ...session, kind: 'accepted', user: account.name, domain: this.#domain };
  }
}
