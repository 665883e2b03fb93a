import { runOrThrow } from './commands.ts';

export interface ReadOptions {
  /** Ports of the proxy's plain and TLS listeners: tshark knows HTTP by its port. */
  readonly httpPorts?: readonly number[];
  readonly httpsPorts?: readonly number[];
  /** TLS keys that the proxy wrote. */
  readonly keylogFile?: string;
  /** Ports of RPC servers over plain TCP. */
  readonly dcerpcPorts?: readonly number[];
  /** The password of whoever logs in with NTLM: what is sealed is decrypted. */
  readonly ntlmPassword?: string;
}

/** One TCP connection of a capture, reassembled; TLS is taken off where the keys are known. */
export interface Stream {
  readonly port: number;
  readonly fromClient: Uint8Array;
  readonly fromServer: Uint8Array;
}

const READ_TIMEOUT_MS = 120_000;
const MAX_OUTPUT_BYTES = 256 * 1024 * 1024;
/** The value of `_ws.expert.severity` for errors; warnings and notes are below it. */
const SEVERITY_ERROR = 0x00800000;

/** Lists the packets that match a display filter, one array of the named fields' values for each. */
export async function readFields(
  file: string,
  filter: string,
  fields: readonly string[],
  options: ReadOptions = {},
): Promise<string[][]> {
  const printed = await tshark(file, options, [
    ...['-Y', filter, '-T', 'fields', '-E', 'separator=/t', '-E', 'occurrence=a'],
    ...fields.flatMap((field) => ['-e', field]),
  ]);
  const lines = printed.split('\n').filter((line) => line !== '');
  return lines.map((line) => line.split('\t'));
}

/**
 * What tshark calls an HTTP continuation: the inside of a channel, in which it looks for heads that are not there and so
 * finds them malformed now and then.
 */
const INSIDE_CHANNEL = 'http && !http.request && !http.response';

/** Describes every packet that tshark calls malformed or in error, but for HTTP continuations; empty when there is none. */
export async function findMalformed(file: string, options: ReadOptions = {}): Promise<string[]> {
  const rows = await readFields(
    file,
    `(_ws.malformed || _ws.expert.severity >= ${SEVERITY_ERROR}) && !(${INSIDE_CHANNEL})`,
    ['frame.number', '_ws.col.Protocol', '_ws.col.Info', '_ws.expert.message'],
    options,
  );
  return rows.map((row) => row.join(' | '));
}

/** Reassembles every TCP connection to one of `ports`, in the order of their beginning. */
export async function followStreams(
  file: string,
  ports: readonly number[],
  layer: 'tcp' | 'tls',
  options: ReadOptions = {},
): Promise<Stream[]> {
  if (ports.length === 0) return [];
  const isOpening = `tcp.flags.syn == 1 && tcp.flags.ack == 0 && tcp.dstport in {${ports.join(', ')}}`;
  const opened = await readFields(file, isOpening, ['tcp.stream', 'tcp.dstport'], options);
  if (opened.length === 0) return [];
  const taps = opened.flatMap(([stream = '']) => ['-z', `follow,${layer},raw,${stream}`]);
  // Its HTTP dissector fails now and then inside a channel, and what it fails on is lost to the TLS layer below it.
  const printed = await tshark(file, options, ['--disable-protocol', 'http', '-q', ...taps]);
  const streams = new Map(sections(printed));
  return opened.map(([stream = '', port = '']) => {
    const lines = streams.get(stream) ?? [];
    const side = (isServer: boolean) =>
      Buffer.concat(
        lines.filter((line) => line.startsWith('\t') === isServer).map((l) => Buffer.from(l.trim(), 'hex')),
      );
    return { port: Number(port), fromClient: side(false), fromServer: side(true) };
  });
}

/** Cuts the output of follow taps: the stream's number and its lines of hex, the server's indented by a tab. */
function sections(printed: string): [string, string[]][] {
  return printed.split(/^Follow: /m).flatMap((section): [string, string[]][] => {
    const stream = /^Filter: tcp\.stream eq (\d+)$/m.exec(section)?.[1];
    if (stream === undefined) return [];
    return [[stream, section.split('\n').filter((line) => /^\t?(?:[0-9a-f]{2})+$/.test(line))]];
  });
}

function tshark(file: string, options: ReadOptions, args: readonly string[]): Promise<string> {
  const decode = [
    ...(options.httpPorts ?? []).flatMap((port) => ['-d', `tcp.port==${port},http`]),
    ...(options.httpsPorts ?? []).flatMap((port) => ['-d', `tcp.port==${port},tls`, '-d', `tls.port==${port},http`]),
    ...(options.dcerpcPorts ?? []).flatMap((port) => ['-d', `tcp.port==${port},dcerpc`]),
    ...(options.ntlmPassword === undefined ? [] : ['-o', `ntlmssp.nt_password:${options.ntlmPassword}`]),
    ...(options.keylogFile === undefined ? [] : ['-o', `tls.keylog_file:${options.keylogFile}`]),
  ];
  // Where the two ends of a connection run on different cores, a capture of the loopback interface can have a segment
  // before its predecessor; tshark gives such a stream up unless it is told to put it in order.
  const order = ['-o', 'tcp.reassemble_out_of_order:TRUE'];
  return runOrThrow('tshark', ['-n', '-r', file, ...order, ...decode, ...args], {
    timeoutMs: READ_TIMEOUT_MS,
    maxBytes: MAX_OUTPUT_BYTES,
  });
}
