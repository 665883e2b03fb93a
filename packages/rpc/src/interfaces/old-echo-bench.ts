import { DrepReader, DrepWriter } from '../dcerpc/drep.ts';
import { RpcFaultError } from '../dcerpc/fault.ts';
import { FaultStatus } from '../dcerpc/fault-status.ts';
import type { RpcInterface } from '../dcerpc/rpc-interface.ts';
import { ifVersion, type SyntaxId } from '../dcerpc/syntax-id.ts';
import { ProtocolError } from '../errors.ts';

/** rpcecho, Samba's test interface, version 1.0. */
export const ECHO: SyntaxId = { uuid: '60a15ec5-4de8-11d7-a637-005056a20182', version: ifVersion(1, 0) };

/** Operation numbers of rpcecho that are served here. */
export const EchoOpnum = { AddOne: 0, EchoData: 1, SinkData: 2, SourceData: 3 } as const;

/** The most that SourceData returns, in bytes; asking for more is a fault nca_s_out_args_too_big. */
export const MAX_SOURCE_DATA = 8 * 1024 * 1024;

/** A stub may be padded at its end, up to NDR's largest alignment (C706 14.2.2). */
const MAX_STUB_PADDING = 7;

/** 0, 1, … 255, over and over: what SourceData returns. */
const COUNTING_BYTES = Uint8Array.from({ length: 64 * 1024 }, (_, i) => i & 0xff);

/**
 * The operations of rpcecho that test a transport: AddOne, EchoData, SinkData, SourceData, in NDR 2.0 written by hand.
 * TestCall and those after it (opnums 4 to 9) exist to test NDR's strings, unions, enumerations and pointers: they need
 * an NDR compiler, and are answered with nca_s_op_rng_error.
 */
export const echoInterface: RpcInterface = {
  name: 'rpcecho',
  syntax: ECHO,
  handle(opnum, stub, littleEndian) {
    const reader = new DrepReader(stub, littleEndian, `rpcecho opnum ${opnum}`);
    switch (opnum) {
      case EchoOpnum.AddOne:
        return addOne(reader);
      case EchoOpnum.EchoData:
        return echoData(reader);
      case EchoOpnum.SinkData:
        return sinkData(reader);
      case EchoOpnum.SourceData:
        return sourceData(reader);
      default:
        throw new RpcFaultError(FaultStatus.nca_s_op_rng_error);
    }
  },
};

// void AddOne([in] uint32 in_data, [out] uint32 *out_data): 32 bits that wrap around
function addOne(reader: DrepReader): Uint8Array {
  const value = reader.u32();
  endStub(reader);
  return new DrepWriter(reader.littleEndian, 4).u32((value + 1) >>> 0).finish();
}

// void EchoData([in] uint32 len, [in, size_is(len)] uint8 in_data[], [out, size_is(len)] uint8 out_data[])
function echoData(reader: DrepReader): Uint8Array {
  const data = readSizedBytes(reader);
  return new DrepWriter(reader.littleEndian, 4 + data.length).u32(data.length).bytes(data).finish();
}

// void SinkData([in] uint32 len, [in, size_is(len)] uint8 data[])
function sinkData(reader: DrepReader): Uint8Array {
  readSizedBytes(reader);
  return new Uint8Array(0);
}

// void SourceData([in] uint32 len, [out, size_is(len)] uint8 data[]): each byte is its index modulo 256
function sourceData(reader: DrepReader): Uint8Array {
  const length = reader.u32();
  endStub(reader);
  if (length > MAX_SOURCE_DATA) throw new RpcFaultError(FaultStatus.nca_s_out_args_too_big);
  const writer = new DrepWriter(reader.littleEndian, 4 + length).u32(length);
  for (let at = 0; at < length; at += COUNTING_BYTES.length) writer.bytes(COUNTING_BYTES.subarray(0, length - at));
  return writer.finish();
}

/** len, and a conformant array of len bytes: its maximum count, then the bytes (C706 14.3.3.2). */
function readSizedBytes(reader: DrepReader): Uint8Array {
  const length = reader.u32();
  const maximumCount = reader.u32();
  if (maximumCount !== length) {
    throw new ProtocolError('RPCH_BAD_CONFORMANCE', `${maximumCount} elements where len is ${length}`, 'C706 14.3.3.2');
  }
  const bytes = reader.bytes(length);
  endStub(reader);
  return bytes;
}

function endStub(reader: DrepReader): void {
  if (reader.remaining > MAX_STUB_PADDING) reader.end();
}
