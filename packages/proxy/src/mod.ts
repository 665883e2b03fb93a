/** The public door of @rpch/proxy. */
export { parseTarget, type Target } from './access/target.ts';
export type { AccountRecord } from './accounts/account-record.ts';
export { ACCOUNTS_FILE, changeAccounts, readAccounts } from './accounts/accounts-file.ts';
export type { AuthEvent } from './accounts/auth-result.ts';
export type { Authenticator, NtlmLogin } from './accounts/authenticator.ts';
export { bareName, makeRecord } from './accounts/local-provider.ts';
export { PasswordHasher } from './accounts/password.ts';
export { type ProxyFlags, settingsFromFlags } from './config/from-flags.ts';
export { listenAddress, listenPort } from './config/listener.ts';
export { loadSettings } from './config/load.ts';
export { ConfigError } from './config/problem.ts';
export { basicAllowedOn, type Settings, schemesOn } from './config/settings.ts';
export { forwardedFor } from './front/forwarded-for.ts';
export { parseProxyHeader } from './front/proxy-protocol.ts';
export type { Log } from './log.ts';
export { localProvider, loginNames, makeAuthenticator } from './login.ts';
export { RpcProxy, startProxy } from './rpc-proxy.ts';
