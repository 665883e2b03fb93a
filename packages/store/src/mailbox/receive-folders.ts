import { ErrorCode, StoreError } from '../mapi/error-code.ts';
import type { Counter } from '../mapi/object-id.ts';
import { integer, type SqlRow, text } from '../sql/driver.ts';
import type { MailboxContext } from './mailbox-context.ts';
import type { ReceiveFolder, ReceiveFolders } from './model.ts';

/** Characters of a message class, without the terminator ([MS-OXCSTOR] 2.2.1.2.1). */
const MAX_CLASS = 254;
/** Printable ASCII, in components between single dots. */
const CLASS = /^(?:[\x20-\x2d\x2f-\x7e]+(?:\.[\x20-\x2d\x2f-\x7e]+)*)?$/;
/** [MS-OXCSTOR] 3.2.5.3: these are the server's. */
const FIXED: ReadonlySet<string> = new Set(['ipm', 'report.ipm']);

const COLUMNS = 'class, folder, CAST(modified AS TEXT) AS modified';

/** The folders that messages are delivered to, by their class ([MS-OXCSTOR] 3.2.1.4). */
export class StoredReceiveFolders implements ReceiveFolders {
  readonly #context: MailboxContext;

  constructor(context: MailboxContext) {
    this.#context = context;
  }

  find(messageClass: string): ReceiveFolder | undefined {
    checkClass(messageClass);
    return this.#context.read(() => {
      // [MS-OXCSTOR] 3.2.5.2: the class itself, then without its last component, and so on; last the empty one.
      for (let key = messageClass.toLowerCase(); ; key = key.slice(0, Math.max(0, key.lastIndexOf('.')))) {
        const row = this.#context.database.get(`SELECT ${COLUMNS} FROM receive_folders WHERE class_key = ?`, key);
        if (row !== undefined) return fromRow(row);
        if (key === '') return undefined;
      }
    });
  }

  /** Throws InvalidParam for what is no message class, AccessDenied for IPM and REPORT.IPM, Error for a folder that is not there. */
  set(messageClass: string, folder: Counter | undefined): void {
    checkClass(messageClass);
    const key = messageClass.toLowerCase();
    if (FIXED.has(key)) throw new StoreError(ErrorCode.AccessDenied, `the receive folder of ${messageClass} is fixed`);
    if (folder === undefined && key === '')
      throw new StoreError(ErrorCode.Error, 'there must be a default receive folder');
    this.put(messageClass, folder);
  }

  /** As {@link set}, of any class. */
  put(messageClass: string, folder: Counter | undefined): void {
    const database = this.#context.database;
    const key = messageClass.toLowerCase();
    this.#context.write(() => {
      if (folder === undefined) {
        database.run('DELETE FROM receive_folders WHERE class_key = ?', key);
        return;
      }
      if (database.get('SELECT 1 AS found FROM folders WHERE id = ? AND deleted_on IS NULL', folder) === undefined) {
        throw new StoreError(ErrorCode.Error, 'a receive folder that is not there');
      }
      database.run(
        'INSERT OR REPLACE INTO receive_folders (class_key, class, folder, modified) VALUES (?, ?, ?, ?)',
        key,
        messageClass,
        folder,
        this.#context.now(),
      );
    });
  }

  all(): readonly ReceiveFolder[] {
    return this.#context.database.all(`SELECT ${COLUMNS} FROM receive_folders ORDER BY class_key`).map(fromRow);
  }
}

function fromRow(row: SqlRow): ReceiveFolder {
  return { messageClass: text(row, 'class'), folder: integer(row, 'folder'), modified: BigInt(text(row, 'modified')) };
}

function checkClass(messageClass: string): void {
  if (messageClass.length > MAX_CLASS || !CLASS.test(messageClass)) {
    throw new StoreError(ErrorCode.InvalidParam, 'not a message class');
  }
}
