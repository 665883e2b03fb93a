import type { Writer } from '@rpch/rpc/internal';
import { ErrorCode, StoreError } from '../../mapi/error-code.ts';
import { type Counter, counterOf, OWN_REPLID, replidOf } from '../../mapi/object-id.ts';
import { type PropertyTag, PropertyType, type PropertyValue, typeOf } from '../../mapi/property.ts';
import type { Restriction } from '../../mapi/restriction.ts';
import { compileRestriction, type RowMatcher } from '../../mapi/restriction-match.ts';
import type { SortOrderSet } from '../../mapi/sort-order.ts';
import type { TextCoding } from '../../mapi/text-coding.ts';
import { SqlError } from '../../sql/driver.ts';
import type { ContentsIndex } from '../contents-index.ts';
import { candidateRows, findDirectly } from './candidates.ts';
import { Categories, Expansion, type Header } from './categories.ts';
import { readCollapseState, writeCollapseState } from './collapse-state.ts';
import type { CellWriter, Column } from './columns.ts';
import { type ContentsRow, contentsCell, type RowsContext, rowValue, TABLE_COLUMNS } from './contents-cells.ts';
import { DirectedRows } from './directed-rows.ts';
import { positionsOf } from './index-range.ts';
import { MaximumRows } from './maximum-category.ts';
import type { MessageRow } from './message-row.ts';
import { RestrictedView } from './restricted-view.ts';
import type { RowOrder } from './row-order.ts';
import { idOfKey, instanceOfKey, KeyWriter } from './sort-key.ts';
import { type Sorting, sortingOf, UNSORTED } from './sorting.ts';
import { type Located, TableCore } from './table-core.ts';

export interface ContentsTableOptions {
  readonly index: ContentsIndex;
  readonly folder: Counter;
  /** Whether it shows the folder's associated messages. */
  readonly associated: boolean;
  readonly coding: TextCoding;
}

/** Rows from the beginning that are kept in memory once they were read. */
const KEPT_ROWS = 128;

/** Bytes of a header row, roughly. */
const HEADER_BYTES = 512;

/** A row, whatever its position: of a message by its key, a header row by its level and prefix. */
interface Mark {
  readonly key: Uint8Array;
  readonly level: number | undefined;
}

/**
 * The messages of a folder as a table ([MS-OXCTABL]): in any order, with categories and multivalue instances, under any restriction.
 * Rows come from a stored order where there is one (ContentsIndex), else from a view in memory.
 */
export class ContentsTable extends TableCore<ContentsRow, Mark> {
  readonly #index: ContentsIndex;
  readonly #folder: Counter;
  readonly #associated: boolean;
  #requested: SortOrderSet | undefined;
  #columnInstance: PropertyTag | undefined;
  #sorting: Sorting;
  #restriction: Restriction | undefined;
  #matcher: RowMatcher | undefined;
  #expansion = new Expansion(0);
  /** Views that are in use, by the names of their orders. */
  readonly #views = new Map<string, RestrictedView>();
  #version: number | undefined;
  #rows: DirectedRows | undefined;
  #grouped: Categories | undefined;
  #maximum: MaximumRows | undefined;
  #context: RowsContext;

  constructor({ index, folder, associated, coding }: ContentsTableOptions) {
    super(coding);
    this.#index = index;
    this.#folder = folder;
    this.#associated = associated;
    this.#sorting = sortingOf(UNSORTED, undefined, associated);
    this.#context = this.#contextOf(this.#sorting);
  }

  override get bytes(): number {
    let bytes = (this.#grouped?.headers.length ?? 0) * HEADER_BYTES;
    for (const view of this.#views.values()) bytes += view.bytes;
    return bytes;
  }

  override rest(): void {
    this.#forgetRows();
  }

  protected override consistent<T>(work: () => T): T {
    return this.#index.read(work);
  }

  protected override refresh(): number {
    const version = this.#index.version(this.#folder, this.#associated);
    if (version !== this.#version) {
      this.#version = version;
      this.#rows = undefined;
      this.#grouped = undefined;
      this.#maximum = undefined;
    }
    return version;
  }

  protected override count(): number {
    return this.#categories()?.count ?? this.#ordered().count;
  }

  protected override rowsAt(position: number, count: number): readonly ContentsRow[] {
    // What lies deeper is seldom asked for twice, and would only displace the first pages.
    if (position >= KEPT_ROWS) return this.scanAt(position, count);
    return this.#read(position, count, (ids) => this.#index.messages(ids));
  }

  protected override scanAt(position: number, count: number): readonly ContentsRow[] {
    return this.#read(position, count, (ids) => this.#index.rows.rows(ids));
  }

  protected override markAt(position: number): Mark {
    const rows = this.#ordered();
    const categories = this.#categories();
    if (categories === undefined) return { key: rows.keyAt(position), level: undefined };
    const header = categories.headers[categories.headerIndexAt(position)];
    if (header === undefined) throw new StoreError(ErrorCode.NotFound, `no row ${position}`);
    if (header.start === position) return { key: header.prefix, level: header.level };
    return { key: rows.keyAt(header.low + position - header.start - 1), level: undefined };
  }

  protected override locate({ key, level }: Mark, position: number): Located {
    const categories = this.#categories();
    if (categories === undefined) return this.#ordered().locate(key);
    return level === undefined ? categories.locateRow(key, position) : categories.locateHeader(level, key, position);
  }

  /** A row whose values have changed is where they put it now ([MS-OXCTABL] 2.2.2.10.2 knows only rows that are gone). */
  protected override follow(mark: Mark, position: number): Located {
    const located = this.locate(mark, position);
    if (located.found || mark.level !== undefined) return located;
    const { order } = this.#sorting;
    const { key } = mark;
    const id = idOfKey(key, key.length, order.instance !== undefined);
    const now = this.#keyOf(id, order.instance === undefined ? 0 : instanceOfKey(key, key.length));
    if (now === undefined) return located;
    const moved = this.locate({ key: now, level: undefined }, position);
    return moved.found ? moved : located;
  }

  protected override markSize({ key }: Mark): number {
    return key.length;
  }

  protected override matches(row: ContentsRow, matcher: RowMatcher): boolean {
    return matcher(
      (tag) => rowValue(row, tag, this.#context),
      (tag) => (row.header === undefined ? row.message.subobjects(tag) : []),
    );
  }

  protected override cellWriter(column: Column): CellWriter<ContentsRow> {
    return contentsCell(column, this.#index.rows.computed, () => this.#context);
  }

  protected override allColumns(): readonly PropertyTag[] {
    const tags = new Set([...this.#index.rows.tags(this.#folder, this.#associated), ...TABLE_COLUMNS]);
    return [...tags].filter((tag) => typeOf(tag) !== PropertyType.Object);
  }

  protected override columnsChanging(columns: readonly Column[]): boolean {
    const instances = new Set(columns.filter(({ isInstance }) => isInstance).map(({ stored }) => stored));
    if (instances.size > 1) throw new StoreError(ErrorCode.NotSupported, 'instances of more than one property');
    const [instance] = instances;
    const sorting = sortingOf(this.#requested ?? UNSORTED, instance, this.#associated);
    const isOther = sorting.order.instance !== this.#sorting.order.instance;
    this.#columnInstance = instance;
    if (isOther) this.#arrange(sorting);
    return isOther;
  }

  protected override applySort(order: SortOrderSet | undefined): void {
    const sorting = sortingOf(order ?? UNSORTED, this.#columnInstance, this.#associated);
    this.#requested = order;
    this.#expansion = new Expansion(order?.expanded ?? 0);
    this.#arrange(sorting);
  }

  protected override applyRestriction(restriction: Restriction | undefined): void {
    const matcher = restriction === undefined ? undefined : compileRestriction(restriction);
    this.#restriction = restriction;
    this.#matcher = matcher;
    this.#arrange(this.#sorting);
  }

  protected override search(
    from: number,
    backward: boolean,
    matcher: RowMatcher,
    restriction: Restriction,
  ): number | undefined {
    const rows = this.#ordered();
    const { order } = rows;
    const categories = this.#categories();
    const positions = categories === undefined ? positionsOf(restriction, order, rows.tree) : undefined;
    if (positions !== undefined) {
      const limits = rows.directed(positions.low, positions.high);
      return super.search(from, backward, matcher, restriction, limits);
    }
    const direct = findDirectly({
      index: this.#index,
      folder: this.#folder,
      associated: this.#associated,
      restriction,
      from,
      backward,
      order,
      locate: (key) => this.locate({ key, level: undefined }, 0),
      matches: (message, instance) => this.matches({ header: undefined, message, instance }, matcher),
      hasHeaders: categories !== undefined,
    });
    return direct === undefined ? super.search(from, backward, matcher, restriction) : direct.found;
  }

  /** [MS-OXCTABL] 3.2.5.17 */
  override expandRow(
    writer: Writer,
    categoryId: bigint,
    maxRows: number,
    room: number,
  ): { readonly expanded: number; readonly rows: number } {
    return this.rearrange(() => {
      const before = this.count();
      const header = this.#header(categoryId);
      if (header.isExpanded) throw new StoreError(ErrorCode.NotCollapsed, 'a category that is expanded');
      this.#toggle(categoryId);
      const expanded = this.count() - before;
      return { expanded, rows: this.writeRows(writer, header.start + 1, Math.min(maxRows, expanded), room) };
    });
  }

  /** [MS-OXCTABL] 3.2.5.18 */
  override collapseRow(categoryId: bigint): number {
    return this.rearrange(() => {
      const before = this.count();
      if (!this.#header(categoryId).isExpanded) {
        throw new StoreError(ErrorCode.NotExpanded, 'a category that is collapsed');
      }
      this.#toggle(categoryId);
      return before - this.count();
    });
  }

  /** [MS-OXCTABL] 3.2.5.19 */
  override collapseState(rowId: bigint, instance: number): Uint8Array {
    this.requireColumns();
    const { levels, toggled } = this.#expansion;
    return writeCollapseState({ rowId, instance, levels, toggled });
  }

  /** [MS-OXCTABL] 3.2.5.20 */
  override setCollapseState(bytes: Uint8Array): Uint8Array {
    this.requireColumns();
    const state = readCollapseState(bytes);
    return this.run(() => {
      this.#expansion = new Expansion(state.levels, state.toggled);
      this.#grouped = undefined;
      const position = this.#positionOf(state.rowId, state.instance) ?? 0;
      this.moveCursor(position);
      return this.bookmark(position);
    });
  }

  /** Takes another order or restriction; rows are read anew. */
  #arrange(sorting: Sorting): void {
    this.#sorting = sorting;
    this.#context = this.#contextOf(sorting);
    this.#forgetRows();
    if (this.#matcher !== undefined) return;
    this.#index.prepare(this.#folder, this.#associated, sorting.order);
    if (sorting.maximum !== undefined) this.#index.prepare(this.#folder, this.#associated, sorting.maximum.order);
  }

  #forgetRows(): void {
    for (const view of this.#views.values()) this.#index.unwatch(view);
    this.#views.clear();
    this.#version = undefined;
    this.#rows = undefined;
    this.#grouped = undefined;
    this.#maximum = undefined;
  }

  #contextOf({ order, levels, maximum }: Sorting): RowsContext {
    return {
      categories: order.columns.slice(0, levels),
      instance: order.instance,
      unread: (header) => this.#ordered().marked(header.low, header.high),
      maximum: (header, tag) =>
        tag === maximum?.tag && header.level === levels - 1 ? this.#greatest(header, tag) : undefined,
    };
  }

  #ordered(): DirectedRows {
    const { order } = this.#sorting;
    this.#rows ??= new DirectedRows(this.#treeOf(order), order);
    return this.#rows;
  }

  #treeOf(order: RowOrder): DirectedRows['tree'] {
    const stored = this.#matcher === undefined ? this.#index.tree(this.#folder, this.#associated, order) : undefined;
    if (stored !== undefined) return stored;
    let view = this.#views.get(order.name);
    if (view === undefined) {
      view = new RestrictedView(this.#folder, this.#associated, order, this.#matcher);
      this.#views.set(order.name, view);
      this.#index.watch(view);
    }
    return this.#index.rowsOf(view, () =>
      candidateRows(this.#index, this.#folder, this.#associated, this.#restriction),
    );
  }

  /** Undefined where the table has no categories. */
  #categories(): Categories | undefined {
    const { levels, maximum } = this.#sorting;
    if (levels === 0) return undefined;
    const rank = maximum === undefined ? undefined : this.#maximumRows(maximum.order).ranker(maximum.isDescending);
    this.#grouped ??= new Categories(this.#ordered(), levels, this.#expansion, rank);
    return this.#grouped;
  }

  #maximumRows(order: RowOrder): MaximumRows {
    this.#maximum ??= new MaximumRows(this.#treeOf(order), order, this.#sorting.levels);
    return this.#maximum;
  }

  #greatest(header: Header, tag: PropertyTag): PropertyValue | undefined {
    const { maximum } = this.#sorting;
    if (maximum === undefined) return undefined;
    const key = this.#maximumRows(maximum.order).greatest(header.prefix);
    if (key === undefined) return undefined;
    const [message] = this.#index.messages([idOfKey(key, key.length, maximum.order.instance !== undefined)]);
    return message?.value(tag);
  }

  #read(
    position: number,
    count: number,
    messages: (ids: readonly Counter[]) => readonly (MessageRow | undefined)[],
  ): readonly ContentsRow[] {
    const rows = this.#ordered();
    const categories = this.#categories();
    if (categories === undefined) return leaves(rows, position, Math.min(count, rows.count - position), messages);
    const found: ContentsRow[] = [];
    const end = Math.min(position + count, categories.count);
    let next = position;
    for (let at = categories.headerIndexAt(position); next < end; at += 1) {
      const header = categories.headers[at];
      if (header === undefined) break;
      if (header.start === next) {
        found.push(...leaves(rows, header.low, 1, messages).map((row) => ({ ...row, header })));
        next += 1;
      }
      const limit = Math.min(end, categories.headers[at + 1]?.start ?? categories.count);
      found.push(...leaves(rows, header.low + next - header.start - 1, limit - next, messages));
      next = Math.max(next, limit);
    }
    return found;
  }

  /** Throws NotFound. */
  #header(id: bigint): Header {
    const header = this.#categories()?.headerById(BigInt.asUintN(64, id));
    if (header === undefined) throw new StoreError(ErrorCode.NotFound, `no category ${id}`);
    return header;
  }

  #toggle(id: bigint): void {
    this.#expansion.toggle(BigInt.asUintN(64, id));
    this.#grouped = undefined;
  }

  /** The position of the row with a PidTagInstID and PidTagInstanceNum. */
  #positionOf(rowId: bigint, instance: number): number | undefined {
    const id = BigInt.asUintN(64, rowId);
    const header = this.#categories()?.headerById(id);
    if (header !== undefined) return header.start;
    if (replidOf(id) !== OWN_REPLID) return undefined;
    const key = this.#keyOf(counterOf(id), instance);
    return key === undefined ? undefined : this.locate({ key, level: undefined }, 0).position;
  }

  /** The key that a message, or one of its instances, has now. */
  #keyOf(id: Counter, instance: number): Uint8Array | undefined {
    const [message] = this.#index.messages([id]);
    if (message === undefined || !this.#index.holds(this.#folder, this.#associated, message)) return undefined;
    const keys: Uint8Array[] = [];
    this.#sorting.order.keys(message, new KeyWriter(), (key) => keys.push(new Uint8Array(key)));
    return keys[instance];
  }
}

function leaves(
  rows: DirectedRows,
  position: number,
  count: number,
  read: (ids: readonly Counter[]) => readonly (MessageRow | undefined)[],
): ContentsRow[] {
  const { ids, instances } = rows.read(position, count);
  const messages = read(ids);
  const found: ContentsRow[] = [];
  for (let at = 0; at < ids.length; at += 1) {
    const message = messages[at];
    if (message === undefined) throw new SqlError(`message ${ids[at]} is in its folder's index, and nowhere else`);
    found.push({ header: undefined, message, instance: instances[at] ?? 0 });
  }
  return found;
}
