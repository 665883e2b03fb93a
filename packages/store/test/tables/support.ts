import { Cursor, Writer } from '@rpch/rpc/internal';
import {
  ContentsIndex,
  createContentsIndex,
  type MessageRow,
  type MessageRows,
} from '../../src/mailbox/contents-index.ts';
import { PackedProperties, packProperties } from '../../src/mailbox/packed-properties.ts';
import type { Table } from '../../src/mailbox/table.ts';
import { type Counter, objectId } from '../../src/mapi/object-id.ts';
import type { MutableProperties, Properties, PropertyTag, PropertyValue } from '../../src/mapi/property.ts';
import { type Cell, readRow } from '../../src/mapi/property-row.ts';
import { PidTag } from '../../src/mapi/property-tags.ts';
import { blob, integer, type SqlDatabase, type SqlRow } from '../../src/sql/driver.ts';
import { NodeSqlite } from '../../src/sql/node-sqlite.ts';

export const CODING = { codePage: 1252 };

/** A message of the store below. */
export class TestMessage implements MessageRow {
  readonly id: Counter;
  readonly folder: Counter;
  readonly associated: boolean;
  readonly unread: boolean;
  readonly packed: PackedProperties;

  readonly #long: ReadonlyMap<string, PropertyValue>;

  constructor(
    id: Counter,
    folder: Counter,
    associated: boolean,
    unread: boolean,
    bytes: Uint8Array,
    long: ReadonlyMap<string, PropertyValue>,
  ) {
    this.#long = long;
    this.id = id;
    this.folder = folder;
    this.associated = associated;
    this.unread = unread;
    this.packed = new PackedProperties(bytes);
  }

  value(tag: PropertyTag): PropertyValue | undefined {
    switch (tag) {
      case PidTag.Mid:
        return BigInt.asIntN(64, objectId(this.id));
      case PidTag.FolderId:
        return BigInt.asIntN(64, objectId(this.folder));
      case PidTag.Read:
        return !this.unread;
      default:
        return this.packed.value(tag);
    }
  }

  whole(tag: PropertyTag): PropertyValue | undefined {
    return this.#long.get(`${this.id} ${tag}`) ?? this.value(tag);
  }

  subobjects(): Iterable<(tag: PropertyTag) => PropertyValue | undefined> {
    return [];
  }
}

const COLUMNS = 'id, folder, associated, unread, properties';

/** The least that contents tables need of a message store, and of one that tells the index what it does. */
export class TestStore implements MessageRows {
  readonly database: SqlDatabase;
  readonly index: ContentsIndex;
  /** Values that are too long to be packed, beside the database. */
  readonly #long = new Map<string, PropertyValue>();
  readonly computed: ReadonlySet<PropertyTag> = new Set([PidTag.Mid, PidTag.FolderId, PidTag.Read]);

  private constructor(database: SqlDatabase) {
    this.database = database;
    this.index = new ContentsIndex(database, this);
  }

  static create(path = ':memory:'): TestStore {
    const database = new NodeSqlite(path);
    database.exec(`CREATE TABLE messages (id INTEGER PRIMARY KEY, folder INTEGER NOT NULL, associated INTEGER NOT NULL,
      unread INTEGER NOT NULL, properties BLOB NOT NULL);
      CREATE INDEX messages_by_folder ON messages (folder, associated)`);
    createContentsIndex(database);
    return new TestStore(database);
  }

  static open(path: string): TestStore {
    return new TestStore(new NodeSqlite(path));
  }

  rows(ids: readonly Counter[]): readonly (TestMessage | undefined)[] {
    return ids.map((id) => {
      const row = this.database.get(`SELECT ${COLUMNS} FROM messages WHERE id = ?`, id);
      return row === undefined ? undefined : this.#message(row);
    });
  }

  *scan(folder: Counter, associated: boolean): Iterable<TestMessage> {
    const sql = `SELECT ${COLUMNS} FROM messages WHERE folder = ? AND associated = ? ORDER BY id`;
    for (const row of this.database.iterate(sql, folder, associated ? 1 : 0)) yield this.#message(row);
  }

  tags(): readonly PropertyTag[] {
    return [PidTag.Mid, PidTag.FolderId, PidTag.Read, PidTag.Subject];
  }

  transaction<T>(work: () => T): T {
    if (this.database.inTransaction) this.index.flush();
    try {
      return this.database.transaction(() => {
        const result = work();
        this.index.flush();
        return result;
      });
    } catch (error) {
      this.index.discard();
      throw error;
    }
  }

  add(folder: Counter, properties: Properties, { associated = false, unread = false } = {}): Counter {
    return this.transaction(() => {
      const { bytes } = packProperties(properties);
      const id = integer(this.database.get('SELECT coalesce(max(id), 0) + 1 AS id FROM messages') ?? {}, 'id');
      for (const name of [...this.#long.keys()]) if (name.startsWith(`${id} `)) this.#long.delete(name);
      this.#keepLong(id, properties);
      this.database.run(
        'INSERT INTO messages VALUES (?, ?, ?, ?, ?)',
        id,
        folder,
        associated ? 1 : 0,
        unread ? 1 : 0,
        bytes,
      );
      this.index.added(new TestMessage(id, folder, associated, unread, bytes, this.#long));
      return id;
    });
  }

  remove(id: Counter): void {
    this.transaction(() => {
      const [before] = this.rows([id]);
      if (before === undefined) return;
      this.database.run('DELETE FROM messages WHERE id = ?', id);
      this.index.removed(before);
    });
  }

  change(id: Counter, set: Properties, unread?: boolean): void {
    this.transaction(() => {
      const [before] = this.rows([id]);
      if (before === undefined) return;
      const { bytes } = packProperties(set, { packed: before.packed });
      this.#keepLong(id, set);
      this.database.run(
        'UPDATE messages SET properties = ?, unread = ? WHERE id = ?',
        bytes,
        Number(unread ?? before.unread),
        id,
      );
      const [after] = this.rows([id]);
      if (after !== undefined) this.index.changed(before, after);
    });
  }

  close(): void {
    this.database.close();
  }

  #keepLong(id: Counter, set: Properties): void {
    for (const [tag, value] of set) {
      if (typeof value === 'string' && value.length > 255) this.#long.set(`${id} ${tag}`, value);
      else this.#long.delete(`${id} ${tag}`);
    }
  }

  #message(row: SqlRow): TestMessage {
    return new TestMessage(
      integer(row, 'id'),
      integer(row, 'folder'),
      integer(row, 'associated') !== 0,
      integer(row, 'unread') !== 0,
      blob(row, 'properties'),
      this.#long,
    );
  }
}

/** Reads PropertyRows to their last byte. */
export function rowsIn(bytes: Uint8Array, columns: readonly PropertyTag[]): Cell[][] {
  const cursor = new Cursor(bytes, 'rows');
  const rows: Cell[][] = [];
  while (cursor.remaining > 0) rows.push(readRow(cursor, columns, CODING));
  return rows;
}

/** What a column shows in a row; undefined for an error. */
export function shown(cell: Cell | undefined): PropertyValue | undefined {
  return cell !== undefined && cell !== 'absent' && 'value' in cell ? cell.value : undefined;
}

export interface Answer {
  readonly rows: Cell[][];
  readonly origin: number;
  readonly tooSmall: boolean;
}

export function query(
  table: Table,
  {
    count = 50,
    forward = true,
    advance = true,
    room = 100_000,
  }: { count?: number; forward?: boolean; advance?: boolean; room?: number } = {},
): Answer {
  const writer = new Writer();
  const { rows, origin, tooSmall } = table.queryRows(writer, { count, forward, advance, room });
  const read = rowsIn(writer.finish(), table.columns ?? []);
  if (read.length !== rows) throw new Error(`${rows} rows said, ${read.length} written`);
  if (writer.length > room) throw new Error(`${writer.length} bytes in room for ${room}`);
  return { rows: read, origin, tooSmall };
}

/** The values of the first column, of all rows from the beginning. */
export function firstColumn(table: Table): (PropertyValue | undefined)[] {
  table.seek(0, 0);
  return query(table, { count: 65_535, room: 10_000_000 }).rows.map(([cell]) => shown(cell));
}

export function properties(
  ...entries: readonly (readonly [PropertyTag, PropertyValue | undefined])[]
): MutableProperties {
  const set: MutableProperties = new Map();
  for (const [tag, value] of entries) if (value !== undefined) set.set(tag, value);
  return set;
}
