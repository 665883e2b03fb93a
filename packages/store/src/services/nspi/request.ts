import { type HandlersOf, Nspi, type nspiDeclaration, type RpcCall, type Stat } from '@rpch/rpc/internal';
import { ErrorCode, StoreError } from '../../mapi/error-code.ts';
import { type PropertyTag, PropertyType, typeOf } from '../../mapi/property.ts';
import { hasCodePage } from '../../mapi/text-coding.ts';
import type { AddressBook } from './address-book.ts';
import type { AddressBookObject } from './address-book-object.ts';
import type { RowCache, Rows } from './rows.ts';

type Handlers = HandlersOf<typeof nspiDeclaration, RpcCall>;
/** The methods of NSPI. */
export type Method = keyof Handlers;
/** What a method is given, and what it returns. */
export type Input<M extends Method> = Parameters<Handlers[M]>[0];
export type Output<M extends Method> = Exclude<ReturnType<Handlers[M]>, Promise<unknown>>;

/** What the methods answer from: one version of the directory, and the rows of it that were made already. */
export interface Scene {
  readonly book: AddressBook;
  readonly rows: RowCache;
}

/** How a method is answered. Throws StoreError for the return values that are errors. */
export type Answer<M extends Method> = (input: Input<M>, scene: Scene) => Output<M>;

/** The most columns of a row, and the most values of one response: what is left out is asked for again. */
const MAX_COLUMNS = 500;
const MAX_VALUES = 100_000;
/** The most rows of one response. */
const MAX_ROWS = 5000;

/** The columns of a client that names none ([MS-OXNSPI] 3.1.4.1.8): 8-bit text. */
const DEFAULT_COLUMNS: readonly PropertyTag[] = [
  0xfffd0003, 0x0ffe0003, 0x39000003, 0x3001001e, 0x3a1a001e, 0x3a18001e, 0x3a19001e,
];

/** CP_ACP, which clients send that have not thought about it. */
const CP_ACP = 0;
const CP_WINDOWS = 1252;

/**
 * The code page of 8-bit text in a call. Throws StoreError NotSupported for CP_WINUNICODE, which is none, and InvalidCodepage for what
 * is not known here ([MS-OXNSPI] 3.1.4.1).
 */
export function codePageOf({ CodePage }: Pick<Stat, 'CodePage'>): number {
  if (CodePage === Nspi.CP_WINUNICODE) throw new StoreError(ErrorCode.NotSupported, '8-bit text in UTF-16');
  if (CodePage === CP_ACP) return CP_WINDOWS;
  if (!hasCodePage(CodePage)) throw new StoreError(ErrorCode.InvalidCodepage, `code page ${CodePage}`);
  return CodePage;
}

/** The rows that a client asks for: columns as it names them, or those of clients that name none. Throws StoreError TableTooBig. */
export function rowsFor(
  scene: Scene,
  columns: { readonly aulPropTag: readonly PropertyTag[] } | null,
  codePage: number,
  flags: number,
): Rows & { readonly columns: number } {
  const tags = columns === null ? DEFAULT_COLUMNS : columns.aulPropTag;
  if (tags.length > MAX_COLUMNS) throw new StoreError(ErrorCode.TableTooBig, `${tags.length} columns`);
  const rows = scene.rows.rows({ tags, codePage, ephemeral: (flags & Nspi.fEphID) !== 0 });
  return {
    of: (object) => rows.of(object),
    page: (place, objects) => rows.page(place, objects),
    columns: tags.length,
  };
}

/** How many rows of so many columns one response may have, of those that are wanted; one at least. */
export function boundedRows(wanted: number, columns: number): number {
  return Math.min(wanted, MAX_ROWS, Math.max(1, Math.floor(MAX_VALUES / Math.max(1, columns))));
}

/** A row set of objects; one that there is not has a row without values. */
export function rowSet(rows: Rows, objects: readonly (AddressBookObject | undefined)[]) {
  return { aRow: objects.map((object) => rows.of(object)) };
}

/** Whether tags ask for 8-bit text. */
export function wantNarrow(tags: readonly PropertyTag[]): boolean {
  return tags.some((tag) => typeOf(tag) === PropertyType.String8 || typeOf(tag) === PropertyType.MultipleString8);
}
