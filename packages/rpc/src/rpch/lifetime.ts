/**
 * Bytes kept back for RTS PDUs at the end of a channel's lifetime, so that its recycling can still be carried through when
 * no RPC PDU fits any more. Windows' server begins to recycle when this much is left ([MS-RPCH] 3.2.5.4.1).
 */
const RTS_RESERVE = 8 * 1024;
/** The most that is left when recycling begins, bytes: what a fast link carries while the successor is being opened. */
const MOST_MARGIN = 64 * 1024 * 1024;

/**
 * What one instance of a channel has carried of the bytes that its Content-Length allows, RPC and RTS PDUs alike
 * ([MS-RPCH] 2.1.2.1.7, 3.2.2.1.3, 3.2.5.4.1).
 */
export class Lifetime {
  readonly bytes: number;
  readonly #margin: number;
  #used = 0;
  #told = 0;

  /** @param bytes Content-Length of the channel. */
  constructor(bytes: number) {
    this.bytes = bytes;
    this.#margin = Math.min(bytes / 4, MOST_MARGIN);
  }

  get used(): number {
    return this.#used;
  }

  /**
   * Bytes that PDUs of any kind still fit into, by one's own count. What one was told of does not make a channel fail: it is
   * the outbound proxy that knows the true end.
   */
  get left(): number {
    return this.bytes - this.#used;
  }

  /** Bytes that RPC PDUs may still take where the channel is to be recycled. */
  get leftForRpc(): number {
    return this.left - this.#told - RTS_RESERVE;
  }

  /** Whether a successor is due. */
  get nearEnd(): boolean {
    return this.left - this.#told <= this.#margin;
  }

  /** PDUs were sent. */
  use(length: number): void {
    this.#used += length;
  }

  /** The outbound proxy says that it has sent so much by itself ([MS-RPCH] 3.2.5.5.14). */
  tell(length: number): void {
    this.#told += length;
  }
}
