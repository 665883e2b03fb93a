/** Settings: from a file, from flags, checked. */
export { type ProxyFlags, settingsFromFlags } from './from-flags.ts';
export { type Listener, parseListener } from './listener.ts';
export { loadSettings, parseSettings } from './load.ts';
export { ConfigError } from './problem.ts';
export {
  type AuthSettings,
  basicAllowedOn,
  domainNames,
  type Limits,
  type Scheme,
  type Settings,
  schemesOn,
  type TlsSettings,
  type TlsVersion,
} from './settings.ts';
