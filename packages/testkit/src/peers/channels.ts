import type { Stream } from './tshark.ts';

/** One channel of a virtual connection, as it was on the wire behind the HTTP heads. */
export interface Channel {
  readonly direction: 'in' | 'out';
  /** What the client asked for: the query of the request line. */
  readonly server: string;
  readonly fromClient: readonly Uint8Array[];
  readonly fromProxy: readonly Uint8Array[];
}

/** C706 12.6.3.1: where frag_length is and how much of a PDU says how long it is. */
const FRAG_LENGTH_AT = 8;
const LENGTH_KNOWN_AT = 10;
const RTS = 20;
const HEAD_END = '\r\n\r\n';
const RPC_VERSION = 5;
/** [MS-RPCH] 2.1.2.1.5: an echo request carries up to 16 bytes and opens no channel. */
const MAX_ECHO = 16;
/** A reply with more than this is the OUT channel itself. */
const MAX_ORDINARY_BODY = 65536;

/**
 * Takes the HTTP heads off the connections to a proxy and cuts the rest into PDUs. Connections that carried no channel
 * (refused, echo, other requests) are left out. Throws when bytes are left over that are no whole PDU.
 */
export function channelsOf(streams: readonly Stream[]): Channel[] {
  return streams.flatMap((stream) => {
    const request = afterRequests(Buffer.from(stream.fromClient));
    if (request === undefined) return [];
    const { method, server, body } = request;
    return [
      {
        direction: method === 'RPC_IN_DATA' ? ('in' as const) : ('out' as const),
        server,
        fromClient: cutPdus(body, `${method} ${server}, from the client`),
        fromProxy: cutPdus(afterReplies(Buffer.from(stream.fromServer)), `${method} ${server}, from the proxy`),
      },
    ];
  });
}

/** The RPC PDUs among `pdus`, without RTS, back to back. */
export function rpcBytes(pdus: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(pdus.filter((pdu) => pdu[2] !== RTS));
}

interface OpenedChannel {
  readonly method: string;
  readonly server: string;
  readonly body: Buffer;
}

/** A client may need several requests to be let in; the channel begins behind the last one, with a PDU's version. */
function afterRequests(bytes: Buffer): OpenedChannel | undefined {
  let at = 0;
  while (at < bytes.length) {
    const end = bytes.indexOf(HEAD_END, at, 'latin1');
    if (end < 0) return undefined;
    const head = bytes.toString('latin1', at, end);
    at = end + HEAD_END.length;
    const [, method = '', server = ''] = /^(\S+) [^ ?]*\??(\S*) /.exec(head) ?? [];
    if (bytes[at] === RPC_VERSION) return { method, server, body: bytes.subarray(at) };
    const length = contentLength(head);
    if (length <= MAX_ECHO) at += length;
  }
  return undefined;
}

function afterReplies(bytes: Buffer): Buffer {
  let at = 0;
  while (at < bytes.length) {
    const end = bytes.indexOf(HEAD_END, at, 'latin1');
    if (end < 0) throw new Error('a reply whose head does not end');
    const length = contentLength(bytes.toString('latin1', at, end));
    at = end + HEAD_END.length;
    if (length > MAX_ORDINARY_BODY) break;
    at += length;
  }
  return bytes.subarray(at);
}

function contentLength(head: string): number {
  return Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
}

/** Cut here and not with the deframer under test: what it cuts wrongly must show. */
function cutPdus(bytes: Buffer, whence: string): Uint8Array[] {
  const pdus: Uint8Array[] = [];
  let at = 0;
  while (bytes.length - at >= LENGTH_KNOWN_AT) {
    const littleEndian = ((bytes[at + 4] ?? 0) & 0x10) !== 0;
    const length = littleEndian ? bytes.readUInt16LE(at + FRAG_LENGTH_AT) : bytes.readUInt16BE(at + FRAG_LENGTH_AT);
    if (length < LENGTH_KNOWN_AT || length > bytes.length - at) break;
    pdus.push(bytes.subarray(at, at + length));
    at += length;
  }
  if (at !== bytes.length) {
    const rest = `${bytes.length - at} bytes of ${bytes.length} at the end of a channel are no whole PDU`;
    throw new Error(`${rest} (${whence}): ${bytes.toString('hex', at, at + 32)}…`);
  }
  return pdus;
}
