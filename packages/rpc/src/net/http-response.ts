import { endOfHead, HttpHeadError } from './http-head.ts';

/** Largest head of a response, bytes. */
const MAX_HEAD = 16 * 1024;

/** The head of a response: what a client of RPC over HTTP needs of it. */
export interface HttpResponseHead {
  readonly status: number;
  /** Whether the connection stays open behind the body, as far as the head says (RFC 9112 9.3). */
  readonly keepsConnection: boolean;
  /** Reason phrase as sent; for people, never to be matched on: IIS translates it. */
  readonly reason: string;
  /** First value of a field; names in lower case. */
  field(name: string): string | undefined;
  /** All values of a field, one for each line. */
  fields(name: string): readonly string[];
}

/** Parses the head of a response, the empty line included. Throws {@link HttpHeadError}. */
export function parseResponseHead(bytes: Buffer): HttpResponseHead {
  const [statusLine = '', ...lines] = bytes.toString('latin1').split('\r\n');
  const match = /^HTTP\/1\.([01]) (\d{3})(?: (.*))?$/.exec(statusLine);
  if (match === null) throw new HttpHeadError(400, 'malformed status line');
  const fields = lines
    .filter((line) => line !== '')
    .map((line) => {
      const colon = line.indexOf(':');
      if (colon < 1) throw new HttpHeadError(400, 'malformed header field in a response');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
    });
  const valuesOf = (name: string): string[] => fields.filter(([known]) => known === name).map(([, value]) => value);
  const connection = [...valuesOf('connection'), ...valuesOf('proxy-connection')]
    .flatMap((value) => value.toLowerCase().split(','))
    .map((word) => word.trim());
  return {
    status: Number(match[2]),
    keepsConnection: match[1] === '1' ? !connection.includes('close') : connection.includes('keep-alive'),
    reason: match[3] ?? '',
    field: (name) => valuesOf(name)[0],
    fields: valuesOf,
  };
}

/** Takes the head of a response out of the bytes that a connection brings. Responses of 1xx are passed over. */
export class ResponseHeadReader {
  #bytes: Buffer = Buffer.alloc(0);

  /**
   * The head, once it has come in whole, with the first bytes of the body; the reader is of no use afterwards. Undefined
   * before. Throws {@link HttpHeadError}: malformed, or larger than 16 KiB.
   */
  read(chunk: Uint8Array): { readonly head: HttpResponseHead; readonly body: Buffer } | undefined {
    let searched = this.#bytes.length;
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    for (;;) {
      const end = endOfHead(this.#bytes, searched, MAX_HEAD);
      if (end < 0) return undefined;
      const head = parseResponseHead(this.#bytes.subarray(0, end));
      this.#bytes = this.#bytes.subarray(end);
      searched = 0;
      if (head.status >= 200) return { head, body: this.#bytes };
    }
  }
}
