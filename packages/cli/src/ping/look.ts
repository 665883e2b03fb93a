import type { X509Certificate } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { printable } from './tell-found.ts';

/** What a second look at a port has found. */
export interface Sight {
  /** The certificate that is shown, whether good or not; undefined: it speaks no TLS. */
  readonly certificate?: X509Certificate;
  /** It speaks TLS, with a certificate or without. */
  readonly tls: boolean;
  /** It answers a plain HTTP request. */
  readonly http: boolean;
  /** What it says unasked, or answers to HTTP, when that is no HTTP: one line. */
  readonly banner?: string;
}

interface Place {
  readonly host: string;
  readonly port: number;
}

/** Programs that speak first, or in lines. */
const PROTOCOLS: readonly (readonly [RegExp, string])[] = [
  [/^SSH-/, 'an SSH server'],
  [/^220[ -].*\b(smtp|mail|postfix|exim|sendmail)\b/i, 'a mail server (SMTP)'],
  [/^220[ -].*\bftp\b/i, 'an FTP server'],
  [/^220[ -]/, 'a mail or FTP server'],
  [/^\* (OK|PREAUTH)/, 'a mail server (IMAP)'],
  [/^\+OK/, 'a mail server (POP3)'],
  [/^RFB /, 'a VNC server'],
  [/^HTTP\/1\./, 'a web server'],
];

/** Name of the program that says such a line; undefined where none is known. */
export function programOf(banner: string): string | undefined {
  return PROTOCOLS.find(([pattern]) => pattern.test(banner))?.[1];
}

/**
 * Looks what listens at a port where something went wrong that another program would explain: whether it speaks TLS, and shows
 * which certificate; whether it answers HTTP; or what it says. Three connections at most, on which no secret is sent. `patience`
 * is the time for each, ms.
 */
export async function look(place: Place, patience: number): Promise<Sight> {
  const [secure, said] = await Promise.all([lookAtTls(place, patience), listenAndAsk(place, patience)]);
  const line = said === undefined ? undefined : printable(said.split(/\r?\n/, 1)[0] ?? '');
  const http = said !== undefined && /^HTTP\/1\./.test(said);
  return {
    tls: secure !== undefined,
    ...(secure?.certificate === undefined ? {} : { certificate: secure.certificate }),
    http,
    ...(line === undefined || line === '' || http ? {} : { banner: line }),
  };
}

/** TLS without any check: only what is shown is of interest. Undefined where there is none. */
function lookAtTls(
  { host, port }: Place,
  patience: number,
): Promise<{ readonly certificate: X509Certificate | undefined } | undefined> {
  return new Promise((resolve) => {
    const servername = /^[\d.]+$|:/.test(host) ? '' : host;
    const socket = connectTls({ host, port, servername, rejectUnauthorized: false });
    const end = (found?: { readonly certificate: X509Certificate | undefined }): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(found);
    };
    const timer = setTimeout(end, patience);
    socket.once('secureConnect', () => end({ certificate: socket.getPeerX509Certificate() }));
    socket.on('error', () => end());
    socket.once('close', () => end());
  });
}

/** How long something that speaks first may take before it is asked by HTTP, ms. */
const SPEAKS_FIRST = 300;
/** Text that is looked at, bytes. */
const ENOUGH = 1024;

/** What is said unasked, else what is answered to a plain HTTP request. Undefined: nothing. */
function listenAndAsk({ host, port }: Place, patience: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket: Socket = connect({ host, port });
    let said = '';
    const end = (): void => {
      clearTimeout(timer);
      clearTimeout(asking);
      socket.destroy();
      resolve(said === '' ? undefined : said);
    };
    const timer = setTimeout(end, patience);
    const asking = setTimeout(
      () => socket.write(`OPTIONS / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`),
      Math.min(SPEAKS_FIRST, patience / 2),
    );
    socket.on('data', (chunk) => {
      said += chunk.toString('latin1');
      if (said.includes('\n') || said.length > ENOUGH) end();
    });
    socket.on('error', end);
    socket.once('close', end);
  });
}
