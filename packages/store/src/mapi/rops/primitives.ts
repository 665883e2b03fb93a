import { type Cursor, formatGuid, parseGuid, type Writer } from '@rpch/rpc/internal';
import type { ObjectId } from '../object-id.ts';
import type { PropertyTag } from '../property.ts';
import { type Field, malformed, notWritable, type OptionalField, type Scope } from './field.ts';

/** An integer without sign, of one, two or four bytes: a field, and what counts others. */
export interface UnsignedField extends Field<number> {
  readonly max: number;
  /** Overwrites one that was written earlier. */
  patch(writer: Writer, offset: number, value: number): void;
}

function unsigned(
  max: number,
  read: (cursor: Cursor) => number,
  write: (writer: Writer, value: number) => void,
  patch: (writer: Writer, offset: number, value: number) => void,
): UnsignedField {
  function check(value: number): number {
    if (!Number.isInteger(value) || value < 0 || value > max) throw notWritable(`${value} is not within 0 to ${max}`);
    return value;
  }
  return {
    max,
    read,
    write(writer, value) {
      write(writer, check(value));
    },
    patch(writer, offset, value) {
      patch(writer, offset, check(value));
    },
  };
}

export const u8 = unsigned(
  0xff,
  (cursor) => cursor.u8(),
  (writer, value) => writer.u8(value),
  (writer, offset, value) => writer.patchU8(offset, value),
);
export const u16 = unsigned(
  0xffff,
  (cursor) => cursor.u16(),
  (writer, value) => writer.u16(value),
  (writer, offset, value) => writer.patchU16(offset, value),
);
export const u32 = unsigned(
  0xffff_ffff,
  (cursor) => cursor.u32(),
  (writer, value) => writer.u32(value),
  (writer, offset, value) => writer.patchU32(offset, value),
);

export const i32: Field<number> = {
  read(cursor) {
    return cursor.u32() | 0;
  },
  write(writer, value) {
    if ((value | 0) !== value) throw notWritable(`${value} has no 32 bits with sign`);
    writer.u32(value);
  },
};

export const u64: Field<bigint> = {
  read(cursor) {
    return cursor.u64();
  },
  write(writer, value) {
    if (BigInt.asUintN(64, value) !== value) throw notWritable(`${value} has no 64 bits`);
    writer.u64(value);
  },
};

export const i64: Field<bigint> = {
  read(cursor) {
    return BigInt.asIntN(64, cursor.u64());
  },
  write(writer, value) {
    if (BigInt.asIntN(64, value) !== value) throw notWritable(`${value} has no 64 bits with sign`);
    writer.u64(value);
  },
};

/** A byte that is zero or not; written as 1. */
export const bool: Field<boolean> = {
  read(cursor) {
    return cursor.u8() !== 0;
  },
  write(writer, value) {
    writer.u8(value ? 1 : 0);
  },
};

/** A boolean of two bytes: RopGetPropertiesSpecific and RopGetPropertiesAll. */
export const bool16: Field<boolean> = {
  read(cursor) {
    return cursor.u16() !== 0;
  },
  write(writer, value) {
    writer.u16(value ? 1 : 0);
  },
};

/** FolderID, MessageID and what else is one ([MS-OXCDATA] 2.2.1). */
export const objectId: Field<ObjectId> = u64;

export const propertyTag: Field<PropertyTag> = u32;

export const guid: Field<string> = {
  read(cursor) {
    return formatGuid(cursor.bytes(16));
  },
  write(writer, value) {
    writer.bytes(parseGuid(value));
  },
};

/** Bytes whose number is fixed: a view of those that are read. */
export class FixedBytes implements Field<Uint8Array> {
  readonly length: number;

  constructor(length: number) {
    this.length = length;
  }

  read(cursor: Cursor): Uint8Array {
    return cursor.bytes(this.length);
  }

  write(writer: Writer, value: Uint8Array): void {
    if (value.length !== this.length) throw notWritable(`${value.length} bytes where ${this.length} belong`);
    writer.bytes(value);
  }
}

/** Bytes behind their number: a view of those that are read. */
export class CountedBytes implements Field<Uint8Array> {
  readonly count: UnsignedField;

  constructor(count: UnsignedField) {
    this.count = count;
  }

  read(cursor: Cursor, scope: Scope): Uint8Array {
    return cursor.bytes(this.count.read(cursor, scope));
  }

  write(writer: Writer, value: Uint8Array, scope: Scope): void {
    this.count.write(writer, value.length, scope);
    writer.bytes(value);
  }
}

export const bin16: Field<Uint8Array> = new CountedBytes(u16);
export const bin32: Field<Uint8Array> = new CountedBytes(u32);

/** Every byte that is left. */
export const rest: Field<Uint8Array> = {
  read(cursor) {
    return cursor.bytes(cursor.remaining);
  },
  write(writer, value) {
    writer.bytes(value);
  },
};

/**
 * ASCII with its terminator behind the number of its bytes, which counts the terminator; no bytes at all stand for an empty
 * string ([MS-OXCROPS] 2.2.3.1.1, 2.2.3.1.4).
 */
export class CountedAscii implements Field<string> {
  readonly count: UnsignedField;

  constructor(count: UnsignedField) {
    this.count = count;
  }

  read(cursor: Cursor, scope: Scope): string {
    const bytes = cursor.bytes(this.count.read(cursor, scope));
    if (bytes.length === 0) return '';
    const end = bytes.indexOf(0);
    if (end < 0) throw malformed('a string without its terminator');
    return Buffer.from(bytes.subarray(0, end)).toString('latin1');
  }

  write(writer: Writer, value: string, scope: Scope): void {
    if (!ASCII.test(value)) throw notWritable('a string that is not of printable ASCII');
    if (value === '') {
      this.count.write(writer, 0, scope);
      return;
    }
    this.count.write(writer, value.length + 1, scope);
    writer.bytes(Buffer.from(value, 'latin1')).u8(0);
  }
}

const ASCII = /^[ -~]*$/;

/** A field that means nothing: written as the specification demands, and not looked at when it is read. */
export class Reserved<T> implements OptionalField<undefined> {
  readonly optional = true;
  readonly field: Field<T>;
  readonly value: T;

  constructor(field: Field<T>, value: T) {
    this.field = field;
    this.value = value;
  }

  read(cursor: Cursor, scope: Scope): undefined {
    this.field.read(cursor, scope);
    return undefined;
  }

  write(writer: Writer, _value: undefined, scope: Scope): void {
    this.field.write(writer, this.value, scope);
  }
}

export function reserved<T>(field: Field<T>, value: T): OptionalField<undefined> {
  return new Reserved(field, value);
}
