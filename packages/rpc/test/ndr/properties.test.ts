import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { echoDeclaration as echo } from '../../src/interfaces/echo.ts';
import { epmDeclaration as epmapper } from '../../src/interfaces/epm.ts';
import { mgmtDeclaration as mgmt } from '../../src/interfaces/mgmt.ts';
import {
  boolean,
  char,
  conformantArray,
  conformantVaryingArray,
  decodeValue,
  encodeValue,
  fixedArray,
  float64,
  full,
  half,
  int32,
  int64,
  type NdrType,
  type Procedure,
  ref,
  string,
  struct,
  uint8,
  uint16,
  uint32,
  union,
  unique,
  uuid,
  wchar,
} from '../../src/ndr/mod.ts';
import { lsarpc, samr_LookupNames } from './idl/lsa.ts';
import { bytes, survives } from './support.ts';
import { sambaStubs } from './vectors/samba.ts';

/** A type, and a source of its values. */
interface Sample {
  readonly type: NdrType<unknown>;
  readonly value: fc.Arbitrary<unknown>;
  /** Whether the type may not be an element, an arm or a field before others, or may be null already. */
  readonly conformant?: boolean;
  readonly nullable?: boolean;
}

const latin1 = fc.string({ unit: fc.integer({ min: 1, max: 0xff }).map((code) => String.fromCharCode(code)) });
const text = fc.string({ unit: 'grapheme' }).filter((value) => !value.includes('\0'));
const data = fc.uint8Array({ maxLength: 9 });
const countedText = struct({
  length: uint16,
  size: uint16,
  text: unique(conformantVaryingArray(wchar, { size_is: half('size'), length_is: half('length') })),
});
const trailing = struct({ n: uint16, data: conformantArray(uint8, { size_is: 'n' }) });

const scalars: readonly Sample[] = [
  { type: uint8, value: fc.nat(0xff) },
  { type: uint16, value: fc.nat(0xffff) },
  { type: int32, value: fc.integer() },
  { type: int64, value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) },
  { type: float64, value: fc.double() },
  { type: boolean, value: fc.boolean() },
  { type: uuid, value: fc.uuid() },
  { type: fixedArray(uint8, 3), value: fc.uint8Array({ minLength: 3, maxLength: 3 }) },
  { type: countedText, value: fc.record({ text: fc.option(text) }) },
  { type: unique(string(char)), value: fc.option(latin1), nullable: true },
  { type: full(string(wchar)), value: fc.option(text), nullable: true },
  { type: trailing, value: fc.record({ data }), conformant: true },
];

const samples = fc.letrec<{ sample: Sample }>((tie) => ({
  sample: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom(...scalars),
    fc.array(tie('sample'), { minLength: 1, maxLength: 4 }).map(structOf),
    tie('sample').map(pointerTo),
    tie('sample').map(countedArrayOf),
    fc.tuple(tie('sample'), tie('sample')).map(unionOf),
  ),
})).sample;

/** A structure whose fields are those samples; a conformant one goes behind a pointer unless it is the last. */
function structOf(fields: readonly Sample[]): Sample {
  const bent = fields.map((field, i) => (field.conformant && i < fields.length - 1 ? pointerTo(field) : field));
  return {
    type: struct(Object.fromEntries(bent.map(({ type }, i) => [`f${i}`, type]))),
    value: fc.record(Object.fromEntries(bent.map(({ value }, i) => [`f${i}`, value]))),
    conformant: bent.at(-1)?.conformant ?? false,
  };
}

function pointerTo({ type, value, nullable }: Sample): Sample {
  if (nullable)
    return { type: struct({ p: ref(struct({ q: type })) }), value: fc.record({ p: fc.record({ q: value }) }) };
  return { type: unique(type), value: fc.option(value), nullable: true };
}

function countedArrayOf(sample: Sample): Sample {
  const { type, value } = sample.conformant || sample.type === uint8 ? pointerTo(sample) : sample;
  return {
    type: struct({ n: uint32, list: unique(conformantArray(type, { size_is: 'n' })) }),
    value: fc.record({ list: fc.option(fc.array(value, { maxLength: 3 }).filter((list) => list.length > 0)) }),
  };
}

function unionOf([a, b]: readonly [Sample, Sample]): Sample {
  const [one, two] = [a, b].map((arm) => (arm.conformant ? pointerTo(arm) : arm)) as [Sample, Sample];
  const chosen = union({ switch_type: uint16, switch_is: 'tag', arms: { 1: one.type, 2: two.type, 3: null } });
  return {
    type: struct({ tag: uint16, chosen }),
    value: fc.record({
      chosen: fc.oneof(
        fc.record({ case: fc.constant(1), value: one.value }),
        fc.record({ case: fc.constant(2), value: two.value }),
        fc.constant({ case: 3 }),
      ),
    }),
  };
}

const typeAndValue = samples.chain(({ type, value }) => value.map((one) => ({ type, value: one })));

/** fast-check's records have no prototype; decoded ones have. */
const plain = (value: unknown) => structuredClone(value);

test('what is encoded is decoded, whatever the type, in both byte orders', () => {
  fc.assert(
    fc.property(typeAndValue, fc.boolean(), ({ type, value }, littleEndian) => {
      const stub = encodeValue(type, value, littleEndian);
      assert.deepEqual(plain(decodeValue(type, stub, littleEndian)), plain(value));
      const padded = new Uint8Array(stub.length + 7);
      padded.set(stub);
      assert.deepEqual(plain(decodeValue(type, padded, littleEndian)), plain(value));
    }),
    { numRuns: 500 },
  );
});

test('every cut of a stub is a ProtocolError or another value', () => {
  fc.assert(
    fc.property(typeAndValue, ({ type, value }) => {
      const stub = encodeValue(type, value);
      for (let length = 0; length < stub.length; length++)
        survives(() => decodeValue(type, stub.subarray(0, length), true));
    }),
    { numRuns: 200 },
  );
});

test('changed and random bytes do no worse than a ProtocolError, whatever the type', () => {
  fc.assert(
    fc.property(
      typeAndValue,
      fc.uint8Array({ maxLength: 64 }),
      fc.nat(),
      fc.boolean(),
      ({ type, value }, noise, at, le) => {
        survives(() => decodeValue(type, noise, le));
        const stub = encodeValue(type, value, le);
        stub.set(noise.subarray(0, Math.max(0, stub.length - (at % (stub.length + 1)))), at % (stub.length + 1));
        survives(() => decodeValue(type, stub, le));
      },
    ),
    { numRuns: 500 },
  );
});

const procedures: readonly Procedure<unknown, unknown>[] = [
  ...Object.values(echo.procedures),
  ...Object.values(epmapper.procedures),
  ...Object.values(mgmt.procedures),
  ...Object.values(lsarpc.procedures),
  samr_LookupNames,
];

/** What outputs refer to, of whichever operation. */
const inputs = { len: 3, in_data: new Uint8Array(3), level: 1, max_ents: 10, max_towers: 4, princ_name_size: 16 };

test('changed stubs of real interfaces do no worse than a ProtocolError', () => {
  const stubs = Object.values(sambaStubs);
  fc.assert(
    fc.property(
      fc.constantFrom(...procedures),
      fc.constantFrom(...stubs),
      fc.array(fc.tuple(fc.nat(), fc.nat(0xff)), { maxLength: 4 }),
      fc.boolean(),
      (procedure, { little, big }, changes, littleEndian) => {
        const stub = bytes(littleEndian ? little : big);
        for (const [at, value] of changes) stub[at % stub.length] = value;
        survives(() => procedure.decodeRequest(stub, littleEndian));
        survives(() => procedure.decodeResponse(stub, littleEndian, inputs));
      },
    ),
    { numRuns: 3000 },
  );
});
