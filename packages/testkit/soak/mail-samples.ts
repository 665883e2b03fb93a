import { objectId, PidTag, type Restriction } from '@rpch/store/client';
import {
  type AnyRequest,
  type AnyRop,
  CreateAttachment,
  CreateFolder,
  CreateMessage,
  ExpandRow,
  FindRow,
  FolderId,
  GetAttachmentTable,
  GetCollapseState,
  GetContentsTable,
  GetHierarchyTable,
  GetPermissionsTable,
  GetPropertiesAll,
  GetPropertiesSpecific,
  GetPropertyIdsFromNames,
  Logon,
  ModifyPermissions,
  ModifyRecipients,
  OpenEmbeddedMessage,
  OpenFolder,
  OpenMessage,
  OpenStream,
  type PropertyTag,
  type PropertyValue,
  QueryRows,
  ReadStream,
  RegisterNotification,
  type RequestOf,
  Restrict,
  SaveChangesAttachment,
  SaveChangesMessage,
  SeekRow,
  SeekStream,
  SetColumns,
  SetProperties,
  SetStreamSize,
  SortTable,
  WriteStream,
} from '@rpch/store/internal';

/** Slots of the table of handles of {@link SAMPLES}: what there is after they were done. */
export const Slot = {
  Logon: 0,
  Folder: 1,
  Message: 2,
  Attachment: 3,
  Contents: 4,
  Stream: 5,
  Hierarchy: 6,
  Other: 7,
} as const;
export const SLOTS = 8;

const INBOX = objectId(FolderId.Inbox);
const NESTED: Restriction = {
  kind: 'and',
  restrictions: [
    { kind: 'not', restriction: { kind: 'exist', tag: PidTag.HasAttachments } },
    { kind: 'content', fuzzyLow: 1, fuzzyHigh: 1, tag: PidTag.Subject, valueTag: PidTag.Subject, value: 'a' },
    {
      kind: 'or',
      restrictions: [
        { kind: 'property', relOp: 4, tag: PidTag.MessageSize, valueTag: PidTag.MessageSize, value: 7 },
        { kind: 'compare', relOp: 0, tag1: PidTag.CreationTime, tag2: PidTag.LastModificationTime },
        { kind: 'bitmask', relOp: 1, tag: PidTag.MessageFlags, mask: 1 },
        { kind: 'size', relOp: 2, tag: PidTag.Body, size: 3 },
      ],
    },
    { kind: 'subobject', subobject: 0x0e12000d, restriction: { kind: 'exist', tag: PidTag.DisplayName } },
    { kind: 'comment', values: [[PidTag.Comment, 'c']], restriction: { kind: 'exist', tag: PidTag.Subject } },
    { kind: 'count', count: 3, restriction: { kind: 'exist', tag: PidTag.Subject } },
  ],
};
/** A value of each type. */
const VALUES: ReadonlyMap<PropertyTag, PropertyValue> = new Map<PropertyTag, PropertyValue>([
  [PidTag.Subject, 'RE: of a sample'],
  [0x6800_0002, 7],
  [0x6801_0003, -7],
  [0x6802_0005, 0.5],
  [0x6803_000b, true],
  [0x6804_0014, 7n],
  [0x6805_0040, 7n],
  [0x6806_0048, '00112233-4455-6677-8899-aabbccddeeff'],
  [0x6807_0102, Uint8Array.of(1, 2, 3)],
  [0x6808_1003, [1, 2, 3]],
  [0x6809_101f, ['one', 'two']],
  [0x680a_1102, [Uint8Array.of(1), Uint8Array.of(2, 3)]],
]);

/** A request with its ROP. */
export interface Sample {
  readonly rop: AnyRop;
  readonly request: AnyRequest;
}

interface TypedRop {
  readonly header: AnyRop['header'];
  readonly request: AnyRop['request'];
  readonly response: AnyRop['response'];
  readonly failure: AnyRop['failure'];
}

function sample<R extends TypedRop>(rop: R, request: Omit<RequestOf<R>, 'logonId'>): Sample {
  return { rop: rop as unknown as AnyRop, request: { logonId: 0, ...request } };
}

/** What a client does in its mailbox, in order: the requests fill the slots. */
export const SAMPLES: readonly Sample[] = [
  sample(OpenFolder, {
    inputHandleIndex: Slot.Logon,
    outputHandleIndex: Slot.Folder,
    folderId: INBOX,
    openModeFlags: 0,
  }),
  sample(CreateMessage, {
    ...{ inputHandleIndex: Slot.Logon, outputHandleIndex: Slot.Message },
    ...{ codePageId: 0x0fff, folderId: INBOX, associatedFlag: false },
  }),
  sample(SetProperties, { inputHandleIndex: Slot.Message, propertyValues: VALUES }),
  sample(ModifyRecipients, {
    inputHandleIndex: Slot.Message,
    recipientColumns: [PidTag.DisplayName, PidTag.ObjectType],
    recipientRows: [
      {
        ...{ rowId: 0, recipientType: 1 },
        recipientRow: {
          ...{ flags: 0x021b, emailAddress: 'a@b', displayName: 'A' },
          cells: [{ value: 'A' }, { value: 6 }],
        },
      },
    ],
  }),
  sample(CreateAttachment, { inputHandleIndex: Slot.Message, outputHandleIndex: Slot.Attachment }),
  sample(SetProperties, {
    inputHandleIndex: Slot.Attachment,
    propertyValues: new Map<PropertyTag, PropertyValue>([[PidTag.AttachMethod, 1]]),
  }),
  sample(OpenStream, {
    ...{ inputHandleIndex: Slot.Attachment, outputHandleIndex: Slot.Stream },
    ...{ propertyTag: PidTag.AttachDataBinary, openModeFlags: 2 },
  }),
  sample(WriteStream, { inputHandleIndex: Slot.Stream, data: new Uint8Array(40).fill(7) }),
  sample(SeekStream, { inputHandleIndex: Slot.Stream, origin: 0, offset: 3n }),
  sample(ReadStream, { inputHandleIndex: Slot.Stream, byteCount: 0xbabe, maximumByteCount: 1000 }),
  sample(SetStreamSize, { inputHandleIndex: Slot.Stream, streamSize: 100n }),
  sample(SaveChangesAttachment, {
    responseHandleIndex: Slot.Attachment,
    inputHandleIndex: Slot.Message,
    saveFlags: 0x0a,
  }),
  sample(SaveChangesMessage, { responseHandleIndex: Slot.Message, inputHandleIndex: Slot.Message, saveFlags: 0x0a }),
  sample(GetAttachmentTable, { inputHandleIndex: Slot.Message, outputHandleIndex: Slot.Other, tableFlags: 0 }),
  sample(OpenEmbeddedMessage, {
    ...{ inputHandleIndex: Slot.Attachment, outputHandleIndex: Slot.Other },
    ...{ codePageId: 0x0fff, openModeFlags: 2 },
  }),
  sample(GetContentsTable, { inputHandleIndex: Slot.Folder, outputHandleIndex: Slot.Contents, tableFlags: 0 }),
  sample(SetColumns, {
    ...{ inputHandleIndex: Slot.Contents, setColumnsFlags: 0 },
    propertyTags: [PidTag.Subject, PidTag.Mid, PidTag.MessageFlags, PidTag.Body],
  }),
  sample(SortTable, {
    ...{ inputHandleIndex: Slot.Contents, sortTableFlags: 0 },
    sortOrders: {
      orders: [
        { tag: PidTag.MessageClass, order: 0 },
        { tag: PidTag.Subject, order: 1 },
      ],
      ...{ categories: 1, expanded: 1 },
    },
  }),
  sample(Restrict, { inputHandleIndex: Slot.Contents, restrictFlags: 0, restrictionData: NESTED }),
  sample(QueryRows, { inputHandleIndex: Slot.Contents, queryRowsFlags: 0, forwardRead: true, rowCount: 20 }),
  sample(SeekRow, { inputHandleIndex: Slot.Contents, origin: 2, rowCount: -3, wantRowMovedCount: true }),
  sample(FindRow, {
    ...{ inputHandleIndex: Slot.Contents, findRowFlags: 0, origin: 0, bookmark: new Uint8Array(0) },
    restrictionData: NESTED,
  }),
  sample(ExpandRow, { inputHandleIndex: Slot.Contents, maxRowCount: 10, categoryId: 1n }),
  sample(GetCollapseState, { inputHandleIndex: Slot.Contents, rowId: 1n, rowInstanceNumber: 0 }),
  sample(GetHierarchyTable, { inputHandleIndex: Slot.Folder, outputHandleIndex: Slot.Hierarchy, tableFlags: 4 }),
  sample(GetPropertiesSpecific, {
    ...{ inputHandleIndex: Slot.Folder, propertySizeLimit: 0, wantUnicode: true },
    propertyTags: [PidTag.DisplayName, PidTag.ContentCount, 0x3001_0000],
  }),
  sample(GetPropertiesAll, { inputHandleIndex: Slot.Message, propertySizeLimit: 0, wantUnicode: true }),
  sample(GetPropertyIdsFromNames, {
    ...{ inputHandleIndex: Slot.Logon, flags: 2 },
    propertyNames: [
      { guid: '00062008-0000-0000-c000-000000000046', lid: 0x8501 },
      { guid: '00020329-0000-0000-c000-000000000046', name: 'x-sample' },
    ],
  }),
  sample(CreateFolder, {
    ...{ inputHandleIndex: Slot.Folder, outputHandleIndex: Slot.Other },
    ...{ folderType: 1, useUnicodeStrings: true, openExisting: true, displayName: 'Sample', comment: 'c' },
  }),
  sample(GetPermissionsTable, { inputHandleIndex: Slot.Folder, outputHandleIndex: Slot.Other, tableFlags: 0 }),
  sample(ModifyPermissions, {
    ...{ inputHandleIndex: Slot.Folder, modifyFlags: 0 },
    permissionsData: [
      {
        permissionDataFlags: 2,
        propertyValues: new Map<number, bigint | number>([
          [PidTag.MemberId, 0n],
          [PidTag.MemberRights, 0],
        ]),
      },
    ],
  }),
  sample(RegisterNotification, {
    ...{ inputHandleIndex: Slot.Logon, outputHandleIndex: Slot.Other },
    ...{ notificationTypes: 0x7e, wantWholeStore: true },
  }),
  sample(OpenMessage, {
    ...{ inputHandleIndex: Slot.Logon, outputHandleIndex: Slot.Other, codePageId: 0x0fff },
    ...{ folderId: INBOX, openModeFlags: 3, messageId: objectId(0x100) },
  }),
  sample(Logon, {
    ...{ outputHandleIndex: Slot.Other, logonFlags: 1, openFlags: 0x0100_040c },
    essdn: '/o=First Organization/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=mallory',
  }),
];
