import { Writer } from '@rpch/rpc/internal';
import { EntryIdType, formEntryId } from '../mapi/entry-id.ts';
import { type Counter, objectId } from '../mapi/object-id.ts';
import { globalIdBytes } from '../mapi/xid.ts';
import type { MailboxInfo } from './model.ts';

/** Where the counters are in the entry ids of folders and messages ([MS-OXCDATA] 2.2.4.1, 2.2.4.2), and in a GID. */
const FOLDER_COUNTER = 38;
const MESSAGE_COUNTER = 62;
const GLOBAL_ID_COUNTER = 16;

/**
 * The ids of a mailbox's objects in their long forms ([MS-OXCDATA] 2.2.4; [MS-OXCFXICS] 2.2.1.4.1). Every row of a table may have
 * several, and all differ in their counters only: they are stamped on copies of one.
 */
export class EntryIds {
  readonly #folder: Uint8Array;
  readonly #message: Uint8Array;
  readonly #globalId: Uint8Array;

  constructor({ guid, replicaGuid }: MailboxInfo) {
    const none = { guid: replicaGuid, counter: 0 };
    this.#folder = formEntryId({ kind: 'folder', provider: guid, type: EntryIdType.PrivateFolder, folder: none });
    this.#message = formEntryId({
      kind: 'message',
      provider: guid,
      type: EntryIdType.PrivateMessage,
      folder: none,
      message: none,
    });
    this.#globalId = globalIdBytes(none);
  }

  folder(id: Counter): Uint8Array {
    return stamp(this.#folder.slice(), FOLDER_COUNTER, id);
  }

  message(folder: Counter, id: Counter): Uint8Array {
    return stamp(stamp(this.#message.slice(), FOLDER_COUNTER, folder), MESSAGE_COUNTER, id);
  }

  /** PidTagSourceKey of what was made here. */
  sourceKey(id: Counter): Uint8Array {
    return stamp(this.#globalId.slice(), GLOBAL_ID_COUNTER, id);
  }

  /** PidTagInstanceKey of a row that is the object itself. */
  instanceKey(id: Counter): Uint8Array {
    return new Writer(8).u64(objectId(id)).finish();
  }

  /** PidTagRecordKey of an attachment. */
  attachmentKey(message: Counter, number: number): Uint8Array {
    return new Writer(12).u64(objectId(message)).u32(number).finish();
  }
}

/** A GLOBCNT: six bytes, the most significant first. */
function stamp(bytes: Uint8Array, at: number, counter: Counter): Uint8Array {
  let rest = counter;
  for (let byte = at + 5; byte >= at; byte -= 1) {
    bytes[byte] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return bytes;
}
