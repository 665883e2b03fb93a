/** Accounts: names, providers, and who may log in how fast. */
export { type AccountRecord, formatAccounts, parseAccounts } from './account-record.ts';
export { ACCOUNTS_FILE, changeAccounts, readAccounts } from './accounts-file.ts';
export type { AuthEvent, AuthResult, RefusalReason } from './auth-result.ts';
export { Authenticator, type AuthenticatorOptions, type BasicAttempt, type NtlmLogin } from './authenticator.ts';
export { CredentialCache } from './credential-cache.ts';
export {
  type AcceptNtlm,
  bareName,
  LocalProvider,
  type LocalProviderOptions,
  makeRecord,
  type TrialAccount,
  withTrialAccounts,
} from './local-provider.ts';
export { canonicalAccount, type DomainNames, type NameResult } from './names.ts';
export { acceptNtlmAs } from './ntlm.ts';
export { MAX_PASSWORD, PasswordHasher, passwordFault } from './password.ts';
export type {
  Account,
  AccountProvider,
  ChannelBindings,
  NtlmContext,
  NtlmExchange,
  NtlmResult,
} from './provider.ts';
export { Throttle, throttleKey } from './throttle.ts';
