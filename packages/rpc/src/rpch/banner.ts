import { ProtocolError } from '../errors.ts';

/**
 * The legacy server response ([MS-RPCH] 2.1.1.2.1): 14 ASCII bytes, `ncacn_http/1.0` without an end of line, that a server
 * on an ncacn_http port sends before anything else. In version 2 proxies ignore it and its absence (3.2.3.5.12, 3.2.4.5.15).
 */
export const LEGACY_SERVER_RESPONSE: Uint8Array = Uint8Array.from('ncacn_http/1.0', (c) => c.charCodeAt(0));

/**
 * Takes the legacy server response off the head of a byte stream. It may come in pieces, or together with PDUs; exactly its
 * 14 bytes are taken.
 */
export class BannerReader {
  readonly #required: boolean;
  #matched = 0;
  #done = false;

  /**
   * @param required version 1: anything else than the response is an error. False, as in version 2: where the first byte
   *   cannot be one of it (a PDU begins with 5), there is none and nothing is taken.
   */
  constructor(required: boolean) {
    this.#required = required;
  }

  /** Whether the response is in, or is known not to come. */
  get done(): boolean {
    return this.#done;
  }

  /**
   * How many bytes at the start of `chunk` belong to the response: those behind them are PDUs. Throws {@link ProtocolError}
   * `RPCH_BANNER` at the first byte that is wrong.
   */
  take(chunk: Uint8Array): number {
    let at = 0;
    while (!this.#done && at < chunk.length) {
      if (chunk[at] !== LEGACY_SERVER_RESPONSE[this.#matched]) {
        if (this.#required || this.#matched > 0) throw wrong(chunk, at);
        this.#done = true;
        return 0;
      }
      at++;
      this.#matched++;
      this.#done = this.#matched === LEGACY_SERVER_RESPONSE.length;
    }
    return at;
  }
}

function wrong(chunk: Uint8Array, at: number): ProtocolError {
  const byte = (chunk[at] ?? 0).toString(16).padStart(2, '0');
  return new ProtocolError(
    'RPCH_BANNER',
    `the server does not speak ncacn_http: 0x${byte} where its banner must be`,
    '[MS-RPCH] 2.1.1.2.1',
  );
}
