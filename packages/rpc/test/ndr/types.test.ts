import { test } from 'node:test';
import {
  conformantArray,
  conformantVaryingArray,
  full,
  half,
  type InputOf,
  input,
  inputOutput,
  type OutputOf,
  output,
  ref,
  stated,
  string,
  struct,
  uint8,
  uint16,
  uint32,
  uint64,
  union,
  unique,
  type ValueOf,
  wchar,
} from '../../src/ndr/mod.ts';
import type { lsa_RefDomainList } from './idl/lsa.ts';
import { sameType } from './support.ts';

/** What is asserted here is asserted by the compiler: a wrong type is an error of `npm run check`. */
test('static types follow from declarations', () => {
  const counted = struct({ n: uint32, data: unique(conformantArray(uint8, { size_is: 'n' })), rest: uint64 });
  sameType<ValueOf<typeof counted>, { readonly data: Uint8Array | null; readonly rest: bigint }>(true);

  const text = struct({
    length: uint16,
    size: uint16,
    text: unique(conformantVaryingArray(wchar, { size_is: half('size'), length_is: half('length') })),
  });
  sameType<ValueOf<typeof text>, { readonly text: string | null }>(true);

  const kept = struct({ n: uint32, data: ref(conformantArray(uint16, { size_is: stated('n') })) });
  sameType<ValueOf<typeof kept>, { readonly n: number; readonly data: readonly number[] }>(true);

  const chosen = struct({
    level: uint16,
    info: union({ switch_type: uint16, switch_is: 'level', arms: { 1: uint8, 2: full(text), 3: null } }),
  });
  sameType<
    ValueOf<typeof chosen>,
    {
      readonly info:
        | { readonly case: 1; readonly value: number }
        | { readonly case: 2; readonly value: { readonly text: string | null } | null }
        | { readonly case: 3 };
    }
  >(true);

  const open = union({ switch_type: uint32, arms: { 1: uint8 }, default: string(wchar) });
  sameType<
    ValueOf<typeof open>,
    { readonly case: 1; readonly value: number } | { readonly case: number; readonly value: string }
  >(true);

  sameType<
    ValueOf<typeof lsa_RefDomainList>,
    {
      readonly domains:
        | readonly {
            readonly name: { readonly string: string | null };
            readonly sid: {
              readonly sid_rev_num: number;
              readonly id_auth: Uint8Array;
              readonly sub_auths: readonly number[];
            } | null;
          }[]
        | null;
      readonly max_size: number;
    }
  >(true);
});

test('a count is derived in the directions in which its array is sent', () => {
  const inline = { s1: input(string(wchar)), s2: output(unique(string(wchar))), f: inputOutput(uint16) };
  sameType<InputOf<typeof inline>, { readonly s1: string; readonly f: number }>(true);
  sameType<OutputOf<typeof inline, undefined>, { readonly s2: string | null; readonly f: number }>(true);

  const parameters = {
    rgbIn: input(conformantArray(uint8, { size_is: 'cbIn' })),
    cbIn: input(uint32),
    rgbOut: output(conformantVaryingArray(uint8, { size_is: 'pcbOut', length_is: 'pcbOut' })),
    pcbOut: inputOutput(uint32),
  };
  sameType<InputOf<typeof parameters>, { readonly rgbIn: Uint8Array; readonly pcbOut: number }>(true);
  sameType<OutputOf<typeof parameters, typeof uint32>, { readonly rgbOut: Uint8Array; readonly result: number }>(true);
  sameType<OutputOf<typeof parameters, undefined>, { readonly rgbOut: Uint8Array }>(true);
});
