import { Connections } from './connections.ts';
import { Conversation, type StreamKind } from './conversation.ts';
import type { DecodeEvent } from './event.ts';
import { looksLikeHex } from './hex-text.ts';
import { beginsLikeHead, mayBeHttp } from './http-message.ts';
import { CaptureInput, type Input, PacketInput, RawInput, TextInput } from './inputs.ts';
import { Notes } from './notes.ts';
import { InputError } from './packet.ts';
import { isPcap, PcapReader } from './pcap.ts';
import { isPcapng, PcapngReader } from './pcapng.ts';
import { findBoundary } from './plausible.ts';
import { looksLikeSession } from './session-text.ts';
import { VirtualConnections } from './virtual-connections.ts';

export const FORMATS = ['pcap', 'pcapng', 'hex', 'raw'] as const;
export type Format = (typeof FORMATS)[number];

/** What a capture comes to. */
export interface Summary {
  /** µs since 1970 of the first packet. */
  readonly begun: number | undefined;
  readonly packets: number;
  readonly streams: Readonly<Partial<Record<StreamKind | 'nothing', number>>>;
  readonly pdus: number;
  readonly virtualConnections: readonly {
    readonly cookie: string;
    readonly legs: readonly { readonly side: string; readonly channel: string; readonly stream: number }[];
    readonly opened: boolean;
    readonly recycled: boolean;
  }[];
  /** Plain sentences. */
  readonly noteworthy: readonly string[];
}

/** How much of the input is looked at to tell what it is. */
const SNIFFED = 64 * 1024;
const GZIP = [0x1f, 0x8b] as const;

/**
 * Decodes a capture that comes in pieces, and tells what is in it as it goes. Pure: bytes in, events out. Memory is bounded
 * whatever the input is. What cannot be read at all throws {@link InputError}.
 */
export class Decoder {
  readonly #emit: (event: DecodeEvent) => void;
  readonly #notes = new Notes();
  readonly #virtualConnections = new VirtualConnections(this.#notes);
  readonly #packets: PacketInput;
  readonly #streams = new Map<StreamKind | 'nothing', number>();
  readonly #format: Format | undefined;
  #head: Buffer[] = [];
  #headLength = 0;
  #input: Input | undefined;
  #opened = 0;
  #pdus = 0;

  /** @param format what the input is; undefined tells it by its first bytes. */
  constructor(format: Format | undefined, emit: (event: DecodeEvent) => void) {
    this.#format = format;
    this.#emit = (event) => {
      if (event.kind === 'pdu') this.#pdus++;
      if (event.kind === 'stream') this.#countStream(event.told.fields.carries as StreamKind);
      emit(event);
    };
    const connections = new Connections((start) => this.#open(start));
    this.#packets = new PacketInput(connections, this.#notes);
  }

  push(chunk: Uint8Array): void {
    if (this.#input !== undefined) {
      this.#input.push(chunk);
      return;
    }
    this.#head.push(Buffer.from(chunk));
    this.#headLength += chunk.length;
    if (this.#headLength >= SNIFFED) this.#begin();
  }

  /** The input is over. */
  end(): void {
    this.#begin();
    this.#input?.end();
  }

  /** What it comes to, to be asked for once: at the end, or where the input turned out to be damaged. */
  summary(): Summary {
    const virtualConnections = this.#virtualConnections.judged();
    const nothing = this.#opened - [...this.#streams.values()].reduce((sum, count) => sum + count, 0);
    return {
      begun: this.#packets.begun,
      packets: this.#packets.packets,
      streams: { ...Object.fromEntries(this.#streams), ...(nothing > 0 ? { nothing } : {}) },
      pdus: this.#pdus,
      virtualConnections: virtualConnections.map(({ label, legs, opened, recycled }) => ({
        cookie: label,
        legs,
        opened,
        recycled,
      })),
      noteworthy: this.#notes.list(),
    };
  }

  #countStream(kind: StreamKind): void {
    this.#streams.set(kind, (this.#streams.get(kind) ?? 0) + 1);
  }

  #begin(): void {
    if (this.#input !== undefined) return;
    const head = Buffer.concat(this.#head);
    this.#head = [];
    if (head.length === 0) throw new InputError('it is empty');
    this.#input = this.#inputFor(this.#format ?? formatOf(head));
    this.#input.push(head);
  }

  #inputFor(format: Format): Input {
    if (format === 'pcap') return new CaptureInput(new PcapReader(), this.#packets, this.#notes);
    if (format === 'pcapng') return new CaptureInput(new PcapngReader(), this.#packets, this.#notes);
    if (format === 'raw') return new RawInput(this.#open({ fromStart: false }));
    const open = (headsOnly: boolean) => this.#open({ fromStart: false, headsOnly });
    return new TextInput({ packets: this.#packets, notes: this.#notes, open });
  }

  #open(start: Omit<ConstructorParameters<typeof Conversation>[0], 'stream'>): Conversation {
    this.#opened++;
    return new Conversation(
      { ...start, stream: this.#opened },
      { notes: this.#notes, virtualConnections: this.#virtualConnections, emit: this.#emit },
    );
  }
}

/** Tells what a file is by its first bytes. Throws {@link InputError} where they are nothing that is known. */
function formatOf(head: Buffer): Format {
  if (isPcap(head)) return 'pcap';
  if (isPcapng(head)) return 'pcapng';
  if (head[0] === GZIP[0] && head[1] === GZIP[1]) throw new InputError('it is compressed: unpack it first (gunzip)');
  const text = head.toString('latin1');
  if (looksLikeSession(text) || looksLikeHex(text)) return 'hex';
  if (
    (beginsLikeHead(head) && mayBeHttp(head)) ||
    text.startsWith('ncacn_http/1.0') ||
    findBoundary(head) !== undefined
  )
    return 'raw';
  throw new InputError(
    'it is neither a capture (pcap, pcapng, hex) nor a stream of PDUs; --format says what it is, where it is one all the same',
  );
}
