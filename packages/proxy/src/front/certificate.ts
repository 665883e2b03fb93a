import { createHash, X509Certificate } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { RpchError } from '@rpch/rpc';
import { generate } from 'selfsigned';

/** A certificate with its chain and its private key, PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
  /** Where it came from, for the log. */
  readonly from: string;
}

const VALID_DAYS = 825;

/** Reads the certificate that the administrator named. Throws {@link RpchError} `RPCH_CERTIFICATE`. */
export async function readCertificate(certFile: string, keyFile: string): Promise<Certificate> {
  try {
    const [cert, key] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')]);
    return { cert, key, from: certFile };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new RpchError('RPCH_CERTIFICATE', 'configuration', `cannot read the certificate: ${why}`, { cause });
  }
}

/** The self-signed certificate of the data directory; made the first time and kept. */
export async function ownCertificate(dataDir: string): Promise<Certificate> {
  const folder = join(dataDir, 'tls');
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  try {
    const [cert, key] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')]);
    return { cert, key, from: certFile };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const name = hostname();
  const notAfterDate = new Date();
  notAfterDate.setDate(notAfterDate.getDate() + VALID_DAYS);
  const made = await generate([{ name: 'commonName', value: name }], {
    keyType: 'rsa',
    keySize: 2048,
    algorithm: 'sha256',
    notAfterDate,
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: name },
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
          { type: 7, ip: '::1' },
        ],
      },
    ],
  });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(keyFile, made.private, { mode: 0o600 });
  await writeFile(certFile, made.cert, { mode: 0o644 });
  return { cert: made.cert, key: made.private, from: certFile };
}

/** SHA-256 of the certificate, as people compare it: for the log and for clients that pin. */
export function fingerprint({ cert }: Certificate): string {
  return new X509Certificate(cert).fingerprint256;
}

/**
 * The channel binding `tls-server-end-point` of a certificate (RFC 5929 4.1): its hash with the hash of its signature, or
 * with SHA-256 where that is MD5 or SHA-1. Undefined where the signature names no hash of that kind (Ed25519).
 */
export function tlsServerEndPoint({ cert }: Certificate): Uint8Array | undefined {
  const certificate = new X509Certificate(cert);
  const algorithm = certificate.signatureAlgorithm?.toLowerCase() ?? '';
  const hash = algorithm.includes('sha384') ? 'sha384' : algorithm.includes('sha512') ? 'sha512' : 'sha256';
  if (algorithm.includes('ed25519') || algorithm.includes('ed448')) return undefined;
  return Buffer.concat([Buffer.from('tls-server-end-point:'), createHash(hash).update(certificate.raw).digest()]);
}
