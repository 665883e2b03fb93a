/** Fuzzes one target for a while in a thread of its own, which can be ended from outside when an input never ends. */
import { parentPort, workerData } from 'node:worker_threads';
import { Coverage } from './coverage.ts';
import { TARGETS } from './fuzz-targets.ts';
import { Fuzzer } from './fuzzer.ts';
import { InputWindow } from './input-window.ts';

/** What the thread is told. */
export interface FuzzTask {
  readonly name: string;
  readonly seed: number;
  readonly milliseconds: number;
  /** Shows the input that is being run. */
  readonly shared: SharedArrayBuffer;
}

/** What came of it. */
export interface FuzzResult {
  readonly runs: number;
  /** Characters of source that the corpus reaches. */
  readonly reached: number;
  /** Inputs added to the corpus. */
  readonly kept: number;
  /** What went wrong: a file, or in a word, and how. */
  readonly findings: readonly (readonly [where: string, what: string])[];
}

const { name, seed, milliseconds, shared } = workerData as FuzzTask;
const target = TARGETS.find((one) => one.name === name);
if (target === undefined) throw new Error(`no target ${name}`);
const fuzzer = new Fuzzer(target, new Coverage(), seed, new InputWindow(shared));
await fuzzer.fuzz(milliseconds);
const { runs, reached, kept, findings } = fuzzer;
parentPort?.postMessage({ runs, reached, kept, findings: [...findings] } satisfies FuzzResult);
