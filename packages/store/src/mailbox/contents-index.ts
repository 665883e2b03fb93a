import { ErrorCode, StoreError } from '../mapi/error-code.ts';
import type { Counter } from '../mapi/object-id.ts';
import { integer, type SqlDatabase, SqlError, text } from '../sql/driver.ts';
import { CountedTree } from './tables/counted-tree.ts';
import type { MessageRow, MessageRows } from './tables/message-row.ts';
import { MAX_VIEW_BYTES, RestrictedView } from './tables/restricted-view.ts';
import { RowCache } from './tables/row-cache.ts';
import { BY_DELIVERY, BY_ID, BY_SUBJECT, RowOrder } from './tables/row-order.ts';
import { KeyWriter } from './tables/sort-key.ts';
import { StoredNodes } from './tables/stored-nodes.ts';

export type { MessageRow, MessageRows } from './tables/message-row.ts';

/** Folders of so many messages are sorted in memory whenever another order is asked for; for larger ones it is stored. */
const SMALL_FOLDER = 1000;
/** Orders of one folder that are stored beside those that every folder has; the one that has not been used for longest goes. */
const MAX_OTHER_ORDERS = 8;

/** The orders that are kept from a folder's first message on; the first of them always has all messages of the folder. */
const STANDING: readonly RowOrder[] = [BY_DELIVERY, BY_SUBJECT];
const STANDING_ASSOCIATED: readonly RowOrder[] = [BY_ID];

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

interface StoredOrder {
  readonly id: number;
  readonly order: RowOrder;
  readonly tree: CountedTree;
}

/** What is known of a folder's messages, or of its associated ones. */
interface Contents {
  readonly folder: Counter;
  readonly associated: boolean;
  /** The standing orders first. Empty where the folder has never had a message. */
  readonly orders: StoredOrder[];
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
    this.#eachView(contents, (view) => view.added(message));
  }

  removed(message: MessageRow): void {
    const contents = this.#change(message);
    this.#cache.forget(message.id);
    for (const { order, tree } of contents.orders) order.keys(message, this.#writer, (key) => tree.remove(key));
    this.#eachView(contents, (view) => view.removed(message));
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
    this.#eachView(contents, (view) => {
      view.removed(before);
      view.added(after);
    });
  }

  /** All messages of a folder are gone, and the folder with them: instead of `removed` for each. */
  folderDeleted(folder: Counter): void {
    this.#generation += 1;
    this.#cache.clear();
    for (const associated of [false, true]) {
      const { orders } = this.#contentsOf(folder, associated);
      for (const { id } of orders) this.#nodes.drop(id);
      this.#database.run('DELETE FROM contents_orders WHERE folder = ? AND associated = ?', folder, associated ? 1 : 0);
      this.#contents.delete(nameOf(folder, associated));
      for (const view of this.#views.get(nameOf(folder, associated)) ?? []) view.drop();
    }
  }

  flush(): void {
    this.#nodes.flush();
  }

  discard(): void {
    this.#forget();
    // What a view was told may never have happened.
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

  /** Tells a view what happens to its folder, until {@link unwatch}. */
  watch(view: RestrictedView): void {
    const name = nameOf(view.folder, view.associated);
    const views = this.#views.get(name) ?? new Set();
    this.#views.set(name, views.add(view));
  }

  unwatch(view: RestrictedView): void {
    const name = nameOf(view.folder, view.associated);
    const views = this.#views.get(name);
    views?.delete(view);
    if (views?.size === 0) this.#views.delete(name);
  }

  /**
   * The rows of a view, which is collected from `candidates` where it is not up to date. Throws StoreError TableTooBig where they
   * take too much memory; other views give way before.
   */
  rowsOf(view: RestrictedView, candidates: () => Iterable<MessageRow>): CountedTree {
    const stamp = this.#stamp(view.folder, view.associated);
    if (view.tree !== undefined && view.stamp === stamp) return view.tree;
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
    const contents = this.#contentsOf(folder, associated);
    const orders = contents.orders.map(({ order }) => order);
    const stamp = this.#stamp(folder, associated);
    this.folderDeleted(folder);
    const made = this.#contentsOf(folder, associated);
    for (const order of orders.length > 0 ? orders : standing(associated)) this.#fill(made, order);
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
    if (contents.orders.length === 0) for (const order of standing(associated)) this.#create(contents, order);
    const [first] = contents.orders;
    if (first !== undefined) first.tree.stamp += 1;
    return contents;
  }

  #eachView(contents: Contents, tell: (view: RestrictedView) => void): void {
    const views = this.#views.get(nameOf(contents.folder, contents.associated));
    if (views === undefined) return;
    const stamp = contents.orders[0]?.tree.stamp ?? 0;
    for (const view of views) {
      if (view.tree === undefined) continue;
      if ((view.stamp + 1) >>> 0 !== stamp) {
        // It has missed what another connection did.
        view.drop();
        continue;
      }
      tell(view);
      view.stamp = stamp;
    }
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
    const orders = this.#database
      .all(
        'SELECT id, name FROM contents_orders WHERE folder = ? AND associated = ? ORDER BY id',
        folder,
        associated ? 1 : 0,
      )
      .map((row) => {
        const id = integer(row, 'id');
        return { id, order: RowOrder.parse(text(row, 'name')), tree: new CountedTree(this.#nodes.of(id)) };
      });
    const contents = { folder, associated, orders, version: this.#generation };
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
      order.name,
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
      const isTooBig = error instanceof StoreError && error.errorCode === ErrorCode.TableTooBig;
      if (!(error instanceof SqlError || isTooBig)) throw error;
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
    const others = contents.orders.slice(standing(contents.associated).length).map(({ id }) => id);
    if (others.length <= MAX_OTHER_ORDERS) return;
    const least = this.#database.get(
      `SELECT id FROM contents_orders WHERE id IN (${others.join(', ')}) ORDER BY used, id LIMIT 1`,
    );
    const id = integer(least ?? {}, 'id');
    this.#nodes.drop(id);
    this.#database.run('DELETE FROM contents_orders WHERE id = ?', id);
    contents.orders.splice(
      contents.orders.findIndex((one) => one.id === id),
      1,
    );
  }
}

function standing(associated: boolean): readonly RowOrder[] {
  return associated ? STANDING_ASSOCIATED : STANDING;
}

function nameOf(folder: Counter, associated: boolean): string {
  return `${folder}${associated ? 'a' : ''}`;
}
