import { ProtocolError, RpchError } from '../errors.ts';
import type { HttpResponseHead } from './http-response.ts';

/** Which of a virtual connection's two sorts of HTTP request. */
export type ChannelKind = 'IN' | 'OUT';

/**
 * Who gave an answer: the RPC Proxy, or what stands before it there; the HTTP proxy on the client's own network; or one of
 * them, and nothing in the answer tells which.
 */
export type AnsweringHop = 'RPC Proxy' | 'HTTP proxy' | 'unknown';

/** `RPC Error: ` and a Win32 code, the one part of a reason phrase that is protocol ([MS-RPCH] 2.1.2.1.3). */
const RPC_ERROR = /RPC Error: ?([0-9a-f]{1,8})\b/i;

/** A whole status line somewhere in the stream. */
const STATUS_LINE = /HTTP\/1\.[01] ([1-5]\d\d)(?: ([\x20-\x7e]{0,1024}))?\r\n/;

/** What the Win32 codes mean that proxies send ([MS-ERREF] 2.2). */
const RPC_ERRORS: ReadonlyMap<number, string> = new Map([
  [0x5, 'access denied: the proxy does not let this account reach that RPC server'],
  [0x6ba, 'RPC_S_SERVER_UNAVAILABLE: the RPC server cannot be reached, or the proxy does not allow it'],
  [0x6bb, 'RPC_S_SERVER_TOO_BUSY: the RPC server or the proxy has no room'],
  [0x6be, 'RPC_S_CALL_FAILED: the proxy lost the RPC server'],
  [0x6bf, 'RPC_S_CALL_FAILED_DNE: the proxy lost the RPC server before the call began'],
  [0x6c0, 'RPC_S_PROTOCOL_ERROR: the proxy was sent what it does not understand'],
  [0x71a, 'RPC_S_CALL_CANCELLED: the proxy gave up'],
]);

const STATUSES: ReadonlyMap<number, string> = new Map([
  [400, 'the request was not understood: a web server or a firewall that expects other methods?'],
  [401, 'user or password is wrong, or the scheme is not offered'],
  [403, 'the account may not use the proxy, or https is required'],
  [404, 'there is no RPC Proxy at this path, or it does not know that RPC server'],
  [405, 'what answered is a web server that does not know the methods of RPC over HTTP'],
  [407, 'an HTTP proxy on the way wants a login of its own'],
  [411, 'something on the way does not take the request body of a channel'],
  [413, 'something on the way limits the length of request bodies: a channel needs its whole Content-Length'],
  [431, 'the head of the request is too long for the proxy'],
  [500, 'the proxy or what stands before it has failed'],
  [501, 'something on the way does not know the methods of RPC over HTTP'],
  [502, 'a gateway on the way cannot reach the proxy'],
  [408, 'something on the way waited too long for the rest of a request: it does not know that a channel never ends'],
  [503, 'the proxy will not or cannot reach that RPC server'],
  [504, 'a gateway on the way waited too long for the proxy, or for the client: channels are idle for minutes'],
]);

/** The same of answers that the HTTP proxy on the client's own network gives. */
const HTTP_PROXY_STATUSES: ReadonlyMap<number, string> = new Map([
  [400, 'the HTTP proxy did not understand the request: does it know the methods of RPC over HTTP?'],
  [403, 'the HTTP proxy does not allow this address, port or method'],
  [404, 'what was taken for the HTTP proxy is a web server'],
  [405, 'the HTTP proxy does not allow tunnels, or not the methods of RPC over HTTP'],
  [407, 'the HTTP proxy wants a login: user or password is missing or wrong, or the scheme is not offered'],
  [411, 'the HTTP proxy does not take the request body of a channel'],
  [413, 'the HTTP proxy limits the length of request bodies: a channel needs its whole Content-Length'],
  [501, 'the HTTP proxy does not know the methods of RPC over HTTP'],
  [502, 'the HTTP proxy cannot reach the RPC Proxy, or did not understand its answer'],
  [503, 'the HTTP proxy cannot reach the RPC Proxy'],
  [504, 'the HTTP proxy waited too long for the RPC Proxy, or for its name'],
]);

/** A proxy, or something before it, that answered a channel's request with something else than 200 on OUT. */
export class HttpStatusError extends RpchError {
  readonly head: HttpResponseHead;
  /** Undefined where the request was for a tunnel. */
  readonly channel: ChannelKind | undefined;
  /** Who answered. */
  readonly hop: AnsweringHop;
  /** The Win32 code of `RPC Error: …` ([MS-RPCH] 2.1.2.1.3). */
  readonly rpcError: number | undefined;
  /** What the answer means, for people. */
  readonly meaning: string;

  constructor(head: HttpResponseHead, channel: ChannelKind | undefined, hop: AnsweringHop = 'RPC Proxy') {
    const who = hop === 'HTTP proxy' ? 'HTTP proxy' : 'proxy';
    const where = channel === undefined ? 'to CONNECT' : `on the ${channel} channel`;
    super('RPCH_HTTP_STATUS', 'peer', `the ${who} answered ${head.status} ${head.reason} ${where}`);
    this.head = head;
    this.channel = channel;
    this.hop = hop;
    const code = RPC_ERROR.exec(head.reason)?.[1];
    this.rpcError = code === undefined ? undefined : Number.parseInt(code, 16);
    this.meaning = meaningOf(head.status, this.rpcError, hop);
  }
}

/**
 * Who answered a request: where it went through an HTTP proxy in absolute form, either can have. An HTTP proxy tells of itself
 * by its fields (RFC 9209, or Squid's own, which stands in all that Squid says itself), the RPC Proxy by its reason phrase,
 * which Squid does not pass on, by its content type, or ours by its incident; 502 and 504 are a gateway's.
 */
export function hopOf(head: HttpResponseHead, absoluteForm: boolean): AnsweringHop {
  if (head.status === 407) return 'HTTP proxy';
  if (!absoluteForm || head.status < 400 || head.status === 401) return 'RPC Proxy';
  const ofProxy = head.field('x-squid-error') ?? head.fields('proxy-status').find((value) => /\berror=/.test(value));
  if (ofProxy !== undefined) return 'HTTP proxy';
  if (RPC_ERROR.test(head.reason) || head.field('content-type') === 'application/rpc') return 'RPC Proxy';
  if (head.field('rpch-incident') !== undefined || head.fields('via').some((value) => /\(squid\b/i.test(value))) {
    return 'RPC Proxy';
  }
  return head.status === 502 || head.status === 504 ? 'HTTP proxy' : 'unknown';
}

function meaningOf(status: number, rpcError: number | undefined, hop: AnsweringHop): string {
  const ofProxy = HTTP_PROXY_STATUSES.get(status);
  if (hop === 'HTTP proxy') return ofProxy ?? 'a status of the HTTP proxy that RPC over HTTP does not know';
  const meaning = meaningAtRpcProxy(status, rpcError);
  return hop === 'unknown' && ofProxy !== undefined ? `${meaning}; or ${ofProxy}` : meaning;
}

function meaningAtRpcProxy(status: number, rpcError: number | undefined): string {
  const known = rpcError === undefined ? undefined : RPC_ERRORS.get(rpcError);
  if (known !== undefined) return known;
  if (status === 200) return 'an IN channel is answered only when it fails: is there an RPC Proxy at this path?';
  return STATUSES.get(status) ?? 'a status that RPC over HTTP does not know';
}

/**
 * The answer that stands where a PDU should: some proxies write a status line into the response that they have begun. `error`
 * is what the deframer threw over `chunk`; undefined where it was something else.
 */
export function statusInStream(chunk: Uint8Array, error: unknown): HttpStatusError | undefined {
  if (!(error instanceof ProtocolError) || error.code !== 'RPCH_BAD_VERSION') return undefined;
  const match = STATUS_LINE.exec(Buffer.from(chunk).toString('latin1'));
  if (match === null) return undefined;
  const head = {
    status: Number(match[1]),
    reason: match[2] ?? '',
    keepsConnection: false,
    field: () => undefined,
    fields: () => [],
  };
  return new HttpStatusError(head, 'OUT');
}
