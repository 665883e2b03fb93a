import type { HttpMessage } from './http-message.ts';
import { tellToken } from './tell-auth.ts';
import { printable, type Told } from './told.ts';

/** Fields whose values are credentials or as good as such. */
const SECRET_FIELDS: ReadonlySet<string> = new Set([
  'authorization',
  'proxy-authorization',
  'www-authenticate',
  'proxy-authenticate',
  'authentication-info',
  'cookie',
  'set-cookie',
]);
/** Schemes whose token is told: their messages name who and what, and the secret parts are left out. */
const TOLD_SCHEMES: ReadonlySet<string> = new Set(['ntlm', 'negotiate']);
const CREDENTIALS = /^([!-~]{1,32})(?: +([A-Za-z0-9+/=._~-]+))?/;
const RPC_ERROR = /RPC Error: ?([0-9a-f]{1,8})/i;
/** Win32 codes that RPC proxies answer with ([MS-ERREF] 2.2). */
const RPC_ERRORS: ReadonlyMap<number, string> = new Map([
  [0x5, 'access denied'],
  [0x6ba, 'the RPC server is unavailable, or may not be reached through this proxy'],
  [0x6bb, 'the RPC server is too busy'],
  [0x6be, 'the call failed'],
  [0x6bf, 'the call failed and did not execute'],
  [0x6c0, 'an RPC protocol error'],
  [0x6d9, 'there are no more endpoints'],
]);

/** Tells the head of a request or a response ([MS-RPCH] 2.1.2.1). Credentials are told by scheme only, NTLM and Negotiate by their message. */
export function tellHttp(message: HttpMessage): Told {
  const credentials = [...message.all('authorization'), ...message.all('proxy-authorization')].map(describeCredentials);
  const challenges = [...message.all('www-authenticate'), ...message.all('proxy-authenticate')].map(
    describeCredentials,
  );
  const { request, response } = message;
  const line =
    request === undefined ? `${response?.status ?? 0} ${printable(response?.reason ?? '')}` : printable(request.target);
  const rpcError = rpcErrorOf(message);
  const via = message.all('via');
  return {
    name: request === undefined ? 'HTTP response' : printable(request.method),
    words: [
      line.trimEnd(),
      `HTTP/${message.version}`,
      ...(message.contentLength === undefined ? [] : [`Content-Length ${message.contentLength}`]),
      ...(message.chunked ? ['chunked'] : []),
      ...(rpcError === undefined ? [] : [rpcError]),
      ...credentials.map((text) => `authorization ${text}`),
      ...(challenges.length === 0 ? [] : [`offers ${challenges.join('; ')}`]),
      ...(message.field('expect') === undefined ? [] : [`Expect ${printable(message.field('expect') ?? '', 32)}`]),
    ],
    details: message.fields.map(
      ([name, value]) =>
        `${printable(name, 64)}: ${SECRET_FIELDS.has(name.toLowerCase()) ? describeCredentials(value) : printable(value)}`,
    ),
    fields: {
      ...(request === undefined ? {} : { method: printable(request.method), target: printable(request.target) }),
      ...(response === undefined ? {} : { status: response.status, reason: printable(response.reason) }),
      version: message.version,
      contentLength: message.contentLength ?? null,
      ...(credentials.length === 0 ? {} : { authorization: credentials }),
      ...(challenges.length === 0 ? {} : { offers: challenges }),
    },
    notes:
      via.length === 0
        ? []
        : [
            `an HTTP intermediary is on the way (Via: ${printable(via.join(', '), 64)}): it must pass on NTLM and must not buffer`,
          ],
    hidden: [],
  };
}

/** What the hexadecimal number behind "RPC Error" means ([MS-RPCH] 2.1.2.1.3). */
export function rpcErrorOf({ response }: HttpMessage): string | undefined {
  const code = RPC_ERROR.exec(response?.reason ?? '')?.[1];
  if (code === undefined) return undefined;
  return RPC_ERRORS.get(Number.parseInt(code, 16)) ?? `Win32 error 0x${code}`;
}

function describeCredentials(value: string): string {
  const [, scheme = '', token] = CREDENTIALS.exec(value) ?? [];
  if (scheme === '' || scheme.includes('=')) return '(not shown)';
  if (token === undefined) return scheme;
  if (!TOLD_SCHEMES.has(scheme.toLowerCase()))
    return value.startsWith(`${scheme} realm`) ? scheme : `${scheme} (not shown)`;
  return `${scheme}: ${tellToken(Buffer.from(token, 'base64')).words}`;
}
