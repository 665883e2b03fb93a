import { HttpHeadError } from './http-head.ts';

/** The head of a response: what a client of RPC over HTTP needs of it. */
export interface HttpResponseHead {
  readonly status: number;
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
  const match = /^HTTP\/1\.[01] (\d{3})(?: (.*))?$/.exec(statusLine);
  if (match === null) throw new HttpHeadError(400, 'malformed status line');
  const fields = lines
    .filter((line) => line !== '')
    .map((line) => {
      const colon = line.indexOf(':');
      if (colon < 1) throw new HttpHeadError(400, 'malformed header field in a response');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
    });
  return {
    status: Number(match[1]),
    reason: match[2] ?? '',
    field: (name) => fields.find(([known]) => known === name)?.[1],
    fields: (name) => fields.filter(([known]) => known === name).map(([, value]) => value),
  };
}
