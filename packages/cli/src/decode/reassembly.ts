/** Takes one direction of a TCP connection in its order. Times are those of the packets, µs. */
export interface StreamSink {
  /** The next bytes: a view, valid during the call. */
  bytes(chunk: Uint8Array, time: number | undefined): void;
  /** `length` bytes are not in the capture. */
  gap(length: number, time: number | undefined): void;
}

/** A piece of a direction's bytes. */
export interface Piece {
  readonly sequence: number;
  /** Bytes on the wire. */
  readonly length: number;
  /** Those of them that were captured: a view, copied where it has to wait. */
  readonly data: Uint8Array;
  readonly time: number | undefined;
}

interface Waiting {
  /** Counted from the first byte of the direction. */
  readonly at: number;
  readonly length: number;
  readonly data: Uint8Array;
  readonly time: number | undefined;
}

/** What may wait for a missing piece; beyond it the piece is taken for lost. */
const MAX_WAITING_BYTES = 1024 * 1024;
const MAX_WAITING_PIECES = 1024;
/** How long (µs) a piece may be missing that the receiver has acknowledged. A capture can have it a little after that. */
const ACKNOWLEDGED_PATIENCE = 1_000_000;
/** Sequence numbers further away than this, bytes, belong to another connection or are forged. */
const MAX_DISTANCE = 1024 ** 3;

/**
 * Puts one direction of a TCP connection in order: out of order, twice, or overlapping, each byte is passed on once, and the
 * first copy of it counts. What is missing is passed on as a gap: when too much waits for it, when the receiver acknowledged it
 * a while ago, or at the end.
 */
export class Reassembler {
  readonly #sink: StreamSink;
  /** Sequence number and place of the next byte; undefined before the first segment. */
  #nextSequence: number | undefined;
  #next = 0;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #end: number | undefined;
  #missingSince: number | undefined;

  constructor(sink: StreamSink) {
    this.#sink = sink;
  }

  /** Bytes that wait for what is missing before them. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** A SYN was seen: its first byte has the next sequence number. */
  begin(synSequence: number): void {
    if (this.#nextSequence === undefined) this.#nextSequence = (synSequence + 1) >>> 0;
  }

  push({ sequence, length, data, time }: Piece): void {
    if (length === 0) return;
    this.#nextSequence ??= sequence;
    const distance = (sequence - this.#nextSequence) | 0;
    if (Math.abs(distance) > MAX_DISTANCE) return;
    const at = this.#next + distance;
    if (at + length <= this.#next) return;
    if (at > this.#next) {
      this.#wait({ at, length, data, time });
      return;
    }
    this.#deliver({ at, length, data, time });
    this.#drain();
  }

  /** FIN was seen behind the byte before `sequence`. */
  endAt(sequence: number): void {
    if (this.#nextSequence === undefined) return;
    this.#end = this.#next + ((sequence - this.#nextSequence) | 0);
  }

  /** Whether all up to FIN was passed on. */
  get ended(): boolean {
    return this.#end !== undefined && this.#next >= this.#end;
  }

  /** The other side has acknowledged all before `sequence`. */
  acknowledged(sequence: number, time: number | undefined): void {
    if (this.#waiting.length === 0 || this.#nextSequence === undefined || time === undefined) return;
    if (((sequence - this.#nextSequence) | 0) <= 0) return;
    this.#missingSince ??= time;
    if (time - this.#missingSince > ACKNOWLEDGED_PATIENCE) this.#giveUpFirst();
  }

  /** Nothing more comes: passes on what waits, with the gaps before it. */
  finish(): void {
    while (this.#waiting.length > 0) this.#giveUpFirst();
    const missing = (this.#end ?? this.#next) - this.#next;
    if (missing > 0 && missing < MAX_DISTANCE) this.#skip(missing, undefined);
  }

  #wait(piece: Waiting): void {
    let index = this.#waiting.length;
    while (index > 0 && (this.#waiting[index - 1]?.at ?? 0) > piece.at) index--;
    const before = this.#waiting[index - 1];
    if (before !== undefined && before.at === piece.at && before.length >= piece.length) return;
    this.#waiting.splice(index, 0, { ...piece, data: new Uint8Array(piece.data) });
    this.#waitingBytes += piece.data.length;
    while (this.#waitingBytes > MAX_WAITING_BYTES || this.#waiting.length > MAX_WAITING_PIECES) this.#giveUpFirst();
  }

  #giveUpFirst(): void {
    const [first] = this.#waiting;
    if (first === undefined) return;
    if (first.at > this.#next) this.#skip(first.at - this.#next, first.time);
    this.#drain();
  }

  #drain(): void {
    let count = 0;
    for (const piece of this.#waiting) {
      if (piece.at > this.#next) break;
      count++;
      this.#waitingBytes -= piece.data.length;
      this.#deliver(piece);
    }
    if (count > 0) this.#waiting.splice(0, count);
    this.#missingSince = undefined;
  }

  /** Passes on what of `piece` is new. */
  #deliver({ at, length, data, time }: Waiting): void {
    const known = this.#next - at;
    if (known >= length) return;
    const fresh = data.subarray(Math.min(known, data.length));
    if (fresh.length > 0) {
      this.#advance(fresh.length);
      this.#sink.bytes(fresh, time);
    }
    const cutOff = at + length - this.#next;
    if (cutOff > 0) this.#skip(cutOff, time);
  }

  #skip(length: number, time: number | undefined): void {
    this.#advance(length);
    this.#sink.gap(length, time);
  }

  #advance(length: number): void {
    this.#next += length;
    this.#nextSequence = ((this.#nextSequence ?? 0) + length) >>> 0;
  }
}
