import { ProtocolError, RpchError } from '@rpch/rpc';
import { Cursor, Writer } from '@rpch/rpc/internal';
import { compress, decompress } from './lz77.ts';

/** Flags of RPC_HEADER_EXT ([MS-OXCRPC] 2.2.2.1). */
const COMPRESSED = 0x0001;
const XOR_MAGIC = 0x0002;
const LAST = 0x0004;

/** Bytes of an RPC_HEADER_EXT ([MS-OXCRPC] 2.2.2.1). */
export const EXTENDED_HEADER_SIZE = 8;
/** Bytes of a payload that one header can speak of when it is written: [MS-OXCRPC] 3.1.4.2.1. */
export const MAX_PAYLOAD = 0x8000;
/** Payloads in one buffer, at most: [MS-OXCRPC] 3.1.4.2.1.2. */
export const MAX_PAYLOADS = 96;

const XOR_BYTE = 0xa5;
const SECTION = '[MS-OXCRPC] 2.2.2.1';

/** How much a buffer may hold that is read. */
export interface ExtendedBufferLimits {
  /** Payloads in the buffer: 1 for auxiliary buffers, and for rgbIn unless packing was announced. Default {@link MAX_PAYLOADS}. */
  readonly payloads?: number;
  /** Bytes of one payload, uncompressed. Default {@link MAX_PAYLOAD}. */
  readonly payloadSize?: number;
}

/** How a buffer is written. */
export interface ExtendedBufferOptions {
  /** Whether a payload is compressed where that makes it smaller. Default false. */
  readonly compress?: boolean;
  /** Whether bytes are XORed with 0xA5. Default false. */
  readonly xorMagic?: boolean;
}

function malformed(message: string): ProtocolError {
  return new ProtocolError('RPCH_EXTENDED_BUFFER_MALFORMED', `RPC_HEADER_EXT: ${message}`, SECTION);
}

/**
 * The payloads of an extended buffer, each behind its RPC_HEADER_EXT, the last of which says so. A payload that was sent plain is a
 * view of the bytes. Throws ProtocolError.
 */
export function readExtendedBuffers(bytes: Uint8Array, limits: ExtendedBufferLimits = {}): Uint8Array[] {
  const { payloads: most = MAX_PAYLOADS, payloadSize = MAX_PAYLOAD } = limits;
  const cursor = new Cursor(bytes, SECTION);
  const payloads: Uint8Array[] = [];
  for (;;) {
    if (payloads.length === most) throw malformed(`more than ${most} payloads`);
    const { payload, last } = readOne(cursor, payloadSize);
    payloads.push(payload);
    if (last) break;
  }
  cursor.end();
  return payloads;
}

function readOne(cursor: Cursor, payloadSize: number): { readonly payload: Uint8Array; readonly last: boolean } {
  const version = cursor.u16();
  if (version !== 0) throw malformed(`version ${version}`);
  const flags = cursor.u16();
  const size = cursor.u16();
  const actual = cursor.u16();
  const isCompressed = (flags & COMPRESSED) !== 0;
  if (isCompressed ? actual <= size : actual !== size) throw malformed(`${size} bytes for ${actual}`);
  if (actual > payloadSize) throw malformed(`a payload of ${actual} bytes`);
  const sent = cursor.bytes(size);
  const clear = (flags & XOR_MAGIC) === 0 ? sent : xored(sent);
  return { payload: isCompressed ? decompress(clear, actual) : clear, last: (flags & LAST) !== 0 };
}

/** Writes one payload behind its header, which says that it is the last. */
export function writeExtendedBuffer(payload: Uint8Array, options: ExtendedBufferOptions = {}): Uint8Array {
  return writeExtendedBuffers([payload], options);
}

/**
 * Writes a chain of payloads, each behind its header. A payload of more than {@link MAX_PAYLOAD} bytes, none at all and more
 * than {@link MAX_PAYLOADS} are the caller's mistake: RpchError.
 */
export function writeExtendedBuffers(payloads: readonly Uint8Array[], options: ExtendedBufferOptions = {}): Uint8Array {
  if (payloads.length === 0 || payloads.length > MAX_PAYLOADS) throw notWritable(`${payloads.length} payloads`);
  const writer = new Writer(payloads.reduce((sum, { length }) => sum + EXTENDED_HEADER_SIZE + length, 0));
  for (const [at, payload] of payloads.entries()) writeOne(writer, payload, options, at === payloads.length - 1);
  return writer.finish();
}

function writeOne(writer: Writer, payload: Uint8Array, options: ExtendedBufferOptions, last: boolean): void {
  if (payload.length > MAX_PAYLOAD) throw notWritable(`a payload of ${payload.length} bytes`);
  const compressed = options.compress === true ? compress(payload) : undefined;
  const sent = compressed ?? payload;
  const isXored = options.xorMagic === true;
  writer
    .u16(0)
    .u16((compressed === undefined ? 0 : COMPRESSED) | (isXored ? XOR_MAGIC : 0) | (last ? LAST : 0))
    .u16(sent.length)
    .u16(payload.length)
    .bytes(isXored ? xored(sent) : sent);
}

/** Writes the header of a payload that stands alone, plain: its `size` bytes are to follow. */
export function writePlainHeader(writer: Writer, size: number): Writer {
  if (size > MAX_PAYLOAD) throw notWritable(`a payload of ${size} bytes`);
  return writer.u16(0).u16(LAST).u16(size).u16(size);
}

function xored(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte) => byte ^ XOR_BYTE);
}

function notWritable(what: string): RpchError {
  return new RpchError('RPCH_EXTENDED_BUFFER_NOT_WRITABLE', 'caller', `RPC_HEADER_EXT: ${what}`);
}
