/** The head of a request or a response, as far as it can be made out: nothing here is refused that a capture may hold. */
export interface HttpMessage {
  /** Of a request: its method and target. */
  readonly request: { readonly method: string; readonly target: string } | undefined;
  /** Of a response: its status and reason. */
  readonly response: { readonly status: number; readonly reason: string } | undefined;
  /** `1.0` or `1.1`. */
  readonly version: string;
  /** Names as they were written. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** Content-Length where there is one that is a number. */
  readonly contentLength: number | undefined;
  readonly chunked: boolean;
  /** The first value of a field; names in lower case. */
  field(name: string): string | undefined;
  /** Every value of a field. */
  all(name: string): readonly string[];
}

/** The longest head that is read, bytes. Negotiate tokens with many groups reach 48 KiB and more in base64. */
export const MAX_HEAD = 128 * 1024;

const REQUEST = /^([A-Z_]{3,24}) (\S{1,8192}) HTTP\/(1\.[01])$/;
const RESPONSE = /^HTTP\/(1\.[01]) ([1-5]\d\d)(?: (.*))?$/;
/** What a request begins with, while its end is still to come. */
const METHOD_BEGIN = /^[A-Z_]{1,24}(?: |$)/;
const CONTENT_LENGTH = /^\d{1,15}$/;

/** Whether bytes may be the begin of a head: false is certain, true while too few are there to tell. */
export function beginsLikeHead(bytes: Uint8Array): boolean {
  return METHOD_BEGIN.test(latin1(bytes.subarray(0, 25)).split('/')[0] ?? '') || beginsLikeResponse(bytes);
}

function beginsLikeResponse(bytes: Uint8Array): boolean {
  const begin = latin1(bytes.subarray(0, 7));
  return begin.length > 0 && 'HTTP/1.'.startsWith(begin);
}

/** Whether the first line is one of HTTP/1, or has not come in whole. */
export function mayBeHttp(bytes: Uint8Array): boolean {
  const end = bytes.indexOf(0x0a);
  if (end < 0) return true;
  const line = latin1(bytes.subarray(0, end)).replace(/\r$/, '');
  return REQUEST.test(line) || RESPONSE.test(line);
}

/** Where the head ends, its empty line included; undefined while that has not come. */
export function headEnd(bytes: Uint8Array): number | undefined {
  const at = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).indexOf('\r\n\r\n', 0, 'latin1');
  return at < 0 ? undefined : at + 4;
}

/** Reads a head; undefined where its first line is none of HTTP/1's. Lines without a colon are left out. */
export function readHttpMessage(head: Uint8Array): HttpMessage | undefined {
  const lines = latin1(head).split('\r\n');
  const request = REQUEST.exec(lines[0] ?? '');
  const response = RESPONSE.exec(lines[0] ?? '');
  if (request === null && response === null) return undefined;
  const fields: (readonly [string, string])[] = [];
  for (const line of lines.slice(1)) {
    const colon = line.indexOf(':');
    if (colon > 0) fields.push([line.slice(0, colon), line.slice(colon + 1).trim()]);
  }
  const all = (name: string) => fields.filter(([found]) => found.toLowerCase() === name).map(([, value]) => value);
  const length = all('content-length')[0];
  return {
    request: request === null ? undefined : { method: request[1] ?? '', target: request[2] ?? '' },
    response: response === null ? undefined : { status: Number(response[2]), reason: response[3] ?? '' },
    version: request?.[3] ?? response?.[1] ?? '',
    fields,
    contentLength: length !== undefined && CONTENT_LENGTH.test(length) ? Number(length) : undefined,
    chunked: all('transfer-encoding').some((value) => value.toLowerCase().includes('chunked')),
    field: (name) => all(name)[0],
    all,
  };
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
