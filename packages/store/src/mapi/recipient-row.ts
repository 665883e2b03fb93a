import { type Cursor, ProtocolError, type Writer } from '@rpch/rpc/internal';
import { ErrorCode, StoreError } from './error-code.ts';
import {
  type MutableProperties,
  type Properties,
  type PropertyTag,
  PropertyType,
  type PropertyValue,
  typeOf,
  withType,
} from './property.ts';
import { unicodeTag } from './property-codec.ts';
import { type Cell, readRow, writeRow } from './property-row.ts';
import { PidTag } from './property-tags.ts';
import { readString, readString8, type TextCoding, writeString, writeString8 } from './text-coding.ts';

/** Bits of RecipientFlags ([MS-OXCDATA] 2.8.3.1); the lowest three are the {@link RecipientAddress}. */
const RecipientFlag = {
  EmailAddress: 0x0008,
  DisplayName: 0x0010,
  TransmittableDisplayName: 0x0020,
  /** The transmittable display name is the display name. */
  SameTransmittableName: 0x0040,
  Responsible: 0x0080,
  NoRichInfo: 0x0100,
  Unicode: 0x0200,
  SimpleDisplayName: 0x0400,
  /** The address is of a type of its own, which AddressType names. */
  AddressType: 0x8000,
} as const;

/** What kind of address a RecipientRow has: the lowest three bits of its flags. */
export const RecipientAddress = {
  None: 0,
  X500Dn: 1,
  MsMail: 2,
  Smtp: 3,
  Fax: 4,
  Professional: 5,
  PersonalList1: 6,
  PersonalList2: 7,
} as const;

/** A RecipientRow ([MS-OXCDATA] 2.8.3.2) as it is on the wire; which fields there are, the flags say. */
export interface RecipientRow {
  readonly flags: number;
  /** How many characters of the prefix of EcDoConnectEx stand before {@link x500Dn}. */
  readonly addressPrefixUsed?: number;
  readonly displayType?: number;
  readonly x500Dn?: string;
  readonly entryId?: Uint8Array;
  readonly searchKey?: Uint8Array;
  readonly addressType?: string;
  readonly emailAddress?: string;
  readonly displayName?: string;
  readonly simpleDisplayName?: string;
  readonly transmittableDisplayName?: string;
  /** Values of the first so many columns. */
  readonly cells: readonly Cell[];
}

const SECTION = '[MS-OXCDATA] 2.8.3.2';
const ADDRESS_MASK = 0x0007;
/** PidTagAddressType by RecipientAddress. */
const ADDRESS_TYPES: readonly (string | undefined)[] = [
  undefined,
  'EX',
  'MS',
  'SMTP',
  'FAX',
  'PROFS',
  'MAPIPDL',
  'MAPIPDL',
];

/** Reads a RecipientRow; `columns` are those of the ROP. Throws ProtocolError; StoreError UnknownCodePage. */
export function readRecipientRow(cursor: Cursor, columns: readonly PropertyTag[], coding: TextCoding): RecipientRow {
  const flags = cursor.u16();
  const address = flags & ADDRESS_MASK;
  const isList = address === RecipientAddress.PersonalList1 || address === RecipientAddress.PersonalList2;
  const has = (flag: number): boolean => (flags & flag) !== 0;
  const text = (): string => (has(RecipientFlag.Unicode) ? readString(cursor) : readString8(cursor, coding));
  const row = {
    flags,
    ...(address === RecipientAddress.X500Dn && {
      addressPrefixUsed: cursor.u8(),
      displayType: cursor.u8(),
      x500Dn: readString8(cursor, coding),
    }),
    ...(isList && { entryId: cursor.bytes(cursor.u16()), searchKey: cursor.bytes(cursor.u16()) }),
    ...(address === RecipientAddress.None &&
      has(RecipientFlag.AddressType) && { addressType: readString8(cursor, coding) }),
    ...(has(RecipientFlag.EmailAddress) && { emailAddress: text() }),
    ...(has(RecipientFlag.DisplayName) && { displayName: text() }),
    ...(has(RecipientFlag.SimpleDisplayName) && { simpleDisplayName: text() }),
    ...(has(RecipientFlag.TransmittableDisplayName) && { transmittableDisplayName: text() }),
  };
  const count = cursor.u16();
  if (count > columns.length) {
    throw new ProtocolError('RPCH_BAD_COUNT', `${count} columns of ${columns.length}`, SECTION);
  }
  return { ...row, cells: readRow(cursor, columns.slice(0, count), coding) };
}

/** Writes a RecipientRow: what its flags ask for. Throws StoreError InvalidParam where a field is missing, else as writeRow. */
export function writeRecipientRow(
  writer: Writer,
  row: RecipientRow,
  columns: readonly PropertyTag[],
  coding: TextCoding,
): void {
  const { flags } = row;
  const address = flags & ADDRESS_MASK;
  writer.u16(flags);
  const text = (flag: number, value: string | undefined): void => {
    if ((flags & flag) === 0) return;
    if ((flags & RecipientFlag.Unicode) !== 0) writeString(writer, needed(value));
    else writeString8(writer, needed(value), coding);
  };
  if (address === RecipientAddress.X500Dn) {
    writer.u8(row.addressPrefixUsed ?? 0).u8(row.displayType ?? 0);
    writeString8(writer, needed(row.x500Dn), coding);
  }
  if (address === RecipientAddress.PersonalList1 || address === RecipientAddress.PersonalList2) {
    for (const bytes of [needed(row.entryId), needed(row.searchKey)]) writer.u16(bytes.length).bytes(bytes);
  }
  if (address === RecipientAddress.None && (flags & RecipientFlag.AddressType) !== 0) {
    writeString8(writer, needed(row.addressType), coding);
  }
  text(RecipientFlag.EmailAddress, row.emailAddress);
  text(RecipientFlag.DisplayName, row.displayName);
  text(RecipientFlag.SimpleDisplayName, row.simpleDisplayName);
  text(RecipientFlag.TransmittableDisplayName, row.transmittableDisplayName);
  writer.u16(row.cells.length);
  writeRow(writer, columns.slice(0, row.cells.length), row.cells, coding);
}

function needed<T>(value: T | undefined): T {
  if (value === undefined) throw new StoreError(ErrorCode.InvalidParam, 'a recipient without what its flags ask for');
  return value;
}

/**
 * The properties that a RecipientRow stands for: those of its columns, and over them those of its own fields. `dnPrefix` is
 * szDNPrefix of EcDoConnectEx. PidTagRowid and PidTagRecipientType are not among them: they stand before the row.
 */
export function recipientProperties(
  row: RecipientRow,
  columns: readonly PropertyTag[],
  dnPrefix: string,
): MutableProperties {
  const properties: MutableProperties = new Map();
  for (const [at, cell] of row.cells.entries()) {
    const tag = columns[at];
    if (tag === undefined || cell === 'absent' || 'error' in cell) continue;
    const actual = typeOf(tag) === PropertyType.Unspecified && cell.type !== undefined ? withType(tag, cell.type) : tag;
    properties.set(unicodeTag(actual), cell.value);
  }
  properties.delete(PidTag.Rowid);
  properties.delete(PidTag.RecipientType);
  const set = (tag: PropertyTag, value: PropertyValue | undefined): void => {
    if (value !== undefined) properties.set(tag, value);
  };
  const { flags } = row;
  set(PidTag.AddressType, row.addressType ?? ADDRESS_TYPES[flags & ADDRESS_MASK]);
  set(PidTag.EmailAddress, row.emailAddress);
  if (row.x500Dn !== undefined) {
    set(PidTag.EmailAddress, dnPrefix.slice(0, row.addressPrefixUsed) + row.x500Dn);
    set(PidTag.DisplayType, row.displayType);
  }
  set(PidTag.EntryId, row.entryId);
  set(PidTag.SearchKey, row.searchKey);
  set(PidTag.DisplayName, row.displayName);
  set(PidTag.AddressBookDisplayNamePrintable, row.simpleDisplayName);
  const isSame = (flags & RecipientFlag.SameTransmittableName) !== 0;
  set(PidTag.TransmittableDisplayName, isSame ? row.displayName : row.transmittableDisplayName);
  set(PidTag.Responsibility, (flags & RecipientFlag.Responsible) !== 0);
  set(PidTag.SendRichInfo, (flags & RecipientFlag.NoRichInfo) === 0);
  return properties;
}

/** The RecipientRow of a recipient's properties, with all columns; what there is no property for is NotFound. */
export function recipientRow(properties: Properties, columns: readonly PropertyTag[]): RecipientRow {
  const text = (tag: PropertyTag): string | undefined => {
    const value = properties.get(tag);
    return typeof value === 'string' ? value : undefined;
  };
  const displayName = text(PidTag.DisplayName);
  const simpleDisplayName = text(PidTag.AddressBookDisplayNamePrintable);
  const transmittable = text(PidTag.TransmittableDisplayName);
  const isSame = transmittable !== undefined && transmittable === displayName;
  const address = addressOf(properties, text);
  const flags =
    RecipientFlag.Unicode |
    address.flags |
    (displayName === undefined ? 0 : RecipientFlag.DisplayName) |
    (simpleDisplayName === undefined ? 0 : RecipientFlag.SimpleDisplayName) |
    (isSame ? RecipientFlag.SameTransmittableName : 0) |
    (transmittable === undefined || isSame ? 0 : RecipientFlag.TransmittableDisplayName) |
    (properties.get(PidTag.Responsibility) === true ? RecipientFlag.Responsible : 0) |
    (properties.get(PidTag.SendRichInfo) === false ? RecipientFlag.NoRichInfo : 0);
  return {
    ...address,
    flags,
    ...(displayName !== undefined && { displayName }),
    ...(simpleDisplayName !== undefined && { simpleDisplayName }),
    ...(transmittable !== undefined && !isSame && { transmittableDisplayName: transmittable }),
    cells: columns.map((tag) => {
      const value = properties.get(unicodeTag(tag));
      return value === undefined ? { error: ErrorCode.NotFound } : { value };
    }),
  };
}

type AddressFields = Omit<RecipientRow, 'cells'>;

function addressOf(properties: Properties, text: (tag: PropertyTag) => string | undefined): AddressFields {
  const emailAddress = text(PidTag.EmailAddress);
  const email = emailAddress === undefined ? {} : { emailAddress };
  const emailFlag = emailAddress === undefined ? 0 : RecipientFlag.EmailAddress;
  const addressType = text(PidTag.AddressType)?.toUpperCase();
  switch (addressType) {
    case undefined:
    case '':
      return { flags: RecipientAddress.None | emailFlag, ...email };
    case 'EX': {
      const displayType = properties.get(PidTag.DisplayType);
      return {
        flags: RecipientAddress.X500Dn,
        addressPrefixUsed: 0,
        displayType: typeof displayType === 'number' ? displayType & 0xff : 0,
        x500Dn: emailAddress ?? '',
      };
    }
    case 'MAPIPDL': {
      const entryId = properties.get(PidTag.EntryId);
      const searchKey = properties.get(PidTag.SearchKey);
      if (entryId instanceof Uint8Array && searchKey instanceof Uint8Array) {
        return { flags: RecipientAddress.PersonalList1 | emailFlag, entryId, searchKey, ...email };
      }
      break;
    }
    default: {
      const known = ADDRESS_TYPES.indexOf(addressType);
      if (known > 0) return { flags: known | emailFlag, ...email };
    }
  }
  return { flags: RecipientAddress.None | RecipientFlag.AddressType | emailFlag, addressType, ...email };
}
