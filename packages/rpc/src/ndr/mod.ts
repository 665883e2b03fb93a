/** Declaring types and procedures: NDR, version 2.0 (C706 14). */
export * from './arrays.ts';
export { char, wchar } from './elements.ts';
export { encodedOnce } from './encoded-once.ts';
export { full, ref, unique } from './pointers.ts';
export * from './primitives.ts';
export { type InputOf, input, inputOutput, type OutputOf, output, Procedure, procedure } from './procedure.ts';
export { expression, half, plus, type Reference, stated } from './references.ts';
export { decodeValue, encodeValue } from './serialize.ts';
export { struct } from './structures.ts';
export { NdrType, type ValueOf } from './type.ts';
export { union } from './unions.ts';
export * from './uuid.ts';
