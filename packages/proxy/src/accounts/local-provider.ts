import { ProtocolError, RpchError } from '@rpch/rpc';
import type { AccountRecord } from './account-record.ts';
import { canonicalNtlmAccount, canonicalPart, type DomainNames, type NameResult } from './names.ts';
import { ntHash } from './nt-hash.ts';
import type { PasswordHasher } from './password.ts';
import type {
  Account,
  AccountProvider,
  ChannelBindings,
  NtlmContext,
  NtlmExchange,
  NtlmResult,
  NtlmSession,
} from './provider.ts';

/** What this provider needs of the NTLM acceptor ([MS-NLMP] 3.2): one handshake. */
export interface NtlmAcceptorLike {
  step(
    token: Uint8Array,
  ): Promise<
    | { readonly kind: 'challenge'; readonly token: Uint8Array }
    | { readonly kind: 'accepted'; readonly user: string; readonly domain: string; readonly session?: NtlmSession }
    | { readonly kind: 'anonymous' }
    | { readonly kind: 'refused'; readonly user?: string; readonly domain?: string; readonly why: string }
  >;
}

/** Makes the acceptor of one handshake. `lookup` gives the NT hash of an account, or undefined. */
export type AcceptNtlm = (options: {
  readonly lookup: (user: string, domain: string) => Promise<Uint8Array | undefined>;
  readonly channelBindings?: ChannelBindings;
}) => NtlmAcceptorLike;

/** An account given on the command line, for trials. */
export interface TrialAccount {
  readonly name: string;
  readonly password: string;
}

/** Options of {@link LocalProvider}. */
export interface LocalProviderOptions {
  readonly accounts: readonly AccountRecord[];
  readonly domains: DomainNames;
  readonly hasher: PasswordHasher;
  /** Absent: no NTLM. */
  readonly acceptNtlm?: AcceptNtlm;
}

/** Accounts of a list that is held in memory: those of the accounts file, and trial accounts. */
export class LocalProvider implements AccountProvider {
  readonly #accounts: ReadonlyMap<string, AccountRecord>;
  readonly #domains: DomainNames;
  readonly #hasher: PasswordHasher;
  readonly #acceptNtlm: AcceptNtlm | undefined;

  constructor({ accounts, domains, hasher, acceptNtlm }: LocalProviderOptions) {
    this.#accounts = new Map(accounts.map((record) => [record.name, record]));
    this.#domains = domains;
    this.#hasher = hasher;
    this.#acceptNtlm = acceptNtlm;
  }

  /** {@link AccountProvider.checkBasic}; one scrypt run, whether the account exists or not. */
  async checkBasic(name: string, password: string): Promise<Account | undefined> {
    const record = this.#accounts.get(name);
    const right = await this.#hasher.matches(record?.verifier, password);
    return right && record !== undefined ? accountOf(record) : undefined;
  }

  /** {@link AccountProvider.startNtlm}; accounts without an NT hash are treated as unknown. */
  startNtlm({ channelBindings }: NtlmContext): NtlmExchange | undefined {
    if (this.#acceptNtlm === undefined) return undefined;
    let asked: NameResult | undefined;
    const lookup = async (user: string, domain: string) => {
      asked = canonicalNtlmAccount(user, domain, this.#domains);
      return asked.ok ? this.#accounts.get(asked.name)?.ntHash : undefined;
    };
    const acceptor = this.#acceptNtlm(channelBindings === undefined ? { lookup } : { lookup, channelBindings });
    const step = async (token: Uint8Array): Promise<NtlmResult> => {
      asked = undefined;
      try {
        return this.#judge(await acceptor.step(token));
      } catch (error) {
        // What is malformed behind the proof comes to light only when the proof was right. Were that not a refused
        // guess like others, it would tell a right password without being counted or slowed.
        if (error instanceof ProtocolError && asked !== undefined) return refusal(asked, error.message);
        throw error;
      }
    };
    return { step };
  }

  #judge(result: Awaited<ReturnType<NtlmAcceptorLike['step']>>): NtlmResult {
    if (result.kind === 'challenge') return result;
    if (result.kind === 'anonymous') return { kind: 'refused', why: 'anonymous logon' };
    if (result.kind === 'refused') {
      const { user, domain, why } = result;
      if (user === undefined) return { kind: 'refused', why };
      return refusal(canonicalNtlmAccount(user, domain, this.#domains), why);
    }
    const name = canonicalNtlmAccount(result.user, result.domain, this.#domains);
    const record = name.ok ? this.#accounts.get(name.name) : undefined;
    // An acceptor that accepts whom lookup did not give a hash for is not believed.
    if (record?.ntHash === undefined) return refusal(name, 'no such account for NTLM');
    const { session } = result;
    return { kind: 'accepted', account: accountOf(record), ...(session === undefined ? {} : { session }) };
  }
}

function refusal(name: NameResult, why: string): NtlmResult {
  return name.ok ? { kind: 'refused', name: name.name, why } : { kind: 'refused', why: `${why}; ${name.why}` };
}

function accountOf({ name, groups }: AccountRecord): Account {
  return { name, groups };
}

/**
 * Makes the record of an account.
 * @param account `ntlm`: the account may use NTLM, so its NT hash is kept.
 * @throws RpchError `RPCH_BAD_ACCOUNT_NAME` for names that are not bare account or group names; `RPCH_BAD_PASSWORD`.
 */
export async function makeRecord(
  account: {
    readonly name: string;
    readonly password: string;
    readonly groups: readonly string[];
    readonly ntlm: boolean;
  },
  hasher: PasswordHasher,
): Promise<AccountRecord> {
  const name = bareName(account.name, 'account name');
  const groups = [...new Set(account.groups.map((group) => bareName(group, 'group name')))];
  const verifier = await hasher.make(account.password);
  const record = { name, verifier, groups };
  return account.ntlm ? { ...record, ntHash: ntHash(account.password) } : record;
}

/**
 * The canonical form of a bare account or group name.
 * @throws RpchError `RPCH_BAD_ACCOUNT_NAME`.
 */
export function bareName(text: string, what: 'account name' | 'group name'): string {
  const name = canonicalPart(text, what);
  if (name.ok) return name.name;
  throw new RpchError('RPCH_BAD_ACCOUNT_NAME', 'caller', `${name.why}; expected a bare ${what} without domain`);
}

/** Accounts of the file and trial accounts together. A trial account takes the place of one of the same name. */
export async function withTrialAccounts(
  accounts: readonly AccountRecord[],
  trials: readonly TrialAccount[],
  hasher: PasswordHasher,
): Promise<AccountRecord[]> {
  const records = new Map(accounts.map((record) => [record.name, record]));
  for (const trial of trials) {
    const record = await makeRecord({ ...trial, groups: [], ntlm: true }, hasher);
    records.set(record.name, record);
  }
  return [...records.values()];
}
