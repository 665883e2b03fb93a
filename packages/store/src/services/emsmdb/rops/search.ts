import { Writer } from '@rpch/rpc/internal';
import { type SearchCriteria, SearchFlag, SearchState } from '../../../mailbox/search-criteria.ts';
import { ErrorCode, StoreError } from '../../../mapi/error-code.ts';
import { FolderType } from '../../../mapi/property-values.ts';
import { type Restriction, writeRestriction } from '../../../mapi/restriction.ts';
import { restrictionWithText } from '../../../mapi/restriction-text.ts';
import { GetSearchCriteria, SetSearchCriteria } from '../../../mapi/rops/folder.ts';
import type { TextCoding } from '../../../mapi/text-coding.ts';
import type { Logon, OpenObject } from '../logon.ts';
import { folderOf } from '../narrow.ts';
import { on, TooSmallError } from '../rop-context.ts';

/** SearchFlags of RopGetSearchCriteria ([MS-OXCFOLD] 2.2.1.5.2). */
const Searching = {
  Running: 0x1,
  Rebuild: 0x2,
  Recursive: 0x4,
  Complete: 0x1000,
  Static: 0x10000,
  /** Without an index of words. */
  TwirTotally: 0x0800_0000,
} as const;

/** Bytes of the response to RopGetSearchCriteria beside its restriction and folders. */
const HEAD = 32;

/** [MS-OXCFOLD] 3.2.5.4. */
const setSearchCriteria = on(SetSearchCriteria, ({ logon, object }, { restrictionData, folderIds, searchFlags }) => {
  const folder = searchFolder(logon, object);
  const scopes = folderIds.map((id) => logon.counter(id));
  logon.store.searches.set(folder, { restriction: restrictionData, scopes, flags: searchFlags });
  return {};
});

/** [MS-OXCFOLD] 3.2.5.5. */
const getSearchCriteria = on(GetSearchCriteria, ({ logon, object, room, coding }, request) => {
  const criteria = logon.store.searches.criteria(searchFolder(logon, object));
  const restriction = request.includeRestriction
    ? restrictionWithText(criteria.restriction, request.useUnicode)
    : undefined;
  const folderIds = request.includeFolders ? criteria.scopes.map((id) => logon.id(id)) : [];
  const size = HEAD + 8 * folderIds.length + (restriction === undefined ? 0 : sizeOf(restriction, coding));
  if (size > room) throw new TooSmallError(size);
  return {
    ...(restriction !== undefined && { restrictionData: restriction }),
    logonId: logon.logonId,
    folderIds,
    searchFlags: stateOf(criteria),
  };
});

/** Throws NotFound, NotSearchFolder; search folders are seen by the owner alone. */
function searchFolder(logon: Logon, object: OpenObject): number {
  const { id, type } = logon.folder(folderOf(object).id);
  if (type !== FolderType.Search) throw new StoreError(ErrorCode.NotSearchFolder, `folder ${id}`);
  return id;
}

function stateOf({ flags, state }: SearchCriteria): number {
  let found: number = Searching.TwirTotally;
  if (state === SearchState.Filling) found |= Searching.Running | Searching.Rebuild;
  if (state === SearchState.Filled) found |= Searching.Complete;
  if ((flags & SearchFlag.Recursive) !== 0) found |= Searching.Recursive;
  if ((flags & SearchFlag.Static) !== 0) found |= Searching.Static;
  return found;
}

function sizeOf(restriction: Restriction, coding: TextCoding): number {
  const writer = new Writer();
  writeRestriction(writer, restriction, coding);
  return writer.length;
}

export const SEARCH_HANDLERS = [setSearchCriteria, getSearchCriteria];
