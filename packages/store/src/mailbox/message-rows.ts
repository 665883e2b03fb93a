import { parseGuid } from '@rpch/rpc/internal';
import { ErrorCode, StoreError } from '../mapi/error-code.ts';
import { type Counter, objectId } from '../mapi/object-id.ts';
import { idOf, type MutableProperties, type PropertyTag, type PropertyValue } from '../mapi/property.ts';
import { FIRST_NAMED_ID, PidTag } from '../mapi/property-tags.ts';
import { FolderType, MAX_INTEGER32, MessageFlag, ObjectType } from '../mapi/property-values.ts';
import { blob, integer, type SqlDatabase, SqlError, type SqlValue } from '../sql/driver.ts';
import { homeOf, isDeletedSet } from './deleted-sets.ts';
import type { EntryIds } from './entry-ids.ts';
import { FolderRows } from './folder-rows.ts';
import { ITSELF, LongValues } from './long-values.ts';
import type { MailboxInfo } from './model.ts';
import { PackedProperties } from './packed-properties.ts';
import type { MessageRow, MessageRows } from './tables/message-row.ts';

/** How {@link MessageRow.subobjects} finds what belongs to a message. */
export type Subobjects = (message: Counter, tag: PropertyTag) => ReturnType<MessageRow['subobjects']>;

const COLUMNS = 'id, folder, associated, change, flags, status, size, properties';
const FULL_COLUMNS = COLUMNS.replaceAll(/\w+/g, 'messages.$&');

/** Ids in a statement that reads so many messages at once. */
const LENGTHS: readonly number[] = [1, 8, 64];
const ROWS_OF = 64;
/** Messages that a scan reads at once. */
const SCANNED = 256;
const SELECT_SOME: ReadonlyMap<number, string> = new Map(
  LENGTHS.map((length) => [
    length,
    `SELECT ${COLUMNS} FROM messages WHERE id IN (${Array.from({ length }, () => '?').join(', ')})`,
  ]),
);

/** Messages whose properties {@link StoredRows.tags} looks at. */
const TAGS_OF = 64;

/** What rows share. */
interface RowSource {
  readonly ids: EntryIds;
  readonly guid: Uint8Array;
  readonly mappingSignature: Uint8Array;
  readonly subobjects: Subobjects;
  readonly longValues: LongValues;
  /** The source key of a folder that was made elsewhere. */
  readonly folderKey: (folder: Counter) => Uint8Array | undefined;
}

/** The columns of a message, as {@link COLUMNS} names them. */
interface StoredFields {
  readonly id: Counter;
  readonly folder: Counter;
  readonly associated: number;
  readonly change: Counter;
  readonly flags: number;
  readonly status: number;
  readonly size: number;
  readonly properties: Uint8Array;
}

function fieldsOf([
  id,
  folder,
  associated,
  change,
  flags,
  status,
  size,
  properties,
]: readonly SqlValue[]): StoredFields {
  if (
    typeof id !== 'number' ||
    typeof folder !== 'number' ||
    typeof associated !== 'number' ||
    typeof change !== 'number' ||
    typeof flags !== 'number' ||
    typeof status !== 'number' ||
    typeof size !== 'number' ||
    !(properties instanceof Uint8Array)
  ) {
    throw new SqlError('a message with columns of other types');
  }
  return { id, folder, associated, change, flags, status, size, properties };
}

/** A row of the table of messages: what is packed, and what is computed of the rest ([MS-OXCMSG] 2.2.1). */
export class StoredRow implements MessageRow {
  readonly id: Counter;
  /** Its deleted set, if it is soft-deleted. */
  readonly folder: Counter;
  readonly associated: boolean;
  readonly changeNumber: Counter;
  /** PidTagMessageFlags. */
  readonly flags: number;
  /** PidTagMessageStatus. */
  readonly status: number;
  /** Bytes of all of the message. */
  readonly size: number;
  readonly packed: PackedProperties;
  readonly #source: RowSource;

  constructor(fields: StoredFields, source: RowSource) {
    this.id = fields.id;
    this.folder = fields.folder;
    this.associated = fields.associated !== 0;
    this.changeNumber = fields.change;
    this.flags = fields.flags;
    this.status = fields.status;
    this.size = fields.size;
    this.packed = new PackedProperties(fields.properties);
    this.#source = source;
  }

  get unread(): boolean {
    return (this.flags & MessageFlag.Read) === 0;
  }

  value(tag: PropertyTag): PropertyValue | undefined {
    const { ids } = this.#source;
    const home = homeOf(this.folder);
    switch (tag) {
      case PidTag.Mid:
      case PidTag.InstID:
        return BigInt.asIntN(64, objectId(this.id));
      case PidTag.InstanceNum:
        return 0;
      case PidTag.FolderId:
      case PidTag.ParentFolderId:
        return BigInt.asIntN(64, objectId(home));
      case PidTag.InstanceKey:
        return ids.instanceKey(this.id);
      case PidTag.EntryId:
      case PidTag.RecordKey:
        return ids.message(home, this.id);
      case PidTag.ParentEntryId:
        return ids.folder(home);
      case PidTag.SourceKey:
        return this.packed.value(tag) ?? ids.sourceKey(this.id);
      case PidTag.ParentSourceKey:
        return this.#source.folderKey(home) ?? ids.sourceKey(home);
      case PidTag.ChangeNumber:
        return BigInt.asIntN(64, objectId(this.changeNumber));
      case PidTag.MessageFlags:
        return this.flags;
      case PidTag.Read:
        return !this.unread;
      case PidTag.MessageStatus:
        return this.status;
      case PidTag.MessageSize:
        return Math.min(this.size, MAX_INTEGER32);
      case PidTag.MessageSizeExtended:
        return BigInt(this.size);
      case PidTag.Associated:
        return this.associated;
      case PidTag.ObjectType:
        return ObjectType.Message;
      case PidTag.StoreRecordKey:
        return this.#source.guid;
      case PidTag.MappingSignature:
        return this.#source.mappingSignature;
      case PidTag.HasNamedProperties:
        return this.packed.tags().some((one) => idOf(one) >= FIRST_NAMED_ID);
      default:
        return this.packed.value(tag);
    }
  }

  whole(tag: PropertyTag): PropertyValue | undefined {
    return this.packed.isApart(tag) ? this.#source.longValues.get(this.id, ITSELF, tag) : this.value(tag);
  }

  subobjects(tag: PropertyTag): ReturnType<MessageRow['subobjects']> {
    return this.#source.subobjects(this.id, tag);
  }

  /** What is computed, into `properties`. */
  computeInto(properties: MutableProperties): void {
    for (const tag of COMPUTED) {
      const value = this.value(tag);
      if (value !== undefined) properties.set(tag, value);
    }
  }
}

/** Those of {@link StoredRow.value} that packed properties do not have. */
const COMPUTED: readonly PropertyTag[] = [
  PidTag.Mid,
  PidTag.InstID,
  PidTag.InstanceNum,
  PidTag.FolderId,
  PidTag.ParentFolderId,
  PidTag.InstanceKey,
  PidTag.EntryId,
  PidTag.RecordKey,
  PidTag.ParentEntryId,
  PidTag.SourceKey,
  PidTag.ParentSourceKey,
  PidTag.ChangeNumber,
  PidTag.MessageFlags,
  PidTag.Read,
  PidTag.MessageStatus,
  PidTag.MessageSize,
  PidTag.MessageSizeExtended,
  PidTag.Associated,
  PidTag.ObjectType,
  PidTag.StoreRecordKey,
  PidTag.MappingSignature,
  PidTag.HasNamedProperties,
];

/** The messages of a mailbox as rows: for their tables, and for the message store itself. */
export class StoredRows implements MessageRows {
  readonly computed: ReadonlySet<PropertyTag> = new Set(COMPUTED);
  readonly #database: SqlDatabase;
  readonly #source: RowSource;

  constructor(database: SqlDatabase, info: MailboxInfo, ids: EntryIds, subobjects: Subobjects) {
    this.#database = database;
    const folders = new FolderRows(database);
    this.#source = {
      ids,
      guid: parseGuid(info.guid),
      mappingSignature: parseGuid(info.mappingSignature),
      subobjects,
      longValues: new LongValues(database),
      folderKey: (folder) => folders.foreignKey(folder),
    };
  }

  get(id: Counter): StoredRow | undefined {
    return this.rows([id])[0];
  }

  /** The row that was just written: what reading it again would give. */
  written(row: StoredFields): StoredRow {
    return new StoredRow(row, this.#source);
  }

  /** Throws NotFound, for one that is soft-deleted too. */
  need(id: Counter): StoredRow {
    const row = this.get(id);
    if (row === undefined || isDeletedSet(row.folder)) throw new StoreError(ErrorCode.NotFound, `message ${id}`);
    return row;
  }

  rows(ids: readonly Counter[]): readonly (StoredRow | undefined)[] {
    const found = new Map<Counter, StoredRow>();
    for (let from = 0; from < ids.length; from += ROWS_OF) {
      const some = ids.slice(from, from + ROWS_OF);
      // Statements of a few lengths only: no row has the id NULL.
      const length = LENGTHS.find((one) => one >= some.length) ?? ROWS_OF;
      const padded: SqlValue[] = some;
      while (padded.length < length) padded.push(null);
      for (const values of this.#database.values(SELECT_SOME.get(length) ?? '', ...padded)) {
        const row = new StoredRow(fieldsOf(values), this.#source);
        found.set(row.id, row);
      }
    }
    return ids.map((id) => found.get(id));
  }

  *scan(folder: Counter, associated: boolean, from: Counter = 0): Iterable<StoredRow> {
    const { tables, where } = this.#among(folder, associated);
    for (let after = from; ; ) {
      const rows = this.#database.values(
        `SELECT ${FULL_COLUMNS} FROM ${tables} WHERE ${where} AND messages.id > ? ORDER BY messages.id LIMIT ${SCANNED}`,
        folder,
        associated ? 1 : 0,
        after,
      );
      for (const values of rows) {
        const row = new StoredRow(fieldsOf(values), this.#source);
        after = row.id;
        yield row;
      }
      if (rows.length < SCANNED) return;
    }
  }

  /** Where the messages of a folder are found: those of a search folder lie in others. Two values are to be bound: the folder and whether associated. */
  #among(folder: Counter, associated: boolean): { readonly tables: string; readonly where: string } {
    const type = associated ? undefined : this.#database.get('SELECT type FROM folders WHERE id = ?', folder)?.type;
    return type === FolderType.Search
      ? {
          tables: 'search_links JOIN messages ON messages.id = search_links.message',
          where: 'search_links.folder = ? AND messages.associated = ?',
        }
      : { tables: 'messages', where: 'messages.folder = ? AND messages.associated = ?' };
  }

  /** What the newest messages have, and what is computed of all. */
  tags(folder: Counter, associated: boolean): readonly PropertyTag[] {
    const tags = new Set<PropertyTag>(COMPUTED);
    const { tables, where } = this.#among(folder, associated);
    const rows = this.#database.all(
      `SELECT properties FROM ${tables} WHERE ${where} ORDER BY messages.id DESC LIMIT ?`,
      folder,
      associated ? 1 : 0,
      TAGS_OF,
    );
    for (const row of rows) for (const tag of new PackedProperties(blob(row, 'properties')).tags()) tags.add(tag);
    return [...tags];
  }

  ids(folder: Counter, associated: boolean): Counter[] {
    const { tables, where } = this.#among(folder, associated);
    return this.#database
      .all(`SELECT messages.id FROM ${tables} WHERE ${where} ORDER BY messages.id`, folder, associated ? 1 : 0)
      .map((row) => integer(row, 'id'));
  }
}
