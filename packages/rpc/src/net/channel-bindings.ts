import { createHash, X509Certificate } from 'node:crypto';

/**
 * The channel binding `tls-server-end-point` of the peer's certificate (RFC 5929 4.1), DER: the name, a colon, and the
 * certificate's hash, with the hash of its signature, or with SHA-256 where that is MD5 or SHA-1. Undefined where the
 * signature names no hash of its own (Ed25519, Ed448): then there is no such binding.
 */
export function tlsServerEndPoint(certificate: Uint8Array): Uint8Array | undefined {
  const algorithm = new X509Certificate(certificate).signatureAlgorithm?.toLowerCase() ?? '';
  if (/ed25519|ed448/.test(algorithm)) return undefined;
  const hash = /sha-?(?:224|384|512)/.exec(algorithm)?.[0].replace('-', '') ?? 'sha256';
  return Buffer.concat([Buffer.from('tls-server-end-point:'), createHash(hash).update(certificate).digest()]);
}
