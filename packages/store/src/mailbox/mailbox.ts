import { closeSync, existsSync, openSync, rmSync } from 'node:fs';
import { RpchError } from '@rpch/rpc';
import { formatGuid } from '@rpch/rpc/internal';
import type { MutableProperties, Properties, PropertyTag } from '../mapi/property.ts';
import { PidTag } from '../mapi/property-tags.ts';
import { type SqlDatabase, text } from '../sql/driver.ts';
import { migrate } from '../sql/migrations.ts';
import { NodeSqlite } from '../sql/node-sqlite.ts';
import { ClientIds } from './client-ids.ts';
import { ContentsIndex } from './contents-index.ts';
import { makeDefaultTree } from './default-tree.ts';
import { EntryIds } from './entry-ids.ts';
import { FIRST_FREE_ID } from './folder-ids.ts';
import { StoredFolders } from './folder-store.ts';
import { type Listener, MailboxContext, type MailboxOptions } from './mailbox-context.ts';
import { StoredRows } from './message-rows.ts';
import { StoredMessages, subobjectsOf } from './message-store.ts';
import type { MailboxInfo, MailboxStore } from './model.ts';
import { packProperties } from './packed-properties.ts';
import { PerUserInformation } from './per-user-information.ts';
import { StoredPropertyNames } from './property-names.ts';
import { StoredReceiveFolders } from './receive-folders.ts';
import { Retention } from './retention.ts';
import { MAILBOX_SCHEMA } from './schema.ts';
import { SearchFolders } from './search-folders.ts';
import { StoreProperties } from './store-properties.ts';

export type { MailboxOptions } from './mailbox-context.ts';

/** A mailbox in a database of its own. Nothing is remembered that another connection to the same file could have changed. */
export class Mailbox implements MailboxStore {
  readonly info: MailboxInfo;
  readonly folders: StoredFolders;
  readonly messages: StoredMessages;
  readonly names: StoredPropertyNames;
  readonly receiveFolders: StoredReceiveFolders;
  readonly clientIds: ClientIds;
  readonly perUser: PerUserInformation;
  /** The orders of messages that contents tables read, kept by the message store. */
  readonly contents: ContentsIndex;
  /** What search folders look for, and what they have found. */
  readonly searches: SearchFolders;
  /** For how long what was deleted is kept. */
  readonly retention: Retention;
  readonly database: SqlDatabase;
  readonly #context: MailboxContext;
  readonly #store: StoreProperties;

  private constructor(database: SqlDatabase, info: MailboxInfo, options: MailboxOptions) {
    const context = new MailboxContext(database, info, options);
    const ids = new EntryIds(info);
    const rows = new StoredRows(database, info, ids, (id, tag) => subobjectsOf(context, id, tag));
    this.info = info;
    this.database = database;
    this.contents = new ContentsIndex(database, rows);
    context.holdsBack(this.contents);
    this.searches = new SearchFolders(context, this.contents, rows);
    this.folders = new StoredFolders(context, ids, this.searches);
    this.messages = new StoredMessages(context, ids, this.searches, rows);
    this.folders.messages = this.messages;
    this.retention = new Retention(context, this.messages, this.folders);
    this.names = new StoredPropertyNames(context);
    this.receiveFolders = new StoredReceiveFolders(context);
    this.clientIds = new ClientIds(context);
    this.perUser = new PerUserInformation(context);
    this.#context = context;
    this.#store = new StoreProperties(context, ids, this.searches);
  }

  /**
   * Makes the mailbox of an account, with the folders that every mailbox has. The file must not be there yet; only its owner may read
   * it. Throws RpchError `RPCH_MAILBOX_EXISTS`, or `RPCH_IO` where it cannot be made (configuration); SqlError.
   * @param account in canonical form
   */
  static create(path: string, account: string, options: MailboxOptions): Mailbox {
    if (path !== ':memory:') makeFile(path);
    try {
      return Mailbox.#fill(new NodeSqlite(path), account, options);
    } catch (error) {
      if (path !== ':memory:') for (const end of ['', '-wal', '-shm']) rmSync(path + end, { force: true });
      throw error;
    }
  }

  static #fill(database: SqlDatabase, account: string, options: MailboxOptions): Mailbox {
    try {
      migrate(database, MAILBOX_SCHEMA);
      const info: MailboxInfo = {
        guid: randomGuid(options),
        replicaGuid: randomGuid(options),
        mappingSignature: randomGuid(options),
        account,
      };
      const mailbox = new Mailbox(database, info, options);
      mailbox.transaction(() => {
        database.run(
          `INSERT INTO mailbox (id, guid, replica_guid, mapping_signature, account, next_counter, last_change, properties)
           VALUES (1, ?, ?, ?, ?, ?, 0, ?)`,
          info.guid,
          info.replicaGuid,
          info.mappingSignature,
          info.account,
          FIRST_FREE_ID,
          packProperties(new Map()).bytes,
        );
        makeDefaultTree(mailbox.folders, mailbox.receiveFolders, new EntryIds(info));
        mailbox.setStoreProperties(new Map([[PidTag.CreationTime, mailbox.#context.now()]]));
      });
      return mailbox;
    } catch (error) {
      database.close();
      throw error;
    }
  }

  /** Opens a mailbox, and brings an old one to the present schema. Throws RpchError `RPCH_NO_MAILBOX` (configuration); SqlError. */
  static open(path: string, options: MailboxOptions): Mailbox {
    if (!existsSync(path)) throw new RpchError('RPCH_NO_MAILBOX', 'configuration', `there is no mailbox ${path}`);
    const database = new NodeSqlite(path);
    try {
      migrate(database, MAILBOX_SCHEMA);
      const row = database.get('SELECT guid, replica_guid, mapping_signature, account FROM mailbox');
      if (row === undefined) throw new RpchError('RPCH_NO_MAILBOX', 'configuration', `${path} is no whole mailbox`);
      const info: MailboxInfo = {
        guid: text(row, 'guid'),
        replicaGuid: text(row, 'replica_guid'),
        mappingSignature: text(row, 'mapping_signature'),
        account: text(row, 'account'),
      };
      return new Mailbox(database, info, options);
    } catch (error) {
      database.close();
      throw error;
    }
  }

  transaction<T>(work: () => T): T {
    return this.#context.transaction(work);
  }

  storeProperties(): MutableProperties {
    return this.#store.all();
  }

  setStoreProperties(set: Properties): void {
    this.#store.change(set, []);
  }

  deleteStoreProperties(tags: readonly PropertyTag[]): void {
    this.#store.change(new Map(), tags);
  }

  subscribe(listener: Listener): () => void {
    return this.#context.subscribe(listener);
  }

  close(): void {
    this.database.close();
  }
}

/** Makes the file before SQLite does, readable for its owner only. SQLite gives its log and index the same mode. */
function makeFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== 'EEXIST') throw new RpchError('RPCH_IO', 'configuration', `cannot make ${path}: ${code}`, { cause });
    throw new RpchError('RPCH_MAILBOX_EXISTS', 'configuration', `there is a mailbox ${path} already`, { cause });
  }
}

/** A random GUID ([RFC4122] 4.4). */
function randomGuid({ random }: MailboxOptions): string {
  const bytes = Uint8Array.from(random(16));
  bytes[7] = ((bytes[7] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return formatGuid(bytes);
}
