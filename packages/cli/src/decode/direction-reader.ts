import {
  COMMON_HEADER_LENGTH,
  fragLengthAt,
  LEGACY_SERVER_RESPONSE,
  LENGTH_KNOWN_AT,
  ProtocolError,
} from '@rpch/rpc/internal';
import { ByteQueue } from './byte-queue.ts';
import { ChunkReader } from './chunks.ts';
import { beginsLikeHead, type HttpMessage, headEnd, MAX_HEAD, mayBeHttp, readHttpMessage } from './http-message.ts';
import { findBoundary, plausiblePduAt } from './plausible.ts';

/** Where in the direction something stood, and when its last byte was captured (µs). */
export interface Place {
  /** Bytes from the begin of the direction, or of what was captured of it. */
  readonly offset: number;
  readonly time: number | undefined;
}

/** What follows a head: PDUs and further heads; a body of no interest; or bytes that end with the connection. */
export type Body =
  | { readonly kind: 'pdus'; readonly chunked: boolean }
  | { readonly kind: 'skipped'; readonly length: number }
  | { readonly kind: 'skipped-chunks' }
  | { readonly kind: 'rest' };

/** Takes what one direction consists of. Bytes are views, valid during the call. */
export interface DirectionSink {
  pdu(bytes: Uint8Array, place: Place): void;
  head(message: HttpMessage, length: number, place: Place): Body;
  banner(place: Place): void;
  /** From here on nothing is read: `what` says why. */
  opaque(what: 'tls' | 'other', begin: Uint8Array, place: Place): void;
  /** Something is wrong at `place`, and reading goes on at the next boundary that is found, if any. */
  damage(what: string, place: Place): void;
}

type State =
  | { readonly kind: 'boundary' }
  | { kind: 'skip'; left: number }
  | { kind: 'lost'; searched: number }
  | { readonly kind: 'opaque' };

const BOUNDARY: State = { kind: 'boundary' };
const OPAQUE: State = { kind: 'opaque' };
/** Bytes that are searched for a boundary before it is given up. */
const MAX_SEARCH = 4 * 1024 * 1024;
/** Content types 20 to 24 and the major version of a TLS record (RFC 8446 5.1). */
const isTls = (bytes: Uint8Array): boolean => (bytes[0] ?? 0) >= 20 && (bytes[0] ?? 0) <= 24 && bytes[1] === 3;
const PREVIEW = 16;
const LINE_FEED = 0x0a;

/**
 * Cuts one direction of a connection into PDUs, HTTP heads and what is neither, by its content alone: whatever may stand at a
 * boundary tells itself by its first bytes. Keeps no more than one PDU or head that has not come in whole.
 */
export class DirectionReader {
  readonly #sink: DirectionSink;
  readonly #queue = new ByteQueue();
  #state: State;
  #chunks: ChunkReader | undefined;
  #keepChunks = true;
  #offset = 0;
  readonly #fromStart: boolean;
  /** Whether anything was recognised. */
  #seen = false;
  #time: number | undefined;
  /** A head has begun, and only a line feed can end it. */
  #awaitsLine = false;

  /** @param fromStart whether the first byte is the first of the connection; otherwise a boundary is looked for. */
  constructor(sink: DirectionSink, fromStart: boolean) {
    this.#sink = sink;
    this.#state = BOUNDARY;
    this.#fromStart = fromStart;
  }

  get pending(): number {
    return this.#queue.length;
  }

  push(chunk: Uint8Array, time: number | undefined): void {
    this.#time = time;
    if (this.#state.kind === 'lost' && !this.#seen && isTls(chunk)) this.#giveUp('tls', chunk);
    if (this.#state.kind === 'opaque') this.#offset += chunk.length;
    else if (this.#chunks === undefined) this.#append(chunk);
    else this.#pushChunked(chunk);
  }

  /** `length` bytes are missing here. */
  gap(length: number, time: number | undefined): void {
    this.#time = time ?? this.#time;
    if (this.#state.kind === 'opaque') return;
    const inside = this.#insideOf();
    const had = this.#queue.length;
    if (inside !== undefined && length <= inside && this.#chunks === undefined) {
      if (this.#state.kind !== 'skip')
        this.#damage(`${length} bytes of a PDU of ${had + inside} bytes are not in the capture`);
      this.#drop();
      this.#state = { kind: 'skip', left: inside - length };
    } else {
      this.#damage(`${length} bytes are not in the capture`);
      this.#drop();
      this.#chunks = undefined;
      this.#state = { kind: 'lost', searched: 0 };
    }
    this.#offset += length;
    this.#run();
  }

  /** The direction is over. Says so where that is in the middle of a PDU or a head. */
  end(): void {
    if (
      !this.#seen &&
      this.#state.kind !== 'opaque' &&
      this.#insideOf() === undefined &&
      this.#offset + this.#queue.length > 0
    ) {
      this.#giveUp('other', this.#queue.peek());
    }
    if (this.#state.kind === 'opaque' || this.#state.kind === 'lost' || this.#queue.length === 0) return;
    const bytes = this.#queue.peek();
    const inside = this.#insideOf();
    if (inside !== undefined) this.#damage(`ends in mid-PDU: ${bytes.length} of ${bytes.length + inside} bytes`);
    else if (this.#state.kind === 'boundary')
      this.#damage(`ends with ${bytes.length} bytes that are no whole PDU or head`);
    this.#drop();
  }

  /** How many more bytes what has begun needs; undefined at a boundary and where that is not known. */
  #insideOf(): number | undefined {
    if (this.#state.kind === 'skip') return this.#state.left;
    if (this.#state.kind !== 'boundary' || this.#queue.length < LENGTH_KNOWN_AT) return undefined;
    const bytes = this.#queue.peek();
    const length = bytes[0] === 5 ? fragLengthOf(bytes) : undefined;
    return typeof length === 'number' ? length - bytes.length : undefined;
  }

  #append(chunk: Uint8Array): void {
    this.#queue.append(chunk);
    // A head is not searched for its end anew with each byte.
    if (this.#awaitsLine && !chunk.includes(LINE_FEED) && this.#queue.length < MAX_HEAD) return;
    this.#awaitsLine = false;
    this.#run();
  }

  #pushChunked(chunk: Uint8Array): void {
    const chunks = this.#chunks;
    if (chunks === undefined) return;
    chunks.push(chunk, (content) => {
      if (this.#keepChunks && this.#state.kind !== 'opaque') this.#append(content);
      else this.#offset += content.length;
    });
    if (chunks.state === 'open') return;
    this.#chunks = undefined;
    const rest = chunks.rest();
    if (chunks.state === 'damaged') this.#damage('a chunk of the chunked transfer coding has no size');
    if (this.#state.kind !== 'opaque') this.#append(rest);
  }

  #run(): void {
    while (this.#queue.length > 0 && this.#step());
  }

  /** One step; false where more bytes are needed. */
  #step(): boolean {
    if (this.#state.kind === 'skip') return this.#skip(this.#state);
    if (this.#state.kind === 'lost') return this.#search(this.#state);
    if (this.#state.kind === 'opaque') {
      this.#drop();
      return false;
    }
    const bytes = this.#queue.peek();
    if (bytes[0] === 5) return this.#pdu(bytes);
    if (beginsLikeHead(bytes)) return this.#head(bytes);
    const banner = bytes[0] === LEGACY_SERVER_RESPONSE[0] ? this.#banner(bytes) : 'no';
    if (banner !== 'no') return banner === 'yes';
    if (isTls(bytes)) return this.#giveUp('tls', bytes);
    if (isTls(Uint8Array.of(bytes[0] ?? 0, 3)) && bytes.length < 2) return false;
    return this.#unknown(bytes);
  }

  #skip(state: { kind: 'skip'; left: number }): boolean {
    const taken = this.#take(state.left).length;
    if (taken < state.left) state.left -= taken;
    else this.#state = BOUNDARY;
    return true;
  }

  #pdu(bytes: Uint8Array): boolean {
    if (bytes.length < COMMON_HEADER_LENGTH) return false;
    if (!this.#seen && !plausiblePduAt(bytes, 0)) return this.#unknown(bytes);
    const length = fragLengthOf(bytes);
    if (typeof length !== 'number') {
      this.#damage(`${length.message} (${length.section})`);
      this.#state = { kind: 'lost', searched: 0 };
      this.#take(1);
      return true;
    }
    if (bytes.length < length) return false;
    this.#seen = true;
    const place = this.#place();
    this.#sink.pdu(this.#take(length), place);
    return true;
  }

  #head(bytes: Uint8Array): boolean {
    const end = headEnd(bytes);
    if (end === undefined && bytes.length < MAX_HEAD && mayBeHttp(bytes)) {
      this.#awaitsLine = true;
      return false;
    }
    const message = end === undefined ? undefined : readHttpMessage(bytes.subarray(0, end));
    if (end === undefined || message === undefined) return this.#unknown(bytes);
    this.#seen = true;
    const place = this.#place();
    this.#take(end);
    this.#follow(this.#sink.head(message, end, place));
    return this.#chunks === undefined;
  }

  #follow(body: Body): void {
    if (body.kind === 'rest') this.#state = OPAQUE;
    if (body.kind === 'skipped' && body.length > 0) this.#state = { kind: 'skip', left: body.length };
    const chunked = body.kind === 'skipped-chunks' || (body.kind === 'pdus' && body.chunked);
    if (!chunked) return;
    this.#chunks = new ChunkReader();
    this.#keepChunks = body.kind === 'pdus';
    this.#pushChunked(new Uint8Array(this.#queue.take(this.#queue.length)));
  }

  #banner(bytes: Uint8Array): 'yes' | 'no' | 'wait' {
    const length = Math.min(bytes.length, LEGACY_SERVER_RESPONSE.length);
    for (let at = 0; at < length; at++) if (bytes[at] !== LEGACY_SERVER_RESPONSE[at]) return 'no';
    if (length < LEGACY_SERVER_RESPONSE.length) return 'wait';
    this.#seen = true;
    const place = this.#place();
    this.#take(length);
    this.#sink.banner(place);
    return 'yes';
  }

  /** Nothing that may stand at a boundary: at the begin of a connection it is another protocol's, later it is damage. */
  #unknown(bytes: Uint8Array): boolean {
    if (!this.#seen && this.#fromStart) return this.#giveUp('other', bytes);
    if (this.#seen) {
      this.#damage(`0x${(bytes[0] ?? 0).toString(16).padStart(2, '0')} stands where a PDU or an HTTP head must begin`);
    }
    this.#state = { kind: 'lost', searched: 0 };
    this.#take(1);
    return true;
  }

  #search(state: { kind: 'lost'; searched: number }): boolean {
    const bytes = this.#queue.peek();
    const found = findBoundary(bytes);
    if (found !== undefined) {
      this.#take(found);
      this.#seen = true;
      this.#state = BOUNDARY;
      return true;
    }
    const useless = Math.max(0, bytes.length - COMMON_HEADER_LENGTH + 1);
    state.searched += useless;
    if (state.searched > MAX_SEARCH) return this.#giveUp('other', bytes);
    this.#take(useless);
    return false;
  }

  #giveUp(what: 'tls' | 'other', bytes: Uint8Array): boolean {
    this.#sink.opaque(what, bytes.subarray(0, PREVIEW), this.#place());
    this.#drop();
    this.#state = OPAQUE;
    return false;
  }

  #damage(what: string): void {
    this.#sink.damage(what, this.#place());
  }

  #place(): Place {
    return { offset: this.#offset, time: this.#time };
  }

  #take(length: number): Uint8Array {
    const taken = this.#queue.take(length);
    this.#offset += taken.length;
    return taken;
  }

  #drop(): void {
    this.#awaitsLine = false;
    this.#take(this.#queue.length);
  }
}

/** frag_length, or what is wrong with the header. */
function fragLengthOf(bytes: Uint8Array): number | ProtocolError {
  try {
    return fragLengthAt(bytes, 0);
  } catch (error) {
    if (error instanceof ProtocolError) return error;
    throw error;
  }
}
