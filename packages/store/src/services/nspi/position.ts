import { Nspi, type Stat } from '@rpch/rpc/internal';
import { ErrorCode, StoreError } from '../../mapi/error-code.ts';
import type { SortedTable } from './sorted-table.ts';

/**
 * The row at which a STAT stands, Delta left out: of an object, or, with MID_CURRENT, the fraction NumPos/TotalRecs of the table
 * ([MS-OXNSPI] 3.1.4.5). One past the last row is a position too. Throws StoreError NotFound for an object that is not in the table.
 */
export function positionOf(table: SortedTable, { CurrentRec, NumPos, TotalRecs }: Stat): number {
  const count = table.rows.length;
  switch (CurrentRec) {
    case Nspi.MID_BEGINNING_OF_TABLE:
      return 0;
    case Nspi.MID_END_OF_TABLE:
      return count;
    case Nspi.MID_CURRENT:
      return TotalRecs === 0 ? 0 : Math.min(count, Math.floor((count * NumPos) / TotalRecs));
    default: {
      const row = table.positionOf(CurrentRec);
      if (row === undefined) throw new StoreError(ErrorCode.NotFound, `${CurrentRec} is not in the table`);
      return row;
    }
  }
}

/** So many rows on, but not before the first and not behind the end. */
export function moved(table: SortedTable, row: number, delta: number): number {
  return Math.max(0, Math.min(table.rows.length, row + delta));
}

/** The STAT that stands at a row. */
export function standingAt(stat: Stat, table: SortedTable, row: number): Stat {
  const CurrentRec = table.rows[row]?.mid ?? Nspi.MID_END_OF_TABLE;
  return { ...stat, CurrentRec, Delta: 0, NumPos: row, TotalRecs: table.rows.length };
}
