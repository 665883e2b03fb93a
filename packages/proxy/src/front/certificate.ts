import { X509Certificate } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { RpchError } from '@rpch/rpc';
import { tlsServerEndPoint } from '@rpch/rpc/internal';
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
  // A file that ends its last line can have another behind it, as HAProxy wants them.
  const [cert, key] = [`${made.cert.trimEnd()}\n`, `${made.private.trimEnd()}\n`];
  await writeFile(keyFile, key, { mode: 0o600 });
  await writeFile(certFile, cert, { mode: 0o644 });
  return { cert, key, from: certFile };
}

/** SHA-256 of the certificate, as people compare it: for the log and for clients that pin. */
export function fingerprint({ cert }: Certificate): string {
  return new X509Certificate(cert).fingerprint256;
}

/** The channel binding of a certificate; undefined where it has none. */
export function channelBindingOf({ cert }: Certificate): Uint8Array | undefined {
  return tlsServerEndPoint(new X509Certificate(cert).raw);
}
