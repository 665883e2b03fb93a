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

/** A character of the text; `bare` where no backslash stood before it, so that it may be part of the grammar. */
interface Character {
  readonly char: string;
  readonly bare: boolean;
}

/**
 * Parses a string binding in Microsoft's grammar: a backslash quotes the next character in every field, options come in any
 * case and order, the endpoint is the first word without a value, or another one that is a number, or `endpoint=`; blanks
 * around options are dropped. Flags without a value, which Samba has (`seal`), are options too; one that stands first is taken
 * for the endpoint here, and put right by `parseBinding`. Brackets within the brackets are those of IPv6 addresses. An `@` behind the colon belongs to the address: Exchange's
 * server names have one. Throws {@link RpchError} `RPCH_STRING_BINDING` (caller).
 */
export function parseStringBinding(text: string): StringBinding {
  if (text.length > MAX_LENGTH) throw badBinding(text, `it is longer than ${MAX_LENGTH} characters`);
  const all = charactersOf(text);
  const colon = find(all, ':');
  if (colon < 0) throw badBinding(text, 'a protocol and a colon are expected, for instance ncacn_http:server[6001]');
  const open = find(all, '[');
  if (open >= 0 ? open < colon || find(all.slice(-1), ']') < 0 : find(all, ']') >= 0) {
    throw badBinding(text, 'the bracket of the endpoint is not opened after the address and closed at the end');
  }
  const at = find(all.slice(0, colon), '@');
  const protocol = textOf(all.slice(at + 1, colon)).toLowerCase();
  if (!/^nc[a-z_]+$/.test(protocol)) throw badBinding(text, `"${protocol}" is no protocol sequence`);
  const parts = open < 0 ? [] : split(all.slice(open + 1, -1));
  return {
    ...(at < 0 ? {} : { object: textOf(all.slice(0, at)) }),
    protocol,
    networkAddress: textOf(all.slice(colon + 1, open < 0 ? undefined : open)),
    ...readOptions(text, parts),
  };
}

function readOptions(text: string, parts: Character[][]): Pick<StringBinding, 'endpoint' | 'options'> {
  let endpoint: string | undefined;
  const options = new Map<string, string>();
  const setEndpoint = (word: string): void => {
    if (endpoint !== undefined) throw badBinding(text, 'the endpoint stands twice');
    endpoint = word;
  };
  parts.forEach((part, i) => {
    const equals = find(part, '=');
    const name = textOf(trim(equals < 0 ? part : part.slice(0, equals)));
    const value = equals < 0 ? '' : textOf(trim(part.slice(equals + 1)));
    const key = name.toLowerCase();
    if (equals < 0 && (i === 0 || /^\d+$/.test(name))) {
      if (name !== '') setEndpoint(name);
    } else if (key === 'endpoint') {
      if (value !== '') setEndpoint(value);
    } else if (name === '') {
      throw badBinding(text, 'an option is empty');
    } else if (options.has(key)) {
      throw badBinding(text, `option ${name} stands twice`);
    } else {
      options.set(key, value);
    }
  });
  return { ...(endpoint === undefined ? {} : { endpoint }), options };
}

/**
 * Writes a string binding that {@link parseStringBinding} reads as the same: what would be grammar is quoted, and nothing
 * else, since neither Samba nor impacket know the backslash.
 */
export function formatStringBinding({ object, protocol, networkAddress, endpoint, options }: StringBinding): string {
  const head = `${object === undefined ? '' : `${quote(object, /[\\@:[\]]/g)}@`}${protocol}:${quote(networkAddress, /[\\[\]]/g)}`;
  if (endpoint === undefined && options.size === 0) return head;
  const words = [...options].map(([name, value]) => {
    // A flag that is a number would be read as the endpoint.
    if (value === '' && !/^\d+$/.test(name)) return quoteOption(name);
    return `${quoteOption(name)}=${quoteOption(value)}`;
  });
  return `${head}[${[quoteOption(endpoint ?? ''), ...words].join(',')}]`;
}

/** RpchError `RPCH_STRING_BINDING` (caller): what is wrong with a binding, and the beginning of its text. */
export function badBinding(text: string, why: string): RpchError {
  return new RpchError('RPCH_STRING_BINDING', 'caller', `not a string binding: ${why} ("${text.slice(0, 100)}")`);
}

function charactersOf(text: string): Character[] {
  const found: Character[] = [];
  for (let i = 0; i < text.length; i++) {
    const bare = text[i] !== '\\';
    if (!bare) i++;
    const char = text[i];
    if (char === undefined) throw badBinding(text, 'the backslash at the end quotes nothing');
    found.push({ char, bare });
  }
  return found;
}

/** Where `wanted` first stands unquoted; -1 where it does not. */
function find(characters: readonly Character[], wanted: string): number {
  return characters.findIndex(({ char, bare }) => bare && char === wanted);
}

function split(characters: readonly Character[]): Character[][] {
  const parts: Character[][] = [];
  let rest = [...characters];
  for (let at = find(rest, ','); at >= 0; at = find(rest, ',')) {
    parts.push(rest.slice(0, at));
    rest = rest.slice(at + 1);
  }
  return [...parts, rest];
}

/** Without the unquoted blanks around. */
function trim(characters: readonly Character[]): Character[] {
  const isBlank = ({ char, bare }: Character): boolean => bare && (char === ' ' || char === '\t');
  const first = characters.findIndex((character) => !isBlank(character));
  return first < 0 ? [] : characters.slice(first, characters.findLastIndex((character) => !isBlank(character)) + 1);
}

function textOf(characters: readonly Character[]): string {
  return characters.map(({ char }) => char).join('');
}

function quote(text: string, grammar: RegExp): string {
  return text.replace(grammar, '\\$&');
}

function quoteOption(text: string): string {
  return quote(text, /[\\,=]|^[ \t]+|[ \t]+$/g).replace(/\\([ \t]+)/g, (_, blanks: string) => quote(blanks, /[ \t]/g));
}
