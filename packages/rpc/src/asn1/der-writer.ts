import { Writer } from '../bytes/writer.ts';
import { DerTag } from './der.ts';
import { encodeOid } from './oid.ts';

/** An element of DER: its tag, its length in the fewest bytes, and its contents one behind the other (X.690 10.1). */
export function der(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const length = contents.reduce((sum, part) => sum + part.length, 0);
  const writer = new Writer(length + 6).u8(tag);
  if (length < 0x80) {
    writer.u8(length);
  } else {
    const bytes: number[] = [];
    for (let left = length; left > 0; left = Math.floor(left / 256)) bytes.unshift(left % 256);
    writer.u8(0x80 | bytes.length).bytes(Uint8Array.from(bytes));
  }
  for (const part of contents) writer.bytes(part);
  return writer.finish();
}

/** An OCTET STRING. */
export function derOctets(value: Uint8Array): Uint8Array {
  return der(DerTag.OCTET_STRING, value);
}

/** An object identifier from its dotted form. */
export function derOid(text: string): Uint8Array {
  return der(DerTag.OBJECT_IDENTIFIER, encodeOid(text));
}

/** An ENUMERATED value below 128. */
export function derEnumerated(value: number): Uint8Array {
  return der(DerTag.ENUMERATED, Uint8Array.of(value));
}
