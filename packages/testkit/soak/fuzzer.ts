import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ProtocolError } from '@rpch/rpc';
import { mutate } from '../src/mutate.ts';
import { SeededRandom } from '../src/simulation/random.ts';
import type { Coverage } from './coverage.ts';
import type { Target } from './fuzz-targets.ts';

/** Inputs between two looks at the coverage, which cost more than an input. */
const BATCH = 200;
/** Longest input, bytes. */
const MAX_INPUT = 4096;
/** One defect is found by thousands of inputs: so many are kept and told of. */
const MOST_FINDINGS = 5;
/** An input that takes longer than this is a finding, ms: it would hold up everybody else. */
const SLOW = 200;

/**
 * Feeds one decoder: mutates inputs of its corpus, and keeps those that reach blocks of source that none before them did.
 * The corpus is a folder, so that the next run begins where this one ends.
 */
export class Fuzzer {
  readonly target: Target;
  /** Files of inputs that broke the decoder. */
  readonly findings = new Set<string>();
  runs = 0;
  kept = 0;
  readonly #corpus: Uint8Array[];
  readonly #known: Set<string>;
  readonly #coverage: Coverage;
  readonly #random: SeededRandom;
  readonly #folder: string;

  constructor(target: Target, coverage: Coverage, corpora: string, seed: number) {
    this.target = target;
    this.#coverage = coverage;
    this.#random = new SeededRandom(seed);
    this.#folder = join(corpora, target.name.replaceAll(' ', '-'));
    mkdirSync(this.#folder, { recursive: true });
    const files = readdirSync(this.#folder).sort();
    this.#corpus = [...target.seeds, ...files.map((file) => readFileSync(join(this.#folder, file)))];
    coverage.take();
    for (const input of this.#corpus) this.#run(input);
    this.#known = coverage.take();
  }

  /** Blocks of source reached so far. */
  get blocks(): number {
    return this.#known.size;
  }

  /** Fuzzes until `deadline` on the clock of `performance.now()`, one batch at least. */
  fuzz(deadline: number): void {
    this.#coverage.take();
    do {
      const batch = Array.from({ length: BATCH }, () => this.#mutated());
      for (const input of batch) this.#run(input);
      const fresh = new Set([...this.#coverage.take()].filter((block) => !this.#known.has(block)));
      if (fresh.size > 0) this.#keepWhatIsNew(batch, fresh);
    } while (performance.now() < deadline);
  }

  /** Finds out, one by one, which inputs of the batch reached the new blocks. */
  #keepWhatIsNew(batch: readonly Uint8Array[], fresh: Set<string>): void {
    for (const block of fresh) this.#known.add(block);
    for (const input of batch) {
      if (fresh.size === 0) return;
      this.#run(input);
      const reached = [...this.#coverage.take()].filter((block) => fresh.delete(block));
      if (reached.length === 0) continue;
      this.#corpus.push(input);
      this.kept++;
      this.#save('', input);
    }
  }

  #mutated(): Uint8Array {
    const random = this.#random;
    const pick = () => this.#corpus[random.int(0, this.#corpus.length - 1)] ?? new Uint8Array(0);
    const input = pick();
    // Now and then two inputs are joined: the head of one, the tail of another.
    const base = random.chance(0.1)
      ? Buffer.concat([input.subarray(0, random.int(0, input.length)), pick().subarray(random.int(0, input.length))])
      : input;
    return mutate(base, random).subarray(0, MAX_INPUT);
  }

  #run(input: Uint8Array): void {
    this.runs++;
    const began = performance.now();
    try {
      this.target.run(input);
    } catch (error) {
      if (!(error instanceof ProtocolError)) this.#found(input, error);
    }
    const took = performance.now() - began;
    if (took > SLOW) this.#found(input, new Error(`took ${took} ms`));
  }

  #found(input: Uint8Array, error: unknown): void {
    if (this.findings.size >= MOST_FINDINGS) return;
    const file = this.#save('finding-', input);
    if (this.findings.has(file)) return;
    this.findings.add(file);
    console.error(`${this.target.name}: ${file}`, error);
  }

  #save(prefix: string, input: Uint8Array): string {
    const file = join(this.#folder, prefix + createHash('sha256').update(input).digest('hex').slice(0, 16));
    writeFileSync(file, input);
    return file;
  }
}
