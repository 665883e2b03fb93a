import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';

const certificates = new WeakMap<TLSSocket, X509Certificate>();

/** The certificate of a connection's peer. Node's own method gives it to a client once. */
export function peerCertificate(socket: TLSSocket): X509Certificate | undefined {
  const certificate = certificates.get(socket) ?? socket.getPeerX509Certificate();
  if (certificate !== undefined) certificates.set(socket, certificate);
  return certificate;
}
