import { createHmac } from 'node:crypto';
import { encodeUtf16 } from '../../bytes/utf16.ts';
import { md4 } from '../../crypto/md4.ts';
import { Rc4 } from '../../crypto/rc4.ts';
import { MIC_LENGTH, MIC_OFFSET } from './authenticate.ts';

/** `MD4(UNICODE(Passwd))`: the NT hash of a password, 16 bytes ([MS-NLMP] 3.3.1). It is worth as much as the password. */
export function ntowfv1(password: string): Uint8Array {
  return md4(encodeUtf16(password));
}

/**
 * `HMAC_MD5(MD4(UNICODE(Passwd)), UNICODE(ConcatenationOf(Uppercase(User), UserDom)))`: ResponseKeyNT, 16 bytes
 * ([MS-NLMP] 3.3.2). `domain` counts as the client wrote it.
 */
export function ntowfv2(ntHash: Uint8Array, user: string, domain: string): Uint8Array {
  return hmacMd5(ntHash, encodeUtf16(upperCase(user) + domain));
}

/** `HMAC_MD5(ResponseKeyNT, ConcatenationOf(ServerChallenge, temp))`, 16 bytes ([MS-NLMP] 3.3.2). */
export function ntProofStr(responseKeyNT: Uint8Array, serverChallenge: Uint8Array, temp: Uint8Array): Uint8Array {
  return hmacMd5(responseKeyNT, serverChallenge, temp);
}

/**
 * `HMAC_MD5(ResponseKeyNT, NTProofStr)`: SessionBaseKey, 16 bytes ([MS-NLMP] 3.3.2). With NTLMv2 the KeyExchangeKey is
 * the same (3.4.5.1).
 */
export function sessionBaseKey(responseKeyNT: Uint8Array, proof: Uint8Array): Uint8Array {
  return hmacMd5(responseKeyNT, proof);
}

/** `RC4K(KeyExchangeKey, …)` turns ExportedSessionKey into EncryptedRandomSessionKey and back ([MS-NLMP] 3.1.5.1.2). */
export function rc4k(keyExchangeKey: Uint8Array, key: Uint8Array): Uint8Array {
  return new Rc4(keyExchangeKey).update(key);
}

/**
 * `HMAC_MD5(ExportedSessionKey, ConcatenationOf(NEGOTIATE_MESSAGE, CHALLENGE_MESSAGE, AUTHENTICATE_MESSAGE))`, the MIC
 * field counted as zeros, 16 bytes ([MS-NLMP] 3.1.5.1.2). `authenticate` must have that field.
 */
export function messageMic(
  exportedSessionKey: Uint8Array,
  negotiate: Uint8Array,
  challenge: Uint8Array,
  authenticate: Uint8Array,
): Uint8Array {
  return hmacMd5(
    exportedSessionKey,
    negotiate,
    challenge,
    authenticate.subarray(0, MIC_OFFSET),
    new Uint8Array(MIC_LENGTH),
    authenticate.subarray(MIC_OFFSET + MIC_LENGTH),
  );
}

function hmacMd5(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const hmac = createHmac('md5', key);
  for (const part of parts) hmac.update(part);
  return hmac.digest();
}

/**
 * Upper case as Windows has it: one UTF-16 code unit for one, so that "ß" stays, and nothing outside ASCII becomes
 * ASCII, so that a dotless "ı" stays as well.
 */
function upperCase(text: string): string {
  let upper = '';
  for (let i = 0; i < text.length; i++) {
    const unit = text.charAt(i);
    const mapped = unit.toUpperCase();
    upper += mapped.length === 1 && (mapped >= '\u0080' || unit < '\u0080') ? mapped : unit;
  }
  return upper;
}
