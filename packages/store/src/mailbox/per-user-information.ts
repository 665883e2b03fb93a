import { ProtocolError } from '@rpch/rpc';
import { ErrorCode, StoreError } from '../mapi/error-code.ts';
import { parseIdSet } from '../mapi/id-set.ts';
import type { GlobalId } from '../mapi/long-term-id.ts';
import { blob, integer, type SqlDatabase, text } from '../sql/driver.ts';
import { MAX_PER_USER_ENTRIES, MAX_PER_USER_SIZE, MAX_PER_USER_TOTAL } from './limits.ts';
import type { MailboxContext } from './mailbox-context.ts';

/** One of the mailbox's migrations. `modified` is a FILETIME. */
export function createPerUserInformation(database: SqlDatabase): void {
  database.exec(`
    CREATE TABLE per_user (
      folder_guid TEXT NOT NULL,
      folder_counter INTEGER NOT NULL,
      replica TEXT NOT NULL,
      modified INTEGER NOT NULL,
      data BLOB NOT NULL,
      UNIQUE (folder_guid, folder_counter)
    );
  `);
}

/** What the mailbox's owner has read of a public folder, as a client has put it by. */
export interface PerUserEntry {
  /** REPLGUID of the public folder database that the data are from. */
  readonly replica: string;
  /** Change numbers of what was read: a serialized IDSET with REPLGUIDs. */
  readonly data: Uint8Array;
}

/** The per-user data table ([MS-OXCSTOR] 3.2.1): clients keep here what a mailbox's owner has read of public folders elsewhere. */
export class PerUserInformation {
  readonly #context: MailboxContext;

  constructor(context: MailboxContext) {
    this.#context = context;
  }

  get({ guid, counter }: GlobalId): PerUserEntry | undefined {
    const row = this.#context.database.get(
      'SELECT replica, data FROM per_user WHERE folder_guid = ? AND folder_counter = ?',
      guid,
      counter,
    );
    return row === undefined ? undefined : { replica: text(row, 'replica'), data: blob(row, 'data') };
  }

  /** The folders whose data are from a database. */
  foldersOf(replica: string): readonly GlobalId[] {
    return this.#context.database
      .all('SELECT folder_guid, folder_counter FROM per_user WHERE replica = ?', replica)
      .map((row) => ({ guid: text(row, 'folder_guid'), counter: integer(row, 'folder_counter') }));
  }

  /**
   * Sets what there is of a folder, in place of what there was ([MS-OXCSTOR] 3.2.5.13). Throws CorruptData for what is no IDSET, TooBig
   * for more than an entry may have, QuotaExceeded where all entries together would be more than there may be.
   */
  set({ guid, counter }: GlobalId, { replica, data }: PerUserEntry): void {
    if (data.length > MAX_PER_USER_SIZE) throw new StoreError(ErrorCode.TooBig, `${data.length} bytes of one folder`);
    checkIdSet(data);
    const { database } = this.#context;
    this.#context.write(() => {
      const others = database.get(
        `SELECT count(*) AS count, coalesce(sum(length(data)), 0) AS size FROM per_user
         WHERE folder_guid <> ? OR folder_counter <> ?`,
        guid,
        counter,
      );
      const isFull = integer(others ?? {}, 'count') >= MAX_PER_USER_ENTRIES;
      if (isFull || integer(others ?? {}, 'size') + data.length > MAX_PER_USER_TOTAL) {
        throw new StoreError(ErrorCode.QuotaExceeded, 'no more can be kept of public folders');
      }
      database.run(
        `INSERT OR REPLACE INTO per_user (folder_guid, folder_counter, replica, modified, data)
         VALUES (?, ?, ?, ?, ?)`,
        guid,
        counter,
        replica,
        this.#context.now(),
        data,
      );
    });
  }
}

function checkIdSet(data: Uint8Array): void {
  try {
    parseIdSet(data);
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause;
    throw new StoreError(ErrorCode.CorruptData, 'not a serialized IDSET', { cause });
  }
}
