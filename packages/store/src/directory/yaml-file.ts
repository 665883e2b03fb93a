import { RpchError } from '@rpch/rpc';
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument } from 'yaml';

/** The longest text of one value, in UTF-16 code units. */
const MAX_TEXT = 1024;
/** Text that is shown in lists and sent as a string: no controls, no lone surrogates. */
const CONTROL = /\p{Cc}/u;

/** A file that its administrator wrote, and where in it something stands. */
class YamlFile {
  readonly #name: string;
  readonly #lines: LineCounter;

  constructor(name: string, lines: LineCounter) {
    this.#name = name;
    this.#lines = lines;
  }

  /** What is wrong, where: RPCH_BAD_DIRECTORY. */
  bad(offset: number | undefined, path: string, message: string): RpchError {
    const line = offset === undefined ? '' : `:${this.#lines.linePos(offset).line}`;
    const place = path === '' ? '' : `${path}: `;
    return new RpchError('RPCH_BAD_DIRECTORY', 'configuration', `${this.#name}${line}: ${place}${message}`);
  }
}

/**
 * Reads a YAML file. Everything that is not as it should be is an RpchError `RPCH_BAD_DIRECTORY` with the line and the path of keys
 * that lead there. Anchors, aliases and tags are not understood.
 * @param name the file's name, for messages.
 */
export function parseYaml(text: string, name: string): YamlValue {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false });
  const file = new YamlFile(name, lines);
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) throw file.bad(problem.pos[0], '', problem.message);
  return new YamlValue(file, '', document.contents, undefined);
}

/** A value of a YAML file, which knows its place in it. */
export class YamlValue {
  readonly #file: YamlFile;
  readonly #path: string;
  readonly #node: Node | null;
  /** Of the key, where there is one. */
  readonly #offset: number | undefined;

  constructor(file: YamlFile, path: string, node: Node | null, offset: number | undefined) {
    this.#file = file;
    this.#path = path;
    this.#node = node;
    this.#offset = offset ?? node?.range?.[0];
    if (isAlias(node) || (node !== null && 'anchor' in node && node.anchor !== undefined)) {
      throw this.bad('anchors and aliases are not understood here');
    }
    if (node?.tag !== undefined) throw this.bad('tags are not understood here');
  }

  /** Whether there is nothing: `key:` alone, or an empty file. */
  get empty(): boolean {
    return this.#node === null || (isScalar(this.#node) && this.#node.value === null);
  }

  /** The error that says so of this place. */
  bad(message: string): RpchError {
    return this.#file.bad(this.#offset, this.#path, message);
  }

  /** The pairs of a map, in order; none where it is empty. */
  entries(what: string): [key: string, value: YamlValue][] {
    if (this.empty) return [];
    if (!isMap(this.#node)) throw this.bad(`expected ${what}`);
    return this.#node.items.map((pair) => this.#entry(pair as Pair<unknown, Node | null>));
  }

  /** The values of a map whose keys are known, by them. */
  fields<const K extends string>(what: string, known: readonly K[]): Partial<Record<K, YamlValue>> {
    const fields: Partial<Record<K, YamlValue>> = {};
    for (const [key, value] of this.entries(what)) {
      const field = known.find((name) => name === key);
      if (field === undefined) throw value.bad(`unknown key; known are ${known.join(', ')}`);
      fields[field] = value;
    }
    return fields;
  }

  /** The items of a list; none where it is empty. */
  list(what: string): YamlValue[] {
    if (this.empty) return [];
    if (!isSeq(this.#node)) throw this.bad(`expected ${what}`);
    return this.#node.items.map((item, at) => {
      const node = item as Node | null;
      return new YamlValue(this.#file, `${this.#path}[${at}]`, node, node?.range?.[0] ?? this.#offset);
    });
  }

  /** One line of text; what YAML takes for a number is text as it is written. */
  text(what: string): string {
    const node = this.#node;
    if (!isScalar(node) || node.value === null) throw this.bad(`expected ${what}`);
    const text = typeof node.value === 'string' ? node.value : (node.source ?? String(node.value));
    if (text.trim() === '') throw this.bad(`expected ${what}, and not an empty text`);
    if (text.length > MAX_TEXT) throw this.bad(`${text.length} characters, more than ${MAX_TEXT}`);
    if (CONTROL.test(text) || !text.isWellFormed()) throw this.bad('holds a control or another invisible character');
    return text;
  }

  /** true or false. */
  boolean(): boolean {
    if (!isScalar(this.#node) || typeof this.#node.value !== 'boolean') throw this.bad('expected true or false');
    return this.#node.value;
  }

  #entry(pair: Pair<unknown, Node | null>): [string, YamlValue] {
    const { key, value } = pair;
    if (!isScalar(key)) throw this.bad('a key must be text');
    const name = typeof key.value === 'string' ? key.value : (key.source ?? String(key.value));
    const path = this.#path === '' ? name : `${this.#path}.${name}`;
    return [name, new YamlValue(this.#file, path, value, key.range?.[0])];
  }
}
