import { md4 } from '@rpch/rpc/internal';
import { composed } from './password.ts';

/**
 * The NT hash of a password, NTOWFv1 of [MS-NLMP] 3.3.1: MD4 of its UTF-16LE. As good as the password itself to whoever
 * speaks NTLM, so it is kept only for accounts that need it.
 */
export function ntHash(password: string): Uint8Array {
  return md4(Buffer.from(composed(password), 'utf16le'));
}
