/**
 * The values that size_is, length_is and switch_is refer to, by slot: one scope for each structure value and each list of
 * parameters that has such references. A slot is undefined until its field was read.
 */
export type Scope = (number | undefined)[];

/** The scope of what refers to nothing; nobody writes to it. */
export const NO_SCOPE: Scope = [];
