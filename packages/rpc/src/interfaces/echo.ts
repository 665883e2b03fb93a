import { RpcFaultError } from '../dcerpc/fault.ts';
import { FaultStatus } from '../dcerpc/fault-status.ts';
import { defineInterface } from '../dcerpc/interface-declaration.ts';
import type { RpcInterface } from '../dcerpc/rpc-interface.ts';
import { serverInterface } from '../dcerpc/server-interface.ts';
import type { SyntaxId } from '../dcerpc/syntax-id.ts';
import {
  conformantArray,
  enum16,
  enum32,
  input,
  inputOutput,
  int64,
  output,
  procedure,
  string,
  struct,
  uint8,
  uint16,
  uint32,
  union,
  unique,
  wchar,
} from '../ndr/mod.ts';

/** Operation numbers of rpcecho. */
export const EchoOpnum = {
  AddOne: 0,
  EchoData: 1,
  SinkData: 2,
  SourceData: 3,
  TestCall: 4,
  TestCall2: 5,
  TestSleep: 6,
  TestEnum: 7,
  TestSurrounding: 8,
  TestDoublePointer: 9,
} as const;

const EchoEnum = { ECHO_ENUM1: 1, ECHO_ENUM2: 2 } as const;
const enum1 = enum16(EchoEnum);
const enum2 = struct({ e1: enum1, e2: enum32(EchoEnum) });

const info1 = struct({ v: uint8 });
const info4 = struct({ v: int64 });

/**
 * rpcecho, Samba's test interface, version 1.0 (its source has it in librpc/idl/echo.idl): the first four operations test a
 * transport, the others NDR's strings, unions, enumerations and pointers.
 */
export const echoDeclaration = defineInterface({
  name: 'rpcecho',
  uuid: '60a15ec5-4de8-11d7-a637-005056a20182',
  version: [1, 0],
  procedures: {
    addOne: procedure({
      name: 'echo_AddOne',
      opnum: EchoOpnum.AddOne,
      parameters: { in_data: input(uint32), out_data: output(uint32) },
    }),
    echoData: procedure({
      name: 'echo_EchoData',
      opnum: EchoOpnum.EchoData,
      parameters: {
        len: input(uint32),
        in_data: input(conformantArray(uint8, { size_is: 'len' })),
        out_data: output(conformantArray(uint8, { size_is: 'len' })),
      },
    }),
    sinkData: procedure({
      name: 'echo_SinkData',
      opnum: EchoOpnum.SinkData,
      parameters: { len: input(uint32), data: input(conformantArray(uint8, { size_is: 'len' })) },
    }),
    sourceData: procedure({
      name: 'echo_SourceData',
      opnum: EchoOpnum.SourceData,
      parameters: { len: input(uint32), data: output(conformantArray(uint8, { size_is: 'len' })) },
    }),
    testCall: procedure({
      name: 'echo_TestCall',
      opnum: EchoOpnum.TestCall,
      parameters: { s1: input(string(wchar)), s2: output(unique(string(wchar))) },
    }),
    testCall2: procedure({
      name: 'echo_TestCall2',
      opnum: EchoOpnum.TestCall2,
      parameters: {
        level: input(uint16),
        info: output(
          union({
            switch_type: uint16,
            switch_is: 'level',
            arms: {
              1: info1,
              2: struct({ v: uint16 }),
              3: struct({ v: uint32 }),
              4: info4,
              5: struct({ v1: uint8, v2: int64 }),
              6: struct({ v1: uint8, info1 }),
              7: struct({ v1: uint8, info4 }),
            },
          }),
        ),
      },
      returns: uint32,
    }),
    testSleep: procedure({
      name: 'echo_TestSleep',
      opnum: EchoOpnum.TestSleep,
      parameters: { seconds: input(uint32) },
      returns: uint32,
    }),
    testEnum: procedure({
      name: 'echo_TestEnum',
      opnum: EchoOpnum.TestEnum,
      parameters: {
        foo1: inputOutput(enum1),
        foo2: inputOutput(enum2),
        foo3: inputOutput(union({ switch_type: uint16, switch_is: 'foo1', arms: { 1: enum1, 2: enum2 } })),
      },
    }),
    testSurrounding: procedure({
      name: 'echo_TestSurrounding',
      opnum: EchoOpnum.TestSurrounding,
      parameters: {
        data: inputOutput(struct({ x: uint32, surrounding: conformantArray(uint16, { size_is: 'x' }) })),
      },
    }),
    testDoublePointer: procedure({
      name: 'echo_TestDoublePointer',
      opnum: EchoOpnum.TestDoublePointer,
      parameters: { data: input(unique(unique(uint16))) },
      returns: uint16,
    }),
  },
});

/** rpcecho's identity. */
export const ECHO: SyntaxId = echoDeclaration.syntax;

/** The most that SourceData returns, in bytes; asking for more is a fault nca_s_out_args_too_big. */
export const MAX_SOURCE_DATA = 8 * 1024 * 1024;
/** The most elements that TestSurrounding returns; the same fault. */
const MAX_SURROUNDING = 1024 * 1024;
/** The longest that TestSleep sleeps, seconds; asking for more is a fault access_denied. */
export const MAX_SLEEP = 3600;

const STATUS_OK = 0;

/** 0, 1, … 255, over and over: what SourceData returns. */
const COUNTING_BYTES = Uint8Array.from({ length: 64 * 1024 }, (_, i) => i & 0xff);

/** What the server of rpcecho needs from outside. */
export interface EchoOptions {
  /**
   * Waits that many ms, or rejects when `signal` is aborted: what TestSleep does. Without it TestSleep is a fault
   * rpc_s_cannot_perform.
   */
  readonly sleep?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

/** rpcecho as Samba serves it, all ten operations. */
export function echoServer({ sleep }: EchoOptions = {}): RpcInterface {
  return serverInterface(echoDeclaration, {
    // 32 bits that wrap around
    addOne: ({ in_data }) => ({ out_data: (in_data + 1) >>> 0 }),
    echoData: ({ in_data }) => ({ out_data: in_data }),
    sinkData: () => ({}),
    sourceData: ({ len }) => ({ data: countingBytes(len) }),
    testCall: ({ s1 }) => ({ s2: s1 }),
    testCall2: ({ level }) => ({ info: infoOf(level), result: STATUS_OK }),
    testSleep: async ({ seconds }, { signal }) => {
      if (sleep === undefined) throw new RpcFaultError(FaultStatus.rpc_s_cannot_perform);
      if (seconds > MAX_SLEEP) throw new RpcFaultError(FaultStatus.access_denied);
      await sleep(seconds * 1000, signal);
      return { result: seconds };
    },
    testEnum: ({ foo2, foo3 }) => ({ foo2: { ...foo2, e1: EchoEnum.ECHO_ENUM2 }, foo3 }),
    testSurrounding: ({ data }) => {
      const length = 2 * data.surrounding.length;
      if (length > MAX_SURROUNDING) throw new RpcFaultError(FaultStatus.nca_s_out_args_too_big);
      return { data: { surrounding: new Array<number>(length).fill(0) } };
    },
    testDoublePointer: ({ data }) => ({ result: data ?? 0 }),
  });
}

/** rpcecho without TestSleep's sleep. */
export const echoInterface: RpcInterface = echoServer();

function countingBytes(length: number): Uint8Array {
  if (length > MAX_SOURCE_DATA) throw new RpcFaultError(FaultStatus.nca_s_out_args_too_big);
  if (length <= COUNTING_BYTES.length) return COUNTING_BYTES.subarray(0, length);
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += COUNTING_BYTES.length) bytes.set(COUNTING_BYTES.subarray(0, length - at), at);
  return bytes;
}

function infoOf(level: number) {
  switch (level) {
    case 1:
      return { case: level, value: { v: 10 } } as const;
    case 2:
      return { case: level, value: { v: 20 } } as const;
    case 3:
      return { case: level, value: { v: 30 } } as const;
    case 4:
      return { case: level, value: { v: 40n } } as const;
    case 5:
      return { case: level, value: { v1: 50, v2: 60n } } as const;
    case 6:
      return { case: level, value: { v1: 70, info1: { v: 80 } } } as const;
    case 7:
      return { case: level, value: { v1: 80, info4: { v: 90n } } } as const;
    default:
      throw new RpcFaultError(FaultStatus.nca_s_fault_invalid_tag);
  }
}
