import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { type Channel, channelsOf, rpcBytes } from './channels.ts';
import { writePcap } from './pcap.ts';
import { findMalformed, followStreams, type ReadOptions, readFields, type Stream } from './tshark.ts';

/** What tshark makes of a capture of the proxy's both sides. */
export interface Inspection {
  /** Packets that are malformed or in error: in the capture itself, and in the channels without their HTTP. */
  readonly malformed: readonly string[];
  /** Packets of the channels that tshark did not take for DCE/RPC at all. */
  readonly undissected: readonly string[];
  /** tshark's name of every RTS PDU, in order. */
  readonly rts: readonly string[];
  readonly channels: readonly Channel[];
  /** The RPC bytes of each virtual connection, as length and SHA-256: IN's, OUT's, to the server, from it; sorted. */
  readonly carried: {
    readonly in: readonly string[];
    readonly out: readonly string[];
    readonly toServer: readonly string[];
    readonly fromServer: readonly string[];
  };
}

export interface InspectOptions {
  readonly httpPorts: readonly number[];
  readonly httpsPorts: readonly number[];
  readonly keylogFile: string;
  readonly serverPort: number;
  /** A folder for what is made of the capture. */
  readonly scratch: string;
}

/**
 * tshark 4.0 now and then loses its place in a TLS connection of large segments, though the capture is whole: it then calls
 * every further record unknown. What it says of such a capture is worth nothing; another capture of the same traffic mostly fares
 * better.
 */
export class TsharkLostItsPlace extends Error {
  override readonly name = 'TsharkLostItsPlace';
}

const UNKNOWN_RECORD = 'Ignored Unknown Record';

/** Whether both directions consist of whole TLS records (RFC 5246 6.2.1), by our own count. */
function isWholeTls({ fromClient, fromServer }: Stream): boolean {
  return [fromClient, fromServer].every((side) => {
    const bytes = Buffer.from(side);
    let at = 0;
    while (at + 5 <= bytes.length && bytes[at + 1] === 3) at += 5 + bytes.readUInt16BE(at + 3);
    return at === bytes.length;
  });
}

/** The channels of https connections. Throws {@link TsharkLostItsPlace} where it is tshark's fault that they are not whole. */
async function tlsChannels(file: string, options: InspectOptions): Promise<Channel[]> {
  const streams = await followStreams(file, options.httpsPorts, 'tcp', options);
  if (!streams.every(isWholeTls)) throw new Error('a TLS connection does not consist of whole records');
  try {
    return channelsOf(await followStreams(file, options.httpsPorts, 'tls', options));
  } catch (cause) {
    throw new TsharkLostItsPlace('channels of TLS connections are not whole', { cause });
  }
}

/** A port that tshark knows for RPC over HTTP, [MS-RPCH] 1.9. */
const CHANNEL_PORT = 593;
const FIRST_CLIENT_PORT = 10000;

/**
 * Has tshark read a capture twice. As it is, tshark 4.0 dissects the HTTP heads, the first PDUs of each channel and all of
 * the server's side, but calls the rest of a channel an HTTP continuation. So the channels are cut out, TLS and HTTP taken
 * off, and given to it again as plain connections: then it dissects every PDU.
 */
export async function inspectCapture(file: string, options: InspectOptions): Promise<Inspection> {
  const read: ReadOptions = options;
  const overTcp = await followStreams(file, options.httpPorts, 'tcp', read);
  const channels = [...channelsOf(overTcp), ...(await tlsChannels(file, options))];
  const malformed = await findMalformed(file, read);
  if (malformed.some((row) => row.includes(UNKNOWN_RECORD))) throw new TsharkLostItsPlace(malformed.join('\n'));
  const bare = join(options.scratch, 'channels.pcap');
  writePcap(
    bare,
    channels.map((channel, index) => ({
      clientPort: FIRST_CLIENT_PORT + index,
      serverPort: CHANNEL_PORT,
      fromClient: channel.fromClient,
      fromServer: channel.fromProxy,
    })),
  );
  const server = await followStreams(file, [options.serverPort], 'tcp', read);
  const ins = channels.filter((channel) => channel.direction === 'in');
  const outs = channels.filter((channel) => channel.direction === 'out');
  const undissected = await readFields(bare, 'tcp.len > 0 && !dcerpc', ['frame.number', '_ws.col.Info']);
  const rts = await readFields(bare, 'dcerpc.pkt_type == 20', ['_ws.col.Info']);
  return {
    malformed: [...malformed, ...(await findMalformed(bare))],
    undissected: undissected.map((row) => row.join(' | ')),
    rts: rts.map(([info = '']) => info.replace(/[, ]+$/, '')),
    channels,
    carried: {
      in: sortedDigests(ins.map((channel) => rpcBytes(channel.fromClient))),
      out: sortedDigests(outs.map((channel) => rpcBytes(channel.fromProxy))),
      toServer: sortedDigests(server.map((stream) => stream.fromClient)),
      fromServer: sortedDigests(server.map((stream) => stream.fromServer)),
    },
  };
}

function sortedDigests(parts: readonly Uint8Array[]): string[] {
  return parts.map((part) => `${part.length} bytes ${createHash('sha256').update(part).digest('hex')}`).sort();
}
