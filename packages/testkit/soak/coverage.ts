import { Session } from 'node:inspector';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

interface Script {
  readonly url: string;
  readonly functions: readonly {
    readonly ranges: readonly { readonly startOffset: number; readonly endOffset: number; readonly count: number }[];
  }[];
}

/**
 * Source that ran, character by character: V8 leaves out blocks that ran as often as what is around them, so that the blocks
 * themselves say different things of one input and of many.
 */
export class Reach {
  readonly #scripts = new Map<string, Uint8Array>();

  /** Characters that ran. */
  get size(): number {
    let size = 0;
    for (const marks of this.#scripts.values()) for (const mark of marks) size += mark;
    return size;
  }

  /** Marks what a script says; functions within others come after them. */
  mark({ url, functions }: Script): void {
    const end = Math.max(...functions.map(({ ranges }) => ranges[0]?.endOffset ?? 0));
    const marks = new Uint8Array(end);
    for (const { ranges } of functions) {
      for (const { startOffset, endOffset, count } of ranges) marks.fill(count > 0 ? 1 : 0, startOffset, endOffset);
    }
    this.#scripts.set(url, marks);
  }

  /** Adds what another reached. */
  add(other: Reach): void {
    for (const [url, marks] of other.#scripts) {
      const own = this.#scripts.get(url);
      if (own === undefined) this.#scripts.set(url, marks.slice());
      else if (own.length < marks.length) {
        const grown = marks.slice();
        for (let i = 0; i < own.length; i++) grown[i] = (grown[i] ?? 0) | (own[i] ?? 0);
        this.#scripts.set(url, grown);
      } else for (let i = 0; i < marks.length; i++) own[i] = (own[i] ?? 0) | (marks[i] ?? 0);
    }
  }

  /** What this reached and `known` did not. */
  beyond(known: Reach): Reach {
    return this.#where(known, (mark, other) => mark & ~other);
  }

  /** What both reached. */
  within(wanted: Reach): Reach {
    return this.#where(wanted, (mark, other) => mark & other);
  }

  #where(other: Reach, of: (mark: number, other: number) => number): Reach {
    const result = new Reach();
    for (const [url, marks] of this.#scripts) {
      const others = other.#scripts.get(url);
      result.#scripts.set(
        url,
        marks.map((mark, i) => of(mark, others?.[i] ?? 0)),
      );
    }
    return result;
  }
}

/** How far the project's source was reached, by V8's precise coverage of this thread. */
export class Coverage {
  readonly #session = new Session();

  constructor() {
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** What ran since the last time. */
  take(): Reach {
    const reach = new Reach();
    for (const script of this.#scripts()) {
      const ran = script.functions.some(({ ranges }) => (ranges[0]?.count ?? 0) > 0);
      if (ran && /\/packages\/(rpc|proxy|store|cli)\/src\//.test(script.url)) reach.mark(script);
    }
    return reach;
  }

  /** Nothing is counted any more, and what was kept for that is let go. */
  stop(): void {
    this.#session.post('Profiler.stopPreciseCoverage');
    this.#session.post('Profiler.disable');
    this.#session.disconnect();
  }

  #scripts(): readonly Script[] {
    let scripts: readonly Script[] = [];
    this.#session.post('Profiler.takePreciseCoverage', (error, result) => {
      if (error !== null) throw error;
      scripts = result.result;
    });
    return scripts;
  }
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as (
  options: Readonly<Record<'type' | 'execution' | 'flavor', string>>,
) => void;

/** What this thread keeps when all its garbage has been collected, compiled code that is not in use included, bytes. */
export function keptMemory(): number {
  // An ordinary collection leaves tens of MiB, now more, now less.
  collectGarbage({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
