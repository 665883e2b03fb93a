import { createHash } from 'node:crypto';
import { globSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Plan, TransitionCoverage } from '../src/simulation/mod.ts';

/** A range of seeds to run. */
export interface Job {
  readonly first: number;
  readonly count: number;
}

/** A schedule that failed, and the simplest plan that fails alike. */
export interface FailedSeed {
  readonly seed: number;
  readonly invariant: string;
  readonly plan: Plan;
  readonly message: string;
}

/** What became of a range. */
export interface Done extends Job {
  /** Schedules that went well, by arrangement, client and outcome. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly transitions: readonly (readonly [name: string, count: number])[];
  readonly failures: readonly FailedSeed[];
}

interface Saved {
  readonly sources: string;
  readonly ranges: readonly (readonly [from: number, to: number])[];
  readonly outcomes: Readonly<Record<string, number>>;
  readonly transitions: Readonly<Record<string, number>>;
  readonly failures: readonly FailedSeed[];
}

const PACKAGES = fileURLToPath(new URL('../../', import.meta.url));
/** What decides how a schedule goes. */
const SOURCES = [
  'rpc/src/rpch/*.ts',
  'rpc/src/dcerpc/{deframer,header}.ts',
  'testkit/src/simulation/*.ts',
  'testkit/src/{pipe,virtual-clock}.ts',
];

/** How far a soak of the simulation has come: in a file, so that it goes on where it was broken off. */
export class SoakState {
  readonly coverage = new TransitionCoverage();
  readonly failures: FailedSeed[] = [];
  readonly outcomes: Record<string, number> = {};
  readonly #file: string | undefined;
  readonly #sources: string;
  #ranges: (readonly [from: number, to: number])[] = [];

  /** @param file undefined: nothing is kept. What it has of other sources proves nothing about these and is dropped. */
  constructor(file: string | undefined) {
    this.#file = file;
    this.#sources = fingerprint();
    const saved = file === undefined ? undefined : read(file);
    if (saved === undefined) return;
    if (saved.sources !== this.#sources) {
      console.log(`simulation: ${file} is about other sources: beginning anew`);
      return;
    }
    this.#ranges = [...saved.ranges];
    this.coverage.add(Object.entries(saved.transitions));
    Object.assign(this.outcomes, saved.outcomes);
    this.failures.push(...saved.failures);
  }

  /** Seeds of a range that are done. */
  doneWithin(first: number, count: number): number {
    let done = 0;
    for (const [from, to] of this.#ranges) done += Math.max(0, Math.min(to, first + count) - Math.max(from, first));
    return done;
  }

  /** What is left of a range, in pieces. */
  *jobs(first: number, count: number, piece: number): Generator<Job> {
    const end = first + count;
    for (let at = first; at < end; ) {
      const inside = this.#ranges.find(([from, to]) => from <= at && at < to);
      if (inside !== undefined) {
        at = inside[1];
        continue;
      }
      const next = Math.min(end, at + piece, ...this.#ranges.map(([from]) => from).filter((from) => from > at));
      yield { first: at, count: next - at };
      at = next;
    }
  }

  add({ first, count, outcomes, transitions, failures }: Done): void {
    this.coverage.add(transitions);
    for (const [kind, n] of Object.entries(outcomes)) this.outcomes[kind] = (this.outcomes[kind] ?? 0) + n;
    this.failures.push(...failures);
    this.#ranges = merged([...this.#ranges, [first, first + count]]);
    this.#save();
  }

  #save(): void {
    const file = this.#file;
    if (file === undefined) return;
    const saved: Saved = {
      sources: this.#sources,
      ranges: this.#ranges,
      outcomes: this.outcomes,
      transitions: Object.fromEntries(this.coverage.entries()),
      failures: this.failures,
    };
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(`${file}.new`, `${JSON.stringify(saved, null, 1)}\n`);
    renameSync(`${file}.new`, file);
  }
}

function merged(ranges: readonly (readonly [from: number, to: number])[]): (readonly [from: number, to: number])[] {
  const result: [from: number, to: number][] = [];
  for (const [from, to] of ranges.toSorted(([a], [b]) => a - b)) {
    const last = result.at(-1);
    if (last !== undefined && from <= last[1]) last[1] = Math.max(last[1], to);
    else result.push([from, to]);
  }
  return result;
}

function read(file: string): Saved | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  return JSON.parse(text) as Saved;
}

function fingerprint(): string {
  const hash = createHash('sha256');
  for (const file of SOURCES.flatMap((pattern) => globSync(pattern, { cwd: PACKAGES })).sort()) {
    hash.update(file).update(readFileSync(join(PACKAGES, file)));
  }
  return hash.digest('hex');
}
