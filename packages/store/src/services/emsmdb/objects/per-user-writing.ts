import { MAX_PER_USER_SIZE } from '../../../mailbox/limits.ts';
import type { PerUserEntry } from '../../../mailbox/per-user-information.ts';
import { ErrorCode, StoreError } from '../../../mapi/error-code.ts';
import type { GlobalId } from '../../../mapi/long-term-id.ts';
import { Holding } from './holding.ts';

/** A part of what RopWritePerUserInformation writes. */
export interface PerUserPart {
  readonly folderId: GlobalId;
  readonly dataOffset: number;
  readonly data: Uint8Array;
  /** With the first part only. */
  readonly replGuid?: string | undefined;
}

/** What a logon has written so far of one public folder's data ([MS-OXCSTOR] 3.2.5.13.1): nothing is stored before all of it is there. */
export class PerUserWriting {
  readonly #held: Holding;
  #folder: GlobalId | undefined;
  #replica = '';
  #parts: Uint8Array[] = [];
  #size = 0;

  /** @param use is told of bytes that are taken, or given back as a negative number; it throws where that is too much. */
  constructor(use: (bytes: number) => void) {
    this.#held = new Holding(use);
  }

  /**
   * Takes a part: the next one, or the first of another folder or of the same anew. Throws Error for any other, TooBig, NotEnoughMemory;
   * then nothing is left of what came before.
   */
  add({ folderId, dataOffset, data, replGuid }: PerUserPart): void {
    const folder = this.#folder;
    const isNext = folder?.guid === folderId.guid && folder.counter === folderId.counter && dataOffset === this.#size;
    if (!isNext || dataOffset === 0) {
      this.abort();
      if (dataOffset !== 0 || replGuid === undefined) {
        throw new StoreError(ErrorCode.Error, `a part at ${dataOffset} that follows none`);
      }
      this.#folder = folderId;
      this.#replica = replGuid;
    }
    try {
      const size = this.#size + data.length;
      if (size > MAX_PER_USER_SIZE) throw new StoreError(ErrorCode.TooBig, `${size} bytes of one folder`);
      this.#held.become(size);
      this.#parts.push(data.slice());
      this.#size = size;
    } catch (error) {
      this.abort();
      throw error;
    }
  }

  /** All parts as one; there are none afterwards. */
  finish(): PerUserEntry {
    const entry = { replica: this.#replica, data: new Uint8Array(Buffer.concat(this.#parts)) };
    this.abort();
    return entry;
  }

  /** Forgets what was written. */
  abort(): void {
    this.#folder = undefined;
    this.#parts = [];
    this.#size = 0;
    this.#held.become(0);
  }
}
