import { ErrorCode, StoreError } from '../mapi/error-code.ts';
import type { Counter } from '../mapi/object-id.ts';
import { integer, type SqlDatabase, SqlError, text } from '../sql/driver.ts';
import { CountedTree } from './tables/counted-tree.ts';
import type { MessageRow, MessageRows } from './tables/message-row.ts';
import { MAX_VIEW_BYTES, RestrictedView } from './tables/restricted-view.ts';
import { RowCache } from './tables/row-cache.ts';
import { RowOrder } from './tables/row-order.ts';
import { KeyWriter } from './tables/sort-key.ts';
import { othersOf, standing } from './tables/standing-orders.ts';
import { StoredNodes } from './tables/stored-nodes.ts';
import { ViewChanges } from './tables/view-changes.ts';

export type { MessageRow, MessageRows } from './tables/message-row.ts';

/** Folders of so many messages are sorted in memory whenever another order is asked for; for larger ones it is stored. */
const SMALL_FOLDER = 1000;
/** Orders of one folder that are stored beside those that every folder has; the one that has not been used for longest goes. */
const MAX_OTHER_ORDERS = 8;

/** Makes the tables of the index: one of the mailbox's migrations. */
export function createContentsIndex(database: SqlDatabase): void {
  database.exec(`
    -- The orders in which the messages of a folder are stored (tables/row-order.ts), and when each was last used.
    CREATE TABLE contents_orders (
      id INTEGER PRIMARY KEY,
      folder INTEGER NOT NULL,
      associated INTEGER NOT NULL,
      name TEXT NOT NULL,
      used INTEGER NOT NULL,
      UNIQUE (folder, associated, name)
    );
    -- Nodes of their trees (tables/counted-tree.ts); the id is the order's times 2^32 and the node's number.
    CREATE TABLE contents_nodes (id INTEGER PRIMARY KEY, content BLOB NOT NULL);
  `);
}

/** Messages read at a time. */
const ROWS_AT_ONCE = 256;
interface StoredOrder {
  readonly id: number;
  readonly order: RowOrder;
  readonly tree: CountedTree;
}

/** What is known of a folder's messages, or of its associated ones. */
interface Contents {
  readonly folder: Counter;
  readonly associated: boolean;
  /** That by delivery (associated messages: by id) first. Empty where the folder has never had a message. */
  readonly orders: StoredOrder[];
  /** Ids of orders whose keys are made otherwise now (RowOrder.storedName): no one reads them, and the next change drops them. */
  readonly outdated: number[];
  /** Another number after each change. */
  version: number;
}

/**
 * The orders of the messages of every folder, kept so that counts, positions and pages cost the same in folders of any size
 * (tables/counted-tree.ts). The message store tells what it does, within the transaction that does it. What is told is held back in
 * memory until `flush`: to be called before each COMMIT, before each nested transaction begins and before it ends; after
 * each rollback, of nested ones too, `discard`.
 */
export class ContentsIndex {
  readonly rows: MessageRows;
  readonly #database: SqlDatabase;
  readonly #nodes: StoredNodes;
  readonly #cache: RowCache;
  readonly #contents = new Map<string, Contents>();
  readonly #views = new Map<string, Set<RestrictedView>>();
  /** What the views of a folder have still to see. */
  readonly #changes = new Map<string, ViewChanges>();
  readonly #used = new Set<number>();
  readonly #writer = new KeyWriter();
  #dataVersion: number | undefined;
  #generation = 1;

  constructor(database: SqlDatabase, rows: MessageRows) {
    this.rows = rows;
    this.#database = database;
    this.#nodes = new StoredNodes(database);
    this.#cache = new RowCache(rows);
  }

  /** Within the transaction in which the message was stored, recipients and attachments too. */
  added(message: MessageRow): void {
    const contents = this.#change(message);
    this.#cache.forget(message.id);
    for (const { order, tree } of contents.orders) this.#insert(order, tree, message);
    this.#note(contents, message.id, undefined);
  }

  removed(message: MessageRow): void {
    const contents = this.#change(message);
    this.#cache.forget(message.id);
    for (const { order, tree } of contents.orders) order.keys(message, this.#writer, (key) => tree.remove(key));
    this.#note(contents, message.id, message);
  }

  /** The same message, in the same folder. To be told whatever has changed of it: rows are kept in memory. */
  changed(before: MessageRow, after: MessageRow): void {
    const contents = this.#change(after);
    this.#cache.forget(after.id);
    for (const { order, tree } of contents.orders) {
      const old: Uint8Array[] = [];
      order.keys(before, this.#writer, (key) => old.push(new Uint8Array(key)));
      let at = 0;
      let isSame = true;
      order.keys(after, this.#writer, (key) => {
        const was = old[at];
        at += 1;
        isSame &&= was !== undefined && Buffer.compare(was, key) === 0;
      });
      if (isSame && at === old.length) {
        for (const key of old) tree.mark(key, after.unread ? 1 : 0);
      } else {
        for (const key of old) tree.remove(key);
        this.#insert(order, tree, after);
      }
    }
    this.#note(contents, after.id, before);
  }

  /** All messages of a folder are gone, and the folder with them: instead of `removed` for each. */
  folderDeleted(folder: Counter): void {
    this.#generation += 1;
    this.#cache.clear();
    for (const associated of [false, true]) {
      const { orders, outdated } = this.#contentsOf(folder, associated);
      for (const id of [...orders.map((order) => order.id), ...outdated]) this.#drop(id);
      this.#contents.delete(nameOf(folder, associated));
      this.#changes.delete(nameOf(folder, associated));
      for (const view of this.#views.get(nameOf(folder, associated)) ?? []) view.drop();
    }
  }

  flush(): void {
    this.#nodes.flush();
  }

  discard(): void {
    this.#forget();
    // What was noted, and what a view has seen, may never have happened.
    this.#changes.clear();
    for (const views of this.#views.values()) {
      for (const view of views) {
        if (view.tree !== undefined && view.stamp !== this.#stamp(view.folder, view.associated)) view.drop();
      }
    }
  }

  /** The database's version (SqlDatabase.dataVersion) when a message was last added, removed or changed, without asking for it again. */
  get dataVersion(): number | undefined {
    return this.#dataVersion;
  }

  /** Runs `work` on one state of the database. */
  read<T>(work: () => T): T {
    return this.#database.read(work);
  }

  /** Looks for changes that other connections have made. The result is another one whenever the folder has changed, by anyone. */
  version(folder: Counter, associated: boolean): number {
    this.#refresh();
    return this.#contentsOf(folder, associated).version;
  }

  #refresh(): void {
    // Between two calls no tree is at work.
    this.#nodes.trim();
    if (!this.#nodes.isDirty) {
      const version = this.#database.dataVersion();
      if (version !== this.#dataVersion) {
        if (this.#dataVersion !== undefined) this.#forget();
        this.#dataVersion = version;
      }
    }
  }

  /** Messages in a folder, from what is stored of its order. */
  count(folder: Counter, associated: boolean): number {
    return this.#contentsOf(folder, associated).orders[0]?.tree.count ?? 0;
  }

  /** Whether a message is among a folder's: its own, or those that a search has found. */
  holds(folder: Counter, associated: boolean, message: MessageRow): boolean {
    if (message.associated !== associated) return false;
    if (message.folder === folder) return true;
    const [first] = this.#contentsOf(folder, associated).orders;
    let found = false;
    first?.order.keys(message, this.#writer, (key) => {
      found ||= first.tree.locate(key).found;
    });
    return found;
  }

  /** The orders of a folder that are stored. */
  orders(folder: Counter, associated: boolean): readonly { readonly order: RowOrder; readonly tree: CountedTree }[] {
    return this.#contentsOf(folder, associated).orders;
  }

  /** Messages by their ids. */
  messages(ids: readonly Counter[]): readonly (MessageRow | undefined)[] {
    return this.#cache.get(ids);
  }

  /** An order of a folder that is stored; undefined where it is not, and a view must do. */
  tree(folder: Counter, associated: boolean, order: RowOrder): CountedTree | undefined {
    return this.#contentsOf(folder, associated).orders.find((one) => one.order.name === order.name)?.tree;
  }

  /** Stores an order that will be asked for, if the folder is large. Outside of {@link read}, which cannot write. */
  prepare(folder: Counter, associated: boolean, order: RowOrder): void {
    this.#refresh();
    const contents = this.#contentsOf(folder, associated);
    const known = contents.orders.find((one) => one.order.name === order.name);
    if (known !== undefined) this.#used.add(known.id);
    else if ((contents.orders[0]?.tree.count ?? 0) > SMALL_FOLDER) this.#store(contents, order);
  }

  /** Notes what happens to the folder of a view, for {@link rowsOf}, until {@link unwatch}. */
  watch(view: RestrictedView): void {
    const name = nameOf(view.folder, view.associated);
    const views = this.#views.get(name) ?? new Set();
    this.#views.set(name, views.add(view));
  }

  unwatch(view: RestrictedView): void {
    const name = nameOf(view.folder, view.associated);
    const views = this.#views.get(name);
    views?.delete(view);
    if (views?.size !== 0) return;
    this.#views.delete(name);
    this.#changes.delete(name);
  }

  /**
   * The rows of a view, brought up to date; where it is not known what has changed since, they are collected from `candidates`. Throws
   * StoreError TableTooBig where they take too much memory; other views give way before.
   */
  rowsOf(view: RestrictedView, candidates: () => Iterable<MessageRow>): CountedTree {
    const stamp = this.#stamp(view.folder, view.associated);
    const current = this.#caughtUp(view, stamp);
    if (current !== undefined) return current;
    const tree = view.build(candidates(), stamp);
    let bytes = view.bytes;
    for (const views of this.#views.values()) {
      for (const other of views) {
        if (other === view) continue;
        bytes += other.bytes;
        if (bytes > MAX_VIEW_BYTES) {
          bytes -= other.bytes;
          other.drop();
        }
      }
    }
    return tree;
  }

  /**
   * Orders the messages of a folder anew, from what is stored of them: after many were stored without being told of, for which
   * it is faster. Within a transaction.
   */
  rebuild(folder: Counter, associated: boolean): void {
    const others = othersOf(this.#contentsOf(folder, associated)).map(({ order }) => order);
    const stamp = this.#stamp(folder, associated);
    this.folderDeleted(folder);
    const made = this.#contentsOf(folder, associated);
    for (const order of [...standing(associated), ...others]) this.#fill(made, order);
    const [first] = made.orders;
    if (first !== undefined) first.tree.stamp = stamp + 1;
  }

  #forget(): void {
    this.#nodes.clear();
    this.#contents.clear();
    this.#cache.clear();
    this.#generation += 1;
  }

  /** Before a change of a folder's contents. */
  #change({ folder, associated }: MessageRow): Contents {
    this.#refresh();
    const contents = this.#contentsOf(folder, associated);
    this.#generation += 1;
    contents.version = this.#generation;
    if (contents.outdated.length > 0) this.#renew(contents);
    if (contents.orders.length === 0) for (const order of standing(associated)) this.#create(contents, order);
    const [first] = contents.orders;
    if (first !== undefined) first.tree.stamp += 1;
    return contents;
  }

  /** Notes a change for the views of its folder, with what the message was before, if it was there. After {@link #change}. */
  #note({ folder, associated, orders }: Contents, id: Counter, before: MessageRow | undefined): void {
    const name = nameOf(folder, associated);
    const views = this.#views.get(name);
    if (views === undefined) return;
    const changes = this.#changes.get(name) ?? new ViewChanges();
    this.#changes.set(name, changes);
    changes.note(orders[0]?.tree.stamp ?? 0, views, id, before);
  }

  /** The rows of a view after the changes that it has not seen; undefined where these are not known. */
  #caughtUp(view: RestrictedView, stamp: number): CountedTree | undefined {
    const { tree, folder, associated, order } = view;
    if (tree === undefined || view.stamp === stamp) return tree;
    const missed = this.#changes.get(nameOf(folder, associated))?.between(view.stamp, stamp);
    if (missed === undefined) return undefined;
    for (const { keys } of missed) for (const key of keys.get(order.name) ?? []) tree.remove(key);
    const ids = [...new Set(missed.map(({ id }) => id))];
    for (let at = 0; at < ids.length; at += ROWS_AT_ONCE) {
      for (const row of this.rows.rows(ids.slice(at, at + ROWS_AT_ONCE))) {
        if (row !== undefined && this.holds(folder, associated, row)) view.add(row);
      }
    }
    view.stamp = stamp;
    return tree;
  }

  #insert(order: RowOrder, tree: CountedTree, message: MessageRow): void {
    const mark = message.unread ? 1 : 0;
    order.keys(message, this.#writer, (key) => tree.insert(key, mark));
  }

  #stamp(folder: Counter, associated: boolean): number {
    return this.#contentsOf(folder, associated).orders[0]?.tree.stamp ?? 0;
  }

  #contentsOf(folder: Counter, associated: boolean): Contents {
    const name = nameOf(folder, associated);
    const known = this.#contents.get(name);
    if (known !== undefined) return known;
    const contents: Contents = { folder, associated, orders: [], outdated: [], version: this.#generation };
    for (const row of this.#database.all(
      'SELECT id, name FROM contents_orders WHERE folder = ? AND associated = ? ORDER BY id',
      folder,
      associated ? 1 : 0,
    )) {
      const id = integer(row, 'id');
      const order = RowOrder.parse(text(row, 'name'));
      if (text(row, 'name') !== order.storedName) contents.outdated.push(id);
      else contents.orders.push({ id, order, tree: new CountedTree(this.#nodes.of(id)) });
    }
    this.#contents.set(name, contents);
    return contents;
  }

  #create(contents: Contents, order: RowOrder): StoredOrder {
    const id = integer(this.#database.get('SELECT coalesce(max(id), 0) + 1 AS id FROM contents_orders') ?? {}, 'id');
    this.#database.run(
      'INSERT INTO contents_orders (id, folder, associated, name, used) VALUES (?, ?, ?, ?, ?)',
      id,
      contents.folder,
      contents.associated ? 1 : 0,
      order.storedName,
      id,
    );
    const stored = { id, order, tree: CountedTree.create(this.#nodes.of(id)) };
    contents.orders.push(stored);
    return stored;
  }

  #store(contents: Contents, order: RowOrder): void {
    try {
      this.flush();
      this.#database.transaction(() => {
        const stored = this.#fill(contents, order);
        this.#dropUnused(contents, stored.id);
        this.#generation += 1;
        contents.version = this.#generation;
        this.flush();
      });
    } catch (error) {
      this.discard();
      // Where the database cannot be written to now, or memory does not suffice to sort, a view must do, as far as it can.
      if (!(error instanceof SqlError || isTooBig(error))) throw error;
    }
  }

  /** Drops the orders that are outdated, and makes those of them anew that every folder has. Within the transaction of a change. */
  #renew(contents: Contents): void {
    const { folder, associated, orders } = contents;
    for (const id of contents.outdated.splice(0)) this.#drop(id);
    for (const order of standing(associated)) {
      if (orders.some((one) => one.order.name === order.name)) continue;
      try {
        this.#fill(contents, order);
      } catch (error) {
        if (!isTooBig(error)) throw error;
        // It takes long, but messages must come in.
        const { tree } = this.#create(contents, order);
        for (const row of this.rows.scan(folder, associated)) {
          this.#insert(order, tree, row);
          this.#nodes.trim();
        }
      }
    }
  }

  #fill(contents: Contents, order: RowOrder): StoredOrder {
    const { folder, associated } = contents;
    // Sorted in memory first, so that each node is written once.
    const sorted = new RestrictedView(folder, associated, order, undefined).build(
      this.rows.scan(folder, associated),
      0,
    );
    const stored = this.#create(contents, order);
    sorted.walk(0, (key, mark) => {
      stored.tree.insert(key.bytes.subarray(key.start, key.end), mark);
      this.#nodes.trim();
    });
    return stored;
  }

  #dropUnused(contents: Contents, latest: number): void {
    for (const id of this.#used) this.#database.run('UPDATE contents_orders SET used = ? WHERE id = ?', latest, id);
    this.#used.clear();
    const others = othersOf(contents).map(({ id }) => id);
    if (others.length <= MAX_OTHER_ORDERS) return;
    const least = this.#database.get(
      `SELECT id FROM contents_orders WHERE id IN (${others.join(', ')}) ORDER BY used, id LIMIT 1`,
    );
    const id = integer(least ?? {}, 'id');
    this.#drop(id);
    const at = contents.orders.findIndex((one) => one.id === id);
    contents.orders.splice(at, 1);
  }

  #drop(id: number): void {
    this.#nodes.drop(id);
    this.#database.run('DELETE FROM contents_orders WHERE id = ?', id);
  }
}

function isTooBig(error: unknown): boolean {
  return error instanceof StoreError && error.errorCode === ErrorCode.TableTooBig;
}

function nameOf(folder: Counter, associated: boolean): string {
  return `${folder}${associated ? 'a' : ''}`;
}
