import { Decoder, type Format, type Summary } from '../../src/decode/decoder.ts';
import type { DecodeEvent } from '../../src/decode/event.ts';
import { eventText } from '../../src/decode/report.ts';

/** One TCP segment of a made-up connection between 192.0.2.1:50000 and 198.51.100.2:80, or what else it says. */
export interface SegmentSpec {
  readonly fromClient: boolean;
  readonly sequence: number;
  readonly data?: Uint8Array;
  readonly flags?: 'S' | 'SA' | 'F' | 'R' | '';
  readonly acknowledged?: number;
  readonly clientPort?: number;
  readonly serverPort?: number;
}

const FLAGS = { S: 0x02, SA: 0x12, F: 0x11, R: 0x04, '': 0x18 } as const;
const CLIENT = [192, 0, 2, 1] as const;
const SERVER = [198, 51, 100, 2] as const;

/** TCP header and data. */
export function tcp(spec: SegmentSpec): Buffer {
  const { fromClient, sequence, data = new Uint8Array(), flags = '', acknowledged = 0 } = spec;
  const ports = [spec.clientPort ?? 50_000, spec.serverPort ?? 80];
  if (!fromClient) ports.reverse();
  const head = Buffer.alloc(20);
  head.writeUInt16BE(ports[0] ?? 0, 0);
  head.writeUInt16BE(ports[1] ?? 0, 2);
  head.writeUInt32BE(sequence >>> 0, 4);
  head.writeUInt32BE(acknowledged >>> 0, 8);
  head.writeUInt8(5 << 4, 12);
  head.writeUInt8(FLAGS[flags], 13);
  return Buffer.concat([head, data]);
}

export function ipv4(spec: SegmentSpec): Buffer {
  const payload = tcp(spec);
  const head = Buffer.alloc(20);
  head.writeUInt8(0x45, 0);
  head.writeUInt16BE(20 + payload.length, 2);
  head.writeUInt8(64, 8);
  head.writeUInt8(6, 9);
  head.set(spec.fromClient ? [...CLIENT, ...SERVER] : [...SERVER, ...CLIENT], 12);
  return Buffer.concat([head, payload]);
}

export function ethernet(datagram: Uint8Array, etherType = 0x0800): Buffer {
  return Buffer.concat([Buffer.from('0200000000010200000000020000', 'hex').fill(0), datagram]).fill(
    Buffer.from([etherType >> 8, etherType & 0xff]),
    12,
    14,
  );
}

export interface PcapOptions {
  readonly littleEndian?: boolean;
  readonly nanoseconds?: boolean;
  readonly linkType?: number;
  /** Bytes kept of each frame. */
  readonly snapLength?: number;
}

/** A pcap file; the first packet is captured at 2024-01-01T00:00:00Z, each further one 1 ms later. */
export function pcap(frames: readonly Uint8Array[], options: PcapOptions = {}): Buffer {
  const { littleEndian = true, nanoseconds = false, linkType = 1, snapLength = 262_144 } = options;
  const u32 = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    if (littleEndian) bytes.writeUInt32LE(value);
    else bytes.writeUInt32BE(value);
    return bytes;
  };
  const version = littleEndian ? Buffer.from('02000400', 'hex') : Buffer.from('00020004', 'hex');
  const parts = [u32(nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4), version, u32(0), u32(0), u32(snapLength), u32(linkType)];
  for (const [index, frame] of frames.entries()) {
    const kept = frame.subarray(0, snapLength);
    const fraction = (index % 1000) * (nanoseconds ? 1_000_000 : 1000);
    parts.push(
      u32(1_704_067_200 + Math.floor(index / 1000)),
      u32(fraction),
      u32(kept.length),
      u32(frame.length),
      Buffer.from(kept),
    );
  }
  return Buffer.concat(parts);
}

/** What each side of a connection says in turn, one segment for each piece. */
export interface Said {
  readonly fromClient: boolean;
  readonly data: Uint8Array | string;
}

/** The packets of a whole connection: handshake, what is said, and both FINs or a reset. */
export function connection(
  said: readonly Said[],
  ports: Partial<SegmentSpec> = {},
  end: 'closed' | 'reset' | 'open' = 'closed',
): Buffer[] {
  const next = { client: 1000, server: 0xffff_ff00 };
  const specs: SegmentSpec[] = [
    { fromClient: true, sequence: next.client++, flags: 'S' },
    { fromClient: false, sequence: next.server++, flags: 'SA', acknowledged: next.client },
  ];
  for (const { fromClient, data } of said) {
    const side = fromClient ? 'client' : 'server';
    const bytes = typeof data === 'string' ? Buffer.from(data, 'latin1') : data;
    specs.push({ fromClient, sequence: next[side], data: bytes, acknowledged: next[fromClient ? 'server' : 'client'] });
    next[side] += bytes.length;
  }
  if (end === 'closed') {
    specs.push(
      { fromClient: true, sequence: next.client, flags: 'F' },
      { fromClient: false, sequence: next.server, flags: 'F' },
    );
  }
  if (end === 'reset') specs.push({ fromClient: false, sequence: next.server, flags: 'R' });
  return specs.map((spec) => ethernet(ipv4({ ...ports, ...spec })));
}

export interface Decoded {
  readonly events: readonly DecodeEvent[];
  /** The lines for people, without and with the long form. */
  readonly text: string;
  readonly verbose: string;
  readonly summary: Summary;
}

/** Decodes a file, given in pieces of `piece` bytes. */
export function decode(file: Uint8Array | string, format?: Format, piece = 65_536): Decoded {
  const bytes = typeof file === 'string' ? Buffer.from(file, 'latin1') : file;
  const events: DecodeEvent[] = [];
  let [text, verbose] = ['', ''];
  const decoder = new Decoder(format, (event) => {
    events.push(event);
    text += eventText(event, false);
    verbose += eventText(event, true);
  });
  for (let at = 0; at < bytes.length; at += piece) decoder.push(bytes.subarray(at, at + piece));
  decoder.end();
  return { events, text, verbose, summary: decoder.summary() };
}

/** Names of what was told of PDUs and heads, in order. */
export function names(decoded: Decoded): string[] {
  return decoded.events.filter(({ kind }) => kind !== 'stream' && kind !== 'end').map(({ told }) => told.name);
}
