import { ProtocolError, RpchError } from '../errors.ts';
import type { HttpResponseHead } from './http-response.ts';

/** Which of a virtual connection's two sorts of HTTP request. */
export type ChannelKind = 'IN' | 'OUT';

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
  [503, 'the proxy will not or cannot reach that RPC server'],
  [504, 'a gateway on the way waited too long for the proxy'],
]);

/** A proxy, or something before it, that answered a channel's request with something else than 200 on OUT. */
export class HttpStatusError extends RpchError {
  readonly head: HttpResponseHead;
  readonly channel: ChannelKind;
  /** The Win32 code of `RPC Error: …` ([MS-RPCH] 2.1.2.1.3). */
  readonly rpcError: number | undefined;
  /** What the answer means, for people. */
  readonly meaning: string;

  constructor(head: HttpResponseHead, channel: ChannelKind) {
    super('RPCH_HTTP_STATUS', 'peer', `the proxy answered ${head.status} ${head.reason} on the ${channel} channel`);
    this.head = head;
    this.channel = channel;
    const code = RPC_ERROR.exec(head.reason)?.[1];
    this.rpcError = code === undefined ? undefined : Number.parseInt(code, 16);
    this.meaning = meaningOf(head.status, this.rpcError);
  }
}

function meaningOf(status: number, rpcError: number | undefined): string {
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
  const head = { status: Number(match[1]), reason: match[2] ?? '', field: () => undefined, fields: () => [] };
  return new HttpStatusError(head, 'OUT');
}
