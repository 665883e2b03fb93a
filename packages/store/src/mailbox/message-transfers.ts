import { ErrorCode, StoreError } from '../mapi/error-code.ts';
import type { Counter } from '../mapi/object-id.ts';
import type { MutableProperties } from '../mapi/property.ts';
import { PidTag } from '../mapi/property-tags.ts';
import { FolderType } from '../mapi/property-values.ts';
import { integer, SqlError, type SqlRow } from '../sql/driver.ts';
import { stampChange } from './change-keys.ts';
import { deletedSetOf, homeOf, isDeletedSet } from './deleted-sets.ts';
import type { CountChange } from './folder-rows.ts';
import type { StoredRow } from './message-rows.ts';
import { countsOf, folderChanged, type MessageParts } from './message-writer.ts';
import type { MailboxEvent } from './model.ts';
import { packProperties } from './packed-properties.ts';
import { bury, DeletedKind } from './tombstones.ts';

/** Soft-deleted messages, and bytes of them, that one step of purging removes. */
const PURGED_AT_ONCE = 64;
const PURGED_BYTES = 16 * 1024 * 1024;

/** What is another of a folder when its deleted set has changed. */
const DELETED_TAGS = [
  PidTag.DeletedMessageCount,
  PidTag.DeletedAssociatedMessageCount,
  PidTag.DeletedMessageSizeExtended,
];

/** Deletes, copies and moves messages ([MS-OXCFOLD] 3.2.5.6, 3.2.5.11). */
export class MessageTransfers {
  readonly #parts: MessageParts;

  constructor(parts: MessageParts) {
    this.#parts = parts;
  }

  /** Soft deletes; with `hard` deletes for good, what is soft-deleted already too. */
  delete(folder: Counter, ids: readonly Counter[], hard: boolean): number {
    const { context } = this.#parts;
    const softly = !hard && context.keepsDeleted;
    return context.write(() => {
      const done = this.#each(folder, ids, (at, some) => this.#delete(at, some, softly));
      return hard && done < ids.length ? done + this.#purge(deletedSetOf(folder), ids) : done;
    });
  }

  #delete(folder: Counter, ids: readonly Counter[], softly: boolean): number {
    const { context } = this.#parts;
    const events: MailboxEvent[] = [];
    const counts = new Counts();
    const kept = new Counts();
    const now = context.now();
    let change: Counter | undefined;
    for (const row of this.#rowsIn(folder, ids)) {
      change ??= context.nextChange();
      if (softly) kept.add(countsOf(this.#keep(row, now), 1));
      else this.#remove(row);
      this.#bury(row, change);
      counts.add(countsOf(row, -1));
      events.push({ kind: 'deleted', folder, message: row.id });
    }
    if (softly && events.length > 0) this.#changeSet(deletedSetOf(folder), kept);
    return this.#finish(folder, counts, events, { deleted: events.length });
  }

  /** Puts a message into its folder's deleted set; returns it as it is there. */
  #keep(row: StoredRow, now: bigint): StoredRow {
    const { context, folders, index, rows } = this.#parts;
    const { bytes } = packProperties(new Map([[PidTag.DeletedOn, now]]), { packed: row.packed });
    context.database.run(
      `UPDATE messages SET folder = ?, read_change = NULL, size = ?, properties = ?, deleted_on = ? WHERE id = ?`,
      folders.makeDeletedSet(row.folder, now),
      row.size + bytes.length - row.packed.bytes.length,
      bytes,
      now,
      row.id,
    );
    index.removed(row);
    const [kept] = rows.rows([row.id]);
    if (kept === undefined) throw new SqlError(`message ${row.id} is gone while it is deleted`);
    index.added(kept);
    return kept;
  }

  #remove(row: StoredRow): void {
    const { context, values, index } = this.#parts;
    values.delete(row.id);
    context.database.run('DELETE FROM messages WHERE id = ?', row.id);
    index.removed(row);
  }

  /** Removes messages of a deleted set, or of a soft-deleted folder, for good. Synchronisation knows already that they are gone. */
  #purge(at: Counter, ids: readonly Counter[]): number {
    const counts = new Counts();
    let purged = 0;
    for (const row of this.#rowsIn(at, ids)) {
      this.#remove(row);
      counts.add(countsOf(row, -1));
      purged += 1;
    }
    if (purged > 0) this.#changeSet(at, counts);
    return purged;
  }

  /**
   * Removes messages that were soft-deleted at a time or before it, the oldest first, as many as one step takes. Returns whether
   * others remain.
   */
  purge(until: bigint): boolean {
    return this.#purgeSome(
      this.#parts.context.database.all(
        'SELECT id, folder, size FROM messages WHERE deleted_on <= ? ORDER BY deleted_on LIMIT ?',
        until,
        PURGED_AT_ONCE + 1,
      ),
    );
  }

  /** The same of what lies in a soft-deleted folder, and below it. */
  purgeFolder(folder: Counter): boolean {
    return this.#purgeSome(
      this.#parts.context.database.all(
        `WITH RECURSIVE tree (folder) AS (
           VALUES (?) UNION ALL SELECT id FROM folders JOIN tree ON parent IN (folder, -folder)
         ) SELECT id, folder, size FROM messages
           WHERE folder IN (SELECT folder FROM tree UNION ALL SELECT -folder FROM tree) LIMIT ?`,
        folder,
        PURGED_AT_ONCE + 1,
      ),
    );
  }

  #purgeSome(found: readonly SqlRow[]): boolean {
    if (found.length === 0) return false;
    let left = PURGED_BYTES;
    const some = found.slice(0, PURGED_AT_ONCE).filter((row, at) => {
      left -= integer(row, 'size');
      return at === 0 || left >= 0;
    });
    const places = new Set(some.map((row) => integer(row, 'folder')));
    const ids = some.map((row) => integer(row, 'id'));
    this.#parts.context.write(() => {
      for (const at of places) this.#purge(at, ids);
    });
    return some.length < found.length;
  }

  /** Counts what has changed of a deleted set. */
  #changeSet(at: Counter, counts: Counts): void {
    const { context, folders } = this.#parts;
    folders.contentsChanged(at, counts, context.now());
    context.tell({ kind: 'modified', folder: homeOf(at), tags: DELETED_TAGS });
  }

  /** Soft-deleted messages of the folder are copied too, and what arrives is not deleted: so they are recovered. */
  copy(from: Counter, ids: readonly Counter[], to: Counter): number {
    const { context, values, attachments } = this.#parts;
    const copied = (at: Counter, some: readonly Counter[]) =>
      this.#arrive(to, this.#rowsIn(at, some), 'copied', (row, id, change, properties) => {
        context.database.run(
          `INSERT INTO messages (id, folder, associated, change, flags, status, size, properties, recipients)
           SELECT ?, ?, associated, ?, flags, status, ?, ?, recipients FROM messages WHERE id = ?`,
          id,
          to,
          change,
          row.size + properties.length - row.packed.bytes.length,
          properties,
          row.id,
        );
        attachments.copy(row.id, id);
        values.copy(row.id, id);
        context.database.run(
          'INSERT INTO originals (message, content) SELECT ?, content FROM originals WHERE message = ?',
          id,
          row.id,
        );
      });
    return context.write(() => {
      this.#checkTarget(from, to);
      const done = this.#each(from, ids, copied);
      return done === ids.length ? done : done + copied(deletedSetOf(from), ids);
    });
  }

  /** A message that is moved has another id afterwards, and is gone from where it was: soft-deleted ones from the deleted set. */
  move(from: Counter, ids: readonly Counter[], to: Counter): number {
    return this.#parts.context.write(() => {
      this.#checkTarget(from, to);
      const done = this.#each(from, ids, (at, some) => this.#move(at, some, to));
      return done === ids.length ? done : done + this.#move(deletedSetOf(from), ids, to);
    });
  }

  #move(from: Counter, ids: readonly Counter[], to: Counter): number {
    const { context, index, values } = this.#parts;
    if (from === to) return [...this.#rowsIn(from, ids)].length;
    const left = new Counts();
    const moved = this.#arrive(to, this.#rowsIn(from, ids), 'moved', (row, id, change, properties) => {
      context.database.run(
        `UPDATE messages SET id = ?, folder = ?, change = ?, read_change = NULL, size = ?, properties = ?, deleted_on = NULL
           WHERE id = ?`,
        id,
        to,
        change,
        row.size + properties.length - row.packed.bytes.length,
        properties,
        row.id,
      );
      values.move(row.id, id);
      if (!isDeletedSet(from)) this.#bury(row, change);
      index.removed(row);
      left.add(countsOf(row, -1));
    });
    if (!isDeletedSet(from)) this.#finish(from, left, [], {});
    else if (moved > 0) this.#changeSet(from, left);
    return moved;
  }

  #checkTarget(from: Counter, to: Counter): void {
    const { folders } = this.#parts;
    // From a folder that is soft-deleted messages are recovered.
    folders.need(from, true);
    if (folders.need(to).type === FolderType.Search) {
      throw new StoreError(ErrorCode.SearchFolder, 'messages cannot be put into a search folder');
    }
  }

  /** Does something to messages where they lie: in the folder, or, if that is a search folder that has them, in others. Returns the sum. */
  #each(folder: Counter, ids: readonly Counter[], work: (at: Counter, ids: readonly Counter[]) => number): number {
    const { folders, rows } = this.#parts;
    if (folders.need(folder, true).type !== FolderType.Search) return work(folder, ids);
    const found = new Set(rows.ids(folder, false));
    const places = new Map<Counter, Counter[]>();
    for (const id of ids) {
      const at = found.has(id) ? rows.get(id)?.folder : undefined;
      if (at === undefined) continue;
      const known = places.get(at);
      if (known === undefined) places.set(at, [id]);
      else known.push(id);
    }
    let done = 0;
    for (const [at, some] of places) done += work(at, some);
    return done;
  }

  /** Those that are in the folder, each once, read when its turn comes: a large folder is not in memory at once. */
  *#rowsIn(folder: Counter, ids: readonly Counter[]): Iterable<StoredRow> {
    for (const id of new Set(ids)) {
      const row = this.#parts.rows.get(id);
      if (row !== undefined && row.folder === folder) yield row;
    }
  }

  /** Gives each message a new id in the folder `to`, where it is an object of its own: with its own source key and first change. */
  #arrive(
    to: Counter,
    rows: Iterable<StoredRow>,
    kind: 'copied' | 'moved',
    put: (row: StoredRow, id: Counter, change: Counter, properties: Uint8Array) => void,
  ): number {
    const { context, folders, index } = this.#parts;
    const events: MailboxEvent[] = [];
    const counts = new Counts();
    let article = folders.need(to).nextArticle;
    for (const row of rows) {
      const id = context.nextIds();
      const change = context.nextChange();
      const set: MutableProperties = new Map([[PidTag.InternetArticleNumber, article]]);
      article += 1;
      stampChange(set, new Map(), context.info.replicaGuid, change);
      const { bytes } = packProperties(set, { packed: row.packed, remove: [PidTag.SourceKey, PidTag.DeletedOn] });
      put(row, id, change, bytes);
      const arrived = this.#parts.rows.need(id);
      index.added(arrived);
      counts.add(countsOf(arrived, 1));
      // What was deleted was there no more for those who are told.
      events.push(
        isDeletedSet(row.folder)
          ? { kind: 'created', folder: to, message: id }
          : { kind, folder: to, message: id, oldFolder: row.folder, oldMessage: row.id },
      );
    }
    return this.#finish(to, counts, events, { articles: events.length });
  }

  #bury(row: StoredRow, change: Counter): void {
    const sourceKey = row.packed.value(PidTag.SourceKey);
    bury(
      this.#parts.context.database,
      row.folder,
      change,
      row.id,
      row.associated ? DeletedKind.Associated : DeletedKind.Message,
      sourceKey instanceof Uint8Array ? sourceKey : null,
    );
  }

  #finish(folder: Counter, counts: Counts, events: readonly MailboxEvent[], more: CountChange): number {
    const { context, folders } = this.#parts;
    if (counts.content === 0 && counts.associated === 0) return 0;
    folders.contentsChanged(folder, { ...counts, ...more }, context.now());
    context.tell(...events);
    if (counts.content !== 0) context.tell(folderChanged({ folder, associated: false }));
    if (counts.associated !== 0) context.tell(folderChanged({ folder, associated: true }));
    return events.length;
  }
}

/** A sum of changes. */
class Counts {
  content = 0;
  unread = 0;
  associated = 0;
  size = 0;
  associatedSize = 0;

  add(by: ReturnType<typeof countsOf>): void {
    this.content += by.content;
    this.unread += by.unread;
    this.associated += by.associated;
    this.size += by.size;
    this.associatedSize += by.associatedSize;
  }
}
