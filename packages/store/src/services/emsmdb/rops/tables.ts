import { Origin } from '../../../mailbox/table.ts';
import { ErrorCode, StoreError } from '../../../mapi/error-code.ts';
import { RESPONSE_HEADER_SIZE, writeExpandRow, writeFindRow, writeQueryRows } from '../../../mapi/rops/row-response.ts';
import {
  Abort,
  CollapseRow,
  CreateBookmark,
  ExpandRow,
  FindRow,
  FindRowFlags,
  FreeBookmark,
  GetCollapseState,
  GetStatus,
  QueryColumnsAll,
  QueryPosition,
  QueryRows,
  QueryRowsFlags,
  ResetTable,
  Restrict,
  SeekRow,
  SeekRowBookmark,
  SeekRowFractional,
  SetCollapseState,
  SetColumns,
  SortTable,
  TableStatus,
} from '../../../mapi/rops/table.ts';
import { tableOf } from '../narrow.ts';
import { on, TooSmallError, WRITTEN } from '../rop-context.ts';

/** Everything is done at once ([MS-OXCTABL] 2.2.2.1.3). */
const COMPLETE = { tableStatus: TableStatus.Complete };
/** A row that does not fit is one of more bytes than there are, by how many nobody knows. */
const MORE = 1024;
const ROWS_HEAD = RESPONSE_HEADER_SIZE + 3;
const EXPANDED_HEAD = RESPONSE_HEADER_SIZE + 6;
/** FindRow writes its row whatever the room: [MS-OXCTABL] 3.2.5.1 cuts its values, and the number of columns is bounded. */
const NO_BOOKMARK = new Uint8Array(0);

const setColumns = on(SetColumns, ({ object }, { propertyTags }) => {
  tableOf(object).setColumns(propertyTags);
  return COMPLETE;
});

const sortTable = on(SortTable, ({ object }, { sortOrders }) => {
  tableOf(object).sort(sortOrders);
  return COMPLETE;
});

const restrict = on(Restrict, ({ object }, { restrictionData }) => {
  tableOf(object).restrict(restrictionData);
  return COMPLETE;
});

const queryRows = on(QueryRows, ({ object, room }, request, { writer, handleIndex }) => {
  const table = tableOf(object);
  writeQueryRows(writer, handleIndex, (rows) => {
    const written = table.queryRows(rows, {
      forward: request.forwardRead,
      advance: (request.queryRowsFlags & QueryRowsFlags.NoAdvance) === 0,
      count: request.rowCount,
      room: room - ROWS_HEAD,
    });
    if (written.tooSmall) throw new TooSmallError(room + MORE);
    return written;
  });
  return WRITTEN;
});

const findRow = on(FindRow, ({ object }, request, { writer, handleIndex }) => {
  const table = tableOf(object);
  const { restrictionData: restriction, origin, bookmark } = request;
  if (restriction === undefined) throw new StoreError(ErrorCode.InvalidParam, 'nothing to find');
  if (origin > Origin.Custom) throw new StoreError(ErrorCode.InvalidParam, `origin ${origin}`);
  writeFindRow(writer, handleIndex, (row) => {
    const backward = (request.findRowFlags & FindRowFlags.Backward) !== 0;
    const found = table.findRow(row, { restriction, backward, origin, bookmark: bookmark ?? NO_BOOKMARK });
    if (!found.found) throw new StoreError(ErrorCode.NotFound, 'no row matches');
    return found;
  });
  return WRITTEN;
});

const expandRow = on(ExpandRow, ({ object, room }, { maxRowCount, categoryId }, { writer, handleIndex }) => {
  const table = tableOf(object);
  writeExpandRow(writer, handleIndex, (rows) => table.expandRow(rows, categoryId, maxRowCount, room - EXPANDED_HEAD));
  return WRITTEN;
});

const collapseRow = on(CollapseRow, ({ object }, { categoryId }) => {
  return { collapsedRowCount: tableOf(object).collapseRow(categoryId) };
});

const queryPosition = on(QueryPosition, ({ object }) => tableOf(object).position());

const seekRow = on(SeekRow, ({ object }, { origin, rowCount, wantRowMovedCount }) => {
  if (origin > Origin.End) throw new StoreError(ErrorCode.InvalidParam, `origin ${origin}`);
  const rowsSought = tableOf(object).seek(origin, rowCount);
  return { hasSoughtLess: wantRowMovedCount && rowsSought !== rowCount, rowsSought };
});

const seekRowBookmark = on(SeekRowBookmark, ({ object }, { bookmark, rowCount, wantRowMovedCount }) => {
  const { moved, gone } = tableOf(object).seekBookmark(bookmark, rowCount);
  return { rowNoLongerVisible: gone, hasSoughtLess: wantRowMovedCount && moved !== rowCount, rowsSought: moved };
});

const seekRowFractional = on(SeekRowFractional, ({ object }, { numerator, denominator }) => {
  tableOf(object).seekFractional(numerator, denominator);
  return {};
});

const createBookmark = on(CreateBookmark, ({ object }) => ({ bookmark: tableOf(object).createBookmark() }));

const freeBookmark = on(FreeBookmark, ({ object }, { bookmark }) => {
  tableOf(object).freeBookmark(bookmark);
  return {};
});

const queryColumnsAll = on(QueryColumnsAll, ({ object }) => ({ propertyTags: tableOf(object).columnsAll() }));

const resetTable = on(ResetTable, ({ object }) => {
  tableOf(object).reset();
  return {};
});

const getStatus = on(GetStatus, ({ object }) => {
  tableOf(object);
  return COMPLETE;
});

/** Nothing is ever under way ([MS-OXCTABL] 3.2.5.7). */
const abort = on(Abort, ({ object }) => {
  tableOf(object);
  throw new StoreError(ErrorCode.UnableToAbort, 'nothing is under way');
});

const getCollapseState = on(GetCollapseState, ({ object }, { rowId, rowInstanceNumber }) => {
  return { collapseState: tableOf(object).collapseState(rowId, rowInstanceNumber) };
});

const setCollapseState = on(SetCollapseState, ({ object }, { collapseState }) => {
  return { bookmark: tableOf(object).setCollapseState(collapseState) };
});

export const TABLE_HANDLERS = [
  setColumns,
  sortTable,
  restrict,
  queryRows,
  findRow,
  expandRow,
  collapseRow,
  queryPosition,
  seekRow,
  seekRowBookmark,
  seekRowFractional,
  createBookmark,
  freeBookmark,
  queryColumnsAll,
  resetTable,
  getStatus,
  abort,
  getCollapseState,
  setCollapseState,
];
