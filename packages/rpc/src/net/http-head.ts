import { ProtocolError } from '../errors.ts';

/** Most header lines in one request; clients of RPC over HTTP send about ten. */
const MAX_FIELDS = 64;
const METHOD = /^[A-Z_]{1,24}$/;
/** Printable ASCII: what a request target of any client in use consists of. */
const TARGET = /^[!-~]{1,4096}$/;
const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there
const FIELD_VALUE = /^[^\x00-\x08\x0a-\x1f\x7f]*$/;
const CONTENT_LENGTH = /^[0-9]{1,10}$/;
const SECTION = 'RFC 9112';

/** The head of a request: request line and header fields. */
export interface HttpHead {
  readonly method: string;
  readonly target: string;
  readonly minorVersion: 0 | 1;
  /** Value of Content-Length; 0 where the request has none. */
  readonly contentLength: number;
  /** Whether the client waits for `100 Continue` before it sends the body. */
  readonly expectsContinue: boolean;
  /** First value of a field; names in lower case. */
  field(name: string): string | undefined;
  /** All values of a field in order, one for each line: several Pragma lines are normal and are not folded. */
  fields(name: string): readonly string[];
}

/** The statuses that a head may deserve before anything else is looked at. */
export class HttpHeadError extends ProtocolError {
  /** 400, or 431 for a head that is too large. */
  readonly status: 400 | 431;

  constructor(status: 400 | 431, message: string) {
    super('RPCH_HTTP_HEAD', message, SECTION);
    this.status = status;
  }
}

const END = Buffer.from('\r\n\r\n');

/**
 * Where the head ends, counted from the start of `bytes`, the empty line included; -1 while it has not come in whole.
 * Throws {@link HttpHeadError} (431) when it cannot end within `limit` bytes.
 */
export function endOfHead(bytes: Buffer, searchedBefore: number, limit: number): number {
  const at = bytes.indexOf(END, Math.max(0, searchedBefore - 3));
  if (at < 0 ? bytes.length >= limit : at + END.length > limit) {
    throw new HttpHeadError(431, `head is longer than ${limit} bytes`);
  }
  return at < 0 ? -1 : at + END.length;
}

/**
 * Parses the head of an RPC_* request, strictly: lines end in CRLF, no folded lines, no white space before the colon, one
 * Content-Length, no transfer coding (which [MS-RPCH] 2.1.2.1 forbids and which invites smuggling). Throws
 * {@link HttpHeadError}.
 */
export function parseHead(bytes: Buffer): HttpHead {
  const lines = bytes.toString('latin1', 0, bytes.length - END.length).split('\r\n');
  const [method = '', target = '', version = '', ...more] = (lines[0] ?? '').split(' ');
  if (!METHOD.test(method) || !TARGET.test(target) || more.length > 0 || !/^HTTP\/1\.[01]$/.test(version)) {
    throw new HttpHeadError(400, 'malformed request line');
  }
  if (lines.length - 1 > MAX_FIELDS) throw new HttpHeadError(431, `more than ${MAX_FIELDS} header fields`);
  const names: string[] = [];
  const values: string[] = [];
  for (let i = 1; i < lines.length; i++) {
    const line = lines[i] as string;
    const colon = line.indexOf(':');
    const name = line.slice(0, colon);
    const value = withoutSurroundingSpace(line, colon + 1);
    if (colon < 1 || !FIELD_NAME.test(name) || !FIELD_VALUE.test(value)) {
      throw new HttpHeadError(400, `malformed header field in line ${i + 1}`);
    }
    names.push(name.toLowerCase());
    values.push(value);
  }
  const field = (name: string): string | undefined => values[names.indexOf(name)];
  const fields = (name: string): string[] => values.filter((_, i) => names[i] === name);
  const lengths = fields('content-length');
  if (lengths.length > 1 || (lengths[0] !== undefined && !CONTENT_LENGTH.test(lengths[0]))) {
    throw new HttpHeadError(400, 'Content-Length is not one number');
  }
  if (names.includes('transfer-encoding')) throw new HttpHeadError(400, 'transfer coding in an RPC request');
  const minorVersion = version.endsWith('1') ? 1 : 0;
  return {
    method,
    target,
    minorVersion,
    contentLength: Number(lengths[0] ?? 0),
    expectsContinue: minorVersion === 1 && (field('expect') ?? '').toLowerCase() === '100-continue',
    field,
    fields,
  };
}

/** `line` from `start` on, without the spaces and tabs around it (RFC 9110 5.6.3): `trim` would take control characters too. */
function withoutSurroundingSpace(line: string, start: number): string {
  let end = line.length;
  while (start < end && isSpace(line.charCodeAt(start))) start++;
  while (start < end && isSpace(line.charCodeAt(end - 1))) end--;
  return line.slice(start, end);
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
