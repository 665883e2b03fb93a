import { ByteQueue } from './byte-queue.ts';

/** The longest line of a chunked body: a size with its extensions, or a trailer field. */
const MAX_LINE = 4096;
const SIZE = /^([0-9a-f]{1,8})\s*(?:;.*)?$/i;

/** Takes the chunked transfer coding off a body (RFC 9112 7.1): some firewalls put it around the OUT channel. */
export class ChunkReader {
  readonly #queue = new ByteQueue();
  /** Bytes of the chunk that are still to come, with the line end behind it; undefined where a size must come. */
  #left: number | undefined;
  #inTrailer = false;
  #state: 'open' | 'done' | 'damaged' = 'open';

  get state(): 'open' | 'done' | 'damaged' {
    return this.#state;
  }

  /** Takes the next bytes and passes on the content: views, valid during the call. */
  push(chunk: Uint8Array, onContent: (content: Uint8Array) => void): void {
    this.#queue.append(chunk);
    while (this.#state === 'open' && this.#queue.length > 0) {
      if (this.#left === undefined) {
        if (!this.#readLine()) return;
      } else if (this.#left > 2) {
        const content = this.#queue.take(this.#left - 2);
        this.#left -= content.length;
        onContent(content);
      } else {
        this.#left -= this.#queue.take(this.#left).length;
        if (this.#left === 0) this.#left = undefined;
      }
    }
  }

  /** What came behind the end of the body. */
  rest(): Uint8Array {
    return this.#queue.take(this.#queue.length);
  }

  /** False while the line has not come in whole. */
  #readLine(): boolean {
    const bytes = this.#queue.peek();
    const end = bytes.indexOf(0x0a);
    if (end < 0 || end > MAX_LINE) {
      if (bytes.length > MAX_LINE) this.#state = 'damaged';
      return false;
    }
    const line = Buffer.from(this.#queue.take(end + 1))
      .toString('latin1')
      .trim();
    if (this.#inTrailer) {
      if (line === '') this.#state = 'done';
      return true;
    }
    const size = SIZE.exec(line)?.[1];
    if (size === undefined) this.#state = 'damaged';
    else if (Number.parseInt(size, 16) === 0) this.#inTrailer = true;
    else this.#left = Number.parseInt(size, 16) + 2;
    return true;
  }
}
