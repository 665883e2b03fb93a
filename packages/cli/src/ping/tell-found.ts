import type { X509Certificate } from 'node:crypto';
import { AuthLevel, AuthType, type HopFound, type HttpResponseHead, type RpcHop } from '@rpch/rpc/internal';

/** Longest text from the other side that is printed, characters. */
const MAX_TEXT = 200;

/** What was found at a hop, for people. */
export function tellFound(hop: RpcHop, found: HopFound): string {
  const { name, addresses, address, port, tls, head, scheme, association, security } = found;
  const words: (string | undefined)[] = [
    hop === 'DNS' && name !== undefined ? tellAddresses(name, addresses ?? []) : undefined,
    hop === 'TCP' && address !== undefined ? `${address}, port ${port}` : undefined,
    hop === 'HTTP proxy' && name !== undefined ? `${printable(name)}, port ${port}` : undefined,
    tls === undefined ? undefined : `${tls.version}, ${tls.cipher}`,
    tls?.certificate && tellCertificate(tls.certificate),
    tls?.distrust === undefined ? undefined : `not trusted (${tls.distrust}), and --insecure passes over it`,
    head && tellHead(head),
    scheme && `${scheme === 'ntlm' ? 'NTLM' : 'Basic'} is accepted`,
    association &&
      `association group 0x${association.groupId.toString(16)}, fragments of ${association.fragLength} bytes, ` +
        `${association.multiplexed ? 'concurrent calls' : 'one call at a time'}`,
    association?.secondaryAddress
      ? `the server calls its endpoint ${printable(association.secondaryAddress)}`
      : undefined,
    security && `${nameOf(AuthType, security.authType)}, level ${nameOf(AuthLevel, security.authLevel)}`,
  ];
  return words.filter((word) => word !== undefined).join('; ');
}

function tellAddresses(name: string, addresses: readonly string[]): string {
  if (addresses[0] === name) return `${name} is an address already`;
  return `${printable(name)} is ${addresses.join(', ')}`;
}

/** Subject, names, issuer and expiry of a certificate. */
export function tellCertificate(certificate: X509Certificate): string {
  const { subject, issuer, subjectAltName, validTo } = certificate;
  const by = issuer === subject ? 'self-signed' : `issued by ${oneLine(issuer)}`;
  const names = subjectAltName === undefined ? '' : ` for ${printable(subjectAltName)}`;
  return `certificate ${oneLine(subject)}${names}, ${by}, valid until ${validTo}`;
}

function tellHead(head: HttpResponseHead): string {
  const server = head.field('server');
  const offers = head.fields('www-authenticate').map((value) => value.split(/[ ,]/)[0]);
  return [
    `${head.status} ${printable(head.reason)}`.trim(),
    ...(server === undefined ? [] : [`from ${printable(server)}`]),
    ...(offers.length === 0 ? [] : [`offers ${printable(offers.join(', '))}`]),
  ].join(', ');
}

/** Text from the other side: of one line, without control characters, not endless. */
export function printable(text: string): string {
  const clean = text.replace(/[^\x20-\x7e]/g, '?');
  return clean.length > MAX_TEXT ? `${clean.slice(0, MAX_TEXT)}…` : clean;
}

/** An error's message, without channels and silences: which of two channels tells of an end first is chance. */
export function reasonOf({ message }: Error): string {
  return printable(
    message
      .replace(/; nothing sent for \d+ s, nothing received for \d+ s/, '')
      .replace(/\bthe (IN|OUT) channel( \(number \d+\))? to \S+/, 'a channel'),
  );
}

function oneLine(name: string | undefined): string {
  return name === undefined || name === '' ? '(nobody)' : printable(name.replaceAll('\n', ', '));
}

function nameOf(values: Readonly<Record<string, number>>, value: number): string {
  return Object.entries(values).find(([, known]) => known === value)?.[0] ?? String(value);
}
