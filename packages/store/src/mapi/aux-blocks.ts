import { ProtocolError, RpchError } from '@rpch/rpc';
import { Cursor, formatGuid, parseGuid, Writer } from '@rpch/rpc/internal';
import { AUX_LAYOUTS, type AuxFieldKind, type AuxLayout } from './aux-layouts.ts';
import { readString, writeString } from './text-coding.ts';

export * from './aux-layouts.ts';

/** Bytes of an AUX_HEADER, and the multiple that blocks are padded to ([MS-OXCRPC] 2.2.2.2, 3.1.4.1.2.1). */
const HEADER_SIZE = 4;
const ALIGNMENT = 4;
/** Bytes of ConnectionAttempts and ConnectionFlags at their longest: 0 whichever it is. */
const REST_SIZE = 8;
const SECTION = '[MS-OXCRPC] 2.2.2.2';

type AuxName = keyof typeof AUX_LAYOUTS;

type ValueOf<K> = K extends 'u8' | 'u16' | 'u32' ? number : K extends 'guid' | 'text' ? string : Uint8Array;

type HasNoValue = 'rest' | { readonly reserved: number };

type ValuesOf<F> = { readonly [K in keyof F as F[K] extends HasNoValue ? never : K]: ValueOf<F[K]> };

/**
 * An auxiliary block: its `name` is the specification's without AUX_, and so are its fields in lowerCamelCase. Strings and bytes that the
 * block does not have are empty.
 */
export type AuxBlock = { [N in AuxName]: { readonly name: N } & ValuesOf<(typeof AUX_LAYOUTS)[N]['fields']> }[AuxName];

const byVersionAndType = new Map<number, readonly [AuxName, AuxLayout]>();
for (const name of Object.keys(AUX_LAYOUTS) as AuxName[]) {
  const layout = AUX_LAYOUTS[name];
  byVersionAndType.set(keyOf(layout.version, layout.type), [name, layout]);
}

function keyOf(version: number, type: number): number {
  return version * 256 + type;
}

function malformed(message: string): ProtocolError {
  return new ProtocolError('RPCH_AUX_MALFORMED', `AUX_HEADER: ${message}`, SECTION);
}

/**
 * The blocks of an auxiliary payload; those of unknown version and type are passed by, as the specification demands. Throws ProtocolError
 * for one that is too short for what it is, or whose offsets leave it.
 */
export function readAuxBlocks(payload: Uint8Array): AuxBlock[] {
  const cursor = new Cursor(payload, SECTION);
  const blocks: AuxBlock[] = [];
  while (cursor.remaining > 0) {
    const start = cursor.offset;
    const size = cursor.u16();
    const version = cursor.u8();
    const type = cursor.u8();
    if (size < HEADER_SIZE) throw malformed(`a size of ${size}`);
    cursor.skip(size - HEADER_SIZE);
    const known = byVersionAndType.get(keyOf(version, type));
    if (known === undefined) continue;
    const [name, layout] = known;
    blocks.push({ name, ...readFields(layout, payload.subarray(start, start + size)) } as AuxBlock);
  }
  return blocks;
}

function readFields(layout: AuxLayout, block: Uint8Array): Readonly<Record<string, unknown>> {
  const cursor = new Cursor(block, SECTION, HEADER_SIZE);
  const values: Record<string, unknown> = {};
  for (const [name, kind] of Object.entries(layout.fields)) {
    const value = readField(cursor, kind, block);
    if (value !== undefined) values[name] = value;
  }
  return values;
}

function readField(cursor: Cursor, kind: AuxFieldKind, block: Uint8Array): unknown {
  switch (kind) {
    case 'u8':
      return cursor.u8();
    case 'u16':
      return cursor.u16();
    case 'u32':
      return cursor.u32();
    case 'guid':
      return formatGuid(cursor.bytes(16));
    case 'text': {
      const offset = cursor.u16();
      return offset === 0 ? '' : readString(cursorAt(block, offset));
    }
    case 'data': {
      const size = cursor.u16();
      const offset = cursor.u16();
      return offset === 0 ? new Uint8Array() : cursorAt(block, offset).bytes(size);
    }
    case 'rest':
      return undefined;
    default:
      cursor.skip(kind.reserved);
      return undefined;
  }
}

function cursorAt(block: Uint8Array, offset: number): Cursor {
  if (offset < HEADER_SIZE || offset > block.length) throw malformed(`an offset of ${offset} in ${block.length} bytes`);
  return new Cursor(block, SECTION, offset);
}

/** Writes an auxiliary payload. A block that its size cannot count is the caller's mistake: RpchError. */
export function writeAuxBlocks(blocks: readonly AuxBlock[]): Uint8Array {
  const writer = new Writer();
  for (const block of blocks) writer.bytes(writeBlock(AUX_LAYOUTS[block.name], block));
  return writer.finish();
}

function writeBlock(layout: AuxLayout, values: Readonly<Record<string, unknown>>): Uint8Array {
  const writer = new Writer().u16(0).u8(layout.version).u8(layout.type);
  /** What stands behind the fields, and where its offset belongs. */
  const behind: { readonly offsetAt: number; write(): void }[] = [];
  for (const [name, kind] of Object.entries(layout.fields)) {
    const value = values[name];
    if (kind === 'u8') writer.u8(Number(value));
    else if (kind === 'u16') writer.u16(Number(value));
    else if (kind === 'u32') writer.u32(Number(value));
    else if (kind === 'guid') writer.bytes(parseGuid(String(value)));
    else if (kind === 'text') {
      const text = String(value);
      if (text !== '') behind.push({ offsetAt: writer.length, write: () => writeString(writer, text) });
      writer.u16(0);
    } else if (kind === 'data') {
      const data = value instanceof Uint8Array ? value : new Uint8Array();
      if (data.length > 0) behind.push({ offsetAt: writer.length + 2, write: () => writer.bytes(data) });
      writer.u16(data.length).u16(0);
    } else writer.zeros(kind === 'rest' ? REST_SIZE : kind.reserved);
  }
  for (const { offsetAt, write } of behind) {
    writer.patchU16(offsetAt, writer.length);
    write();
  }
  writer.align(ALIGNMENT);
  if (writer.length > 0xffff) {
    throw new RpchError('RPCH_AUX_NOT_WRITABLE', 'caller', `an auxiliary block of ${writer.length} bytes`);
  }
  return writer.patchU16(0, writer.length).finish();
}
