import { isIP } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { forwardedFor, parseProxyHeader } from '@rpch/proxy';
import {
  challengesOf,
  formatStringBinding,
  httpProxyFor,
  parseBinding,
  parseStringBinding,
  ResponseDrain,
  ResponseHeadReader,
  RpchError,
} from '@rpch/rpc/internal';
import { proxyHeader } from '../src/proxy-header.ts';
import { must, type Target } from './fuzz-target.ts';

const text = (value: string): Buffer => Buffer.from(value, 'utf8');
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');

const withCode =
  (...codes: readonly string[]) =>
  (error: unknown): boolean =>
    error instanceof RpchError && codes.includes(error.code);

const BINDINGS = [
  'ncacn_ip_tcp:server[49152]',
  '00112233-4455-6677-8899-aabbccddeeff@ncacn_ip_tcp:2001:db8::1[135,seal]',
  'ncacn_http:dc1[6001,RpcProxy=proxy.example.org:443,HttpProxy=cache:3128,HttpConnectOption=UseHttpProxy]',
  'ncacn_http:127.0.0.1[49001,seal,RpcProxy=127.0.0.1:8593,HttpUseTls=false,HttpAuthOption=ntlm]',
  'ncacn_http:a\\,b[endpoint=593,RpcProxy=[2001:db8::1]:80,ndr64,bigendian,target_hostname=x]',
];

/** The URL, the environment's variables, and whether UseHttpProxy is asked for, a line each. */
const PROXY_SETTINGS = [
  'proxy.example.org\nhttp://user:p%40ss@cache:3128\n.example.org,10.0.0.0/8\n',
  '10.1.2.3\ncache\n10.0.0.0/8 [::1]:443,host:80\nuse',
  '[2001:db8::1]\nhttp://[::1]:8080/\n2001:db8::/32,*\n',
];

const HEADS = [
  'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="a, b"\r\nWWW-Authenticate: NTLM TlRM, Negotiate\r\nContent-Length: 4\r\n\r\nbodyHTTP/1.1 200 OK\r\n\r\n',
  'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 Success\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n4;x=y\r\nbody\r\n0\r\nT: v\r\n\r\n',
  'HTTP/1.1 407 Proxy\r\nProxy-Authenticate: Digest a="\\"", b=c\r\nProxy-Connection: close\r\nContent-Length: 0\r\n\r\n',
];

/** Of the PROXY protocol, each with what a client sends behind it. */
const PROXY_HEADERS = [
  Buffer.concat([proxyHeader('192.0.2.7'), text('RPC_IN_DATA / HTTP/1.1')]),
  Buffer.concat([proxyHeader(), Buffer.from('16030100', 'hex')]),
  Buffer.from('0d0a0d0a000d0a515549540a2121002b20010db8000000000000000000000007', 'hex'),
  Buffer.from(
    `0d0a0d0a000d0a515549540a2121002b${'20010db8000000000000000000000007'.repeat(2)}dc0401bb0400047465737416`,
    'hex',
  ),
  text('PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\nGET / HTTP/1.1\r\n'),
  text('PROXY TCP6 2001:db8::7 ::1 56324 443\r\n\x16\x03\x01'),
  text('PROXY UNKNOWN ffff:: ::1 0 65535\r\n'),
];

/** Bytes that come one after the other tell the same as all of them: nothing, then a header, or an error. */
function proxyHeaders(bytes: Uint8Array): void {
  const whole = parseProxyHeader(bytes);
  if (whole === undefined) return;
  const { length, source } = whole;
  must(length > 0 && length <= bytes.length, 'a header is within what came');
  must(source === undefined || isIP(source) !== 0, 'a source is an address');
  must(isDeepStrictEqual(parseProxyHeader(bytes.subarray(0, length)), whole), 'what follows does not matter');
  for (let cut = 0; cut < length; cut++) {
    must(parseProxyHeader(bytes.subarray(0, cut)) === undefined, `${cut} bytes of ${length} are no header`);
  }
}

/** What comes back is the same, however it was cut. */
function responses(bytes: Uint8Array): void {
  const whole = headOf([bytes]);
  const cut = headOf(chunksOf(bytes, 5));
  must(String(whole) === String(cut), `a head that is cut is the same: ${whole} and ${cut}`);
  if (whole instanceof Error) throw whole;
  drainOf(bytes, false);
  drainOf(bytes, true);
}

function headOf(chunks: readonly Uint8Array[]): string | undefined | Error {
  const reader = new ResponseHeadReader();
  try {
    for (const chunk of chunks) {
      const found = reader.read(chunk);
      if (found === undefined) continue;
      const { status, keepsConnection, reason, fields } = found.head;
      const challenges = challengesOf([...fields('www-authenticate'), ...fields('proxy-authenticate')]);
      for (const { scheme } of challenges) must(/^[^\sA-Z]+$/.test(scheme), 'a scheme is a word in lower case');
      return JSON.stringify({ status, keepsConnection, reason, challenges });
    }
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

function drainOf(bytes: Uint8Array, connect: boolean): void {
  const drain = new ResponseDrain(connect);
  for (const chunk of chunksOf(bytes, 7)) if (drain.push(chunk) !== undefined) return;
}

function chunksOf(bytes: Uint8Array, length: number): Uint8Array[] {
  return Array.from({ length: Math.ceil(bytes.length / length) }, (_, i) => bytes.slice(i * length, (i + 1) * length));
}

/** Bindings, the environment's HTTP proxy, heads and bodies of responses, and what load balancers say of their clients. */
export const TEXT_TARGETS: readonly Target[] = [
  {
    name: 'bindings',
    seeds: BINDINGS.map(text),
    mayThrow: withCode('RPCH_STRING_BINDING'),
    run: (bytes) => {
      const written = textOf(bytes);
      const taken = parseStringBinding(written);
      must(isDeepStrictEqual(parseStringBinding(formatStringBinding(taken)), taken), 'a binding survives a round trip');
      const binding = parseBinding(written);
      const { networkAddress, endpoint } = binding;
      must(networkAddress !== '' && !/[\s/?#%]/.test(networkAddress), 'a server has a name that a target can have');
      must(endpoint === undefined || (endpoint >= 1 && endpoint <= 65_535), 'an endpoint is a port');
    },
  },
  {
    name: 'httpProxyFor',
    seeds: PROXY_SETTINGS.map(text),
    mayThrow: withCode('RPCH_HTTP_PROXY', 'RPCH_STRING_BINDING'),
    run: (bytes) => {
      const [host = '', all_proxy, no_proxy, use = ''] = textOf(bytes).split('\n');
      // what a client asks for is what its binding allows
      const binding = parseBinding(`ncacn_http:x[RpcProxy=${host.replaceAll(/[\\,\]=]/g, '\\$&')}]`);
      if (binding.protocol !== 'ncacn_http') return;
      const { rpcProxy, tls } = binding;
      const name = rpcProxy.host.includes(':') ? `[${rpcProxy.host}]` : rpcProxy.host;
      const url = `${tls ? 'https' : 'http'}://${name}:${rpcProxy.port}/`;
      const found = httpProxyFor(url, { all_proxy, no_proxy }, { useHttpProxy: use !== '' });
      must(
        found === undefined || (found.host !== '' && found.port >= 0 && found.port <= 65_535),
        'a proxy has an address',
      );
    },
  },
  {
    name: 'HTTP responses',
    seeds: HEADS.map(text),
    run: responses,
  },
  { name: 'PROXY protocol', seeds: PROXY_HEADERS, run: proxyHeaders },
  {
    name: 'X-Forwarded-For',
    seeds: ['192.0.2.7', '198.51.100.1, [2001:db8::7]:443\n192.0.2.7:80', ',unknown\n\n::ffff:10.0.0.1'].map(text),
    run: (bytes) => {
      const said = forwardedFor(textOf(bytes).split('\n'), []);
      must(said.kind !== 'address' || isIP(said.address) !== 0, 'a client has an address');
      must(forwardedFor([textOf(bytes), '192.0.2.7'], []).kind === 'address', 'what a proxy appends is what counts');
    },
  },
];
