import { setImmediate as afterMicrotasks } from 'node:timers/promises';
import { ProtocolError } from '@rpch/rpc';

/** What is fuzzed: one decoder, or a state machine that is fed. */
export interface Target {
  readonly name: string;
  readonly seeds: readonly Uint8Array[];
  /** Inputs are sequences (fuzz-sequence.ts) and are mutated piece by piece; `fit` puts a mutated piece right in what it says of itself. */
  readonly sequence?: { readonly fit?: (piece: Buffer) => void };
  /** What it may throw besides ProtocolError, where an error of another kind is the right answer. */
  readonly mayThrow?: (error: unknown) => boolean;
  /** Bytes that one input may make it allocate; {@link MAX_ALLOCATED} where nothing is said. */
  readonly maxAllocated?: number;
  /**
   * Takes one input, which is its own. Throws, or rejects, what the code under test does; a promise that it kept must not be
   * broken: that is an Error of another kind, as is a promise that does not settle.
   */
  run(input: Uint8Array): void | Promise<void>;
}

/** What few kilobytes from the wire may cost at most, bytes, garbage included. */
export const MAX_ALLOCATED = 32 * 1024 * 1024;

/** Gives a target one input; throws, or rejects with, what is a finding. */
export function give(target: Target, input: Uint8Array): void | Promise<void> {
  const judge = (error: unknown): void => {
    if (!(error instanceof ProtocolError) && target.mayThrow?.(error) !== true) throw error;
  };
  try {
    // what comes in may be decrypted where it stands
    const work: unknown = target.run(Uint8Array.from(input));
    if (work instanceof Promise) return work.then(() => {}, judge);
  } catch (error) {
    judge(error);
  }
}

/** The value of a promise that needs no time: one that is not settled when all that is ready has run is an Error. */
export async function atOnce<T>(work: Promise<T>, what: string): Promise<T> {
  let settled = false;
  const done = (): void => {
    settled = true;
  };
  work.then(done, done);
  await afterMicrotasks();
  if (!settled) throw new Error(`${what} does not settle`);
  return await work;
}

/** Fails where a promise that code keeps is broken. */
export function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(`broken promise: ${what}`);
}
