/** One end of a TCP connection. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** One TCP segment (RFC 9293 3.1). */
export interface Segment {
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly sequence: number;
  /** Undefined where ACK is not set. */
  readonly acknowledged: number | undefined;
  readonly syn: boolean;
  readonly fin: boolean;
  readonly rst: boolean;
  /** Length of its data on the wire. */
  readonly length: number;
  /** What was captured of its data: a view. */
  readonly data: Uint8Array;
}

/** Why a datagram gives no segment: it is a fragment of one, or no TCP at all. */
export type NoSegment = 'fragment' | 'other';

const TCP = 6;
const TcpFlag = { FIN: 0x01, SYN: 0x02, RST: 0x04, ACK: 0x10 } as const;
const TCP_HEADER = 20;
/** Extension headers of IPv6 that are skipped (RFC 8200 4.1): hop-by-hop, routing, destination, and AH. */
const SKIPPED = { hopByHop: 0, routing: 43, fragment: 44, authentication: 51, destination: 60 } as const;
const MAX_EXTENSIONS = 8;

/** Takes a TCP segment out of an IP datagram. What was cut off by the capture's limit is known by the lengths that IP names. */
export function segmentOf(datagram: Uint8Array): Segment | NoSegment {
  const version = (datagram[0] ?? 0) >> 4;
  if (version === 4) return fromIpv4(datagram);
  if (version === 6) return fromIpv6(datagram);
  return 'other';
}

function fromIpv4(datagram: Uint8Array): Segment | NoSegment {
  // RFC 791 3.1: 2 total length, 6 flags and fragment offset, 9 protocol, 12 source, 16 destination
  const headerLength = ((datagram[0] ?? 0) & 0x0f) * 4;
  if (datagram.length < 20 || headerLength < 20 || datagram[9] !== TCP) return 'other';
  if ((u16(datagram, 6) & 0x3fff) !== 0) return 'fragment';
  // Segmentation by the network adapter leaves a total length of 0 in what is captured before it.
  const total = u16(datagram, 2) === 0 ? datagram.length : u16(datagram, 2);
  const [source, destination] = [datagram.subarray(12, 16).join('.'), datagram.subarray(16, 20).join('.')];
  return fromTcp(datagram, headerLength, total, source, destination);
}

function fromIpv6(datagram: Uint8Array): Segment | NoSegment {
  // RFC 8200 3: 4 payload length, 6 next header, 8 source, 24 destination
  if (datagram.length < 40) return 'other';
  const payload = u16(datagram, 4);
  const total = payload === 0 ? datagram.length : 40 + payload;
  let next = datagram[6] ?? 0;
  let at = 40;
  for (let i = 0; i < MAX_EXTENSIONS && next !== TCP; i++) {
    const length = datagram[at + 1] ?? 0;
    if (next === SKIPPED.fragment) {
      if ((u16(datagram, at + 2) & 0xfff9) !== 0) return 'fragment';
      next = datagram[at] ?? 0;
      at += 8;
    } else if (next === SKIPPED.hopByHop || next === SKIPPED.routing || next === SKIPPED.destination) {
      next = datagram[at] ?? 0;
      at += (length + 1) * 8;
    } else if (next === SKIPPED.authentication) {
      next = datagram[at] ?? 0;
      at += (length + 2) * 4;
    } else return 'other';
  }
  if (next !== TCP) return 'other';
  return fromTcp(datagram, at, total, ipv6Text(datagram, 8), ipv6Text(datagram, 24));
}

function fromTcp(
  datagram: Uint8Array,
  at: number,
  total: number,
  source: string,
  destination: string,
): Segment | NoSegment {
  // 0 source port, 2 destination port, 4 sequence, 8 acknowledgement, 12 data offset, 13 flags
  const dataAt = at + ((datagram[at + 12] ?? 0) >> 4) * 4;
  if (datagram.length < at + TCP_HEADER || dataAt < at + TCP_HEADER || dataAt > total) return 'other';
  const flags = datagram[at + 13] ?? 0;
  return {
    from: { address: source, port: u16(datagram, at) },
    to: { address: destination, port: u16(datagram, at + 2) },
    sequence: u32(datagram, at + 4),
    acknowledged: (flags & TcpFlag.ACK) !== 0 ? u32(datagram, at + 8) : undefined,
    syn: (flags & TcpFlag.SYN) !== 0,
    fin: (flags & TcpFlag.FIN) !== 0,
    rst: (flags & TcpFlag.RST) !== 0,
    length: total - dataAt,
    // Behind the datagram's end there may be padding of the frame.
    data: datagram.subarray(Math.min(dataAt, datagram.length), Math.min(total, datagram.length)),
  };
}

/** RFC 5952: lower case, the longest run of zeros as "::". */
function ipv6Text(bytes: Uint8Array, at: number): string {
  const groups = Array.from({ length: 8 }, (_, i) => u16(bytes, at + 2 * i).toString(16));
  const text = groups.join(':');
  const runs = text.match(/(?:\b0(?::|$)){2,}/g) ?? [];
  const longest = runs.reduce((best, run) => (run.length > best.length ? run : best), '');
  if (longest === '') return text;
  const start = text.search(new RegExp(`\\b${longest}`));
  const before = text.slice(0, start).replace(/:$/, '');
  return `${before}::${text.slice(start + longest.length)}`;
}

/** An endpoint as `address:port`, IPv6 in brackets. */
export function endpointText({ address, port }: Endpoint): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

function u32(bytes: Uint8Array, at: number): number {
  return u16(bytes, at) * 65536 + u16(bytes, at + 2);
}
