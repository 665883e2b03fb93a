import { createReadStream } from 'node:fs';
import { Command } from 'commander';
import { Decoder, FORMATS, type Format } from '../decode/decoder.ts';
import type { DecodeEvent } from '../decode/event.ts';
import { InputError } from '../decode/packet.ts';
import { eventJson, eventText, summaryJson, summaryText } from '../decode/report.ts';

/** What the command touches of the process. */
export interface DecodeIo {
  readonly stdin: AsyncIterable<Uint8Array>;
  /** Resolves when more may be written; false when nobody reads any more. */
  readonly out: (text: string) => Promise<boolean>;
  readonly err: (text: string) => void;
  /** The code with which the process will exit. */
  readonly exitWith: (code: number) => void;
}

interface DecodeOptions {
  readonly format?: string;
  readonly json?: boolean;
  readonly verbose?: boolean;
}

const EXAMPLE = `
Example:
  tcpdump -i any -w trouble.pcap 'tcp port 80 or tcp port 593' &   # then let the client fail
  rpch decode trouble.pcap
  xxd -p pdu.bin | rpch decode -v -

Times are UTC; without times, @ is the offset in the stream. Cookies are shown in part, and credentials, responses to
challenges and tickets not at all; -v shows the data of calls that are not encrypted. What is in TLS cannot be
read: capture behind what ends TLS, or on a plain listener.`;

/** `rpch decode`: a capture told PDU by PDU, and what is noteworthy in it. */
export function decodeCommand(io: DecodeIo = processIo()): Command {
  return new Command('decode')
    .description('tell a capture PDU by PDU, and what is noteworthy in it')
    .argument('<file>', 'pcap, pcapng, hex dump, or the bytes of one direction; - is standard input')
    .option('--format <format>', `${FORMATS.join(', ')}; otherwise told by the content`)
    .option('-v, --verbose', 'more fields, and a hex dump of each PDU')
    .option('--json', 'one JSON object a line: one for each PDU, the summary last')
    .addHelpText('after', EXAMPLE)
    .action(async (file: string, options: DecodeOptions) => {
      const { format } = options;
      if (format !== undefined && !isFormat(format)) {
        io.err(`rpch decode: expected a format of ${FORMATS.join(', ')}, found "${format}"\n`);
        io.exitWith(2);
        return;
      }
      try {
        await decode(file, format, options, io);
      } catch (error) {
        io.err(`rpch decode: ${file}: ${sentenceOf(error)}\n`);
        io.exitWith(1);
      }
    });
}

async function decode(file: string, format: Format | undefined, options: DecodeOptions, io: DecodeIo): Promise<void> {
  let waiting = '';
  const verbose = options.verbose === true;
  const decoder = new Decoder(format, (event: DecodeEvent) => {
    waiting += options.json === true ? eventJson(event, verbose) : eventText(event, verbose);
  });
  const flush = async (): Promise<boolean> => {
    const text = waiting;
    waiting = '';
    return text === '' || (await io.out(text));
  };
  const summary = (): void => {
    waiting += options.json === true ? summaryJson(decoder.summary()) : summaryText(decoder.summary());
  };
  try {
    for await (const chunk of file === '-' ? io.stdin : createReadStream(file)) {
      decoder.push(chunk as Uint8Array);
      if (!(await flush())) return;
    }
    decoder.end();
    summary();
  } catch (error) {
    // What could be read up to there is worth having.
    if (waiting !== '') summary();
    throw error;
  } finally {
    await flush();
  }
}

function isFormat(text: string): text is Format {
  return (FORMATS as readonly string[]).includes(text);
}

const FILE_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'it may not be read',
  EISDIR: 'it is a directory',
};

/** What is foreseen, as a sentence; all else is a defect and is thrown on. */
function sentenceOf(error: unknown): string {
  if (error instanceof InputError) return error.message;
  if (error instanceof Error && 'code' in error && typeof error.code === 'string')
    return FILE_ERRORS[error.code] ?? error.message;
  throw error;
}

function processIo(): DecodeIo {
  const { stdin, stdout, stderr } = process;
  let gone = false;
  const leave = (): void => {
    gone = true;
  };
  return {
    stdin,
    out: (text) => {
      // A pager that is closed early is no failure.
      if (stdout.listenerCount('error', leave) === 0) stdout.on('error', leave);
      return new Promise((resolve) => {
        stdout.write(text, () => resolve(!gone));
      });
    },
    err: (text) => stderr.write(text),
    exitWith: (code) => {
      process.exitCode = code;
    },
  };
}
