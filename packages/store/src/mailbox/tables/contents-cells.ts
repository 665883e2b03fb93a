import { OWN_REPLID, objectId } from '../../mapi/object-id.ts';
import { type PropertyTag, PropertyType, type PropertyValue } from '../../mapi/property.ts';
import { unicodeTag } from '../../mapi/property-codec.ts';
import { PidTag } from '../../mapi/property-tags.ts';
import { homeOf } from '../deleted-sets.ts';
import { categoryId, type Header } from './categories.ts';
import type { CellWriter, Column } from './columns.ts';
import type { MessageRow } from './message-row.ts';
import { instanceValue } from './restricted-view.ts';
import { instanceSource, isInstanceTag, type SortColumn } from './row-order.ts';

/** A row of a contents table. */
export interface ContentsRow {
  /** Of a header row; `message` is then one of its category. */
  readonly header: Header | undefined;
  readonly message: MessageRow;
  /** Which of the message's instances. */
  readonly instance: number;
}

/** What rows show of their table. */
export interface RowsContext {
  /** The properties by whose values there are categories, the outermost first. */
  readonly categories: readonly SortColumn[];
  /** The property of many values whose values make rows. */
  readonly instance: PropertyTag | undefined;
  unread(header: Header): number;
  /** The value that a category is ordered by, where `tag` is its property. */
  maximum(header: Header, tag: PropertyTag): PropertyValue | undefined;
}

/** PidTagRowType ([MS-OXCTABL] 2.2.1.3). A category without rows does not exist. */
const RowType = { Leaf: 1, Expanded: 3, Collapsed: 4 } as const;

/** What only a table can say of its rows ([MS-OXCTABL] 2.2.1). */
const TABLE_TAGS: ReadonlySet<PropertyTag> = new Set([
  PidTag.InstID,
  PidTag.InstanceNum,
  PidTag.InstanceKey,
  PidTag.RowType,
  PidTag.Depth,
  PidTag.ContentCount,
  PidTag.ContentUnreadCount,
]);

/** The columns that every contents table has beside its messages' properties. */
export const TABLE_COLUMNS: readonly PropertyTag[] = [...TABLE_TAGS];

/** The value of a property in a row; undefined where it has none. */
export function rowValue(row: ContentsRow, tag: PropertyTag, context: RowsContext): PropertyValue | undefined {
  const { header, message, instance } = row;
  if (header !== undefined) return headerValue(row, header, tag, context);
  switch (tag) {
    case PidTag.InstanceNum:
      return instance;
    case PidTag.InstanceKey:
      return context.instance !== undefined ? instanceKey(message, instance) : message.value(tag);
    case PidTag.RowType:
      return RowType.Leaf;
    case PidTag.Depth:
      return context.categories.length;
    case PidTag.InstID:
      return BigInt.asIntN(64, objectId(message.id));
    case PidTag.ContentCount:
    case PidTag.ContentUnreadCount:
      return undefined;
    default:
      return instanceValue(message, { of: context.instance, number: instance }, tag);
  }
}

function headerValue(
  { message, instance }: ContentsRow,
  header: Header,
  tag: PropertyTag,
  context: RowsContext,
): PropertyValue | undefined {
  switch (tag) {
    case PidTag.FolderId:
      return BigInt.asIntN(64, objectId(homeOf(message.folder)));
    case PidTag.InstID:
      return BigInt.asIntN(64, categoryId(header.level, header.prefix));
    case PidTag.InstanceNum:
      return 0;
    case PidTag.InstanceKey:
      return categoryKey(categoryId(header.level, header.prefix));
    case PidTag.RowType:
      return header.isExpanded ? RowType.Expanded : RowType.Collapsed;
    case PidTag.Depth:
      return header.level;
    case PidTag.ContentCount:
      return header.high - header.low;
    case PidTag.ContentUnreadCount:
      return context.unread(header);
    default: {
      const isInstance = isInstanceTag(tag);
      const stored = isInstance ? instanceSource(tag) : unicodeTag(tag);
      const category = context.categories
        .slice(0, header.level + 1)
        .find((column) => column.tag === stored && column.isInstance === isInstance);
      if (category === undefined) return context.maximum(header, stored);
      return instanceValue(message, { of: context.instance, number: instance }, tag);
    }
  }
}

function instanceKey(message: MessageRow, instance: number): Uint8Array {
  const bytes = Buffer.alloc(12);
  bytes.writeBigUInt64LE(objectId(message.id));
  bytes.writeUInt32LE(instance, 8);
  return new Uint8Array(bytes);
}

function categoryKey(id: bigint): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(id);
  return new Uint8Array(bytes);
}

/** Writes the values of a column: those that are stored are copied as they are. */
export function contentsCell(
  column: Column,
  computed: ReadonlySet<PropertyTag>,
  context: () => RowsContext,
): CellWriter<ContentsRow> {
  const { tag, stored, type, isInstance } = column;
  const any: CellWriter<ContentsRow> = (buffer, row, coding) => {
    const value = rowValue(row, isInstance ? tag : stored, context());
    if (value === undefined) return false;
    buffer.value(type, value, coding);
    return true;
  };
  const leaf = leafCell(column, computed);
  if (leaf === undefined) return any;
  return (buffer, row, coding) => (row.header === undefined ? leaf(buffer, row, coding) : any(buffer, row, coding));
}

/** The short ways: for the columns that most rows have. */
function leafCell(
  { stored, type, isInstance }: Column,
  computed: ReadonlySet<PropertyTag>,
): CellWriter<ContentsRow> | undefined {
  if (isInstance) return undefined;
  switch (stored) {
    case PidTag.Mid:
    case PidTag.InstID:
      return (buffer, { message }) => {
        buffer.objectId(OWN_REPLID, message.id);
        return true;
      };
    case PidTag.FolderId:
    case PidTag.ParentFolderId:
      return (buffer, { message }) => {
        buffer.objectId(OWN_REPLID, homeOf(message.folder));
        return true;
      };
    default:
      if (TABLE_TAGS.has(stored)) return undefined;
  }
  if (computed.has(stored)) {
    return (buffer, { message }, coding) => {
      const value = message.value(stored);
      if (value === undefined) return false;
      buffer.value(type, value, coding);
      return true;
    };
  }
  if (type === PropertyType.String8) {
    return (buffer, { message }, coding) => buffer.packedString8(message.packed, stored, coding);
  }
  return (buffer, { message }, coding) => buffer.packed(message.packed, stored, coding);
}
