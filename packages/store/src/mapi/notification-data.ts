import type { PropertyTag } from './property.ts';
import { readTags, writeTags } from './property-codec.ts';
import { type Earlier, type Field, notWritable, type ValuesOf } from './rops/field.ts';
import { bin16, bool, objectId, u16, u32 } from './rops/primitives.ts';
import { arrayOf, type Structure, structure, when } from './rops/structures.ts';
import { flaggedText, globalId } from './rops/values.ts';

/** The kinds of events: NotificationTypes of RopRegisterNotification, and NotificationFlags of RopNotify ([MS-OXCNOTIF] 2.2.1.1). */
export const NotificationType = {
  NewMail: 0x0002,
  ObjectCreated: 0x0004,
  ObjectDeleted: 0x0008,
  ObjectModified: 0x0010,
  ObjectMoved: 0x0020,
  ObjectCopied: 0x0040,
  SearchComplete: 0x0080,
  TableModified: 0x0100,
  StatusObjectModified: 0x0200,
  Extended: 0x0400,
} as const;

/** What NotificationFlags say beside the kind ([MS-OXCNOTIF] 2.2.1.4.1.2). */
export const NotificationFlag = {
  TotalMessageCount: 0x1000,
  UnreadMessageCount: 0x2000,
  SearchFolder: 0x4000,
  /** The event is one of a message, not of a folder. */
  Message: 0x8000,
} as const;

/** TableEventType ([MS-OXCNOTIF] 2.2.1.1.1). */
export const TableEventType = {
  TableChanged: 1,
  RowAdded: 3,
  RowDeleted: 4,
  RowModified: 5,
  RestrictionChanged: 7,
} as const;

const TYPE_MASK = 0x0fff;
/** A TagCount that says that nothing is known of which properties were changed. */
const UNSPECIFIED = 0xffff;

const { NewMail, ObjectCreated, ObjectDeleted, ObjectModified, ObjectMoved, ObjectCopied } = NotificationType;
const { TableModified, StatusObjectModified, Extended } = NotificationType;

function flagsOf(earlier: Earlier): number {
  return Number(earlier.notificationFlags);
}

function isOf(...types: readonly number[]): (earlier: Earlier) => boolean {
  return (earlier) => types.includes(flagsOf(earlier) & TYPE_MASK);
}

function has(flag: number): (earlier: Earlier) => boolean {
  return (earlier) => (flagsOf(earlier) & flag) !== 0;
}

function both(...conditions: readonly ((earlier: Earlier) => boolean)[]): (earlier: Earlier) => boolean {
  return (earlier) => conditions.every((condition) => condition(earlier));
}

function isTableEvent(...types: readonly number[]): (earlier: Earlier) => boolean {
  return both(isOf(TableModified), ({ tableEventType }) => types.includes(Number(tableEventType)));
}

const isMessage = has(NotificationFlag.Message);
const isFolder = (earlier: Earlier): boolean => !isMessage(earlier);
const isRow = isTableEvent(TableEventType.RowAdded, TableEventType.RowDeleted, TableEventType.RowModified);
const isPlacedRow = isTableEvent(TableEventType.RowAdded, TableEventType.RowModified);
const isObjectEvent = (earlier: Earlier): boolean => !isOf(TableModified, StatusObjectModified, Extended)(earlier);
const wasElsewhere = isOf(ObjectMoved, ObjectCopied);
const hasParent = (earlier: Earlier): boolean => isMessage(earlier) === has(NotificationFlag.SearchFolder)(earlier);

/** The tags of properties that were changed, or that this is unspecified. */
const changedTags: Field<readonly PropertyTag[] | 'unspecified'> = {
  read(cursor, scope) {
    const [low, high] = cursor.rest();
    if (low !== 0xff || high !== 0xff) return readTags(cursor);
    u16.read(cursor, scope);
    return 'unspecified';
  },
  write(writer, value) {
    if (value === 'unspecified') writer.u16(UNSPECIFIED);
    else if (value.length >= UNSPECIFIED) throw notWritable(`${value.length} tags`);
    else writeTags(writer, value);
  },
};

/** Which fields there are depends on the kind, in the lowest twelve bits of the flags, and on the flags above. */
const fields = {
  notificationFlags: u16,
  tableEventType: when(isOf(TableModified), u16),
  tableRowFolderId: when(isRow, objectId),
  tableRowMessageId: when(both(isRow, isMessage), objectId),
  tableRowInstance: when(both(isRow, isMessage), u32),
  insertAfterTableRowFolderId: when(isPlacedRow, objectId),
  insertAfterTableRowId: when(both(isPlacedRow, isMessage), objectId),
  insertAfterTableRowInstance: when(both(isPlacedRow, isMessage), u32),
  /** A PropertyRow over the table's columns. */
  tableRowData: when(isPlacedRow, bin16),
  hierarchyChanged: when(isOf(StatusObjectModified), bool),
  folderIds: when(isOf(StatusObjectModified), arrayOf(u32, globalId)),
  folderId: when(isObjectEvent, objectId),
  messageId: when(both(isObjectEvent, isMessage), objectId),
  parentFolderId: when(both(isOf(ObjectCreated, ObjectDeleted, ObjectMoved, ObjectCopied), hasParent), objectId),
  oldFolderId: when(wasElsewhere, objectId),
  oldMessageId: when(both(wasElsewhere, isMessage), objectId),
  oldParentFolderId: when(both(wasElsewhere, isFolder), objectId),
  tags: when(isOf(ObjectCreated, ObjectModified), changedTags),
  totalMessageCount: when(has(NotificationFlag.TotalMessageCount), u32),
  unreadMessageCount: when(has(NotificationFlag.UnreadMessageCount), u32),
  messageFlags: when(isOf(NewMail), u32),
  unicodeFlag: when(isOf(NewMail), bool),
  messageClass: when(isOf(NewMail), flaggedText('unicodeFlag')),
};

/** NotificationData of RopNotify ([MS-OXCNOTIF] 2.2.1.4.1.2). */
export type NotificationData = ValuesOf<typeof fields>;

/** NotificationData of RopNotify ([MS-OXCNOTIF] 2.2.1.4.1.2). */
export const notificationData: Structure<typeof fields> = structure(fields);
