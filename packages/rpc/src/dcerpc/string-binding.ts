import { RpchError } from '../errors.ts';

/** A string binding, `[object@]protocol:network_address[endpoint,option=value,…]`, taken apart. */
export interface StringBinding {
  /** Object UUID as it was written. */
  readonly object?: string;
  /** Lower case, for instance `ncacn_http`. */
  readonly protocol: string;
  /** The RPC server as whoever connects to it sees it; empty for the local host. */
  readonly networkAddress: string;
  readonly endpoint?: string;
  /** Options by lower-case name; flags without a value have the value ''. */
  readonly options: ReadonlyMap<string, string>;
}

/** A longer text is no binding. */
const MAX_LENGTH = 4096;

/**
 * Parses a string binding in Microsoft's grammar: a backslash quotes the next character in every field, options come in any
 * case and order, the endpoint is the first bare word or `endpoint=`, blanks around options are dropped. Flags without a
 * value, which Samba has (`seal`), are options too. Throws {@link RpchError} `RPCH_STRING_BINDING` (caller).
 */
export function parseStringBinding(text: string): StringBinding {
  if (text.length > MAX_LENGTH) throw bad(text, `it is longer than ${MAX_LENGTH} characters`);
  const open = indexOfBare(text, '[');
  const head = open < 0 ? text : text.slice(0, open);
  if (open >= 0 && (indexOfBare(text, ']') !== text.length - 1 || text.endsWith('\\]'))) {
    throw bad(text, 'the bracket of the endpoint is not closed at the end');
  }
  const at = indexOfBare(head, '@');
  const colon = indexOfBare(head, ':', at + 1);
  if (colon < 0) throw bad(text, 'a protocol and a colon are expected, for instance ncacn_http:server[6001]');
  const protocol = unquote(head.slice(at + 1, colon)).toLowerCase();
  if (!/^nc[a-z_]+$/.test(protocol)) throw bad(text, `"${protocol}" is no protocol sequence`);
  let endpoint: string | undefined;
  const options = new Map<string, string>();
  const parts = open < 0 ? [] : splitBare(text.slice(open + 1, -1), ',');
  parts.forEach((part, i) => {
    const equals = indexOfBare(part, '=');
    const name = unquote((equals < 0 ? part : part.slice(0, equals)).trim());
    const value = equals < 0 ? '' : unquote(part.slice(equals + 1).trim());
    if (equals < 0 && i === 0) {
      if (name !== '') endpoint = name;
    } else if (name.toLowerCase() === 'endpoint') {
      endpoint = value;
    } else if (name === '') {
      throw bad(text, 'an option is empty');
    } else if (options.has(name.toLowerCase())) {
      throw bad(text, `option ${name} stands twice`);
    } else {
      options.set(name.toLowerCase(), value);
    }
  });
  return {
    ...(at < 0 ? {} : { object: unquote(head.slice(0, at)) }),
    protocol,
    networkAddress: unquote(head.slice(colon + 1)),
    ...(endpoint === undefined ? {} : { endpoint }),
    options,
  };
}

function bad(text: string, why: string): RpchError {
  return new RpchError('RPCH_STRING_BINDING', 'caller', `not a string binding: ${why} ("${text.slice(0, 100)}")`);
}

/** Where `wanted` first stands unquoted. */
function indexOfBare(text: string, wanted: string, from = 0): number {
  for (let i = from; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === wanted) return i;
  }
  return -1;
}

function splitBare(text: string, separator: string): string[] {
  const parts: string[] = [];
  let rest = text;
  for (let at = indexOfBare(rest, separator); at >= 0; at = indexOfBare(rest, separator)) {
    parts.push(rest.slice(0, at));
    rest = rest.slice(at + 1);
  }
  return [...parts, rest];
}

function unquote(text: string): string {
  return text.replace(/\\(.)/g, '$1');
}
