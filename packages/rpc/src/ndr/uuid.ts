import { Codec } from './codec.ts';
import { badValue } from './errors.ts';
import { ScalarType, uint32 } from './primitives.ts';
import type { NdrReader } from './reader.ts';
import { struct } from './structures.ts';
import type { NdrWriter } from './writer.ts';

const TEXT = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
/** Where the text form has the eight bytes that are no integers. */
const BYTE_OFFSETS = [19, 21, 24, 26, 28, 30, 32, 34] as const;
const HEX_BYTES = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
/** The values of hexadecimal digits by their character codes. */
const DIGITS = Uint8Array.from({ length: 128 }, (_, code) => Number.parseInt(String.fromCharCode(code), 16) || 0);

/** A UUID: three integers, which follow the byte order, and eight bytes (C706 appendix A). */
class UuidCodec extends Codec {
  readonly alignment = 4;
  readonly leastSize = 16;

  encode(writer: NdrWriter, value: unknown): void {
    if (typeof value !== 'string' || !TEXT.test(value)) throw badValue(`${String(value)} is not a UUID`);
    writer.u32(number(value, 0, 8));
    writer.u16(number(value, 9, 13));
    writer.u16(number(value, 14, 18));
    for (const at of BYTE_OFFSETS) writer.u8(number(value, at, at + 2));
  }

  decode(reader: NdrReader): string {
    const low = reader.u32();
    const mid = reader.u16();
    const high = reader.u16();
    return `${hex16(low >>> 16)}${hex16(low & 0xffff)}-${hex16(mid)}-${hex16(high)}-${hexBytes(reader, 2)}-${hexBytes(reader, 6)}`;
  }
}

/** The number that the hexadecimal digits from `start` to `end` write. */
function number(text: string, start: number, end: number): number {
  let value = 0;
  for (let at = start; at < end; at++) value = value * 16 + (DIGITS[text.charCodeAt(at)] ?? 0);
  return value;
}

function hex16(value: number): string {
  return `${HEX_BYTES[value >>> 8]}${HEX_BYTES[value & 0xff]}`;
}

function hexBytes(reader: NdrReader, count: number): string {
  let text = '';
  for (let i = 0; i < count; i++) text += HEX_BYTES[reader.u8()];
  return text;
}

/** A UUID, in its text form; decoded in lower case. */
export const uuid = new ScalarType<string>(new UuidCodec());

/** The wire form of a context handle: 20 bytes, attributes that are 0, and a UUID (C706 appendix N, ndr_context_handle). */
export const contextHandle = struct({ attributes: uint32, uuid });

/** The context handle of no context. */
export const NULL_CONTEXT_HANDLE = { attributes: 0, uuid: '00000000-0000-0000-0000-000000000000' } as const;
