import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cursor } from '@rpch/rpc/internal';
import { ErrorCode } from '../../../src/mapi/error-code.ts';
import { ROPS } from '../../../src/mapi/rops/all.ts';
import type { RopCoding } from '../../../src/mapi/rops/field.ts';
import { readRops } from '../../../src/mapi/rops/read-rops.ts';
import type { AnyRequest } from '../../../src/mapi/rops/rop.ts';
import { readRows } from '../../../src/mapi/rops/row-data.ts';
import { hex, WESTERN, written } from '../support.ts';

const GUID = '00112233-4455-6677-8899-aabbccddeeff';
const GUID_BYTES = '33221100 5544 7766 8899aabbccddeeff';
const FID = 0x0d00_0000_0000_0001n;
const FID_BYTES = '0100 00000000000d';
const LTID = { guid: GUID, counter: 13 };
const LTID_BYTES = `${GUID_BYTES} 00000000000d 0000`;
const PUBLIC: RopCoding = { ...WESTERN, isPublicLogon: (logonId) => logonId === 7 };

function ropNamed(name: string) {
  const rop = [...ROPS.values()].find((each) => each.name === name);
  assert.ok(rop !== undefined, name);
  return rop;
}

/** Requests of the LogonId 7 with the handle indexes 1 and, if there are two, 2: [MS-OXCROPS] 2.2.3 to 2.2.15, byte by byte. */
const requests: readonly (readonly [string, string, Readonly<Record<string, unknown>>])[] = [
  ['Release', '01 07 01', {}],
  ['OpenFolder', `02 07 01 02 ${FID_BYTES} 04`, { folderId: FID, openModeFlags: 4 }],
  [
    'OpenMessage',
    `03 07 01 02 ff0f ${FID_BYTES} 03 ${FID_BYTES}`,
    { codePageId: 0xfff, folderId: FID, openModeFlags: 3, messageId: FID },
  ],
  ['GetHierarchyTable', '04 07 01 02 44', { tableFlags: 0x44 }],
  ['GetContentsTable', '05 07 01 02 02', { tableFlags: 2 }],
  ['CreateMessage', `06 07 01 02 ff0f ${FID_BYTES} 01`, { codePageId: 0xfff, folderId: FID, associatedFlag: true }],
  [
    'GetPropertiesSpecific',
    '07 07 01 0010 0100 0200 1f003700 0300080e',
    { propertySizeLimit: 0x1000, wantUnicode: true, propertyTags: [0x0037_001f, 0x0e08_0003] },
  ],
  ['GetPropertiesAll', '08 07 01 0000 0000', { propertySizeLimit: 0, wantUnicode: false }],
  [
    'SetProperties',
    '0a 07 01 0f00 0200 0300170002000000 0b00290001',
    {
      propertyValues: new Map<number, unknown>([
        [0x0017_0003, 2],
        [0x0029_000b, true],
      ]),
    },
  ],
  ['DeleteProperties', '0b 07 01 0100 1f003700', { propertyTags: [0x0037_001f] }],
  ['RemoveAllRecipients', '0d 07 01 00000000', {}],
  [
    'ModifyRecipients',
    '0e 07 01 0100 0300fe0f 0200 05000000 02 0000 00000000 01 1100 1b02 61000000 42000000 0100 00 06000000',
    {
      recipientColumns: [0x0ffe_0003],
      recipientRows: [
        { rowId: 5, recipientType: 2 },
        {
          rowId: 0,
          recipientType: 1,
          recipientRow: { flags: 0x021b, emailAddress: 'a', displayName: 'B', cells: [{ value: 6 }] },
        },
      ],
    },
  ],
  ['ReadRecipients', '0f 07 01 03000000 0000', { rowId: 3 }],
  ['ReloadCachedInformation', '10 07 01 0000', {}],
  ['SetColumns', '12 07 01 00 0100 14004867', { setColumnsFlags: 0, propertyTags: [0x6748_0014] }],
  [
    'SortTable',
    '13 07 01 00 0200 0100 0000 1f003700 00 4000060e 01',
    {
      sortTableFlags: 0,
      sortOrders: {
        orders: [
          { tag: 0x0037_001f, order: 0 },
          { tag: 0x0e06_0040, order: 1 },
        ],
        categories: 1,
        expanded: 0,
      },
    },
  ],
  [
    'Restrict',
    '14 07 01 00 0500 08 1f003700',
    { restrictFlags: 0, restrictionData: { kind: 'exist', tag: 0x0037_001f } },
  ],
  ['Restrict', '14 07 01 00 0000', { restrictFlags: 0 }],
  ['QueryRows', '15 07 01 01 01 3200', { queryRowsFlags: 1, forwardRead: true, rowCount: 50 }],
  ['SeekRow', '18 07 01 01 feffffff 01', { origin: 1, rowCount: -2, wantRowMovedCount: true }],
  [
    'SeekRowBookmark',
    '19 07 01 0200 abcd 01000000 00',
    { bookmark: hex('abcd'), rowCount: 1, wantRowMovedCount: false },
  ],
  [
    'CreateFolder',
    '1c 07 01 02 01 01 00 00 4100 0000 0000',
    { folderType: 1, useUnicodeStrings: true, openExisting: false, displayName: 'A', comment: '' },
  ],
  [
    'CreateFolder',
    '1c 07 01 02 02 00 01 00 e400 00',
    { folderType: 2, useUnicodeStrings: false, openExisting: true, displayName: 'ä', comment: '' },
  ],
  ['DeleteFolder', `1d 07 01 15 ${FID_BYTES}`, { deleteFolderFlags: 0x15, folderId: FID }],
  [
    'DeleteMessages',
    `1e 07 01 00 01 0100 ${FID_BYTES}`,
    { wantAsynchronous: false, notifyNonRead: true, messageIds: [FID] },
  ],
  ['GetMessageStatus', `1f 07 01 ${FID_BYTES}`, { messageId: FID }],
  ['OpenAttachment', '22 07 01 02 03 01000000', { openAttachmentFlags: 3, attachmentId: 1 }],
  ['GetReceiveFolder', '27 07 01 49504d00', { messageClass: 'IPM' }],
  [
    'RegisterNotification',
    `29 07 01 02 0c00 00 ${FID_BYTES} 0000000000000000`,
    { notificationTypes: 0x000c, wantWholeStore: false, folderId: FID, messageId: 0n },
  ],
  ['RegisterNotification', '29 07 01 02 0004 00 01', { notificationTypes: 0x0400, reserved: 0, wantWholeStore: true }],
  ['OpenStream', '2b 07 01 02 02013710 00', { propertyTag: 0x1037_0102, openModeFlags: 0 }],
  ['ReadStream', '2c 07 01 0020', { byteCount: 0x2000 }],
  ['ReadStream', '2c 07 01 beba 00000100', { byteCount: 0xbabe, maximumByteCount: 0x10000 }],
  ['WriteStream', '2d 07 01 0300 616263', { data: hex('616263') }],
  ['SeekStream', '2e 07 01 02 ffffffffffffffff', { origin: 2, offset: -1n }],
  ['SetStreamSize', '2f 07 01 0500000000000000', { streamSize: 5n }],
  ['SetSearchCriteria', `30 07 01 0000 0100 ${FID_BYTES} 02000000`, { folderIds: [FID], searchFlags: 2 }],
  [
    'MoveCopyMessages',
    `33 07 01 02 0100 ${FID_BYTES} 00 01`,
    { messageIds: [FID], wantAsynchronous: false, wantCopy: true },
  ],
  [
    'CopyFolder',
    `36 07 01 02 01 00 01 ${FID_BYTES} 4200 0000`,
    { wantAsynchronous: true, wantRecursive: false, useUnicode: true, folderId: FID, newFolderName: 'B' },
  ],
  [
    'CopyTo',
    '39 07 01 02 00 01 02 0100 1f003700',
    { wantAsynchronous: false, wantSubObjects: true, copyFlags: 2, excludedTags: [0x0037_001f] },
  ],
  [
    'ModifyPermissions',
    '40 07 01 01 0100 04 0100 1400716600000000 00000000',
    {
      modifyFlags: 1,
      permissionsData: [{ permissionDataFlags: 4, propertyValues: new Map([[0x6671_0014, 0n]]) }],
    },
  ],
  ['IdFromLongTermId', `44 07 01 ${LTID_BYTES}`, { longTermId: LTID }],
  ['OpenEmbeddedMessage', '46 07 01 02 ff0f 02', { codePageId: 0xfff, openModeFlags: 2 }],
  [
    'FastTransferSourceCopyTo',
    '4d 07 01 02 00 00200000 09 0000',
    { level: 0, copyFlags: 0x2000, sendOptions: 9, propertyTags: [] },
  ],
  ['FastTransferSourceGetBuffer', '4e 07 01 beba f07f', { bufferSize: 0xbabe, maximumBufferSize: 0x7ff0 }],
  [
    'FindRow',
    '4f 07 01 00 0500 08 1f003700 00 0000',
    { findRowFlags: 0, restrictionData: { kind: 'exist', tag: 0x0037_001f }, origin: 0, bookmark: hex('') },
  ],
  ['GetNamesFromPropertyIds', '55 07 01 0200 0080 0180', { propertyIds: [0x8000, 0x8001] }],
  [
    'GetPropertyIdsFromNames',
    `56 07 01 02 0200 00 ${GUID_BYTES} 34120000 01 ${GUID_BYTES} 06 6100 6200 0000`,
    {
      flags: 2,
      propertyNames: [
        { guid: GUID, lid: 0x1234 },
        { guid: GUID, name: 'ab' },
      ],
    },
  ],
  ['QueryNamedProperties', '5f 07 01 01 00', { queryFlags: 1, hasGuid: false }],
  ['QueryNamedProperties', `5f 07 01 02 01 ${GUID_BYTES}`, { queryFlags: 2, hasGuid: true, propertyGuid: GUID }],
  [
    'SynchronizationConfigure',
    '70 07 01 02 01 01 3000 0000 01000000 0100 1f003700',
    {
      synchronizationType: 1,
      sendOptions: 1,
      synchronizationFlags: 0x30,
      synchronizationExtraFlags: 1,
      propertyTags: [0x0037_001f],
    },
  ],
  [
    'SynchronizationUploadStateStreamBegin',
    '75 07 01 03001740 10000000',
    { stateProperty: 0x4017_0003, transferBufferSize: 16 },
  ],
  ['SynchronizationUploadStateStreamContinue', '76 07 01 02000000 abcd', { streamData: hex('abcd') }],
  [
    'SynchronizationImportReadStateChanges',
    '80 07 01 0900 0100 aa 01 0200 bbcc 00',
    {
      messageReadStates: [
        { messageId: hex('aa'), markAsRead: true },
        { messageId: hex('bbcc'), markAsRead: false },
      ],
    },
  ],
  ['TellVersion', '86 07 01 0800 0001 0200', { version: [8, 256, 2] }],
  [
    'SetLocalReplicaMidsetDeleted',
    `93 07 01 3400 01000000 ${LTID_BYTES} ${LTID_BYTES}`,
    { longTermIdRanges: [{ minLongTermId: LTID, maxLongTermId: LTID }] },
  ],
];

const HEADS = {
  in: { inputHandleIndex: 1 },
  'in+out': { inputHandleIndex: 1, outputHandleIndex: 2 },
  logon: { outputHandleIndex: 1 },
  'response+in': { responseHandleIndex: 1, inputHandleIndex: 2 },
  'source+dest': { sourceHandleIndex: 1, destHandleIndex: 2 },
} as const;

for (const [name, bytes, fields] of requests) {
  test(`request of Rop${name}: ${bytes}`, () => {
    const rop = ropNamed(name);
    const request = { logonId: 7, ...HEADS[rop.header], ...fields };
    assert.deepEqual(
      written((writer) => rop.writeRequest(writer, request, WESTERN)),
      hex(bytes),
    );
    assert.deepEqual(readRops(hex(bytes), WESTERN)[0]?.request, request);
  });
}

/** Responses of the handle index 1. */
const responses: readonly (readonly [string, string, number, Readonly<Record<string, unknown>>])[] = [
  ['OpenFolder', '02 01 00000000 01 00', 0, { hasRules: true, isGhosted: false }],
  [
    'OpenFolder',
    '02 01 00000000 00 01 0200 0100 6100 6200',
    0,
    { hasRules: false, isGhosted: true, servers: { cheapServerCount: 1, servers: ['a', 'b'] } },
  ],
  ['OpenFolder', '02 01 0f010480', ErrorCode.NotFound, {}],
  [
    'OpenMessage',
    '03 01 00000000 01 00 04 41000000 0200 0100 0300fe0f 01 01 e404 0000 0d00 1302 42000000 0100 00 06000000',
    0,
    {
      hasNamedProperties: true,
      normalizedSubject: 'A',
      recipientCount: 2,
      recipientColumns: [0x0ffe_0003],
      recipientRows: [
        {
          recipientType: 1,
          codePageId: 1252,
          recipientRow: { flags: 0x0213, displayName: 'B', cells: [{ value: 6 }] },
        },
      ],
    },
  ],
  ['GetHierarchyTable', '04 01 00000000 05000000', 0, { rowCount: 5 }],
  ['CreateMessage', '06 01 00000000 00', 0, { hasMessageId: false }],
  ['CreateMessage', `06 01 00000000 01 ${FID_BYTES}`, 0, { hasMessageId: true, messageId: FID }],
  [
    'SetProperties',
    '0a 01 00000000 0100 0000 0300080e 05000780',
    0,
    { propertyProblems: [{ index: 0, tag: 0x0e08_0003, errorCode: ErrorCode.AccessDenied }] },
  ],
  ['SaveChangesMessage', `0c 01 00000000 02 ${FID_BYTES}`, 0, { inputHandleIndex: 2, messageId: FID }],
  ['SetMessageReadFlag', '11 01 00000000 00', 0, { readStatusChanged: false }],
  [
    'SetMessageReadFlag',
    `11 01 00000000 01 07 ${LTID_BYTES}`,
    0,
    { readStatusChanged: true, logonId: 7, clientData: hex(LTID_BYTES) },
  ],
  ['SetColumns', '12 01 00000000 00', 0, { tableStatus: 0 }],
  ['SeekRow', '18 01 00000000 01 feffffff', 0, { hasSoughtLess: true, rowsSought: -2 }],
  ['CreateFolder', `1c 01 00000000 ${FID_BYTES} 00`, 0, { folderId: FID, isExistingFolder: false }],
  [
    'CreateFolder',
    `1c 01 00000000 ${FID_BYTES} 01 00 00`,
    0,
    { folderId: FID, isExistingFolder: true, hasRules: false, isGhosted: false },
  ],
  // The RopId of RopSetMessageStatus.
  ['GetMessageStatus', '20 01 00000000 04000000', 0, { messageStatusFlags: 4 }],
  ['DeleteFolder', '1d 01 05000780 01', ErrorCode.AccessDenied, { partialCompletion: true }],
  ['ReadStream', '2c 01 00000000 0200 abcd', 0, { data: hex('abcd') }],
  ['ReadStream', '2c 01 b9040000 0000', ErrorCode.NullObject, { data: hex('') }],
  ['WriteStream', '2d 01 05000380 0000', ErrorCode.StreamAccessDenied, { writtenSize: 0 }],
  [
    'GetSearchCriteria',
    `31 01 00000000 0500 08 1f003700 07 0100 ${FID_BYTES} 01000000`,
    0,
    { restrictionData: { kind: 'exist', tag: 0x0037_001f }, logonId: 7, folderIds: [FID], searchFlags: 1 },
  ],
  [
    'MoveCopyMessages',
    '33 01 03050000 02000000 01',
    ErrorCode.DstNullObject,
    { destHandleIndex: 2, partialCompletion: true },
  ],
  ['MoveCopyMessages', '33 01 05000780 01', ErrorCode.AccessDenied, { partialCompletion: true }],
  ['CopyTo', '39 01 03050000 02000000', ErrorCode.DstNullObject, { destHandleIndex: 2 }],
  ['CopyTo', '39 01 05000780', ErrorCode.AccessDenied, {}],
  [
    'CopyToStream',
    '3a 01 03050000 02000000 0000000000000000 0000000000000000',
    ErrorCode.DstNullObject,
    { destHandleIndex: 2, readByteCount: 0n, writtenByteCount: 0n },
  ],
  ['LongTermIdFromId', `43 01 00000000 ${LTID_BYTES}`, 0, { longTermId: LTID }],
  ['GetAddressTypes', '49 01 00000000 0200 0800 455800 534d545000', 0, { addressTypes: ['EX', 'SMTP'] }],
  ['TransportSend', '4a 01 00000000 01', 0, { noPropertiesReturned: true }],
  [
    'FastTransferSourceGetBuffer',
    '4e 01 00000000 0300 0100 0200 00 0200 abcd',
    0,
    { transferStatus: 3, inProgressCount: 1, totalStepCount: 2, transferBuffer: hex('abcd') },
  ],
  [
    'FastTransferSourceGetBuffer',
    '4e 01 80040000 0000 0000 0000 00 0000 e8030000',
    ErrorCode.ServerBusy,
    { transferStatus: 0, inProgressCount: 0, totalStepCount: 0, transferBuffer: hex(''), backoffTime: 1000 },
  ],
  [
    'GetNamesFromPropertyIds',
    `55 01 00000000 0200 00 ${GUID_BYTES} 01000000 ff 00000000000000000000000000000000`,
    0,
    { propertyNames: [{ guid: GUID, lid: 1 }, undefined] },
  ],
  ['GetPropertyIdsFromNames', '56 01 80030400 0200 0080 0000', ErrorCode.WarnWithErrors, { propertyIds: [0x8000, 0] }],
  ['GetPropertyIdsFromNames', '56 01 0f010480', ErrorCode.NotFound, {}],
  [
    'QueryNamedProperties',
    `5f 01 00000000 0200 0080 0180 00 ${GUID_BYTES} 01000000 00 ${GUID_BYTES} 02000000`,
    0,
    {
      properties: [
        { id: 0x8000, name: { guid: GUID, lid: 1 } },
        { id: 0x8001, name: { guid: GUID, lid: 2 } },
      ],
    },
  ],
  [
    'GetReceiveFolderTable',
    `68 01 00000000 01000000 00 ${FID_BYTES} 49504d00 0100000000000000`,
    0,
    { rows: [[{ value: FID }, { value: 'IPM' }, { value: 1n }]] },
  ],
  ['OptionsData', '6f 01 00000000 01 0000 0000', 0, { optionsInfo: hex(''), helpFile: hex('') }],
  ['GetLocalReplicaIds', `7f 01 00000000 ${GUID_BYTES} 00000000000d`, 0, { replGuid: GUID, globalCount: 13 }],
  [
    'FastTransferDestinationPutBufferExtended',
    '9d 01 00000000 0100 01000000 02000000 00 0300',
    0,
    { transferStatus: 1, inProgressCount: 1, totalStepCount: 2, bufferUsedSize: 3 },
  ],
  ['WriteStreamExtended', 'a3 01 00000000 00000100', 0, { writtenSize: 0x10000 }],
  [
    'Logon',
    `fe 01 00000000 01 ${FID_BYTES.concat(' ').repeat(13)} 07 ${GUID_BYTES} 0100 ${GUID_BYTES}
     1e 0f 0c 01 02 03 ea07 0102030405060708 00000000`,
    0,
    {
      logonFlags: 1,
      folderIds: Array.from({ length: 13 }, () => FID),
      responseFlags: 7,
      mailboxGuid: GUID,
      replId: 1,
      replGuid: GUID,
      logonTime: { seconds: 30, minutes: 15, hour: 12, dayOfWeek: 1, day: 2, month: 3, year: 2026 },
      gwartTime: 0x0807_0605_0403_0201n,
      storeState: 0,
    },
  ],
  [
    'Logon',
    `fe 01 00000000 00 ${FID_BYTES.concat(' ').repeat(13)} 0100 ${GUID_BYTES} ${GUID_BYTES}`,
    0,
    {
      logonFlags: 0,
      folderIds: Array.from({ length: 13 }, () => FID),
      replId: 1,
      replGuid: GUID,
      perUserGuid: GUID,
    },
  ],
  ['Logon', 'fe 01 78040000 01 03 2f6f00', ErrorCode.WrongServer, { logonFlags: 1, serverName: '/o' }],
  ['Logon', 'fe 01 eb030000', ErrorCode.UnknownUser, {}],
];

for (const [name, bytes, returnValue, fields] of responses) {
  test(`response of Rop${name}: ${bytes.slice(0, 60)}`, () => {
    const rop = ropNamed(name);
    const response = { handleIndex: 1, returnValue, ...fields };
    assert.deepEqual(
      written((writer) => rop.writeResponse(writer, response, WESTERN)),
      hex(bytes),
    );
    const cursor = new Cursor(hex(bytes), 'test', 1);
    assert.deepEqual(rop.readResponse(cursor, WESTERN), { ...response, ok: rop.succeeds(returnValue) });
    cursor.end();
  });
}

test('the sizes of the responses to RopLogon that the specification has', () => {
  const sizeOf = (name: string) => responses.filter(([each]) => each === name).map(([, bytes]) => hex(bytes).length);
  assert.deepEqual(sizeOf('Logon').slice(0, 2), [166, 145]);
});

test('two requests have a field more or less when the logon is one to the public folders', () => {
  const cases: readonly (readonly [string, RopCoding, Partial<AnyRequest>])[] = [
    ['11 07 01 02 04', WESTERN, { readFlags: 4 }],
    [`11 07 01 02 04 ${LTID_BYTES}`, PUBLIC, { readFlags: 4, clientData: hex(LTID_BYTES) }],
    ['11 08 01 02 04', PUBLIC, { readFlags: 4 }],
    [`64 07 01 ${LTID_BYTES} 01 00000000 0000 ${GUID_BYTES}`, WESTERN, { dataOffset: 0, replGuid: GUID }],
    [`64 07 01 ${LTID_BYTES} 01 01000000 0000`, WESTERN, { dataOffset: 1 }],
    [`64 07 01 ${LTID_BYTES} 01 00000000 0000`, PUBLIC, { dataOffset: 0 }],
  ];
  for (const [bytes, coding, expected] of cases) {
    const [parsed, ...more] = readRops(hex(bytes), coding);
    assert.ok(parsed !== undefined);
    assert.deepEqual(more, []);
    assert.deepEqual({ ...parsed.request, ...expected }, parsed.request, bytes);
    assert.equal('replGuid' in parsed.request, 'replGuid' in expected);
    assert.deepEqual(
      written((writer) => parsed.rop.writeRequest(writer, parsed.request, coding)),
      hex(bytes),
    );
  }
});

test('rows are read by the columns that the reader knows; without columns they are what is left', () => {
  const bytes = hex('15 01 00000000 02 0200 00 01000000 01 0a 0f010480 2a 01000000');
  const rop = ropNamed('QueryRows');
  const columns = [0x0e08_0003];
  const withColumns = new Cursor(bytes, 'test', 1);
  const response = rop.readResponse(withColumns, { ...WESTERN, columns });
  assert.deepEqual(response, {
    ok: true,
    handleIndex: 1,
    returnValue: 0,
    origin: 2,
    rowCount: 2,
    rowData: hex('00 01000000 01 0a 0f010480'),
  });
  assert.equal(withColumns.remaining, 5);
  assert.deepEqual(readRows(hex('00 01000000 01 0a 0f010480'), 2, columns, WESTERN), [
    [{ value: 1 }],
    [{ error: ErrorCode.NotFound }],
  ]);
  const without = new Cursor(bytes, 'test', 1);
  assert.deepEqual(rop.readResponse(without, WESTERN).rowData, hex('00 01000000 01 0a 0f010480 2a 01000000'));
});

test("what a layout cannot hold is the caller's mistake, and nothing is cut", () => {
  const failing: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
    ['OpenFolder', { folderId: FID, openModeFlags: 256 }],
    ['OpenFolder', { folderId: -1n, openModeFlags: 0 }],
    ['OpenFolder', { folderId: FID }],
    ['WriteStream', { data: new Uint8Array(0x10000) }],
    ['SeekRow', { origin: 0, rowCount: 2 ** 31, wantRowMovedCount: false }],
    ['TellVersion', { version: [1, 2] }],
    ['Logon', { logonFlags: 1, openFlags: 0, essdn: '/o=ü' }],
    ['ReadStream', { byteCount: 0xbabe }],
  ];
  for (const [name, fields] of failing) {
    const rop = ropNamed(name);
    const request = { logonId: 7, ...HEADS[rop.header], ...fields };
    assert.throws(() => written((writer) => rop.writeRequest(writer, request, WESTERN)), {
      code: 'RPCH_ROP_NOT_WRITABLE',
      fault: 'caller',
    });
  }
});
