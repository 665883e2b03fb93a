import { Nspi, type Stat } from '@rpch/rpc/internal';
import { ErrorCode, StoreError } from '../../mapi/error-code.ts';
import { idOf, PropertyType, propertyTag } from '../../mapi/property.ts';
import { PidTag } from '../../mapi/property-tags.ts';
import type { AddressBook } from './address-book.ts';
import type { AddressBookObject } from './address-book-object.ts';
import { GLOBAL_ADDRESS_LIST } from './containers.ts';
import { compileFilter } from './filter.ts';
import { collationOf, localeOf } from './locale.ts';
import { moved, positionOf, standingAt } from './position.ts';
import { type Answer, boundedRows, codePageOf, type Input, rowSet, rowsFor } from './request.ts';
import { firstFrom, type SortedTable, sortRows } from './sorted-table.ts';
import { readWireValue } from './wire-values.ts';

/** How many rows NspiSeekEntries returns of a table, from the one that was sought on. */
const SOUGHT_ROWS = 50;
/** The longest table that NspiGetMatches makes. */
const MAX_MATCHES = 100_000;

/** NspiUpdateStat: moves a position ([MS-OXNSPI] 3.1.4.1.4). */
export const updateStat: Answer<'updateStat'> = ({ pStat, plDelta }, { book }) => {
  codePageOf(pStat);
  const table = tableOf(book, pStat);
  const from = positionOf(table, pStat);
  const to = moved(table, from, pStat.Delta);
  return {
    pStat: standingAt(pStat, table, to),
    plDelta: plDelta === null ? null : to - from,
    result: ErrorCode.Success,
  };
};

/** NspiQueryRows: rows from a position on, or of a list of objects ([MS-OXNSPI] 3.1.4.1.8). */
export const queryRows: Answer<'queryRows'> = ({ dwFlags, pStat, lpETable, Count, pPropTags }, scene) => {
  const { book } = scene;
  const codePage = codePageOf(pStat);
  const rows = rowsFor(scene, pPropTags, codePage, dwFlags);
  if (lpETable !== null) {
    const most = boundedRows(Math.min(Count, lpETable.length), rows.columns);
    const objects = lpETable.slice(0, most).map((mid) => book.object(mid));
    return { pStat, ppRows: rowSet(rows, objects), result: ErrorCode.Success };
  }
  if (Count === 0) throw new StoreError(ErrorCode.InvalidParam, 'no rows are wanted');
  const table = tableOf(book, pStat);
  const from = moved(table, positionOf(table, pStat), pStat.Delta);
  const page = table.rows.slice(from, from + boundedRows(Count, rows.columns));
  return {
    pStat: standingAt(pStat, table, from + page.length),
    ppRows: rows.page(`${localeOf(pStat.SortLocale)} ${pStat.ContainerID} ${from}`, page),
    result: ErrorCode.Success,
  };
};

/** NspiSeekEntries: the first row that is not before a name ([MS-OXNSPI] 3.1.4.1.9). */
export const seekEntries: Answer<'seekEntries'> = (input, scene) => {
  const { Reserved, pStat, pTarget, lpETable, pPropTags } = input;
  const { book } = scene;
  const codePage = codePageOf(pStat);
  if (Reserved !== 0) throw new StoreError(ErrorCode.NotSupported, `Reserved is ${Reserved}`);
  if (pStat.SortType !== Nspi.SortTypeDisplayName) {
    throw new StoreError(ErrorCode.GeneralFailure, `sort type ${pStat.SortType}`);
  }
  const target = readWireValue(pTarget, codePage);
  if (idOf(pTarget.ulPropTag) !== idOf(PidTag.DisplayName) || typeof target !== 'string') {
    throw new StoreError(ErrorCode.GeneralFailure, 'only a display name can be sought');
  }
  const table = tableOf(book, pStat);
  const listed = lpETable === null ? undefined : explicitTable(table, lpETable.aulPropTag);
  const all = listed ?? table.rows;
  const row = firstFrom(all, target, collationOf(localeOf(pStat.SortLocale)));
  const found = all[row];
  if (found === undefined) throw new StoreError(ErrorCode.NotFound, 'there is no such name, and none after it');
  const stat: Stat = { ...pStat, CurrentRec: found.mid, NumPos: row, TotalRecs: all.length };
  if (pPropTags === null) return { pStat: stat, ppRows: null, result: ErrorCode.Success };
  const rows = rowsFor(scene, pPropTags, codePage, Nspi.fEphID);
  const wanted = listed === undefined ? SOUGHT_ROWS : all.length - row;
  const page = all.slice(row, row + boundedRows(wanted, rows.columns));
  return { pStat: stat, ppRows: rowSet(rows, page), result: ErrorCode.Success };
};

/** NspiGetMatches: what satisfies a filter, or what a property of an object leads to ([MS-OXNSPI] 3.1.4.1.10). */
export const getMatches: Answer<'getMatches'> = (input, scene) => {
  const { Reserved1, pStat, pReserved, ulRequested, pPropTags } = input;
  const codePage = codePageOf(pStat);
  if (Reserved1 !== 0) throw new StoreError(ErrorCode.NotSupported, `Reserved1 is ${Reserved1}`);
  if (pReserved !== null) throw new StoreError(ErrorCode.TooComplex, 'pReserved is there');
  if (pStat.SortType === Nspi.SortTypePhoneticDisplayName) throw phonetic();
  const found = input.Filter === null ? linkedObjects(input, scene.book) : filtered(input, codePage, scene.book);
  if (found.length > Math.min(ulRequested, MAX_MATCHES)) {
    throw new StoreError(ErrorCode.TableTooBig, `${found.length} match, ${ulRequested} are wanted`);
  }
  const stat: Stat = { ...pStat, ContainerID: pStat.CurrentRec };
  const ppOutMIds = { aulPropTag: found.map(({ mid }) => mid) };
  if (pPropTags === null) return { pStat: stat, ppOutMIds, ppRows: null, result: ErrorCode.Success };
  const rows = rowsFor(scene, pPropTags, codePage, Nspi.fEphID);
  const page = found.slice(0, boundedRows(found.length, rows.columns));
  return { pStat: stat, ppOutMIds, ppRows: rowSet(rows, page), result: ErrorCode.Success };
};

/** NspiResortRestriction: puts a list of objects in order ([MS-OXNSPI] 3.1.4.1.11). */
export const resortRestriction: Answer<'resortRestriction'> = ({ pStat, pInMIds }, { book }) => {
  codePageOf(pStat);
  if (pStat.SortType === Nspi.SortTypePhoneticDisplayName) throw phonetic();
  if (pStat.SortType !== Nspi.SortTypeDisplayName) {
    throw new StoreError(ErrorCode.NotSupported, `sort type ${pStat.SortType}`);
  }
  const objects = sortedBy(pStat, objectsOf(book, pInMIds.aulPropTag), book);
  const at = objects.findIndex(({ mid }) => mid === pStat.CurrentRec);
  const position = at < 0 ? { CurrentRec: Nspi.MID_BEGINNING_OF_TABLE, NumPos: 0 } : { NumPos: at };
  return {
    pStat: { ...pStat, ...position, TotalRecs: objects.length },
    ppOutMIds: { aulPropTag: objects.map(({ mid }) => mid) },
    result: ErrorCode.Success,
  };
};

/** NspiCompareMIds: which of two objects comes first in a table ([MS-OXNSPI] 3.1.4.1.12). */
export const compareMIds: Answer<'compareMIds'> = ({ pStat, MId1, MId2 }, { book }) => {
  codePageOf(pStat);
  const table = tableOf(book, pStat);
  const [first, second] = [table.positionOf(MId1), table.positionOf(MId2)];
  if (first === undefined || second === undefined) {
    throw new StoreError(ErrorCode.GeneralFailure, `${MId1} or ${MId2} is not in the table`);
  }
  return { plResult: Math.sign(first - second), result: ErrorCode.Success };
};

/** The table that a STAT names. Throws StoreError InvalidBookmark, and GeneralFailure for phonetic sorting. */
function tableOf(book: AddressBook, { ContainerID, SortType, SortLocale }: Stat): SortedTable {
  if (SortType === Nspi.SortTypePhoneticDisplayName) throw phonetic();
  return book.table(ContainerID, SortLocale);
}

/** A list of rows of a table; those that are not in it are passed over, and the order is that of the table. */
function explicitTable(table: SortedTable, mids: readonly number[]): AddressBookObject[] {
  const rows = mids.map((mid) => table.positionOf(mid)).filter((row) => row !== undefined);
  const sorted = rows.toSorted((a, b) => a - b);
  return sorted.flatMap((row) => table.rows[row] ?? []);
}

function objectsOf(book: AddressBook, mids: readonly number[]): AddressBookObject[] {
  return mids.flatMap((mid) => book.object(mid) ?? []);
}

/** Objects in the order of the global address list, which is sorted already; with some that are not in it they are sorted anew. */
function sortedBy(
  { SortLocale }: Stat,
  objects: readonly AddressBookObject[],
  book: AddressBook,
): readonly AddressBookObject[] {
  const table = book.table(GLOBAL_ADDRESS_LIST.id, SortLocale);
  const rows = objects.map(({ mid }) => table.positionOf(mid)).filter((row) => row !== undefined);
  if (rows.length < objects.length) return sortRows(objects, collationOf(localeOf(SortLocale)));
  return rows.toSorted((a, b) => a - b).flatMap((row) => table.rows[row] ?? []);
}

function filtered({ Filter, pStat }: Input<'getMatches'>, codePage: number, book: AddressBook) {
  if (pStat.SortType !== Nspi.SortTypeDisplayName) {
    throw new StoreError(ErrorCode.NotSupported, `a filter with sort type ${pStat.SortType}`);
  }
  const container = book.container(pStat.ContainerID);
  if (Filter === null) return [];
  const admits = ({ entry }: AddressBookObject) => entry !== undefined && container.holds(entry);
  const { rows } = tableOf(book, pStat);
  return rows.filter(compileFilter(Filter, codePage, { book, admits, rows: rows.length }));
}

type Link = (book: AddressBook, object: AddressBookObject) => AddressBookObject[];

/** Properties that lead to other objects. Those that no entry has lead to none. */
const LINKS: ReadonlyMap<number, Link> = new Map<number, Link>([
  [idOf(PidTag.AddressBookMember), (book, object) => book.membersOf(object)],
  [idOf(PidTag.ContainerContents), (book, object) => book.membersOf(object)],
  [idOf(PidTag.AddressBookIsMemberOfDistributionList), (book, object) => book.groupsOf(object)],
  [idOf(PidTag.AddressBookManager), () => []],
  [idOf(PidTag.AddressBookReports), () => []],
  [idOf(PidTag.AddressBookOwner), () => []],
  [idOf(PidTag.AddressBookOwnerBackLink), () => []],
  [idOf(PidTag.AddressBookPublicDelegates), () => []],
]);

/** What a property of the object CurrentRec leads to. The property is named, or stands in ContainerID as a tag. */
function linkedObjects({ pStat, lpPropName }: Input<'getMatches'>, book: AddressBook): readonly AddressBookObject[] {
  const object = book.object(pStat.CurrentRec);
  if (object === undefined) throw new StoreError(ErrorCode.GeneralFailure, `there is no object ${pStat.CurrentRec}`);
  if (pStat.SortType === Nspi.SortTypeDisplayName_W) {
    throw new StoreError(ErrorCode.NotSupported, 'the address book is not changed this way');
  }
  const tag = lpPropName === null ? pStat.ContainerID : lpPropName.lID >>> 0;
  const id = tag <= 0xffff ? tag : idOf(tag);
  const links = LINKS.get(id);
  if (links === undefined) {
    const hex = propertyTag(id, PropertyType.Object).toString(16).padStart(8, '0');
    throw new StoreError(ErrorCode.NotSupported, `property ${hex} leads to no objects`);
  }
  return sortedBy(pStat, links(book, object), book);
}

function phonetic(): StoreError {
  return new StoreError(ErrorCode.GeneralFailure, 'names have no phonetic form here');
}
