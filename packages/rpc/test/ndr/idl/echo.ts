import { defineInterface } from '../../../src/dcerpc/interface-declaration.ts';
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
} from '../../../src/ndr/mod.ts';

/** rpcecho as Samba's echo.idl has it, all ten operations. */
const echo_info1 = struct({ v: uint8 });
const echo_info2 = struct({ v: uint16 });
const echo_info3 = struct({ v: uint32 });
const echo_info4 = struct({ v: int64 });
const echo_info5 = struct({ v1: uint8, v2: int64 });
const echo_info6 = struct({ v1: uint8, info1: echo_info1 });
const echo_info7 = struct({ v1: uint8, info4: echo_info4 });

const echo_Info = union({
  switch_type: uint16,
  switch_is: 'level',
  arms: {
    1: echo_info1,
    2: echo_info2,
    3: echo_info3,
    4: echo_info4,
    5: echo_info5,
    6: echo_info6,
    7: echo_info7,
  },
});

const echo_Enum1 = enum16({ ECHO_ENUM1: 1, ECHO_ENUM2: 2 });
const echo_Enum1_32 = enum32({ ECHO_ENUM1_32: 1, ECHO_ENUM2_32: 2 });
const echo_Enum2 = struct({ e1: echo_Enum1, e2: echo_Enum1_32 });
const echo_Enum3 = union({ switch_type: uint16, switch_is: 'foo1', arms: { 1: echo_Enum1, 2: echo_Enum2 } });

export const echo_Surrounding = struct({ x: uint32, surrounding: conformantArray(uint16, { size_is: 'x' }) });

export const echo = defineInterface({
  name: 'rpcecho',
  uuid: '60a15ec5-4de8-11d7-a637-005056a20182',
  version: [1, 0],
  procedures: {
    addOne: procedure({
      name: 'echo_AddOne',
      opnum: 0,
      parameters: { in_data: input(uint32), out_data: output(uint32) },
    }),
    echoData: procedure({
      name: 'echo_EchoData',
      opnum: 1,
      parameters: {
        len: input(uint32),
        in_data: input(conformantArray(uint8, { size_is: 'len' })),
        out_data: output(conformantArray(uint8, { size_is: 'len' })),
      },
    }),
    sinkData: procedure({
      name: 'echo_SinkData',
      opnum: 2,
      parameters: { len: input(uint32), data: input(conformantArray(uint8, { size_is: 'len' })) },
    }),
    sourceData: procedure({
      name: 'echo_SourceData',
      opnum: 3,
      parameters: { len: input(uint32), data: output(conformantArray(uint8, { size_is: 'len' })) },
    }),
    testCall: procedure({
      name: 'echo_TestCall',
      opnum: 4,
      parameters: { s1: input(string(wchar)), s2: output(unique(string(wchar))) },
    }),
    testCall2: procedure({
      name: 'echo_TestCall2',
      opnum: 5,
      parameters: { level: input(uint16), info: output(echo_Info) },
      returns: uint32,
    }),
    testSleep: procedure({
      name: 'echo_TestSleep',
      opnum: 6,
      parameters: { seconds: input(uint32) },
      returns: uint32,
    }),
    testEnum: procedure({
      name: 'echo_TestEnum',
      opnum: 7,
      parameters: {
        foo1: inputOutput(echo_Enum1),
        foo2: inputOutput(echo_Enum2),
        foo3: inputOutput(echo_Enum3),
      },
    }),
    testSurrounding: procedure({
      name: 'echo_TestSurrounding',
      opnum: 8,
      parameters: { data: inputOutput(echo_Surrounding) },
    }),
    testDoublePointer: procedure({
      name: 'echo_TestDoublePointer',
      opnum: 9,
      parameters: { data: input(unique(unique(uint16))) },
      returns: uint16,
    }),
  },
});
