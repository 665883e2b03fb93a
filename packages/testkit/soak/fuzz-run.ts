import { Worker } from 'node:worker_threads';
import type { FuzzResult, FuzzTask } from './fuzz-worker.ts';
import { keep } from './fuzzer.ts';
import { InputWindow } from './input-window.ts';

/** The longest turn of a target, ms: all have had one before any has its second. */
const TURN = 120_000;
/** An input that has not ended by then never will, ms. */
const HANGS = 30_000;
const LOOK_EVERY = 1000;
/** A thread's JavaScript objects, MiB; one that needs more is ended, and its input is a finding. */
const HEAP = 768;

interface Total {
  runs: number;
  reached: number;
  kept: number;
  left: number;
  turns: number;
  readonly findings: Map<string, string>;
}

/** Fuzzes targets in turns, each turn in a thread of its own. */
export class FuzzRun {
  readonly #totals: ReadonlyMap<string, Total>;
  readonly #seed: number;
  readonly #workers = new Set<Worker>();
  readonly #queue: string[];
  #stopped = false;

  constructor(
    names: readonly string[],
    { milliseconds, seed }: { readonly milliseconds: number; readonly seed: number },
  ) {
    this.#seed = seed;
    this.#queue = [...names];
    this.#totals = new Map(
      names.map((name) => [name, { runs: 0, reached: 0, kept: 0, left: milliseconds, turns: 0, findings: new Map() }]),
    );
  }

  /** Findings so far. */
  get findings(): number {
    return [...this.#totals.values()].reduce((sum, { findings }) => sum + findings.size, 0);
  }

  /** Resolves when every target has had its time, or {@link FuzzRun.stop} was called. */
  async run(jobs: number): Promise<void> {
    const work = async (): Promise<void> => {
      for (let name = this.#next(); name !== undefined; name = this.#next()) {
        const total = this.#totals.get(name) as Total;
        const milliseconds = Math.min(TURN, total.left);
        total.left -= milliseconds;
        await this.#turn(name, total, milliseconds);
        if (total.left > 0) this.#queue.push(name);
        else console.log(lineOf(name, total));
      }
    };
    await Promise.all(Array.from({ length: jobs }, work));
  }

  /** Ends what is under way: what was found stays. */
  stop(): void {
    this.#stopped = true;
    for (const worker of this.#workers) void worker.terminate();
  }

  /** A line for each target. */
  report(): string[] {
    return [...this.#totals].flatMap(([name, total]) => [lineOf(name, total), ...total.findings.keys()]);
  }

  #next(): string | undefined {
    return this.#stopped ? undefined : this.#queue.shift();
  }

  async #turn(name: string, total: Total, milliseconds: number): Promise<void> {
    const window = new InputWindow();
    const task: FuzzTask = { name, seed: this.#seed + total.turns++, milliseconds, shared: window.shared };
    const worker = new Worker(new URL('./fuzz-worker.ts', import.meta.url), {
      workerData: task,
      resourceLimits: { maxOldGenerationSizeMb: HEAP },
    });
    this.#workers.add(worker);
    const found = (what: string): void => {
      const file = keep(name, 'finding-', window.input);
      total.findings.set(file, what);
      console.error(`${name}: ${file}: ${what}`);
    };
    let last: number | undefined;
    let since = performance.now();
    const watch = setInterval(() => {
      const { running } = window;
      const now = performance.now();
      if (running === undefined || running !== last) [last, since] = [running, now];
      else if (now - since > HANGS) {
        clearInterval(watch);
        found(`an input has not ended after ${HANGS} ms`);
        void worker.terminate();
      }
    }, LOOK_EVERY);
    worker.on('message', ({ runs, reached, kept, findings }: FuzzResult) => {
      total.runs += runs;
      total.reached = Math.max(total.reached, reached);
      total.kept += kept;
      for (const [where, what] of findings) total.findings.set(where, what);
    });
    // what nobody has caught, and memory that has run out
    worker.on('error', (error) => found(error instanceof Error ? (error.stack ?? error.message) : String(error)));
    await new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    clearInterval(watch);
    this.#workers.delete(worker);
  }
}

function lineOf(name: string, { runs, reached, kept, findings }: Total): string {
  return `${name}: ${runs} inputs, ${reached} characters of source, ${kept} added to the corpus, ${findings.size} findings`;
}
