import { BannerReader, Deframer, type PduSink } from '@rpch/rpc/internal';

const HEAD_LENGTH = 5;
/** First byte of a head: no PDU begins like this. */
const HEAD = { in: 0xf1, out: 0xf2, success: 0xf3 } as const;

/** What stands for an HTTP head: its kind and its Content-Length. */
export interface Head {
  readonly kind: keyof typeof HEAD;
  readonly contentLength: number;
}

export function encodeHead({ kind, contentLength }: Head): Uint8Array {
  const bytes = Buffer.alloc(HEAD_LENGTH);
  bytes[0] = HEAD[kind];
  bytes.writeUInt32LE(contentLength, 1);
  return bytes;
}

/** Takes a head off the stream, or a banner that may be there, and cuts the rest into PDUs. */
export class Incoming {
  readonly #deframer = new Deframer();
  readonly #sink: PduSink;
  readonly #onHead: ((head: Head) => void) | undefined;
  readonly #head = Buffer.alloc(HEAD_LENGTH);
  readonly #banner: BannerReader | undefined;
  #headBytes: number;

  constructor(sink: PduSink, begins: { readonly head?: (head: Head) => void; readonly banner?: boolean } = {}) {
    this.#sink = sink;
    this.#onHead = begins.head;
    this.#headBytes = begins.head === undefined ? HEAD_LENGTH : 0;
    if (begins.banner === true) this.#banner = new BannerReader(false);
  }

  /** Bytes of a PDU whose rest is still to come. */
  get pending(): number {
    return this.#deframer.pending;
  }

  /** Bytes come in. Returns false when there is no head where one must be. */
  push(chunk: Uint8Array): boolean {
    let rest = chunk;
    if (this.#headBytes < HEAD_LENGTH) {
      const taken = Math.min(chunk.length, HEAD_LENGTH - this.#headBytes);
      this.#head.set(chunk.subarray(0, taken), this.#headBytes);
      this.#headBytes += taken;
      const kind = headKind(this.#head[0]);
      if (kind === undefined) return false;
      if (this.#headBytes < HEAD_LENGTH) return true;
      this.#onHead?.({ kind, contentLength: this.#head.readUInt32LE(1) });
      rest = chunk.subarray(taken);
    }
    if (this.#banner !== undefined && !this.#banner.done) rest = rest.subarray(this.#banner.take(rest));
    if (rest.length > 0) this.#deframer.push(rest, this.#sink);
    return true;
  }
}

function headKind(first: number | undefined): Head['kind'] | undefined {
  return (Object.keys(HEAD) as Head['kind'][]).find((kind) => HEAD[kind] === first);
}
