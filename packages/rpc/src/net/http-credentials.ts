import type { SecurityInitiator } from '../dcerpc/security-context.ts';
import { RpchError } from '../errors.ts';

/** Name and password of HTTP's scheme Basic (RFC 7617). */
export interface BasicCredentials {
  readonly user: string;
  readonly password: string;
}

/** How to log in to an RPC Proxy, or to an HTTP proxy. */
export interface HttpCredentials {
  /**
   * `basic` and `ntlm` are sent unasked, which saves a leg. `auto` asks first, with a request that has no body, and takes the
   * strongest scheme that is offered and that there is something for: NTLM before Basic.
   */
  readonly scheme: 'basic' | 'ntlm' | 'auto';
  /** For Basic. */
  readonly basic?: BasicCredentials;
  /**
   * Makes a security context for NTLM, one for each connection. `channelBindings` is the application data of the TLS
   * channel's bindings, unhashed; undefined without TLS, or where there is none for the certificate.
   */
  ntlm?(channelBindings: Uint8Array | undefined): SecurityInitiator;
  /** Basic may go over plain http too, where everybody on the way can read the password. On loopback it always may. */
  readonly allowInsecureBasic?: boolean;
}

/** Value of Authorization for Basic, in UTF-8. Throws RpchError `RPCH_BAD_NAME` (caller) where the user has a colon. */
export function basicAuthorization({ user, password }: BasicCredentials): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: RFC 7617 2 excludes them
  if (user.includes(':') || /[\x00-\x1f\x7f]/.test(user + password)) {
    throw new RpchError('RPCH_BAD_NAME', 'caller', 'Basic allows neither a colon in the user nor control characters');
  }
  return `Basic ${Buffer.from(`${user}:${password}`, 'utf8').toString('base64')}`;
}

/** Whether a host's name, or an address, is this machine by its form alone; names are not resolved. */
export function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|::1|::ffff:127(\.\d{1,3}){3})$/i.test(host);
}
