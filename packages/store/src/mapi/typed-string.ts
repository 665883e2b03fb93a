import { type Cursor, ProtocolError, type Writer } from '@rpch/rpc/internal';
import { readString, readString8, type TextCoding, writeString } from './text-coding.ts';

/** StringType of a TypedString ([MS-OXCDATA] 2.11.7). */
const NONE = 0;
const EMPTY = 1;
const STRING8 = 2;
/** Of UTF-16 only the low bytes, all high bytes being 0. */
const REDUCED = 3;
const UNICODE = 4;
/** The code page whose bytes are the first 256 code points. */
const LATIN1: TextCoding = { codePage: 28591 };

/** Reads a TypedString: undefined where there is no string. Throws ProtocolError; StoreError UnknownCodePage. */
export function readTypedString(cursor: Cursor, coding: TextCoding): string | undefined {
  const type = cursor.u8();
  switch (type) {
    case NONE:
      return undefined;
    case EMPTY:
      return '';
    case STRING8:
      return readString8(cursor, coding);
    case REDUCED:
      return readString8(cursor, LATIN1);
    case UNICODE:
      return readString(cursor);
    default:
      throw new ProtocolError('RPCH_BAD_TYPED_STRING', `string type ${type}`, '[MS-OXCDATA] 2.11.7');
  }
}

/** Writes a TypedString: nothing is lost, whatever the code page of the reader. */
export function writeTypedString(writer: Writer, text: string | undefined): void {
  if (text === undefined) writer.u8(NONE);
  else if (text === '') writer.u8(EMPTY);
  else writeString(writer.u8(UNICODE), text);
}
