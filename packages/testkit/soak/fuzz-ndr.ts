import { isDeepStrictEqual } from 'node:util';
import {
  decodeTower,
  defineInterface,
  ECHO,
  echoDeclaration,
  encodeTower,
  epmDeclaration,
  type InterfaceDeclaration,
  mgmtDeclaration,
  NDR,
  ndr,
  questionTower,
} from '@rpch/rpc/internal';
import { must, type Target } from './fuzz-target.ts';

const {
  char,
  conformantArray,
  conformantVaryingArray,
  contextHandle,
  enum16,
  enum32,
  expression,
  fixedArray,
  full,
  half,
  input,
  inputOutput,
  output,
  procedure,
  range,
  ref,
  string,
  struct,
  uint16,
  uint32,
  uint8,
  union,
  unique,
  uuid,
  varyingArray,
  varyingString,
  wchar,
} = ndr;

/** RPC_UNICODE_STRING ([MS-DTYP] 2.3.10), whose size counts a NUL that is not sent. */
const countedText = struct({
  length: uint16,
  size: uint16,
  text: unique(
    conformantVaryingArray(wchar, {
      size_is: expression(
        'size',
        (bytes) => bytes >> 1,
        (chars) => chars * 2 + 2,
      ),
      length_is: half('length'),
    }),
  ),
});
/** RPC_SID ([MS-DTYP] 2.4.2.3): a structure that is conformant itself. */
const sid = struct({
  revision: uint8,
  count: uint8,
  authority: fixedArray(uint8, 6),
  sub: conformantArray(uint32, { size_is: 'count' }),
});
const kind = enum16({ NONE: 0, USER: 1, GROUP: 2, DOMAIN: 3 });
const scalars = struct({
  i8: ndr.int8,
  i16: ndr.int16,
  i32: ndr.int32,
  i64: ndr.int64,
  u64: ndr.uint64,
  f32: ndr.float32,
  f64: ndr.float64,
  flag: ndr.boolean,
  kind: enum32({ A: 1, B: 2 }),
});
const choice = union({
  switch_type: uint16,
  switch_is: 'level',
  arms: { 1: uint8, 2: unique(countedText), 3: scalars, 4: null },
  default: unique(sid),
});

interface Node {
  readonly value: number;
  readonly next: Node | null;
}
/** A list and a tree: types that point to themselves, by pointers that may and may not be shared. */
const node: ndr.NdrType<Node> = struct({ value: uint32, next: full((): ndr.NdrType<Node> => node) });

/** Every construct that can be declared, in operations like those of lsarpc and samr. */
const everything = defineInterface({
  name: 'everything',
  uuid: '5ca1ab1e-0000-4000-8000-000000000001',
  version: [1, 0],
  procedures: {
    close: procedure({
      name: 'Close',
      opnum: 0,
      parameters: { handle: inputOutput(contextHandle) },
      returns: uint32,
    }),
    lookup: procedure({
      name: 'Lookup',
      opnum: 1,
      parameters: {
        handle: input(contextHandle),
        num_names: input(range(uint32, 0, 1000)),
        names: input(conformantArray(countedText, { size_is: 'num_names' })),
        domains: output(
          unique(
            struct({
              count: range(uint32, 0, 1000),
              domains: unique(conformantArray(struct({ name: countedText, sid: unique(sid) }), { size_is: 'count' })),
              max: uint32,
            }),
          ),
        ),
        sids: inputOutput(
          struct({
            count: range(uint32, 0, 1000),
            sids: unique(conformantArray(struct({ kind, rid: uint32, index: uint32 }), { size_is: 'count' })),
          }),
        ),
      },
      returns: uint32,
    }),
    constant: procedure({
      name: 'Constant',
      opnum: 2,
      parameters: {
        count: input(range(uint32, 0, 1000)),
        names: input(conformantVaryingArray(countedText, { size_is: 1000, length_is: 'count' })),
        found: output(varyingArray(uint16, 16)),
      },
    }),
    choose: procedure({
      name: 'Choose',
      opnum: 3,
      parameters: { level: input(uint16), set: input(choice), get: output(choice) },
      returns: ndr.int32,
    }),
    text: procedure({
      name: 'Text',
      opnum: 4,
      parameters: {
        id: inputOutput(uuid),
        wide: input(string(wchar)),
        narrow: inputOutput(unique(string(char))),
        bounded: inputOutput(varyingString(wchar, 32)),
        pointers: input(unique(unique(ref(struct({ inner: ref(unique(uint16)) }))))),
      },
    }),
    list: procedure({
      name: 'List',
      opnum: 5,
      parameters: { head: inputOutput(full(node)), other: inputOutput(full(node)), scalars: inputOutput(scalars) },
    }),
  },
});

/** What a seed is made of. */
interface Sample {
  readonly of: InterfaceDeclaration;
  readonly method: string;
  readonly inputs: unknown;
  readonly outputs: unknown;
}

const HANDLE = { attributes: 0, uuid: '01020304-0506-0708-090a-0b0c0d0e0f10' };
const TOWER = encodeTower({
  interface: ECHO,
  transferSyntax: NDR,
  protocol: 'ncacn_ip_tcp',
  port: 49_152,
  address: '192.0.2.1',
});
const QUESTION = questionTower(ECHO, 'ncacn_http');
const ENTRY = { object: HANDLE.uuid, tower: { tower_octet_string: TOWER }, annotation: 'rpcecho' };
const INTERFACE = { uuid: ECHO.uuid, vers_major: 1, vers_minor: 0 };
const DATA = Uint8Array.from({ length: 20 }, (_, i) => i);
const SID = { revision: 1, authority: DATA.slice(0, 6), sub: [21, 1, 2, 3] };
const SCALARS = { i8: -1, i16: -2, i32: -3, i64: -4n, u64: 5n, f32: 0.5, f64: 0.25, flag: true, kind: 2 };
const LIST: Node = { value: 1, next: { value: 2, next: { value: 3, next: null } } };

const SAMPLES: readonly Sample[] = [
  { of: echoDeclaration, method: 'addOne', inputs: { in_data: 1 }, outputs: { out_data: 2 } },
  { of: echoDeclaration, method: 'echoData', inputs: { in_data: DATA }, outputs: { out_data: DATA } },
  { of: echoDeclaration, method: 'sinkData', inputs: { data: DATA }, outputs: {} },
  { of: echoDeclaration, method: 'sourceData', inputs: { len: 20 }, outputs: { data: DATA } },
  { of: echoDeclaration, method: 'testCall', inputs: { s1: 'input' }, outputs: { s2: 'output' } },
  ...[
    { case: 1, value: { v: 10 } },
    { case: 4, value: { v: 40n } },
    { case: 7, value: { v1: 80, info4: { v: 90n } } },
  ].map((info) => ({
    of: echoDeclaration,
    method: 'testCall2',
    inputs: { level: info.case },
    outputs: { info, result: 0 },
  })),
  { of: echoDeclaration, method: 'testSleep', inputs: { seconds: 1 }, outputs: { result: 1 } },
  {
    of: echoDeclaration,
    method: 'testEnum',
    inputs: { foo2: { e1: 1, e2: 2 }, foo3: { case: 2, value: { e1: 1, e2: 2 } } },
    outputs: { foo2: { e1: 1, e2: 2 }, foo3: { case: 1, value: 1 } },
  },
  {
    of: echoDeclaration,
    method: 'testSurrounding',
    inputs: { data: { surrounding: [1, 2, 3] } },
    outputs: { data: { surrounding: [1, 2, 3, 4] } },
  },
  { of: echoDeclaration, method: 'testDoublePointer', inputs: { data: 5 }, outputs: { result: 5 } },
  { of: epmDeclaration, method: 'insert', inputs: { entries: [ENTRY, ENTRY], replace: 1 }, outputs: { result: 0 } },
  { of: epmDeclaration, method: 'delete', inputs: { entries: [ENTRY] }, outputs: { result: 0 } },
  {
    of: epmDeclaration,
    method: 'lookup',
    inputs: {
      inquiry_type: 1,
      object: HANDLE.uuid,
      interface_id: INTERFACE,
      vers_option: 2,
      entry_handle: HANDLE,
      max_ents: 10,
    },
    outputs: { entry_handle: HANDLE, entries: [ENTRY, { ...ENTRY, tower: null }], result: 0 },
  },
  {
    of: epmDeclaration,
    method: 'map',
    inputs: { object: null, map_tower: { tower_octet_string: QUESTION }, entry_handle: HANDLE, max_towers: 4 },
    outputs: { entry_handle: HANDLE, towers: [{ tower_octet_string: TOWER }, null], result: 0 },
  },
  {
    of: epmDeclaration,
    method: 'lookupHandleFree',
    inputs: { entry_handle: HANDLE },
    outputs: { entry_handle: HANDLE, result: 0 },
  },
  {
    of: mgmtDeclaration,
    method: 'inqIfIds',
    inputs: {},
    outputs: { if_id_vector: { if_id: [INTERFACE, null] }, result: 0 },
  },
  { of: mgmtDeclaration, method: 'inqStats', inputs: { count: 4 }, outputs: { statistics: [1, 2, 3, 4], result: 0 } },
  { of: mgmtDeclaration, method: 'isServerListening', inputs: {}, outputs: { status: 0, result: 1 } },
  { of: mgmtDeclaration, method: 'stopServerListening', inputs: {}, outputs: { result: 5 } },
  {
    of: mgmtDeclaration,
    method: 'inqPrincName',
    inputs: { authn_proto: 10, princ_name_size: 40 },
    outputs: { princ_name: 'PEER\\server', result: 0 },
  },
  { of: everything, method: 'close', inputs: { handle: HANDLE }, outputs: { handle: HANDLE, result: 0 } },
  {
    of: everything,
    method: 'lookup',
    inputs: {
      handle: HANDLE,
      names: [{ text: 'alice' }, { text: null }, { text: 'bob' }],
      sids: { sids: [{ kind: 1, rid: 1, index: 0 }] },
    },
    outputs: {
      domains: { domains: [{ name: { text: 'PEER' }, sid: SID }], max: 3 },
      sids: { sids: [{ kind: 2, rid: 1, index: 0 }] },
      result: 0,
    },
  },
  { of: everything, method: 'constant', inputs: { names: [{ text: 'a' }, { text: 'b' }] }, outputs: { found: [7, 8] } },
  ...[
    { case: 1, value: 9 },
    { case: 2, value: { text: 'two' } },
    { case: 3, value: SCALARS },
    { case: 4 },
    { case: 5, value: SID },
  ].map((value) => ({ of: everything, method: 'choose', inputs: { set: value }, outputs: { get: value, result: -1 } })),
  {
    of: everything,
    method: 'text',
    inputs: {
      id: HANDLE.uuid,
      wide: 'wide \u00e9\ud83d\ude00',
      narrow: 'narrow',
      bounded: 'bounded',
      pointers: { inner: 4 },
    },
    outputs: { id: HANDLE.uuid, narrow: null, bounded: '' },
  },
  {
    of: everything,
    method: 'list',
    inputs: { head: LIST, other: LIST, scalars: SCALARS },
    outputs: { head: LIST, other: null, scalars: SCALARS },
  },
];

const LITTLE = 1;
const RESPONSE = 2;
const OTHER_FLOATS = 4;

/** The first byte chooses a sample whose operation is decoded, the second its direction and data representation. */
function stubs(bytes: Uint8Array): void {
  const sample = SAMPLES[(bytes[0] ?? 0) % SAMPLES.length];
  must(sample !== undefined, 'there are samples');
  const procedure = sample.of.procedures[sample.method];
  must(procedure !== undefined, `an operation ${sample.method}`);
  const how = bytes[1] ?? 0;
  const littleEndian = (how & LITTLE) !== 0;
  const ieee = (how & OTHER_FLOATS) === 0;
  const stub = bytes.slice(2);
  const decode = (from: Uint8Array): unknown =>
    (how & RESPONSE) === 0
      ? procedure.decodeRequest(from, littleEndian, ieee)
      : procedure.decodeResponse(from, littleEndian, sample.inputs, ieee);
  const value = decode(stub);
  if (isCircular(value)) return;
  const encoded =
    (how & RESPONSE) === 0
      ? procedure.encodeRequest(value, littleEndian)
      : procedure.encodeResponse(value, sample.inputs, littleEndian);
  must(isDeepStrictEqual(decode(encoded), value), `${procedure.name}: what was decoded survives a round trip`);
}

/** Whether full pointers made a circle, which can be decoded and not encoded. */
function isCircular(value: unknown, above: readonly unknown[] = []): boolean {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return false;
  if (above.includes(value)) return true;
  return Object.values(value).some((inner) => isCircular(inner, [...above, value]));
}

function seedsOf({ of, method, inputs, outputs }: Sample, index: number): Uint8Array[] {
  const procedure = of.procedures[method];
  must(procedure !== undefined, `an operation ${method}`);
  return [LITTLE, 0].flatMap((order) => [
    Buffer.concat([Uint8Array.of(index, order), procedure.encodeRequest(inputs, order === LITTLE)]),
    Buffer.concat([
      Uint8Array.of(index, order | RESPONSE),
      procedure.encodeResponse(outputs, inputs, order === LITTLE),
    ]),
  ]);
}

/** Stubs of every operation of our interfaces and of one that has every construct; towers. */
export const NDR_TARGETS: readonly Target[] = [
  { name: 'NDR stubs', seeds: SAMPLES.flatMap(seedsOf), run: stubs },
  {
    name: 'towers',
    seeds: [TOWER, QUESTION],
    run: (bytes) => {
      const tower = decodeTower(bytes);
      if (tower.protocol === undefined) return;
      must(isDeepStrictEqual(decodeTower(encodeTower(tower)), tower), 'a tower survives a round trip');
    },
  },
];
