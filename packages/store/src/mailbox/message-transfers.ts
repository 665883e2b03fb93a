import { ErrorCode, StoreError } from '../mapi/error-code.ts';
import type { Counter } from '../mapi/object-id.ts';
import type { MutableProperties } from '../mapi/property.ts';
import { PidTag } from '../mapi/property-tags.ts';
import { FolderType } from '../mapi/property-values.ts';
import { stampChange } from './change-keys.ts';
import type { CountChange } from './folder-rows.ts';
import type { StoredRow } from './message-rows.ts';
import { countsOf, folderChanged, type MessageParts } from './message-writer.ts';
import type { MailboxEvent } from './model.ts';
import { packProperties } from './packed-properties.ts';
import { bury, DeletedKind } from './tombstones.ts';

/** Deletes, copies and moves messages ([MS-OXCFOLD] 3.2.5.6, 3.2.5.11). */
export class MessageTransfers {
  readonly #parts: MessageParts;

  constructor(parts: MessageParts) {
    this.#parts = parts;
  }

  delete(folder: Counter, ids: readonly Counter[]): number {
    return this.#parts.context.write(() => this.#each(folder, ids, (at, some) => this.#delete(at, some)));
  }

  #delete(folder: Counter, ids: readonly Counter[]): number {
    const { context, values, index } = this.#parts;
    const events: MailboxEvent[] = [];
    const counts = new Counts();
    let change: Counter | undefined;
    for (const row of this.#rowsIn(folder, ids)) {
      change ??= context.nextChange();
      values.delete(row.id);
      context.database.run('DELETE FROM messages WHERE id = ?', row.id);
      this.#bury(row, change);
      index.removed(row);
      counts.add(countsOf(row, -1));
      events.push({ kind: 'deleted', folder, message: row.id });
    }
    return this.#finish(folder, counts, events, { deleted: events.length });
  }

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
      return this.#each(from, ids, copied);
    });
  }

  /** A message that is moved has another id afterwards, and is gone from where it was. */
  move(from: Counter, ids: readonly Counter[], to: Counter): number {
    return this.#parts.context.write(() => {
      this.#checkTarget(from, to);
      return this.#each(from, ids, (at, some) => this.#move(at, some, to));
    });
  }

  #move(from: Counter, ids: readonly Counter[], to: Counter): number {
    const { context, index, values } = this.#parts;
    if (from === to) return [...this.#rowsIn(from, ids)].length;
    const left = new Counts();
    const moved = this.#arrive(to, this.#rowsIn(from, ids), 'moved', (row, id, change, properties) => {
      context.database.run(
        `UPDATE messages SET id = ?, folder = ?, change = ?, read_change = NULL, size = ?, properties = ?
           WHERE id = ?`,
        id,
        to,
        change,
        row.size + properties.length - row.packed.bytes.length,
        properties,
        row.id,
      );
      values.move(row.id, id);
      this.#bury(row, change);
      index.removed(row);
      left.add(countsOf(row, -1));
    });
    this.#finish(from, left, [], {});
    return moved;
  }

  #checkTarget(from: Counter, to: Counter): void {
    const { folders } = this.#parts;
    folders.need(from);
    if (folders.need(to).type === FolderType.Search) {
      throw new StoreError(ErrorCode.SearchFolder, 'messages cannot be put into a search folder');
    }
  }

  /** Does something to messages where they lie: in the folder, or, if that is a search folder that has them, in others. Returns the sum. */
  #each(folder: Counter, ids: readonly Counter[], work: (at: Counter, ids: readonly Counter[]) => number): number {
    const { folders, rows } = this.#parts;
    if (folders.need(folder).type !== FolderType.Search) return work(folder, ids);
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
      const { bytes } = packProperties(set, { packed: row.packed, remove: [PidTag.SourceKey] });
      put(row, id, change, bytes);
      const arrived = this.#parts.rows.need(id);
      index.added(arrived);
      counts.add(countsOf(arrived, 1));
      events.push({ kind, folder: to, message: id, oldFolder: row.folder, oldMessage: row.id });
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
