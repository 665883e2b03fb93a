import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as v from 'valibot';
import { type Document, isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import { assemble, complete } from './complete.ts';
import { applyFlags, type ProxyFlags } from './from-flags.ts';
import { problemOf } from './issues.ts';
import { ConfigError, formatPath, type Problem } from './problem.ts';
import { FileSchema, keysBelow } from './schema.ts';
import type { Settings } from './settings.ts';

/** Longest configuration file, in characters. */
const MAX_FILE_LENGTH = 1_048_576;

/**
 * Reads the configuration file and puts the command line's flags on top of it.
 * @throws ConfigError with a line `file:line:column: key: what was expected, what was found` for each thing wrong.
 */
export async function loadSettings(file: string, flags: ProxyFlags = {}): Promise<Settings> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new ConfigError([`${file}: cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`], {
      cause,
    });
  }
  return parseSettings(text, file, flags);
}

/** {@link loadSettings} for the text of a file. Relative paths in it are relative to where `file` is. */
export function parseSettings(text: string, file: string, flags: ProxyFlags = {}): Settings {
  if (text.length > MAX_FILE_LENGTH) throw new ConfigError([`${file}: more than ${MAX_FILE_LENGTH} characters`]);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0) {
    throw new ConfigError(faults.map(({ pos, message }) => `${place(pos[0])}: not YAML: ${message}`));
  }
  const located = (problems: readonly Problem[]) =>
    problems
      .map(({ path, message }) => ({ key: formatPath(path), message, offset: offsetOf(document, path) }))
      .toSorted((a, b) => a.offset - b.offset)
      .map(({ key, message, offset }) => `${place(offset)}: ${key === '' ? '' : `${key}: `}${message}`);
  const read = v.safeParse(FileSchema, contentsOf(document, place));
  if (!read.success) throw new ConfigError(located(read.issues.map(problemOf)));
  const flagged = applyFlags(assemble(read.output, dirname(file)), flags);
  const { settings, problems } = complete(flagged);
  if (problems.length > 0) throw new ConfigError(located(problems));
  return settings;
}

function contentsOf(document: Document.Parsed, place: (offset: number) => string): unknown {
  try {
    // An empty file, or one of comments, sets nothing.
    return document.toJS() ?? {};
  } catch (cause) {
    throw new ConfigError([`${place(0)}: not YAML: ${cause instanceof Error ? cause.message : String(cause)}`], {
      cause,
    });
  }
}

/** Where in the text the nearest thing on a path stands: its value, or its key where there is no value of it. */
function offsetOf(document: Document.Parsed, path: readonly (string | number)[]): number {
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  const last = path.at(-1);
  if (typeof last === 'string' && isMap(parent)) {
    const pair = parent.items.find(({ key }) => isScalar(key) && String(key.value) === last);
    const known = rangeOf(pair?.value) !== undefined && keysBelow(path.slice(0, -1)).includes(last);
    const offset = known ? rangeOf(pair?.value) : rangeOf(pair?.key);
    if (offset !== undefined) return offset;
  }
  const node = path.length === 0 ? document.contents : document.getIn(path, true);
  return rangeOf(node) ?? (path.length === 0 ? 0 : offsetOf(document, path.slice(0, -1)));
}

function rangeOf(node: unknown): number | undefined {
  if (typeof node !== 'object' || node === null || !('range' in node) || !Array.isArray(node.range)) return undefined;
  const [start] = node.range;
  return typeof start === 'number' ? start : undefined;
}
