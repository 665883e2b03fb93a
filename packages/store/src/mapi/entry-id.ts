import { Cursor, formatGuid, ProtocolError, parseGuid, Writer } from '@rpch/rpc/internal';
import { ErrorCode, StoreError } from './error-code.ts';
import { type GlobalId, readLongTermId, writeLongTermId } from './long-term-id.ts';
import type { PropertyValue } from './property.ts';
import { ASCII, readString, readString8, type TextCoding, writeString, writeString8 } from './text-coding.ts';

/** ProviderUIDs ([MS-OXCDATA] 2.2), as the text form of the GUID that their 16 bytes would be. */
export const ProviderUid = {
  /** Of a public store's objects: 1A 44 73 90 … */
  Public: '9073441a-66aa-cd11-9bc8-00aa002fc45a',
  /** Of a store's entry id. */
  Store: '10bba138-e505-1a10-a1bb-08002b2a56c2',
  /** Of the address book: muidEMSAB. */
  AddressBook: 'c840a7dc-42c0-1a10-b4b9-08002b2fe182',
  OneOff: 'a41f2b81-a3be-1910-9d6e-00dd010f5402',
  WrappedPrivateStore: '20fa551b-66aa-cd11-9bc8-00aa002fc45a',
  WrappedPublicStore: '1002831c-66aa-cd11-9bc8-00aa002fc45a',
} as const;

/** EntryIdType of folders and messages ([MS-OXCDATA] 2.2.4). */
export const EntryIdType = {
  PrivateFolder: 0x0001,
  PublicFolder: 0x0003,
  MappedPublicFolder: 0x0005,
  PrivateMessage: 0x0007,
  PublicMessage: 0x0009,
  MappedPublicMessage: 0x000b,
} as const;

/** Bits of a one-off entry id ([MS-OXCDATA] 2.2.5.1), of the word that follows its version. */
export const OneOffFlag = { NoRichInfo: 0x0001, Unicode: 0x8000 } as const;

/** 46 bytes ([MS-OXCDATA] 2.2.4.1). */
export interface FolderEntryId {
  readonly kind: 'folder';
  /** MailboxGuid of RopLogon, or ProviderUid.Public. */
  readonly provider: string;
  readonly type: number;
  readonly folder: GlobalId;
}

/** 70 bytes ([MS-OXCDATA] 2.2.4.2). */
export interface MessageEntryId {
  readonly kind: 'message';
  readonly provider: string;
  readonly type: number;
  readonly folder: GlobalId;
  readonly message: GlobalId;
}

/** [MS-OXCDATA] 2.2.4.3. */
export interface StoreEntryId {
  readonly kind: 'store';
  readonly public: boolean;
  /** ServerShortname. */
  readonly server: string;
  /** MailboxDN; a public store may have none. */
  readonly mailboxDn: string;
}

/** A permanent entry id of the address book ([MS-OXCDATA] 2.2.5.2; [MS-OXNSPI] 2.2.9.3). */
export interface AddressBookEntryId {
  readonly kind: 'address-book';
  /** The display type. */
  readonly type: number;
  readonly dn: string;
}

/** 32 bytes ([MS-OXNSPI] 2.2.9.2). */
export interface EphemeralEntryId {
  readonly kind: 'ephemeral';
  /** The server's GUID from NspiBind. */
  readonly server: string;
  readonly type: number;
  /** The minimal entry id. */
  readonly mid: number;
}

/** An address that is in no address book ([MS-OXCDATA] 2.2.5.1). */
export interface OneOffEntryId {
  readonly kind: 'one-off';
  /** {@link OneOffFlag} and bits of the message format. Building adds Unicode. */
  readonly flags: number;
  readonly displayName: string;
  readonly addressType: string;
  readonly emailAddress: string;
}

/** Every entry id that is understood. */
export type EntryId =
  | FolderEntryId
  | MessageEntryId
  | StoreEntryId
  | AddressBookEntryId
  | EphemeralEntryId
  | OneOffEntryId;

const SECTION = '[MS-OXCDATA] 2.2';
const FOLDER_SIZE = 46;
const MESSAGE_SIZE = 70;
const FOLDER_TYPES: readonly number[] = [
  EntryIdType.PrivateFolder,
  EntryIdType.PublicFolder,
  EntryIdType.MappedPublicFolder,
];
const MESSAGE_TYPES: readonly number[] = [
  EntryIdType.PrivateMessage,
  EntryIdType.PublicMessage,
  EntryIdType.MappedPublicMessage,
];
/** The first byte of the flags of an entry id that only this session knows. */
const EPHEMERAL = 0x87;
const ADDRESS_BOOK_VERSION = 1;
const STORE_DLL = 'emsmdb.dll';
const STORE_DLL_SIZE = 14;
const WRAPPED_PRIVATE = 0x0c;
const WRAPPED_PUBLIC = 0x06;

/**
 * Parses an entry id of any kind that is known here. `coding` is for the strings of one-offs that are not Unicode. Throws
 * ProtocolError for everything else; StoreError UnknownCodePage.
 */
export function parseEntryId(bytes: Uint8Array, coding: TextCoding): EntryId {
  const cursor = new Cursor(bytes, SECTION);
  const flags = cursor.u32();
  const provider = formatGuid(cursor.bytes(16));
  if ((flags & 0xff) === EPHEMERAL) return parseEphemeral(cursor, provider);
  switch (provider) {
    case ProviderUid.AddressBook:
      return parseAddressBook(cursor);
    case ProviderUid.OneOff:
      return parseOneOff(cursor, coding);
    case ProviderUid.Store:
      return parseStore(cursor);
    default:
      return parseObject(cursor, provider, bytes.length);
  }
}

/** The entry id that a property's value is; undefined where it is none. */
export function entryIdOf(value: PropertyValue | undefined): EntryId | undefined {
  if (!(value instanceof Uint8Array)) return undefined;
  try {
    return parseEntryId(value, ASCII);
  } catch (error) {
    if (error instanceof ProtocolError || error instanceof StoreError) return undefined;
    throw error;
  }
}

function parseObject(cursor: Cursor, provider: string, length: number): FolderEntryId | MessageEntryId {
  const type = cursor.u16();
  const folder = readLongTermId(cursor);
  if (length === FOLDER_SIZE && FOLDER_TYPES.includes(type)) return { kind: 'folder', provider, type, folder };
  const message = readLongTermId(cursor);
  if (length === MESSAGE_SIZE && MESSAGE_TYPES.includes(type)) {
    return { kind: 'message', provider, type, folder, message };
  }
  throw unknown(`type ${type} in ${length} bytes`);
}

function parseStore(cursor: Cursor): StoreEntryId {
  const version = cursor.u8();
  const flag = cursor.u8();
  if (version !== 0 || flag !== 0) throw unknown(`version ${version}.${flag} of a store's`);
  cursor.skip(STORE_DLL_SIZE + 4);
  const wrapped = formatGuid(cursor.bytes(16));
  cursor.skip(4);
  const server = readString8(cursor, ASCII);
  // A public store's entry id may end here, and newer clients put more after the DN ([MS-OXCDATA] 2.2.4.3).
  const mailboxDn = cursor.remaining === 0 ? '' : readString8(cursor, ASCII);
  return { kind: 'store', public: wrapped === ProviderUid.WrappedPublicStore, server, mailboxDn };
}

function parseAddressBook(cursor: Cursor): AddressBookEntryId {
  const version = cursor.u32();
  if (version !== ADDRESS_BOOK_VERSION) throw unknown(`version ${version} of an address book's`);
  return { kind: 'address-book', type: cursor.u32(), dn: readString8(cursor, ASCII) };
}

function parseEphemeral(cursor: Cursor, server: string): EphemeralEntryId {
  const version = cursor.u32();
  if (version !== ADDRESS_BOOK_VERSION) throw unknown(`version ${version} of an ephemeral`);
  const type = cursor.u32();
  const mid = cursor.u32();
  cursor.end();
  return { kind: 'ephemeral', server, type, mid };
}

function parseOneOff(cursor: Cursor, coding: TextCoding): OneOffEntryId {
  const version = cursor.u16();
  if (version !== 0) throw unknown(`version ${version} of a one-off`);
  const flags = cursor.u16();
  const text = (): string => ((flags & OneOffFlag.Unicode) === 0 ? readString8(cursor, coding) : readString(cursor));
  return { kind: 'one-off', flags, displayName: text(), addressType: text(), emailAddress: text() };
}

/** The bytes of an entry id; one-offs always have Unicode strings. Throws StoreError InvalidParam for a type that its kind has not. */
export function formEntryId(id: EntryId): Uint8Array {
  const writer = new Writer(MESSAGE_SIZE);
  switch (id.kind) {
    case 'folder':
      checkType(id.type, FOLDER_TYPES);
      head(writer, id.provider).u16(id.type);
      writeLongTermId(writer, id.folder);
      break;
    case 'message':
      checkType(id.type, MESSAGE_TYPES);
      head(writer, id.provider).u16(id.type);
      writeLongTermId(writer, id.folder);
      writeLongTermId(writer, id.message);
      break;
    case 'store':
      formStore(writer, id);
      break;
    case 'address-book':
      head(writer, ProviderUid.AddressBook).u32(ADDRESS_BOOK_VERSION).u32(id.type);
      writeString8(writer, id.dn, ASCII);
      break;
    case 'ephemeral':
      writer.u32(EPHEMERAL).bytes(parseGuid(id.server)).u32(ADDRESS_BOOK_VERSION).u32(id.type).u32(id.mid);
      break;
    case 'one-off':
      head(writer, ProviderUid.OneOff)
        .u16(0)
        .u16(id.flags | OneOffFlag.Unicode);
      for (const text of [id.displayName, id.addressType, id.emailAddress]) writeString(writer, text);
      break;
  }
  return writer.finish();
}

function formStore(writer: Writer, id: StoreEntryId): void {
  head(writer, ProviderUid.Store).u8(0).u8(0);
  writeString8(writer, STORE_DLL, ASCII);
  writer.zeros(STORE_DLL_SIZE - STORE_DLL.length - 1).u32(0);
  writer.bytes(parseGuid(id.public ? ProviderUid.WrappedPublicStore : ProviderUid.WrappedPrivateStore));
  writer.u32(id.public ? WRAPPED_PUBLIC : WRAPPED_PRIVATE);
  writeString8(writer, id.server, ASCII);
  if (!id.public || id.mailboxDn !== '') writeString8(writer, id.mailboxDn, ASCII);
}

/** Flags and ProviderUID. */
function head(writer: Writer, provider: string): Writer {
  return writer.u32(0).bytes(parseGuid(provider));
}

function checkType(type: number, types: readonly number[]): void {
  if (!types.includes(type)) throw new StoreError(ErrorCode.InvalidParam, `entry id type ${type}`);
}

function unknown(what: string): ProtocolError {
  return new ProtocolError('RPCH_BAD_ENTRY_ID', `${what} entry id`, SECTION);
}
