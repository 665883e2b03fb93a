import { ErrorCode } from '../error-code.ts';
import type { PropertyTag } from '../property.ts';
import type { Earlier } from './field.ts';
import { bin16, bool, CountedAscii, guid, objectId, reserved, u8, u16, u32, u64 } from './primitives.ts';
import { defineRop } from './rop.ts';
import { arrayOf, hasBits, isPublicLogon, structure, when } from './structures.ts';
import { longTermId, PropertyRow, serverList, text8 } from './values.ts';

/** LogonFlags ([MS-OXCSTOR] 2.2.1.1.1). */
export const LogonFlags = { Private: 0x01, Undercover: 0x02, Ghosted: 0x04, SpoolerProcess: 0x08 } as const;

/** OpenFlags ([MS-OXCSTOR] 2.2.1.1.1). */
export const LogonOpenFlags = {
  UseAdminPrivilege: 0x0000_0001,
  Public: 0x0000_0002,
  HomeLogon: 0x0000_0004,
  TakeOwnership: 0x0000_0008,
  AlternateServer: 0x0000_0100,
  IgnoreHomeMdb: 0x0000_0200,
  NoMail: 0x0000_0400,
  UsePerMdbReplidMapping: 0x0100_0000,
  SupportProgress: 0x2000_0000,
} as const;

/** ResponseFlags ([MS-OXCSTOR] 2.2.1.1.3). */
export const LogonResponseFlags = { Reserved: 0x01, OwnerRight: 0x02, SendAsRight: 0x04, OutOfOffice: 0x10 } as const;

const isPrivate = hasBits('logonFlags', LogonFlags.Private);
const isPublic = (earlier: Earlier): boolean => !isPrivate(earlier);
const isRedirect = (earlier: Earlier): boolean => earlier.returnValue === ErrorCode.WrongServer;

/** [MS-OXCROPS] 2.2.3.1.2.1: UTC; dayOfWeek counts from 0, Sunday. */
const logonTime = structure({ seconds: u8, minutes: u8, hour: u8, dayOfWeek: u8, day: u8, month: u8, year: u16 });

/** [MS-OXCROPS] 2.2.3.1. The response to a logon to the public folders has other fields than one to a mailbox. */
export const Logon = defineRop({
  id: 0xfe,
  name: 'Logon',
  header: 'logon',
  request: { logonFlags: u8, openFlags: u32, storeState: reserved(u32, 0), essdn: new CountedAscii(u16) },
  response: {
    logonFlags: u8,
    folderIds: arrayOf(13, objectId),
    responseFlags: when(isPrivate, u8),
    mailboxGuid: when(isPrivate, guid),
    replId: u16,
    replGuid: guid,
    perUserGuid: when(isPublic, guid),
    logonTime: when(isPrivate, logonTime),
    gwartTime: when(isPrivate, u64),
    storeState: when(isPrivate, u32),
  },
  failure: {
    // Redirect response: 2.2.3.1.4.
    fields: { logonFlags: when(isRedirect, u8), serverName: when(isRedirect, new CountedAscii(u8)) },
    nothingDone: ({ logonFlags }) => ({ logonFlags, serverName: '' }),
  },
});

/** [MS-OXCROPS] 2.2.3.2 */
export const GetReceiveFolder = defineRop({
  id: 0x27,
  name: 'GetReceiveFolder',
  header: 'in',
  request: { messageClass: text8 },
  response: { folderId: objectId, explicitMessageClass: text8 },
});

/** [MS-OXCROPS] 2.2.3.3 */
export const SetReceiveFolder = defineRop({
  id: 0x26,
  name: 'SetReceiveFolder',
  header: 'in',
  request: { folderId: objectId, messageClass: text8 },
  response: {},
});

/** The columns of the table of receive folders ([MS-OXCSTOR] 2.2.1.4.2). */
const RECEIVE_FOLDER_COLUMNS: readonly PropertyTag[] = [0x6748_0014, 0x001a_001e, 0x3008_0040];

/** [MS-OXCROPS] 2.2.3.4 */
export const GetReceiveFolderTable = defineRop({
  id: 0x68,
  name: 'GetReceiveFolderTable',
  header: 'in',
  request: {},
  response: { rows: arrayOf(u32, new PropertyRow(RECEIVE_FOLDER_COLUMNS)) },
});

/** [MS-OXCROPS] 2.2.3.5 */
export const GetStoreState = defineRop({
  id: 0x7b,
  name: 'GetStoreState',
  header: 'in',
  request: {},
  response: { storeState: u32 },
});

/** [MS-OXCROPS] 2.2.3.6 */
export const GetOwningServers = defineRop({
  id: 0x42,
  name: 'GetOwningServers',
  header: 'in',
  request: { folderId: objectId },
  response: { owningServers: serverList },
});

/** [MS-OXCROPS] 2.2.3.7 */
export const PublicFolderIsGhosted = defineRop({
  id: 0x45,
  name: 'PublicFolderIsGhosted',
  header: 'in',
  request: { folderId: objectId },
  response: { isGhosted: bool, servers: when('isGhosted', serverList) },
});

/** [MS-OXCROPS] 2.2.3.8 */
export const LongTermIdFromId = defineRop({
  id: 0x43,
  name: 'LongTermIdFromId',
  header: 'in',
  request: { objectId },
  response: { longTermId },
});

/** [MS-OXCROPS] 2.2.3.9 */
export const IdFromLongTermId = defineRop({
  id: 0x44,
  name: 'IdFromLongTermId',
  header: 'in',
  request: { longTermId },
  response: { objectId },
});

/** [MS-OXCROPS] 2.2.3.10 */
export const GetPerUserLongTermIds = defineRop({
  id: 0x60,
  name: 'GetPerUserLongTermIds',
  header: 'in',
  request: { databaseGuid: guid },
  response: { longTermIds: arrayOf(u16, longTermId) },
});

/** [MS-OXCROPS] 2.2.3.11 */
export const GetPerUserGuid = defineRop({
  id: 0x61,
  name: 'GetPerUserGuid',
  header: 'in',
  request: { longTermId },
  response: { databaseGuid: guid },
});

/** [MS-OXCROPS] 2.2.3.12 */
export const ReadPerUserInformation = defineRop({
  id: 0x63,
  name: 'ReadPerUserInformation',
  header: 'in',
  request: { folderId: longTermId, reserved: reserved(u8, 0), dataOffset: u32, maxDataSize: u16 },
  response: { hasFinished: bool, data: bin16 },
});

/** [MS-OXCROPS] 2.2.3.13 */
export const WritePerUserInformation = defineRop({
  id: 0x64,
  name: 'WritePerUserInformation',
  header: 'in',
  request: {
    folderId: longTermId,
    hasFinished: bool,
    dataOffset: u32,
    data: bin16,
    replGuid: when((earlier, scope) => earlier.dataOffset === 0 && !isPublicLogon(earlier, scope), guid),
  },
  response: {},
});

/** [MS-OXCROPS] 2.2.15.3: gives up an object. Nothing answers it. */
export const Release = defineRop({
  id: 0x01,
  name: 'Release',
  header: 'in',
  request: {},
  response: {},
  hasResponse: false,
});
