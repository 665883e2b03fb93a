import { type Cursor, formatGuid, ProtocolError, parseGuid, type Writer } from '@rpch/rpc/internal';
import { ErrorCode, StoreError } from './error-code.ts';
import { decodeUnicode, encodeUnicode } from './text-coding.ts';

/** A named property ([MS-OXCDATA] 2.6.1): its property set, and a number or a name within it. */
export type PropertyName =
  | { readonly guid: string; readonly lid: number }
  | { readonly guid: string; readonly name: string };

/** Property sets ([MS-OXPROPS] 1.3.2), by their names there. */
export const PropertySet = {
  PS_MAPI: '00020328-0000-0000-c000-000000000046',
  PS_PUBLIC_STRINGS: '00020329-0000-0000-c000-000000000046',
  PS_INTERNET_HEADERS: '00020386-0000-0000-c000-000000000046',
  PSETID_Appointment: '00062002-0000-0000-c000-000000000046',
  PSETID_Task: '00062003-0000-0000-c000-000000000046',
  PSETID_Address: '00062004-0000-0000-c000-000000000046',
  PSETID_Common: '00062008-0000-0000-c000-000000000046',
  PSETID_Log: '0006200a-0000-0000-c000-000000000046',
  PSETID_Note: '0006200e-0000-0000-c000-000000000046',
  PSETID_Sharing: '00062040-0000-0000-c000-000000000046',
  PSETID_PostRss: '00062041-0000-0000-c000-000000000046',
  PSETID_Meeting: '6ed8da90-450b-101b-98da-00aa003f1305',
  PSETID_Messaging: '41f28f13-83f4-4114-a584-eedb5a6b0bff',
  PSETID_AirSync: '71035549-0739-4dcb-9163-00f0580dbbdf',
  PSETID_UnifiedMessaging: '4442858e-a9e3-4e80-b900-317a210cc15b',
  PSETID_CalendarAssistant: '11000e07-b51b-40d6-af21-caa85edab1d0',
  PSETID_Attachment: '96357f7f-59e1-47d0-99a7-46515c183b54',
  PSETID_XmlExtractedEntities: '23239608-685d-4732-9c55-4c95cb4e8e33',
} as const;

const KIND_LID = 0x00;
const KIND_NAME = 0x01;
const KIND_NONE = 0xff;
const SECTION = '[MS-OXCDATA] 2.6.1';
/** NameSize is a u8, and an even number that counts the terminator. */
const MAX_NAME_BYTES = 254;

/** Reads a PropertyName; undefined for an id that has none. Throws ProtocolError. */
export function readPropertyName(cursor: Cursor): PropertyName | undefined {
  const kind = cursor.u8();
  const guid = formatGuid(cursor.bytes(16));
  switch (kind) {
    case KIND_LID:
      return { guid, lid: cursor.u32() };
    case KIND_NAME: {
      const size = cursor.u8();
      if (size % 2 !== 0) throw new ProtocolError('RPCH_BAD_PROPERTY_NAME', `a name of ${size} bytes`, SECTION);
      const text = decodeUnicode(cursor.bytes(size));
      const end = text.indexOf('\0');
      return { guid, name: end < 0 ? text : text.slice(0, end) };
    }
    case KIND_NONE:
      return undefined;
    default:
      throw new ProtocolError('RPCH_BAD_PROPERTY_NAME', `kind ${kind}`, SECTION);
  }
}

/** Writes a PropertyName, or that there is none. Throws StoreError InvalidParam for a name of more than 126 characters. */
export function writePropertyName(writer: Writer, name: PropertyName | undefined): void {
  if (name === undefined) {
    writer.u8(KIND_NONE).zeros(16);
  } else if ('lid' in name) {
    writer.u8(KIND_LID).bytes(parseGuid(name.guid)).u32(name.lid);
  } else {
    const text = encodeUnicode(name.name);
    if (text.length + 2 > MAX_NAME_BYTES)
      throw new StoreError(ErrorCode.InvalidParam, 'a property name that is too long');
    writer
      .u8(KIND_NAME)
      .bytes(parseGuid(name.guid))
      .u8(text.length + 2)
      .bytes(text)
      .u16(0);
  }
}
