import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { getHeapStatistics } from 'node:v8';
import { mutate } from '../src/mutate.ts';
import { SeededRandom } from '../src/simulation/random.ts';
import { type Coverage, keptMemory, Reach } from './coverage.ts';
import { mutateSequence } from './fuzz-sequence.ts';
import { give, MAX_ALLOCATED, type Target } from './fuzz-target.ts';

/** Inputs between two looks at the coverage, which cost more than an input. */
const BATCH = 200;
/** Longest input, bytes. */
export const MAX_INPUT = 8192;
/** One defect is found by thousands of inputs: so many are kept and told of. */
const MOST_FINDINGS = 5;
/** An input that takes longer than this is a finding, ms: it would hold up everybody else. */
const SLOW = 200;
/** The part of the time in which what the target keeps is judged, without coverage; half of it to get warm. */
const GROWTH_PART = 0.1;
/** What may be kept more after the other half, bytes. */
const MAX_GROWTH = 1024 * 1024;

const CORPORA = fileURLToPath(new URL('corpus', import.meta.url));

/** The folder of a target's inputs. */
export function corpusOf(name: string): string {
  return join(CORPORA, name.replaceAll(' ', '-'));
}

/** Keeps an input, and says where. */
export function keep(name: string, prefix: string, input: Uint8Array): string {
  const file = join(corpusOf(name), prefix + createHash('sha256').update(input).digest('hex').slice(0, 16));
  writeFileSync(file, input);
  return file;
}

/** Hears of each input, so that one that never ends is known outside. */
export interface Watch {
  begin(input: Uint8Array): void;
  end(): void;
}

/**
 * Feeds one target: mutates inputs of its corpus, and keeps those that reach source which none before them did.
 * The corpus is a folder, so that the next run begins where this one ends.
 */
export class Fuzzer {
  readonly target: Target;
  /** What went wrong, a text each. */
  readonly findings = new Map<string, string>();
  runs = 0;
  kept = 0;
  readonly #corpus: Uint8Array[];
  readonly #known = new Reach();
  readonly #coverage: Coverage;
  readonly #random: SeededRandom;
  readonly #watch: Watch;

  constructor(target: Target, coverage: Coverage, seed: number, watch: Watch) {
    this.target = target;
    this.#coverage = coverage;
    this.#random = SeededRandom.of(seed, target.name);
    this.#watch = watch;
    const folder = corpusOf(target.name);
    mkdirSync(folder, { recursive: true });
    const files = readdirSync(folder).sort();
    this.#corpus = [...target.seeds, ...files.map((file) => readFileSync(join(folder, file)))];
  }

  /** Characters of source reached so far. */
  get reached(): number {
    return this.#known.size;
  }

  /** Runs the corpus, then fuzzes for so many ms, one batch at least, and judges what the target keeps. */
  async fuzz(milliseconds: number): Promise<void> {
    const began = performance.now();
    this.#coverage.take();
    for (const input of this.#corpus) await this.#run(input);
    this.#known.add(this.#coverage.take());
    do {
      const batch = Array.from({ length: BATCH }, () => this.#mutated());
      for (const input of batch) await this.#run(input);
      const fresh = this.#coverage.take().beyond(this.#known);
      if (fresh.size > 0) await this.#keepWhatReaches(batch, fresh);
    } while (performance.now() < began + (1 - GROWTH_PART) * milliseconds);
    await this.#judgeGrowth(milliseconds * GROWTH_PART);
  }

  /** Without coverage, which keeps something for every function that is made. */
  async #judgeGrowth(milliseconds: number): Promise<void> {
    this.#coverage.stop();
    await this.#runFor(milliseconds / 2);
    const [before, runs] = [keptMemory(), this.runs];
    await this.#runFor(milliseconds / 2);
    const more = keptMemory() - before;
    if (more > MAX_GROWTH) this.#tell('growth', `keeps ${more} bytes more after ${this.runs - runs} inputs`);
  }

  async #runFor(milliseconds: number): Promise<void> {
    const until = performance.now() + milliseconds;
    do {
      for (let i = 0; i < BATCH; i++) await this.#run(this.#mutated());
      // what a batch left behind in timers and on their way is no growth
      await turn();
    } while (performance.now() < until);
  }

  /** Finds out, by halves, which inputs reached what is new. */
  async #keepWhatReaches(inputs: readonly Uint8Array[], fresh: Reach): Promise<void> {
    this.#coverage.take();
    for (const input of inputs) await this.#run(input);
    const reached = this.#coverage.take().within(fresh).beyond(this.#known);
    if (reached.size === 0) return;
    const [input] = inputs;
    if (inputs.length > 1) {
      const half = inputs.length >> 1;
      await this.#keepWhatReaches(inputs.slice(0, half), fresh);
      await this.#keepWhatReaches(inputs.slice(half), fresh);
    } else if (input !== undefined) {
      this.#known.add(reached);
      this.#corpus.push(input);
      this.kept++;
      keep(this.target.name, '', input);
    }
  }

  #mutated(): Uint8Array {
    const random = this.#random;
    const pick = () => this.#corpus[random.int(0, this.#corpus.length - 1)] ?? new Uint8Array(0);
    const input = pick();
    const { sequence } = this.target;
    if (sequence !== undefined) return mutateSequence(input, pick(), random, sequence.fit).subarray(0, MAX_INPUT);
    // Now and then two inputs are joined: the head of one, the tail of another.
    const base = random.chance(0.1)
      ? Buffer.concat([input.subarray(0, random.int(0, input.length)), pick().subarray(random.int(0, input.length))])
      : input;
    return mutate(base, random).subarray(0, MAX_INPUT);
  }

  async #run(input: Uint8Array): Promise<void> {
    this.runs++;
    this.#watch.begin(input);
    const allocated = allocatedNow();
    const began = performance.now();
    try {
      const work = give(this.target, input);
      if (work instanceof Promise) await work;
    } catch (error) {
      this.#found(input, error);
    }
    const took = performance.now() - began;
    this.#watch.end();
    if (took > SLOW) await this.#judgeSlow(input, took);
    const more = allocatedNow() - allocated;
    const { maxAllocated = MAX_ALLOCATED } = this.target;
    if (more > maxAllocated) this.#found(input, new Error(`${input.length} bytes made it allocate ${more}`));
  }

  /** Another process may have had the processor: only what is slow again is slow. */
  async #judgeSlow(input: Uint8Array, took: number): Promise<void> {
    for (let i = 0; i < 2; i++) {
      const began = process.threadCpuUsage();
      this.#watch.begin(input);
      try {
        const work = give(this.target, input);
        if (work instanceof Promise) await work;
      } catch {
        // it was found already
      }
      this.#watch.end();
      const { user, system } = process.threadCpuUsage(began);
      if ((user + system) / 1000 <= SLOW) return;
    }
    this.#found(input, new Error(`took ${took} ms`));
  }

  #found(input: Uint8Array, error: unknown): void {
    if (this.findings.size >= MOST_FINDINGS) return;
    this.#tell(keep(this.target.name, 'finding-', input), inspect(error));
  }

  #tell(where: string, what: string): void {
    if (this.findings.has(where)) return;
    this.findings.set(where, what);
    console.error(`${this.target.name}: ${where}: ${what}`);
  }
}

/** JavaScript objects and what they hold outside the heap, garbage included, bytes. */
function allocatedNow(): number {
  const { used_heap_size, external_memory } = getHeapStatistics();
  return used_heap_size + external_memory;
}
