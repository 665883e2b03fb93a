import type { Account } from '../accounts/provider.ts';
import type { Endpoints } from './connect-to.ts';
import { type AccessRule, type BackendProtocol, coversName, coversPort } from './rule.ts';
import { normaliseServerName } from './target.ts';

/** What a client asks for, and who it is. */
export interface AccessRequest {
  /** Server name as the client wrote it. */
  readonly server: string;
  readonly port: number;
  /** Undefined for a client that has not logged in (version 1): no rule that names accounts or groups is for it. */
  readonly account: Account | undefined;
}

/** Yes, and where to. */
export interface Allowed {
  readonly allowed: true;
  readonly rule: AccessRule;
  /** The kind of the back end. */
  readonly protocol: BackendProtocol;
  /** Where to connect: {@link chooseEndpoint} takes one for each virtual connection. One TCP address for `ncacn_ip_tcp`. */
  readonly endpoints: Endpoints;
}

export type AccessDecision =
  | Allowed
  /** `why` is for the log; the client is told nothing of it. */
  | { readonly allowed: false; readonly why: string };

/**
 * The list of what may be reached through the proxy. What no rule allows is refused. Names are compared as text and
 * never by resolving them.
 */
export class AccessPolicy {
  readonly #rules: readonly AccessRule[];

  constructor(rules: readonly AccessRule[]) {
    this.#rules = rules;
  }

  /**
   * Finds the first rule that covers name, port and account. Where to connect is what the rule says, or else the name
   * and port asked for; the address limits of the rule are for whoever resolves the name.
   */
  check({ server, port, account }: AccessRequest): AccessDecision {
    const name = normaliseServerName(server);
    const named = this.#rules.filter((rule) => coversName(rule, name));
    if (named.length === 0) return { allowed: false, why: `no rule for server ${name}` };
    const ported = named.filter((rule) => coversPort(rule, port));
    if (ported.length === 0) return { allowed: false, why: `no rule for port ${port} of server ${name}` };
    const rule = ported.find((candidate) => admits(candidate, account));
    if (rule === undefined) {
      const who = account === undefined ? 'a client without login' : `account ${account.name}`;
      return { allowed: false, why: `no rule for ${who} on ${name}[${port}]` };
    }
    return { allowed: true, rule, protocol: rule.pattern.protocol, endpoints: rule.connect ?? [{ host: name, port }] };
  }
}

function admits({ accounts, groups }: AccessRule, account: Account | undefined): boolean {
  if (accounts === undefined && groups === undefined) return true;
  if (account === undefined) return false;
  return accounts?.includes(account.name) === true || groups?.some((group) => account.groups.includes(group)) === true;
}
