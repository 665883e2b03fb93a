import { ErrorCode, StoreError } from '../mapi/error-code.ts';
import type { Counter } from '../mapi/object-id.ts';
import { PidTag } from '../mapi/property-tags.ts';
import { FolderType } from '../mapi/property-values.ts';
import type { Restriction } from '../mapi/restriction.ts';
import { compileRestriction, type RowMatcher } from '../mapi/restriction-match.ts';
import type { ContentsIndex } from './contents-index.ts';
import { FIRST_FREE_ID } from './folder-ids.ts';
import { FolderRows } from './folder-rows.ts';
import { LinkedRow } from './linked-row.ts';
import type { MailboxContext } from './mailbox-context.ts';
import type { StoredRow, StoredRows } from './message-rows.ts';
import type { MailboxEvent } from './model.ts';
import { checkSearchFlags, type SearchCriteria, SearchFlag, SearchRows, SearchState } from './search-criteria.ts';
import { matchesRow } from './tables/restricted-view.ts';

/** Messages that a search looks at in one go; the rest waits for {@link SearchFolders.proceed}. */
const STEP = 4096;
/** Folders of whose messages it is remembered which searches they concern. */
const MAX_KNOWN_FOLDERS = 4096;

/** Every message is one row of a search folder. */
const WHOLE = { of: undefined, number: 0 };

const COUNT_TAGS = [PidTag.ContentCount, PidTag.ContentUnreadCount];

interface Search extends SearchCriteria {
  readonly matcher: RowMatcher;
  readonly isRecursive: boolean;
  /** Whether messages come and go by themselves. */
  readonly isLive: boolean;
}

/** What RopSetSearchCriteria asks for; what it leaves out stays as it was. */
export interface SearchRequest {
  readonly restriction: Restriction | undefined;
  readonly scopes: readonly Counter[];
  readonly flags: number;
}

/**
 * The search folders of a mailbox ([MS-OXCFOLD] 3.2.5.4): what they look for, and the messages that they have. Those are kept as links,
 * and in the contents index under the search folder's id as the messages of any folder. The message store tells what it does to
 * messages here, in the place of the contents index, which is told in turn; within the transaction that does it.
 */
export class SearchFolders {
  readonly #context: MailboxContext;
  readonly #index: ContentsIndex;
  readonly #messages: StoredRows;
  readonly #folders: FolderRows;
  readonly #rows: SearchRows;
  #known: readonly Search[] | undefined;
  #dataVersion: number | undefined;
  /** The live searches that concern the messages of a folder. */
  readonly #concerned = new Map<Counter, readonly Search[]>();
  /** After opening nobody knows. */
  #isUnfinished = true;

  constructor(context: MailboxContext, index: ContentsIndex, messages: StoredRows) {
    this.#context = context;
    this.#index = index;
    this.#messages = messages;
    this.#folders = new FolderRows(context.database);
    this.#rows = new SearchRows(context.database);
    context.forgetsBy(() => {
      this.#forget();
      this.#isUnfinished = true;
    });
  }

  /** Whether {@link proceed} may have something to do. */
  get isUnfinished(): boolean {
    return this.#isUnfinished;
  }

  /** Whether any folder has been given something to look for. */
  get exist(): boolean {
    return this.#all().length > 0;
  }

  /** Throws NotFound, NotSearchFolder; NotInitialized where it has never been given any. */
  criteria(folder: Counter): SearchCriteria {
    this.#need(folder);
    const found = this.#find(folder);
    if (found === undefined) throw new StoreError(ErrorCode.NotInitialized, `search folder ${folder} has no criteria`);
    return found;
  }

  /** Whether a search folder has a message. */
  holds(folder: Counter, message: Counter): boolean {
    return this.#rows.isLinked(folder, message);
  }

  /**
   * Sets what a folder looks for, and starts its search or stops it. Throws NotFound, NotSearchFolder, InvalidParam, TooComplex;
   * NotInitialized where the first request leaves something out; SearchFolderScopeViolation for a search in search folders;
   * AccessDenied for one of the mailbox's own folders.
   */
  set(folder: Counter, { restriction, scopes, flags }: SearchRequest): void {
    this.#context.write(() => {
      this.#need(folder);
      if (folder < FIRST_FREE_ID) throw new StoreError(ErrorCode.AccessDenied, `${folder} is the server's own`);
      checkSearchFlags(flags);
      const before = this.#find(folder);
      if (before === undefined && (restriction === undefined || scopes.length === 0)) {
        throw new StoreError(ErrorCode.NotInitialized, 'the first search of a folder without criteria or scope');
      }
      for (const scope of scopes) {
        if (scope === folder || this.#folders.need(scope).type === FolderType.Search) {
          throw new StoreError(ErrorCode.SearchFolderScopeViolation, `a search in search folder ${scope}`);
        }
      }
      if (restriction !== undefined) compileRestriction(restriction);
      const isStop = (flags & SearchFlag.Stop) !== 0;
      if (isStop && restriction === undefined && scopes.length === 0) {
        // What has been found before is there to stay, and so is a search that has been through.
        if (before?.state === SearchState.Filling) this.#setState(before, SearchState.Stopped, before.reached);
        return;
      }
      const wanted = restriction ?? before?.restriction;
      if (wanted === undefined) return;
      this.#rows.put({
        folder,
        restriction: wanted,
        flags: flags & ~(SearchFlag.Stop | SearchFlag.Restart),
        state: isStop ? SearchState.Stopped : SearchState.Filling,
        scopes: scopes.length > 0 ? [...new Set(scopes)] : (before?.scopes ?? []),
      });
      this.#forget();
      this.#empty(folder);
      if (!isStop) this.#begin(folder);
    });
  }

  /** Gives a new search folder what another one looks for. Within a transaction. */
  copyCriteria(from: Counter, to: Counter): void {
    const found = this.#find(from);
    if (found === undefined) return;
    const isStopped = found.state === SearchState.Stopped;
    this.#rows.put({ ...found, folder: to, state: isStopped ? SearchState.Stopped : SearchState.Filling });
    this.#forget();
    if (!isStopped) this.#begin(to);
  }

  /** Goes on with a search that is not through what there is, for as long as one step takes. Returns whether more remains. */
  proceed(): boolean {
    if (this.#all().some(isFilling)) {
      this.#context.write(() => {
        const search = this.#all().find(isFilling);
        if (search !== undefined) this.#step(search);
      });
    }
    this.#isUnfinished = this.#all().some(isFilling);
    return this.#isUnfinished;
  }

  added(message: StoredRow): void {
    this.#index.added(message);
    for (const search of this.#concerning(message)) if (isMatch(search, message)) this.#link(search.folder, message);
  }

  removed(message: StoredRow): void {
    this.#index.removed(message);
    this.#unlinkAll(message);
  }

  changed(before: StoredRow, after: StoredRow): void {
    this.#index.changed(before, after);
    if (after.associated || this.#all(this.#index.dataVersion).length === 0) return;
    const concerning = this.#concerning(after);
    const linked = this.#rows.foldersOf(after.id);
    for (const folder of linked) {
      const search = concerning.find((each) => each.folder === folder);
      if (search !== undefined && !isMatch(search, after)) this.#unlink(folder, before);
      else this.#relink(folder, before, after);
    }
    for (const search of concerning) {
      if (!linked.includes(search.folder) && isMatch(search, after)) this.#link(search.folder, after);
    }
  }

  /** A folder is about to be deleted, with its messages unless it `isKept` among what is soft-deleted. */
  folderDeleted(folder: Counter, isKept = false): void {
    if (this.#all().length > 0) {
      for (const id of this.#rows.linkedIn(folder)) {
        const message = this.#messages.get(id);
        if (message !== undefined) this.#unlinkAll(message);
      }
      this.#rows.unlinkAll(folder);
      this.#rows.dropScope(folder);
      this.#forget();
    }
    if (!isKept) this.#index.folderDeleted(folder);
  }

  /** A folder has been moved from below another: what is looked for in either place is looked for anew. */
  folderMoved(folder: Counter, oldParent: Counter): void {
    this.#concerned.clear();
    const before = this.#folders.path(oldParent);
    const after = this.#folders.path(folder).slice(1);
    for (const search of this.#all()) {
      if (!search.isLive || !search.isRecursive) continue;
      if (isWithin(search, before) === isWithin(search, after)) continue;
      this.#empty(search.folder);
      this.#begin(search.folder);
    }
  }

  #need(folder: Counter): void {
    if (this.#folders.need(folder).type !== FolderType.Search) {
      throw new StoreError(ErrorCode.NotSearchFolder, `folder ${folder} is no search folder`);
    }
  }

  #find(folder: Counter): Search | undefined {
    return this.#all().find((search) => search.folder === folder);
  }

  /** @param version of the database: for a message that changes, as the contents index has it, which has just asked. */
  #all(version = this.#context.database.dataVersion()): readonly Search[] {
    if (version !== this.#dataVersion) {
      this.#forget();
      this.#dataVersion = version;
    }
    this.#known ??= this.#rows.all().map((criteria) => ({
      ...criteria,
      matcher: compileRestriction(criteria.restriction),
      isRecursive: (criteria.flags & SearchFlag.Recursive) !== 0,
      isLive: criteria.state !== SearchState.Stopped && (criteria.flags & SearchFlag.Static) === 0,
    }));
    return this.#known;
  }

  #forget(): void {
    this.#known = undefined;
    this.#concerned.clear();
  }

  /** The live searches in whose scope a message is. */
  #concerning({ folder, associated }: StoredRow): readonly Search[] {
    const all = this.#all(this.#index.dataVersion);
    if (associated || all.length === 0) return [];
    const known = this.#concerned.get(folder);
    if (known !== undefined) return known;
    if (this.#concerned.size >= MAX_KNOWN_FOLDERS) this.#concerned.clear();
    const path = this.#folders.path(folder);
    const found = all.filter((search) => search.isLive && isWithin(search, search.isRecursive ? path : [folder]));
    this.#concerned.set(folder, found);
    return found;
  }

  /** Starts a search whose folder is empty. */
  #begin(folder: Counter): void {
    const search = this.#find(folder);
    if (search === undefined) return;
    this.#isUnfinished = true;
    this.#step({ ...search, reached: { folder: 0, message: 0 } });
  }

  /** Takes all messages from a search folder. */
  #empty(folder: Counter): void {
    const { contentCount, unreadCount, size } = this.#folders.need(folder);
    this.#rows.unlinkAll(folder);
    this.#index.rebuild(folder, false);
    const none = { content: -contentCount, unread: -unreadCount, size: -size };
    this.#folders.contentsChanged(folder, none, this.#context.now());
    this.#context.tell(countsChanged(folder));
  }

  #step(search: Search): void {
    let left = STEP;
    const counts = { content: 0, unread: 0, size: 0 };
    let reached: SearchCriteria['reached'] | undefined;
    for (const folder of this.#scopeOf(search)) {
      if (folder < search.reached.folder) continue;
      const after = folder === search.reached.folder ? search.reached.message : 0;
      left -= 1;
      for (const message of this.#messages.scan(folder, false, after)) {
        left -= 1;
        if (isMatch(search, message) && this.#rows.link(search.folder, message.id)) {
          this.#index.added(new LinkedRow(message, search.folder));
          counts.content += 1;
          counts.unread += message.unread ? 1 : 0;
          counts.size += message.size;
        }
        if (left > 0) continue;
        reached = { folder, message: message.id };
        break;
      }
      if (left <= 0) {
        reached ??= { folder: folder + 1, message: 0 };
        break;
      }
    }
    this.#folders.contentsChanged(search.folder, counts, this.#context.now());
    this.#context.tell(countsChanged(search.folder));
    if (reached === undefined) this.#context.tell({ kind: 'search-complete', folder: search.folder });
    const state = reached === undefined ? SearchState.Filled : SearchState.Filling;
    this.#setState(search, state, reached ?? { folder: 0, message: 0 });
  }

  #setState({ folder }: SearchCriteria, state: number, reached: SearchCriteria['reached']): void {
    this.#rows.setState(folder, state, reached);
    this.#forget();
  }

  /** The folders whose messages a search looks at, in the order of their ids. */
  #scopeOf({ scopes, isRecursive }: Search): readonly Counter[] {
    const folders = new Set(scopes);
    if (isRecursive) {
      for (const scope of scopes) {
        for (const { id, type } of this.#folders.allBelow(scope)) if (type !== FolderType.Search) folders.add(id);
      }
    }
    return [...folders].sort((a, b) => a - b);
  }

  #link(folder: Counter, message: StoredRow): void {
    if (!this.#rows.link(folder, message.id)) return;
    this.#index.added(new LinkedRow(message, folder));
    this.#count(folder, message, 1);
    this.#context.tell(eventOf('created', folder, message), countsChanged(folder));
  }

  #unlink(folder: Counter, message: StoredRow): void {
    this.#rows.unlink(folder, message.id);
    this.#index.removed(new LinkedRow(message, folder));
    this.#count(folder, message, -1);
    this.#context.tell(eventOf('deleted', folder, message), countsChanged(folder));
  }

  #unlinkAll(message: StoredRow): void {
    if (message.associated || this.#all(this.#index.dataVersion).length === 0) return;
    for (const folder of this.#rows.foldersOf(message.id)) this.#unlink(folder, message);
  }

  /** The folder has the message still, which may stand elsewhere in its orders. */
  #relink(folder: Counter, before: StoredRow, after: StoredRow): void {
    this.#index.changed(new LinkedRow(before, folder), new LinkedRow(after, folder));
    this.#context.tell(eventOf('modified', folder, after));
    const unread = Number(after.unread) - Number(before.unread);
    const size = after.size - before.size;
    if (unread === 0 && size === 0) return;
    this.#folders.contentsChanged(folder, { unread, size }, this.#context.now());
    if (unread !== 0) this.#context.tell(countsChanged(folder));
  }

  #count(folder: Counter, message: StoredRow, sign: 1 | -1): void {
    const by = { content: sign, unread: message.unread ? sign : 0, size: sign * message.size };
    this.#folders.contentsChanged(folder, by, this.#context.now());
  }
}

function isFilling({ state }: Search): boolean {
  return state === SearchState.Filling;
}

function isMatch({ matcher }: Search, message: StoredRow): boolean {
  return matchesRow(message, matcher, WHOLE);
}

function isWithin({ scopes }: Search, path: readonly Counter[]): boolean {
  return path.some((folder) => scopes.includes(folder));
}

function eventOf(kind: MailboxEvent['kind'], search: Counter, { id, folder }: StoredRow): MailboxEvent {
  return { kind, folder, message: id, search };
}

function countsChanged(folder: Counter): MailboxEvent {
  return { kind: 'modified', folder, search: folder, tags: COUNT_TAGS };
}
