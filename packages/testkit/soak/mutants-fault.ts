/** A fault to be planted in a role, as an edit of its source. */
export interface Mutant {
  readonly name: string;
  /** In packages/rpc/src/rpch. */
  readonly file: string;
  /** Occurs there exactly once. */
  readonly find: string;
  readonly replace: string;
}

/** Faults of one file. */
export function faultsIn(
  file: string,
  faults: readonly (readonly [name: string, find: string, replace: string])[],
): readonly Mutant[] {
  return faults.map(([name, find, replace]) => ({ name, file, find, replace }));
}
