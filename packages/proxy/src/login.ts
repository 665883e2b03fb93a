import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { NtlmAcceptor } from '@rpch/rpc/internal';
import { readAccounts } from './accounts/accounts-file.ts';
import type { AuthEvent } from './accounts/auth-result.ts';
import { Authenticator } from './accounts/authenticator.ts';
import { CredentialCache } from './accounts/credential-cache.ts';
import { type AcceptNtlm, LocalProvider, withTrialAccounts } from './accounts/local-provider.ts';
import type { DomainNames } from './accounts/names.ts';
import { PasswordHasher } from './accounts/password.ts';
import { Throttle } from './accounts/throttle.ts';
import { type AuthSettings, domainNames, type Settings } from './config/settings.ts';

/** NetBIOS names have at most this many characters. */
const NETBIOS_LENGTH = 15;

const hasher = new PasswordHasher({ random: randomBytes });

/** The accounts of the data directory and of the command line, as a provider that runs Basic and NTLM. */
export async function localProvider(settings: Pick<Settings, 'auth' | 'dataDir'>): Promise<LocalProvider> {
  const { auth, dataDir } = settings;
  const accounts = await withTrialAccounts(await readAccounts(dataDir), auth.users, hasher);
  return new LocalProvider({ accounts, hasher, domains: loginNames(auth), acceptNtlm: acceptorFor(auth) });
}

/** Joins accounts, cache and throttle. */
export async function makeAuthenticator(
  settings: Pick<Settings, 'auth' | 'dataDir'>,
  onEvent: (event: AuthEvent) => void,
): Promise<Authenticator> {
  return new Authenticator({
    provider: await localProvider(settings),
    domains: loginNames(settings.auth),
    cache: new CredentialCache({ random: randomBytes }),
    throttle: new Throttle(),
    now: () => performance.now(),
    wait: (ms) => sleep(ms, undefined, { ref: false }),
    onEvent,
  });
}

/**
 * What may stand before an account of ours: the configured names, and this computer's, which NTLM clients of a server
 * without a domain send back from its challenge.
 */
export function loginNames(auth: AuthSettings): DomainNames {
  return { ...domainNames(auth), computer: auth.computer ?? computerName() };
}

function acceptorFor({ domain, dnsDomain, computer }: AuthSettings): AcceptNtlm {
  const netbiosComputer = computer ?? computerName();
  const target = {
    netbiosDomain: domain ?? netbiosComputer,
    netbiosComputer,
    ...(dnsDomain === undefined ? {} : { dnsDomain, dnsComputer: `${netbiosComputer.toLowerCase()}.${dnsDomain}` }),
  };
  return (options) => {
    const acceptor = new NtlmAcceptor({
      target,
      now: () => performance.timeOrigin + performance.now(),
      random: randomBytes,
      ...options,
    });
    return {
      step: async (token) => {
        const result = await acceptor.step(token);
        return result.kind === 'accepted' ? { ...result, session: result } : result;
      },
    };
  };
}

function computerName(): string {
  const name = hostname().split('.', 1)[0] ?? '';
  return (name.replace(/[^A-Za-z0-9-]/g, '') || 'RPCH').slice(0, NETBIOS_LENGTH).toUpperCase();
}
