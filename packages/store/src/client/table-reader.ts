import type { PropertyTag } from '../mapi/property.ts';
import type { Restriction } from '../mapi/restriction.ts';
import { readRows } from '../mapi/rops/row-data.ts';
import { QueryRows, QueryRowsFlags, Restrict, SeekRow, SetColumns, SortTable } from '../mapi/rops/table.ts';
import type { SortOrder } from '../mapi/sort-order.ts';
import { type PropertyResult, resultOf } from './property-result.ts';
import { RopBatch } from './rop-batch.ts';
import type { MapiSession } from './session.ts';

/** Rows of a page, unless said otherwise. */
const PAGE = 50;
const MAX_PAGE = 1000;
/** Origin of RopSeekRow: the beginning; of RopQueryRows' answer: the end ([MS-OXCTABL] 2.2.2.1.1). */
const BEGINNING = 0;
const END = 2;

/** What of a table is read. */
export interface TableQuery {
  /** Strings and binary values of rows are cut to 510 bytes by the server ([MS-OXCTABL] 3.2.5.1). */
  readonly columns: readonly PropertyTag[];
  readonly sort?: readonly SortOrder[];
  readonly restriction?: Restriction;
  /** Rows that are passed over first. */
  readonly offset?: number;
  /** Rows that are read at most. Default: all. */
  readonly limit?: number;
  /** Rows that are asked for at once, 1 to 1000. Default 50. */
  readonly pageSize?: number;
  readonly signal?: AbortSignal;
}

/** Opens a table in a batch: adds the ROPs for that, the table's handle being `table`, and takes the count of rows from their answers. */
export interface TableOpening {
  /** @returns what is called once the batch has run: throws what the server has answered. */
  open(batch: RopBatch, table: number): () => void;
}

/**
 * Reads a table page by page. The first call to the server opens it, arranges it and brings the first page. Rejects with MapiError, and as
 * {@link MapiSession.execute}.
 */
export async function* readTable(
  session: MapiSession,
  logonId: number,
  opening: TableOpening,
  query: TableQuery,
): AsyncGenerator<PropertyResult, void, undefined> {
  const { columns, sort, restriction, offset = 0, limit = Number.POSITIVE_INFINITY, signal } = query;
  const pageSize = Math.max(1, Math.min(query.pageSize ?? PAGE, MAX_PAGE));
  let left = limit;
  if (left <= 0) return;
  const options = { chain: true, ...(signal === undefined ? {} : { signal }) };
  const batch = new RopBatch(session);
  const table = batch.newHandle();
  const opened = opening.open(batch, table);
  const arranged = [
    batch.add(SetColumns, { logonId, inputHandleIndex: table, setColumnsFlags: 0, propertyTags: columns }),
    ...(sort === undefined
      ? []
      : [
          batch.add(SortTable, {
            logonId,
            inputHandleIndex: table,
            sortTableFlags: 0,
            sortOrders: { orders: sort, categories: 0, expanded: 0 },
          }),
        ]),
    ...(restriction === undefined
      ? []
      : [batch.add(Restrict, { logonId, inputHandleIndex: table, restrictFlags: 0, restrictionData: restriction })]),
    ...(offset === 0
      ? []
      : [
          batch.add(SeekRow, {
            logonId,
            inputHandleIndex: table,
            origin: BEGINNING,
            rowCount: offset,
            wantRowMovedCount: false,
          }),
        ]),
  ];
  let asked = Math.min(pageSize, left);
  let rows = batch.add(QueryRows, queryRows(logonId, table, asked), columns);
  await batch.run(options);
  const handle = batch.handleAt(table);
  try {
    opened();
    for (const answer of arranged) void answer.value;
    for (;;) {
      let got = 0;
      let atEnd = false;
      for (const { rowCount, rowData, origin } of rows.values) {
        for (const cells of readRows(rowData, rowCount, columns, session.coding)) {
          got += 1;
          if (got <= left) yield resultOf(columns, cells);
        }
        atEnd = origin === END;
      }
      left -= got;
      if (got === 0 || atEnd || left <= 0 || handle === undefined) return;
      const more = new RopBatch(session);
      asked = Math.min(pageSize, left);
      rows = more.add(QueryRows, queryRows(logonId, more.handle(handle), asked), columns);
      await more.run(options);
    }
  } finally {
    session.discard(logonId, handle);
  }
}

function queryRows(logonId: number, inputHandleIndex: number, rowCount: number) {
  return { logonId, inputHandleIndex, queryRowsFlags: QueryRowsFlags.Advance, forwardRead: true, rowCount };
}
