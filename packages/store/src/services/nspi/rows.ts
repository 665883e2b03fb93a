import { Nspi, type PropertyRowR, type PropertyRowSetR, type PropertyValueR } from '@rpch/rpc/internal';
import { idOf, type PropertyTag, PropertyType, type PropertyValue, typeOf, withType } from '../../mapi/property.ts';
import { PidTag } from '../../mapi/property-tags.ts';
import { decodeString8, encodeString8 } from '../../mapi/text-coding.ts';
import type { AddressBookObject, NativeProperty } from './address-book-object.ts';
import { missingValue, wireValue } from './wire-values.ts';

/** What rows look like: which columns, in which code page, with which kind of entry ids. */
export interface RowShape {
  readonly tags: readonly PropertyTag[];
  readonly codePage: number;
  /** fEphID: PidTagEntryId is that of the session, not the permanent one. */
  readonly ephemeral: boolean;
}

/** How many shapes of rows are remembered, and how many rows of all of them; those of pages count twice. */
const MAX_SHAPES = 32;
const MAX_ROWS = 8192;
/** Rows of the largest page that is remembered as a whole. */
const MAX_PAGE = 100;

/** Rows of one shape, some of which were made already. */
export interface Rows {
  of(object: AddressBookObject | undefined): PropertyRowR;
  /**
   * The rows of objects that follow each other in a table.
   * @param place names the table and where in it they begin.
   */
  page(place: string, objects: readonly AddressBookObject[]): PropertyRowSetR;
}

/**
 * Makes rows of objects and keeps those that were asked for lately: people look at the same pages of the address book all day. Their
 * values are frozen, so that NDR encodes them once. For one version of the directory.
 */
export class RowCache {
  readonly #serverGuid: string;
  /** The shape that was used last stands last. */
  readonly #shapes = new Map<string, ShapedRows>();
  #count = 0;

  constructor(serverGuid: string) {
    this.#serverGuid = serverGuid;
  }

  /** The rows of a shape. */
  rows(shape: RowShape): Rows {
    const key = `${shape.codePage} ${shape.ephemeral} ${shape.tags.join(' ')}`;
    const known = this.#shapes.get(key);
    if (known !== undefined) {
      this.#shapes.delete(key);
      this.#shapes.set(key, known);
      return known;
    }
    const rows = new ShapedRows(shape, this.#serverGuid, (count) => this.#made(count));
    this.#shapes.set(key, rows);
    if (this.#shapes.size > MAX_SHAPES) this.#forgetOldest();
    return rows;
  }

  #made(count: number): void {
    this.#count += count;
    while (this.#count > MAX_ROWS) this.#forgetOldest();
  }

  /** What is asked for next is made anew, in the shape that is in use as well. */
  #forgetOldest(): void {
    for (const [key, rows] of this.#shapes) {
      this.#count -= rows.clear();
      if (this.#shapes.size > 1) this.#shapes.delete(key);
      return;
    }
  }
}

class ShapedRows implements Rows {
  readonly #shape: RowShape;
  readonly #serverGuid: string;
  readonly #made: (count: number) => void;
  readonly #rows = new Map<number, PropertyRowR>();
  readonly #pages = new Map<string, PropertyRowSetR>();
  #count = 0;
  readonly #missing: PropertyRowR;

  constructor(shape: RowShape, serverGuid: string, made: (count: number) => void) {
    this.#shape = shape;
    this.#serverGuid = serverGuid;
    this.#made = made;
    this.#missing = rowOf(shape.tags.map(missingValue));
  }

  /** The row of an object; of none, a row without values ([MS-OXNSPI] 3.1.4.1.7, 3.1.4.1.8). */
  of(object: AddressBookObject | undefined): PropertyRowR {
    if (object === undefined) return this.#missing;
    const known = this.#rows.get(object.mid);
    if (known !== undefined) return known;
    const row = rowOf(this.#shape.tags.map((tag) => cellOf(object, tag, this.#shape, this.#serverGuid)));
    this.#note(1);
    this.#rows.set(object.mid, row);
    return row;
  }

  page(place: string, objects: readonly AddressBookObject[]): PropertyRowSetR {
    const key = `${place} ${objects.length}`;
    const known = this.#pages.get(key);
    if (known !== undefined) return known;
    const page = { aRow: objects.map((object) => this.of(object)) };
    if (objects.length > MAX_PAGE) return page;
    this.#note(objects.length);
    this.#pages.set(key, Object.freeze(page));
    return page;
  }

  /** Forgets all rows, and returns how many they were. */
  clear(): number {
    const count = this.#count;
    this.#rows.clear();
    this.#pages.clear();
    this.#count = 0;
    return count;
  }

  #note(count: number): void {
    this.#made(count);
    this.#count += count;
  }
}

/** A row whose values are encoded once. */
export function rowOf(values: readonly PropertyValueR[]): PropertyRowR {
  return { Reserved: 0, lpProps: Object.freeze(values) };
}

/** Whether a row has a column without a value: then NspiGetProps returns ErrorsReturned. */
export function hasMissing({ lpProps }: PropertyRowR): boolean {
  return (lpProps ?? []).some(({ ulPropTag }) => typeOf(ulPropTag) === PropertyType.ErrorCode);
}

/** The tags under which an object's values are told to a client that did not say which it wants ([MS-OXNSPI] 3.1.4.1.6). */
export function tagsOf(object: AddressBookObject, flags: number, codePage: number): PropertyTag[] {
  const unicode = codePage === Nspi.CP_WINUNICODE;
  return [...object.properties.values()].flatMap(({ tag }) => {
    if ((flags & Nspi.fSkipObjects) !== 0 && typeOf(tag) === PropertyType.Object) return [];
    return [unicode ? tag : narrowTag(tag)];
  });
}

/** The same property as 8-bit text, if it is text. */
export function narrowTag(tag: PropertyTag): PropertyTag {
  switch (typeOf(tag)) {
    case PropertyType.String:
      return withType(tag, PropertyType.String8);
    case PropertyType.MultipleString:
      return withType(tag, PropertyType.MultipleString8);
    default:
      return tag;
  }
}

function cellOf(
  object: AddressBookObject,
  tag: PropertyTag,
  { codePage, ephemeral }: RowShape,
  serverGuid: string,
): PropertyValueR {
  const property = object.properties.get(idOf(tag));
  if (property === undefined) return missingValue(tag);
  if (property.tag === PidTag.EntryId && ephemeral && isType(tag, property)) {
    return wireValue(property.tag, object.ephemeralEntryId(serverGuid), codePage);
  }
  // Of no type: the client takes what there is ([MS-OXNSPI] 2.2.1.1).
  if (isType(tag, property)) return wireValue(property.tag, property.value, codePage);
  if (tag === narrowTag(property.tag)) return wireValue(tag, narrowable(object, property, codePage), codePage);
  return missingValue(tag);
}

function isType(tag: PropertyTag, property: NativeProperty): boolean {
  return tag === property.tag || typeOf(tag) === PropertyType.Unspecified;
}

/** Names that the code page cannot express are told as the 7-bit name ([MS-NSPI] 3.1.1.2.3 <7>). */
function narrowable(object: AddressBookObject, { tag, value }: NativeProperty, codePage: number): PropertyValue {
  if ((tag !== PidTag.DisplayName && tag !== PidTag.TransmittableDisplayName) || typeof value !== 'string')
    return value;
  if (decodeString8(encodeString8(value, codePage), codePage) === value) return value;
  return object.properties.get(idOf(PidTag.AddressBookDisplayNamePrintable))?.value ?? value;
}
