import type { Connections } from './connections.ts';
import type { Conversation } from './conversation.ts';
import { datagramOf, guessLinkType, knowsLinkType } from './frames.ts';
import { type HexBlock, readHex } from './hex-text.ts';
import type { Notes } from './notes.ts';
import { type CaptureReader, InputError, type Packet } from './packet.ts';
import { isPcap, PcapReader } from './pcap.ts';
import { isPcapng, PcapngReader } from './pcapng.ts';
import { segmentOf } from './segment.ts';
import { looksLikeSession, readSession } from './session-text.ts';

/** Takes the bytes of a file, piece by piece. Throws {@link InputError} where they cannot be read. */
export interface Input {
  push(chunk: Uint8Array): void;
  end(): void;
}

/** Hex dumps are for a few PDUs; a long one is a capture that should have stayed one. */
const MAX_TEXT = 64 * 1024 * 1024;

/** Packets on their way to the connections, and what could not be read of them. */
export class PacketInput {
  readonly #connections: Connections;
  readonly #notes: Notes;
  #begun: number | undefined;
  #packets = 0;
  #segments = 0;
  #fragments = 0;
  readonly #unknownLinks = new Map<number, number>();

  constructor(connections: Connections, notes: Notes) {
    this.#connections = connections;
    this.#notes = notes;
  }

  get packets(): number {
    return this.#packets;
  }

  /** Time of the first packet that has one, µs since 1970. */
  get begun(): number | undefined {
    return this.#begun;
  }

  take({ time, linkType, bytes }: Packet): void {
    this.#packets++;
    this.#begun ??= time;
    if (!knowsLinkType(linkType)) {
      this.#unknownLinks.set(linkType, (this.#unknownLinks.get(linkType) ?? 0) + 1);
      return;
    }
    const datagram = datagramOf(linkType, bytes);
    const segment = datagram === undefined ? 'other' : segmentOf(datagram);
    if (segment === 'fragment') this.#fragments++;
    if (typeof segment === 'string') return;
    this.#segments++;
    this.#connections.push(segment, time);
  }

  end(): void {
    this.#connections.finish();
    for (const [linkType, count] of this.#unknownLinks)
      this.#notes.add(`${count} packets of link type ${linkType} were not read`);
    if (this.#fragments > 0) this.#notes.add(`${this.#fragments} fragments of IP datagrams were not read`);
    if (this.#segments === 0) this.#notes.add('there is no TCP in this capture');
  }
}

/** A pcap or pcapng file. */
export class CaptureInput implements Input {
  readonly #reader: CaptureReader;
  readonly #packets: PacketInput;
  readonly #notes: Notes;

  constructor(reader: CaptureReader, packets: PacketInput, notes: Notes) {
    this.#reader = reader;
    this.#packets = packets;
    this.#notes = notes;
  }

  /** A file that is damaged behind its first packets is told up to there. */
  push(chunk: Uint8Array): void {
    try {
      this.#reader.push(chunk, (packet) => this.#packets.take(packet));
    } catch (error) {
      if (error instanceof InputError && this.#packets.packets > 0) this.#packets.end();
      throw error;
    }
  }

  end(): void {
    if (this.#reader.pending > 0) this.#notes.add('the capture file ends in mid-packet');
    this.#packets.end();
  }
}

/** The bytes of one direction, as they are. */
export class RawInput implements Input {
  readonly #conversation: Conversation;

  constructor(conversation: Conversation) {
    this.#conversation = conversation;
  }

  push(chunk: Uint8Array): void {
    this.#conversation.fromClient.bytes(chunk, undefined);
  }

  end(): void {
    this.#conversation.ended({ kind: 'open' }, undefined);
  }
}

/** What text is made into. */
export interface TextTargets {
  readonly packets: PacketInput;
  readonly notes: Notes;
  /** A stream; `headsOnly` as of {@link Conversation}. */
  open(headsOnly: boolean): Conversation;
}

/** Text: a dump in hex of packets or of one direction, or a session. */
export class TextInput implements Input {
  readonly #targets: TextTargets;
  readonly #chunks: Uint8Array[] = [];
  #length = 0;

  constructor(targets: TextTargets) {
    this.#targets = targets;
  }

  push(chunk: Uint8Array): void {
    this.#length += chunk.length;
    if (this.#length > MAX_TEXT) throw new InputError(`more than ${MAX_TEXT} bytes of text: give the capture itself`);
    this.#chunks.push(new Uint8Array(chunk));
  }

  end(): void {
    const text = Buffer.concat(this.#chunks).toString('latin1');
    if (looksLikeSession(text)) this.#session(text);
    else this.#hex(text);
  }

  #session(text: string): void {
    const records = readSession(text);
    if ('line' in records) throw new InputError(`line ${records.line} is neither a session's record nor hex digits`);
    const conversations = new Map<string, Conversation>();
    for (const { channel, fromClient, bytes } of records) {
      const conversation = conversations.get(channel) ?? this.#targets.open(true);
      conversations.set(channel, conversation);
      (fromClient ? conversation.fromClient : conversation.fromServer).bytes(bytes, undefined);
    }
    for (const conversation of conversations.values()) conversation.ended({ kind: 'open' }, undefined);
  }

  #hex(text: string): void {
    const read = readHex(text);
    if ('line' in read)
      throw new InputError(`line ${read.line} is not hex, or does not go on where the line before it ended`);
    // Below a frame tshark prints what it has put together from several; that is in the frames already.
    const blocks = read.blocks.filter(({ label }) => label === '' || label === 'Frame' || label === 'Packet');
    const [first] = blocks;
    if (first === undefined) throw new InputError('there are no hex digits in this text');
    if (isPcap(first.bytes)) this.#capture(new PcapReader(), first);
    else if (isPcapng(first.bytes)) this.#capture(new PcapngReader(), first);
    else if (guessLinkType(first.bytes) === undefined) this.#stream(blocks);
    else this.#frames(blocks);
  }

  /** A dump of a capture file. */
  #capture(reader: CaptureReader, { bytes }: HexBlock): void {
    const input = new CaptureInput(reader, this.#targets.packets, this.#targets.notes);
    input.push(bytes);
    input.end();
  }

  #stream(blocks: readonly HexBlock[]): void {
    const conversation = this.#targets.open(false);
    for (const { bytes } of blocks) conversation.fromClient.bytes(bytes, undefined);
    conversation.ended({ kind: 'open' }, undefined);
  }

  #frames(blocks: readonly HexBlock[]): void {
    for (const { bytes } of blocks) {
      const linkType = guessLinkType(bytes);
      if (linkType !== undefined) this.#targets.packets.take({ time: undefined, linkType, bytes });
    }
    this.#targets.packets.end();
  }
}
