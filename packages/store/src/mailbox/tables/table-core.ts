import type { Writer } from '@rpch/rpc/internal';
import { ErrorCode, StoreError } from '../../mapi/error-code.ts';
import type { PropertyTag } from '../../mapi/property.ts';
import { partsOf, type Restriction } from '../../mapi/restriction.ts';
import { compileRestriction, type RowMatcher } from '../../mapi/restriction-match.ts';
import type { SortOrderSet } from '../../mapi/sort-order.ts';
import type { TextCoding } from '../../mapi/text-coding.ts';
import { Origin, type QueryRowsOptions, type Table } from '../table.ts';
import { type CellWriter, type Column, columnsOf, RowWriter } from './columns.ts';
import { RowBuffer } from './row-buffer.ts';

/** Bookmarks of one table at most: they live until they are freed or the table is. */
const MAX_BOOKMARKS = 4096;
/** Rows read at a time. */
const BATCH = 64;

/** Bytes of one column, one part of a restriction and one bookmark beside its row's key, roughly; a restriction's values keep a request. */
const COLUMN_BYTES = 256;
const PART_BYTES = 256;
const REQUEST_BYTES = 32 * 1024;
const BOOKMARK_BYTES = 256;

/** Where a row is now, or where it would be. */
export interface Located {
  readonly position: number;
  readonly found: boolean;
}

/** A place in a table that stays with its row while others come and go. */
interface Place<Mark> {
  readonly position: number;
  /** The row there; undefined at the beginning, and where there is none. */
  readonly mark: Mark | undefined;
  /** Whether the place is behind that row: the end. */
  readonly isBehind: boolean;
}

const BEGINNING = { position: 0, mark: undefined, isBehind: false } as const;

/** Rows are collected here, by all tables: they are written in one go. */
const buffer = new RowBuffer();

/**
 * What all tables have in common: columns, cursor, bookmarks and how rows are read ([MS-OXCTABL] 3.2). Rows have positions from 0; a
 * `Mark` names a row whatever its position. Tables are alive: `refresh` is called before anything else is.
 */
export abstract class TableCore<Row, Mark> implements Table {
  readonly #coding: TextCoding;
  #columns: readonly Column[] | undefined;
  #writer: RowWriter<Row> | undefined;
  #cursor: Place<Mark> = BEGINNING;
  readonly #bookmarks = new Map<number, Place<Mark>>();
  #nextBookmark = 1;
  #generation = 0;
  /** Bytes of what the client has made of the table. */
  readonly #held = { columns: 0, restriction: 0, bookmarks: 0 };
  #use: (bytes: number) => void = () => {};

  constructor(coding: TextCoding) {
    this.#coding = coding;
  }

  /** Runs a call of the table on one state of what is behind it. */
  protected abstract consistent<T>(work: () => T): T;
  /** Looks for changes; what it returns has changed where rows may have moved. */
  protected abstract refresh(): number;
  protected abstract count(): number;
  /** Rows from a position on, at most so many. */
  protected abstract rowsAt(position: number, count: number): readonly Row[];
  /** The same, of rows that are looked at once and not shown. */
  protected scanAt(position: number, count: number): readonly Row[] {
    return this.rowsAt(position, count);
  }

  protected abstract markAt(position: number): Mark;
  protected abstract locate(mark: Mark, position: number): Located;
  /** The same for a row that should be found wherever it is, even where it has moved. */
  protected follow(mark: Mark, position: number): Located {
    return this.locate(mark, position);
  }

  protected abstract matches(row: Row, matcher: RowMatcher): boolean;
  protected abstract cellWriter(column: Column): CellWriter<Row>;
  /** Told when columns are set, before they are; what it throws is what SetColumns throws. True where rows are others now. */
  protected abstract columnsChanging(columns: readonly Column[]): boolean;
  protected abstract applySort(order: SortOrderSet | undefined): void;
  protected abstract applyRestriction(restriction: Restriction | undefined): void;
  protected abstract allColumns(): readonly PropertyTag[];
  /** Bytes of a mark. */
  protected abstract markSize(mark: Mark): number;
  abstract readonly bytes: number;
  abstract rest(): void;

  heldBy(use: (bytes: number) => void): void {
    this.#use = use;
  }

  close(): void {
    this.rest();
    this.#bookmarks.clear();
    for (const part of ['columns', 'restriction', 'bookmarks'] as const) this.#hold(part, 0);
  }

  #hold(part: 'columns' | 'restriction' | 'bookmarks', bytes: number): void {
    this.#use(bytes - this.#held[part]);
    this.#held[part] = bytes;
  }

  get columns(): readonly PropertyTag[] | undefined {
    return this.#columns?.map(({ tag }) => tag);
  }

  setColumns(tags: readonly PropertyTag[]): void {
    this.#columns = undefined;
    this.#writer = undefined;
    const columns = columnsOf(tags);
    this.#hold('columns', columns.length * COLUMN_BYTES);
    this.run(() => {
      if (this.columnsChanging(columns)) this.#toBeginning();
    });
    this.#columns = columns;
    this.#writer = new RowWriter(
      columns.map((column) => this.cellWriter(column)),
      this.#coding,
    );
  }

  sort(order: SortOrderSet): void {
    this.applySort(order);
    this.#toBeginning();
  }

  restrict(restriction: Restriction | undefined): void {
    const bytes = restriction === undefined ? 0 : REQUEST_BYTES + partsOf(restriction) * PART_BYTES;
    // Until it is known that the new one can be used, there may be both.
    this.#hold('restriction', Math.max(this.#held.restriction, bytes));
    this.applyRestriction(restriction);
    this.#hold('restriction', bytes);
    this.#toBeginning();
  }

  reset(): void {
    this.#columns = undefined;
    this.#writer = undefined;
    this.columnsChanging([]);
    this.#hold('columns', 0);
    this.applySort(undefined);
    this.restrict(undefined);
  }

  get rowCount(): number {
    return this.run(() => this.count());
  }

  queryRows(
    writer: Writer,
    { forward, advance, count, room }: QueryRowsOptions,
  ): { readonly rows: number; readonly origin: number; readonly tooSmall: boolean } {
    const rowWriter = this.#rowWriter();
    return this.run(() => {
      const total = this.count();
      const start = this.#position();
      const wanted = forward ? Math.min(count, total - start) : Math.min(count, start);
      const rows = forward
        ? this.#writeForward(writer, rowWriter, start, wanted, room)
        : this.#writeBackward(writer, rowWriter, start, wanted, room);
      const end = forward ? start + rows : start - rows;
      if (advance && rows > 0) this.#moveTo(end);
      // [MS-OXCTABL] 3.2.5.5
      const isLast = forward ? end >= total : end <= 0;
      const limit = forward ? Origin.End : Origin.Beginning;
      return { rows, origin: isLast ? limit : Origin.Current, tooSmall: rows === 0 && wanted > 0 };
    });
  }

  position(): { readonly numerator: number; readonly denominator: number } {
    return this.run(() => ({ numerator: this.#position(), denominator: this.count() }));
  }

  seek(origin: number, rows: number): number {
    return this.run(() => this.#moveBy(this.#originPosition(origin), rows));
  }

  /** [MS-OXCTABL] 3.2.5.11 */
  seekFractional(numerator: number, denominator: number): void {
    if (denominator === 0) throw new StoreError(ErrorCode.InvalidParam, 'a fraction with the denominator 0');
    this.run(() => {
      const total = this.count();
      this.#moveTo(numerator >= denominator ? total : Math.floor((total * numerator) / denominator));
    });
  }

  createBookmark(): Uint8Array {
    return this.run(() => this.bookmark(this.#position()));
  }

  /** Makes a bookmark of a position. */
  protected bookmark(position: number): Uint8Array {
    if (this.#bookmarks.size >= MAX_BOOKMARKS) throw new StoreError(ErrorCode.OutOfResources, 'too many bookmarks');
    const place = this.#placeAt(position);
    this.#hold('bookmarks', this.#held.bookmarks + this.#bookmarkSize(place));
    const id = this.#nextBookmark;
    this.#nextBookmark += 1;
    this.#bookmarks.set(id, place);
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(id);
    return new Uint8Array(bytes);
  }

  seekBookmark(bookmark: Uint8Array, rows: number): { readonly moved: number; readonly gone: boolean } {
    this.requireColumns();
    return this.run(() => {
      const { position, found } = this.#bookmarked(bookmark);
      return { moved: this.#moveBy(position, rows), gone: !found };
    });
  }

  freeBookmark(bookmark: Uint8Array): void {
    this.requireColumns();
    const id = bookmarkId(bookmark);
    const place = this.#bookmarks.get(id);
    if (place === undefined) throw new StoreError(ErrorCode.InvalidBookmark, `no bookmark ${id}`);
    this.#bookmarks.delete(id);
    this.#hold('bookmarks', this.#held.bookmarks - this.#bookmarkSize(place));
  }

  #bookmarkSize({ mark }: Place<Mark>): number {
    return BOOKMARK_BYTES + (mark === undefined ? 0 : this.markSize(mark));
  }

  findRow(
    writer: Writer,
    find: {
      readonly restriction: Restriction;
      readonly backward: boolean;
      readonly origin: number;
      readonly bookmark: Uint8Array;
    },
  ): { readonly found: boolean; readonly gone: boolean } {
    const rowWriter = this.#rowWriter();
    const matcher = compileRestriction(find.restriction);
    return this.run(() => {
      const start =
        find.origin === Origin.Custom
          ? this.#bookmarked(find.bookmark)
          : { position: this.#originPosition(find.origin), found: true };
      const at = this.search(start.position, find.backward, matcher, find.restriction);
      if (at !== undefined) {
        const [row] = this.rowsAt(at, 1);
        if (row === undefined) throw new StoreError(ErrorCode.NotFound, 'a row that has just been found');
        buffer.clear();
        rowWriter.write(buffer, row);
        writer.bytes(buffer.view());
        this.#moveTo(at);
      }
      return { found: at !== undefined, gone: !start.found };
    });
  }

  /** The first row that matches, from a position on or backwards from the row before it. */
  protected search(
    from: number,
    backward: boolean,
    matcher: RowMatcher,
    _restriction: Restriction,
    limits = { low: 0, high: this.count() },
  ): number | undefined {
    let low = Math.max(from, limits.low);
    let high = Math.min(from, limits.high);
    if (backward) low = limits.low;
    else high = limits.high;
    while (low < high) {
      const size = Math.min(BATCH, high - low);
      const start = backward ? high - size : low;
      const rows = this.scanAt(start, size);
      const at = backward
        ? rows.findLastIndex((row) => this.matches(row, matcher))
        : rows.findIndex((row) => this.matches(row, matcher));
      if (at >= 0) return start + at;
      if (backward) high = start;
      else low += size;
    }
    return undefined;
  }

  columnsAll(): readonly PropertyTag[] {
    return this.run(() => this.allColumns());
  }

  /** [MS-OXCTABL] 3.2.5.17 to 3.2.5.20: contents tables alone have categories. */
  expandRow(_writer: Writer, _categoryId: bigint, _maxRows: number, _room: number): { expanded: number; rows: number } {
    throw notContents();
  }

  collapseRow(_categoryId: bigint): number {
    throw notContents();
  }

  collapseState(_rowId: bigint, _instance: number): Uint8Array {
    throw notContents();
  }

  setCollapseState(_state: Uint8Array): Uint8Array {
    throw notContents();
  }

  /** Throws NullObject where no columns have been set ([MS-OXCTABL] 3.2.5.2). */
  protected requireColumns(): void {
    this.#rowWriter();
  }

  /** Runs a call that shows or hides rows; the cursor stays at its row. */
  protected rearrange<T>(work: () => T): T {
    this.requireColumns();
    return this.run(() => {
      const result = work();
      this.#moveTo(this.#resolve(this.#cursor).position);
      return result;
    });
  }

  /** Writes rows from a position on, as many as there is room for; returns how many. */
  protected writeRows(writer: Writer, position: number, count: number, room: number): number {
    return this.#writeForward(writer, this.#rowWriter(), position, count, room);
  }

  protected moveCursor(position: number): void {
    this.#moveTo(position);
  }

  /** Runs a call of the table, with the cursor where its row is now. */
  protected run<T>(work: () => T): T {
    return this.consistent(() => {
      const generation = this.refresh();
      if (generation !== this.#generation) {
        this.#generation = generation;
        const { position, found } = this.#resolve(this.#cursor);
        const isAtRow = found && (!this.#cursor.isBehind || position === this.count());
        // Where its row is gone, or it was at the end and is no more, it is at the next row from now on.
        if (isAtRow) this.#cursor = { ...this.#cursor, position };
        else this.#moveTo(position);
      }
      return work();
    });
  }

  #rowWriter(): RowWriter<Row> {
    if (this.#writer === undefined) throw new StoreError(ErrorCode.NullObject, 'no columns have been set');
    return this.#writer;
  }

  #toBeginning(): void {
    this.#cursor = BEGINNING;
    this.#bookmarks.clear();
    this.#hold('bookmarks', 0);
  }

  #position(): number {
    return Math.min(this.#cursor.position, this.count());
  }

  #placeAt(position: number): Place<Mark> {
    const total = this.count();
    if (total === 0) return BEGINNING;
    return position < total
      ? { position, mark: this.markAt(position), isBehind: false }
      : { position: total, mark: this.markAt(total - 1), isBehind: true };
  }

  #resolve({ position, mark, isBehind }: Place<Mark>): Located {
    if (mark === undefined) return { position: 0, found: true };
    const located = this.locate(mark, isBehind ? position - 1 : position);
    return isBehind && located.found ? { position: located.position + 1, found: true } : located;
  }

  /** The beginning stays the beginning: a row that comes before all others is read. */
  #moveTo(position: number): void {
    this.#cursor = position <= 0 ? BEGINNING : this.#placeAt(position);
  }

  #moveBy(start: number, rows: number): number {
    const target = Math.max(0, Math.min(this.count(), start + rows));
    this.#moveTo(target);
    return target - start;
  }

  #originPosition(origin: number): number {
    switch (origin) {
      case Origin.Beginning:
        return 0;
      case Origin.Current:
        return this.#position();
      case Origin.End:
        return this.count();
      default:
        throw new StoreError(ErrorCode.InvalidParam, `origin ${origin}`);
    }
  }

  #bookmarked(bookmark: Uint8Array): Located {
    const id = bookmarkId(bookmark);
    const place = this.#bookmarks.get(id);
    if (place === undefined) throw new StoreError(ErrorCode.InvalidBookmark, `no bookmark ${id}`);
    // The end is no row that could be gone.
    if (place.mark === undefined || place.isBehind) return { ...this.#resolve(place), found: true };
    return this.follow(place.mark, place.position);
  }

  #writeForward(writer: Writer, rowWriter: RowWriter<Row>, start: number, count: number, room: number): number {
    buffer.clear();
    let written = 0;
    while (written < count) {
      const rows = this.rowsAt(start + written, Math.min(BATCH, count - written));
      if (rows.length === 0) break;
      for (const row of rows) {
        const before = buffer.length;
        rowWriter.write(buffer, row);
        if (buffer.length > room) {
          writer.bytes(buffer.view(0, before));
          return written;
        }
        written += 1;
      }
    }
    writer.bytes(buffer.view());
    return written;
  }

  /** The rows before a position, those nearest to it where there is no room for all; they are written in the table's order. */
  #writeBackward(writer: Writer, rowWriter: RowWriter<Row>, start: number, count: number, room: number): number {
    buffer.clear();
    const spans: { readonly start: number; readonly end: number }[] = [];
    let hasRoom = true;
    while (hasRoom && spans.length < count) {
      const size = Math.min(BATCH, count - spans.length);
      const rows = this.rowsAt(start - spans.length - size, size);
      if (rows.length === 0) break;
      for (const row of rows.toReversed()) {
        const before = buffer.length;
        rowWriter.write(buffer, row);
        hasRoom = buffer.length <= room;
        if (!hasRoom) break;
        spans.push({ start: before, end: buffer.length });
      }
    }
    for (const span of spans.toReversed()) writer.bytes(buffer.view(span.start, span.end));
    return spans.length;
  }
}

function bookmarkId(bookmark: Uint8Array): number {
  if (bookmark.length !== 4) throw new StoreError(ErrorCode.InvalidBookmark, `a bookmark of ${bookmark.length} bytes`);
  return new DataView(bookmark.buffer, bookmark.byteOffset, 4).getUint32(0, true);
}

function notContents(): StoreError {
  return new StoreError(ErrorCode.NotSupported, 'the table is no contents table');
}
