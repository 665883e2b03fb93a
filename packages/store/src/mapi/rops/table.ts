import { bin16, bool, i32, objectId, u8, u16, u32, u64 } from './primitives.ts';
import { defineRop } from './rop.ts';
import { RowData } from './row-data.ts';
import { when } from './structures.ts';
import { propertyTags, restrictionData, sortOrderSet } from './values.ts';

/** TableStatus ([MS-OXCTABL] 2.2.2.1.3). */
export const TableStatus = {
  Complete: 0x00,
  Sorting: 0x09,
  SortError: 0x0a,
  SettingColumns: 0x0b,
  SetColumnsError: 0x0d,
  Restricting: 0x0e,
  RestrictError: 0x0f,
} as const;

/** QueryRowsFlags ([MS-OXCTABL] 2.2.2.5.1). */
export const QueryRowsFlags = { Advance: 0x00, NoAdvance: 0x01, EnablePackedBuffers: 0x02 } as const;

/** FindRowFlags ([MS-OXCTABL] 2.2.2.13.1). */
export const FindRowFlags = { Forward: 0x00, Backward: 0x01 } as const;

/** [MS-OXCROPS] 2.2.5.1 */
export const SetColumns = defineRop({
  id: 0x12,
  name: 'SetColumns',
  header: 'in',
  request: { setColumnsFlags: u8, propertyTags },
  response: { tableStatus: u8 },
});

/** [MS-OXCROPS] 2.2.5.2. `sortOrders` has SortOrderCount, CategoryCount and ExpandedCount in it. */
export const SortTable = defineRop({
  id: 0x13,
  name: 'SortTable',
  header: 'in',
  request: { sortTableFlags: u8, sortOrders: sortOrderSet },
  response: { tableStatus: u8 },
});

/** [MS-OXCROPS] 2.2.5.3 */
export const Restrict = defineRop({
  id: 0x14,
  name: 'Restrict',
  header: 'in',
  request: { restrictFlags: u8, restrictionData },
  response: { tableStatus: u8 },
});

/** [MS-OXCROPS] 2.2.5.4. The rows are bytes: row-data.ts reads them, and writes them without a detour. */
export const QueryRows = defineRop({
  id: 0x15,
  name: 'QueryRows',
  header: 'in',
  request: { queryRowsFlags: u8, forwardRead: bool, rowCount: u16 },
  response: { origin: u8, rowCount: u16, rowData: new RowData('rowCount') },
});

/** [MS-OXCROPS] 2.2.5.5 */
export const Abort = defineRop({
  id: 0x38,
  name: 'Abort',
  header: 'in',
  request: {},
  response: { tableStatus: u8 },
});

/** [MS-OXCROPS] 2.2.5.6 */
export const GetStatus = defineRop({
  id: 0x16,
  name: 'GetStatus',
  header: 'in',
  request: {},
  response: { tableStatus: u8 },
});

/** [MS-OXCROPS] 2.2.5.7 */
export const QueryPosition = defineRop({
  id: 0x17,
  name: 'QueryPosition',
  header: 'in',
  request: {},
  response: { numerator: u32, denominator: u32 },
});

/** [MS-OXCROPS] 2.2.5.8 */
export const SeekRow = defineRop({
  id: 0x18,
  name: 'SeekRow',
  header: 'in',
  request: { origin: u8, rowCount: i32, wantRowMovedCount: bool },
  response: { hasSoughtLess: bool, rowsSought: i32 },
});

/** [MS-OXCROPS] 2.2.5.9 */
export const SeekRowBookmark = defineRop({
  id: 0x19,
  name: 'SeekRowBookmark',
  header: 'in',
  request: { bookmark: bin16, rowCount: i32, wantRowMovedCount: bool },
  response: { rowNoLongerVisible: bool, hasSoughtLess: bool, rowsSought: i32 },
});

/** [MS-OXCROPS] 2.2.5.10 */
export const SeekRowFractional = defineRop({
  id: 0x1a,
  name: 'SeekRowFractional',
  header: 'in',
  request: { numerator: u32, denominator: u32 },
  response: {},
});

/** [MS-OXCROPS] 2.2.5.11 */
export const CreateBookmark = defineRop({
  id: 0x1b,
  name: 'CreateBookmark',
  header: 'in',
  request: {},
  response: { bookmark: bin16 },
});

/** [MS-OXCROPS] 2.2.5.12 */
export const QueryColumnsAll = defineRop({
  id: 0x37,
  name: 'QueryColumnsAll',
  header: 'in',
  request: {},
  response: { propertyTags },
});

/** [MS-OXCROPS] 2.2.5.13 */
export const FindRow = defineRop({
  id: 0x4f,
  name: 'FindRow',
  header: 'in',
  request: { findRowFlags: u8, restrictionData, origin: u8, bookmark: bin16 },
  response: { rowNoLongerVisible: bool, hasRowData: bool, rowData: when('hasRowData', new RowData(1)) },
});

/** [MS-OXCROPS] 2.2.5.14 */
export const FreeBookmark = defineRop({
  id: 0x89,
  name: 'FreeBookmark',
  header: 'in',
  request: { bookmark: bin16 },
  response: {},
});

/** [MS-OXCROPS] 2.2.5.15 */
export const ResetTable = defineRop({ id: 0x81, name: 'ResetTable', header: 'in', request: {}, response: {} });

/** [MS-OXCROPS] 2.2.5.16 */
export const ExpandRow = defineRop({
  id: 0x59,
  name: 'ExpandRow',
  header: 'in',
  request: { maxRowCount: u16, categoryId: u64 },
  response: { expandedRowCount: u32, rowCount: u16, rowData: new RowData('rowCount') },
});

/** [MS-OXCROPS] 2.2.5.17 */
export const CollapseRow = defineRop({
  id: 0x5a,
  name: 'CollapseRow',
  header: 'in',
  request: { categoryId: u64 },
  response: { collapsedRowCount: u32 },
});

/** [MS-OXCROPS] 2.2.5.18 */
export const GetCollapseState = defineRop({
  id: 0x6b,
  name: 'GetCollapseState',
  header: 'in',
  request: { rowId: objectId, rowInstanceNumber: u32 },
  response: { collapseState: bin16 },
});

/** [MS-OXCROPS] 2.2.5.19 */
export const SetCollapseState = defineRop({
  id: 0x6c,
  name: 'SetCollapseState',
  header: 'in',
  request: { collapseState: bin16 },
  response: { bookmark: bin16 },
});
