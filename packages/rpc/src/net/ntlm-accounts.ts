import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { AcceptorResult, SecurityAcceptor } from '../dcerpc/security-context.ts';
import type { SecurityProviders } from '../dcerpc/server-security.ts';
import { NtlmAcceptor, type NtlmAcceptorOptions } from '../security/ntlm/acceptor.ts';
import { ntowfv1 } from '../security/ntlm/crypto.ts';
import { spnegoAcceptance } from '../security/providers.ts';

/** The accounts of a server that clients prove themselves to with NTLM: see {@link ntlmAccounts}. */
export interface NtlmAccountsOptions {
  /** NetBIOS name of the domain that the accounts belong to, 1 to 15 characters. */
  readonly domain: string;
  /** Its DNS name, the `example.org` of `alice@example.org`. Default: none. */
  readonly dnsDomain?: string;
  /** NetBIOS name of this computer. Default: the first 15 characters of its host name. */
  readonly computer?: string;
  /**
   * The password of an account of this domain, or its NT hash, which is 16 bytes; undefined of an account that is not there. `user` is its
   * name in lower case, without the domain. It should take as long either way.
   */
  readonly lookup: (user: string) => NtlmSecret | undefined | Promise<NtlmSecret | undefined>;
  /**
   * Lets clients have a security context that log on as nobody ([MS-NLMP] 3.2.5.1.2). Their calls are what calls without authentication
   * are: `identity` is undefined, `authLevel` none, and an interface with a `minimumLevel` refuses them. Default: false, such a logon is
   * refused, since whoever has no account can call without authentication.
   */
  readonly anonymous?: boolean;
}

/** What proves an account in NTLM: its password, or its NT hash, which is as good as that. */
export type NtlmSecret = string | Uint8Array;

const NETBIOS_NAME_LENGTH = 15;

/**
 * Accepts NTLM version 2 ([MS-NLMP] 3.2.5), with SPNEGO around it or without, from the accounts of one domain: the `security` of serveTcp and
 * serveHttp. `EXAMPLE\alice`, `alice@example.org` and `alice` are one account, in any case of their letters; the identity of its calls is
 * always `alice`, as `lookup` was asked for it, and the domain EXAMPLE.
 *
 * ```ts
 * const passwords = new Map([['alice', 'wonderland']]);
 * const security = ntlmAccounts({ domain: 'EXAMPLE', lookup: (user) => passwords.get(user) });
 * ```
 *
 * Throws RpchError `RPCH_NTLM_TARGET` (configuration) for names that are empty or too long.
 */
export function ntlmAccounts(options: NtlmAccountsOptions): SecurityProviders {
  const { domain, dnsDomain, computer = hostname().slice(0, NETBIOS_NAME_LENGTH).toUpperCase() } = options;
  const { anonymous = false } = options;
  const ours = new Set(['', domain, computer, ...(dnsDomain === undefined ? [] : [dnsDomain])].map(lowerCase));
  const ntlm: NtlmAcceptorOptions = {
    target: {
      netbiosDomain: domain,
      netbiosComputer: computer,
      ...(dnsDomain === undefined ? {} : { dnsDomain }),
    },
    now: Date.now,
    random: randomBytes,
    anonymous,
    lookup: async (written, writtenDomain) => {
      const { user, domain: named } = accountOf(written, writtenDomain);
      const secret = ours.has(lowerCase(named)) ? await options.lookup(user) : undefined;
      return typeof secret === 'string' ? ntowfv1(secret) : secret;
    },
  };
  // Wrong names are told now, not at the first client.
  new NtlmAcceptor(ntlm);
  const spnego = spnegoAcceptance(ntlm);
  return {
    ntlm: () => new AccountAcceptor(new NtlmAcceptor(ntlm), domain),
    spnego: () => new AccountAcceptor(spnego(), domain),
  };
}

/** Tells the account's one name, where the client's spelling of it was accepted. */
class AccountAcceptor implements SecurityAcceptor {
  readonly #acceptor: SecurityAcceptor;
  readonly #domain: string;

  constructor(acceptor: SecurityAcceptor, domain: string) {
    this.#acceptor = acceptor;
    this.#domain = domain;
  }

  get complete(): boolean {
    return this.#acceptor.complete;
  }

  async step(token: Uint8Array): Promise<AcceptorResult> {
    const result = await this.#acceptor.step(token);
    if (result.kind !== 'accepted') return result;
    const { user } = accountOf(result.user, result.domain);
    return { ...result, user, domain: this.#domain };
  }
}

/** The user's name in lower case, and the domain: a client sends `user@domain` whole, as the user with no domain beside it. */
function accountOf(user: string, domain: string): { readonly user: string; readonly domain: string } {
  const at = domain === '' ? user.lastIndexOf('@') : -1;
  if (at < 0) return { user: lowerCase(user), domain };
  return { user: lowerCase(user.slice(0, at)), domain: user.slice(at + 1) };
}

function lowerCase(name: string): string {
  return name.toLowerCase();
}
