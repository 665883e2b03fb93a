import { relative } from 'node:path';
import type { TestEvent } from 'node:test/reporters';
import { inspect } from 'node:util';

export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

type Ended = Extract<TestEvent, { type: 'test:pass' | 'test:fail' }>;

/** One file of tests while its events come in. */
interface FileState {
  readonly counts: Counts;
  /** Names of the tests that have begun, by depth: the path of the one that ends next. */
  readonly names: string[];
  /** Depth of the test that ended last: a test that ends after a deeper one is its parent. */
  lastDepth: number;
  milliseconds: number;
  output: string;
  readonly notes: string[];
  readonly failures: string[];
}

/**
 * Counts the leaves of the test tree and tells failures in full. A parent counts only where it fails by itself, beyond
 * its subtests. A file that ends badly, or has no test at all, counts as one failure. Tests marked `todo` count as skipped.
 */
export class TestReport {
  readonly counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  /** Names of the tests that were skipped, by their file and the reason. */
  readonly #skips = new Map<string, string[]>();
  readonly #root: string;
  readonly #print: (line: string) => void;
  readonly #files = new Map<string, FileState>();

  /** Paths are printed relative to `root`. */
  constructor(root: string, print: (line: string) => void) {
    this.#root = root;
    this.#print = print;
  }

  /** Takes one event of node:test. The events of different files may be mixed. */
  take(event: TestEvent): void {
    if (event.data === undefined || !('file' in event.data) || event.data.file === undefined) return;
    const state = this.#state(event.data.file);
    switch (event.type) {
      case 'test:start':
        state.names.length = event.data.nesting;
        state.names.push(event.data.name);
        return;
      case 'test:pass':
      case 'test:fail':
        this.#ended(event, event.data.file, state);
        return;
      case 'test:stdout':
      case 'test:stderr':
        state.output += event.data.message;
        return;
      case 'test:diagnostic':
        state.notes.push(event.data.message);
        return;
      default:
        return;
    }
  }

  /**
   * Prints a line for each file since the last call, and below it its notes, or its failures with all that it wrote. To be
   * called when the files that have begun have also ended.
   */
  printFiles(): void {
    for (const [file, state] of [...this.#files].sort(([a], [b]) => (a < b ? -1 : 1))) this.#printFile(file, state);
    this.#files.clear();
  }

  /** Prints every test that was skipped, below its file and the reason. */
  printSkips(): void {
    for (const [group, names] of this.#skips) {
      this.#print(`skipped ${group}:`);
      for (const name of names) this.#print(indent(name));
    }
  }

  #state(file: string): FileState {
    const known = this.#files.get(file);
    if (known !== undefined) return known;
    const counts = { passed: 0, failed: 0, skipped: 0 };
    const state = { counts, names: [], lastDepth: 0, milliseconds: 0, output: '', notes: [], failures: [] };
    this.#files.set(file, state);
    return state;
  }

  #ended(event: Ended, file: string, state: FileState): void {
    const { data } = event;
    const isParent = state.lastDepth > data.nesting;
    state.lastDepth = data.nesting;
    if (data.nesting === 0) state.milliseconds += data.details.duration_ms;
    const name = [...state.names.slice(0, data.nesting), data.name].join(' > ');
    const isFile = data.name === file;
    if (event.type === 'test:fail') {
      if (failureType(event.data.details.error) === 'subtestsFailed') return;
      this.#count('failed', state);
      state.failures.push(`${isFile ? 'the file itself' : name}\n${describe(event.data.details.error)}`);
    } else if (isFile) {
      this.#count('failed', state);
      state.failures.push('the file has no test');
    } else if (isSet(data.skip) || isSet(data.todo)) {
      this.#count('skipped', state);
      const group = `${relative(this.#root, file)}${reason(data.skip ?? data.todo)}`;
      this.#skips.set(group, [...(this.#skips.get(group) ?? []), name]);
    } else if (!isParent && data.details.type !== 'suite') {
      this.#count('passed', state);
    }
  }

  #count(what: keyof Counts, state: FileState): void {
    state.counts[what]++;
    this.counts[what]++;
  }

  #printFile(file: string, state: FileState): void {
    const { passed, failed, skipped } = state.counts;
    const counted = [`${passed} passed`, failed > 0 ? `${failed} failed` : '', skipped > 0 ? `${skipped} skipped` : ''];
    const seconds = (state.milliseconds / 1000).toFixed(1);
    const verdict = failed > 0 ? 'FAILED' : 'ok';
    this.#print(
      `${verdict.padEnd(7)} ${relative(this.#root, file)}: ${counted.filter((text) => text !== '').join(', ')} (${seconds} s)`,
    );
    for (const note of state.notes) this.#print(indent(note));
    for (const failure of state.failures) this.#print(indent(failure));
    if (failed > 0 && state.output !== '') this.#print(indent(`what it wrote:\n${state.output.trimEnd()}`));
  }
}

function isSet(value: string | boolean | undefined): boolean {
  return value !== undefined && value !== false;
}

function reason(value: string | boolean | undefined): string {
  return typeof value === 'string' && value !== '' ? ` (${value})` : '';
}

function failureType(error: Error): unknown {
  return 'failureType' in error ? error.failureType : undefined;
}

/** node:test wraps what a test threw; the wrapping says nothing. */
function describe(error: Error): string {
  const { cause } = error;
  return cause instanceof Error ? inspect(cause, { depth: 8 }) : typeof cause === 'string' ? cause : inspect(error);
}

function indent(text: string): string {
  return text.replace(/^/gm, '    ');
}
