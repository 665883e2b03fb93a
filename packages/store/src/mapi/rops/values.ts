import type { Cursor, Writer } from '@rpch/rpc/internal';
import {
  type GlobalId,
  readGlobalCounter,
  readGlobalId,
  readLongTermId,
  writeGlobalCounter,
  writeGlobalId,
  writeLongTermId,
} from '../long-term-id.ts';
import type { Counter } from '../object-id.ts';
import type { Properties, PropertyTag } from '../property.ts';
import { readTaggedValues, readTags, writeTaggedValues, writeTags } from '../property-codec.ts';
import { type PropertyName, readPropertyName, writePropertyName } from '../property-name.ts';
import { type PropertyProblem, readPropertyProblems, writePropertyProblems } from '../property-problem.ts';
import { type Cell, readRow, writeRow } from '../property-row.ts';
import { type RecipientRow, readRecipientRow, writeRecipientRow } from '../recipient-row.ts';
import { type Restriction, readRestriction, writeRestriction } from '../restriction.ts';
import { readSortOrderSet, type SortOrderSet, writeSortOrderSet } from '../sort-order.ts';
import { readString, readString8, writeString, writeString8 } from '../text-coding.ts';
import { readTypedString, writeTypedString } from '../typed-string.ts';
import type { Field, OptionalField, Scope } from './field.ts';
import { u16 } from './primitives.ts';
import { sizedOptional } from './structures.ts';

/** A zero-terminated string of bytes: ASCII where the specification says so, else in the code page of the session. */
export const text8: Field<string> = {
  read(cursor, scope) {
    return readString8(cursor, scope.coding);
  },
  write(writer, value, scope) {
    writeString8(writer, value, scope.coding);
  },
};

/** UTF-16 text with its terminator. */
export const text16: Field<string> = {
  read: readString,
  write: writeString,
};

/** UTF-16 where a flag before it is set, else bytes. */
export class FlaggedText implements Field<string> {
  readonly flag: string;

  constructor(flag: string) {
    this.flag = flag;
  }

  read(cursor: Cursor, scope: Scope): string {
    return this.#of(scope).read(cursor, scope);
  }

  write(writer: Writer, value: string, scope: Scope): void {
    this.#of(scope).write(writer, value, scope);
  }

  #of(scope: Scope): Field<string> {
    return scope.values[this.flag] === true ? text16 : text8;
  }
}

export function flaggedText(flag: string): FlaggedText {
  return new FlaggedText(flag);
}

/** PtypString8 or nothing at all ([MS-OXCDATA] 2.11.7). */
export const typedString: OptionalField<string> = {
  optional: true,
  read(cursor, scope) {
    return readTypedString(cursor, scope.coding);
  },
  write(writer, value) {
    writeTypedString(writer, value);
  },
};

/** Tags behind their number. */
export const propertyTags: Field<readonly PropertyTag[]> = {
  read: readTags,
  write: writeTags,
};

/** TaggedPropertyValues behind their number. */
export const propertyValues: Field<Properties> = {
  read(cursor, scope) {
    return readTaggedValues(cursor, scope.coding);
  },
  write(writer, value, scope) {
    writeTaggedValues(writer, value, scope.coding);
  },
};

export const propertyProblems: Field<readonly PropertyProblem[]> = {
  read: readPropertyProblems,
  write: writePropertyProblems,
};

/** A PropertyName; undefined where an id has no name. */
export const propertyName: Field<PropertyName | undefined> = {
  read: readPropertyName,
  write: writePropertyName,
};

export const longTermId: Field<GlobalId> = {
  read: readLongTermId,
  write: writeLongTermId,
};

export const globalId: Field<GlobalId> = {
  read: readGlobalId,
  write: writeGlobalId,
};

/** GLOBCNT: six bytes. */
export const globalCounter: Field<Counter> = {
  read: readGlobalCounter,
  write: writeGlobalCounter,
};

export const sortOrderSet: Field<SortOrderSet> = {
  read: readSortOrderSet,
  write: writeSortOrderSet,
};

const restriction: Field<Restriction> = {
  read(cursor, scope) {
    return readRestriction(cursor, scope.coding);
  },
  write(writer, value, scope) {
    writeRestriction(writer, value, scope.coding);
  },
};

/** RestrictionDataSize and the restriction; none where the size is 0. */
export const restrictionData = sizedOptional(u16, restriction);

/** A PropertyRow over columns that are always the same. */
export class PropertyRow implements Field<readonly Cell[]> {
  readonly columns: readonly PropertyTag[];

  constructor(columns: readonly PropertyTag[]) {
    this.columns = columns;
  }

  read(cursor: Cursor, scope: Scope): readonly Cell[] {
    return readRow(cursor, this.columns, scope.coding);
  }

  write(writer: Writer, value: readonly Cell[], scope: Scope): void {
    writeRow(writer, this.columns, value, scope.coding);
  }
}

/** The servers that hold a public folder, the cheapest first; how many of them are cheap ([MS-OXCROPS] 2.2.4.1.2). */
export interface ServerList {
  readonly cheapServerCount: number;
  readonly servers: readonly string[];
}

export const serverList: Field<ServerList> = {
  read(cursor, scope) {
    const count = cursor.u16();
    const cheapServerCount = cursor.u16();
    const servers: string[] = [];
    while (servers.length < count) servers.push(text8.read(cursor, scope));
    return { cheapServerCount, servers };
  },
  write(writer, { cheapServerCount, servers }, scope) {
    u16.write(writer, servers.length, scope);
    u16.write(writer, cheapServerCount, scope);
    for (const server of servers) text8.write(writer, server, scope);
  },
};

/** The rest of a recipient's row over the columns that the ROP names in `recipientColumns`, or that its reader knows. */
export const recipientRow: Field<RecipientRow> = {
  read(cursor, scope) {
    return readRecipientRow(cursor, recipientColumns(scope), scope.coding);
  },
  write(writer, value, scope) {
    writeRecipientRow(writer, value, recipientColumns(scope), scope.coding);
  },
};

function recipientColumns(scope: Scope): readonly PropertyTag[] {
  for (let at: Scope | undefined = scope; at !== undefined; at = at.outer) {
    const columns = at.values.recipientColumns;
    if (Array.isArray(columns)) return columns;
  }
  return scope.coding.columns ?? [];
}
