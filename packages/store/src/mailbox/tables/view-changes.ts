import type { Counter } from '../../mapi/object-id.ts';
import type { MessageRow } from './message-row.ts';
import type { RestrictedView } from './restricted-view.ts';
import { KeyWriter } from './sort-key.ts';

/** Bytes that the changes of one folder may take which its views have still to see. */
const MAX_BYTES = 1024 * 1024;
/** Bytes of one change beside its keys, and of one key beside what is in it, roughly. */
const OVERHEAD = 128;

/** A message that was added, removed or changed. */
interface Change {
  readonly id: Counter;
  /** The keys that it had before, by the names of the orders of views. */
  readonly keys: ReadonlyMap<string, readonly Uint8Array[]>;
  readonly bytes: number;
}

/**
 * The last changes of a folder, none left out. Views catch up with them when they are next looked at: whoever changes a message does not
 * pay for others' restrictions. Each change makes the folder's stamp, a u32, one more.
 */
export class ViewChanges {
  readonly #writer = new KeyWriter();
  #list: Change[] = [];
  #bytes = 0;
  /** The stamp after the last of them. */
  #stamp = 0;

  /** Notes a change after which the folder has a stamp, with what the message was before, if it was there. */
  note(stamp: number, views: Iterable<RestrictedView>, id: Counter, before: MessageRow | undefined): void {
    // A gap is what another connection did.
    if ((this.#stamp + 1) >>> 0 !== stamp) this.clear();
    this.#stamp = stamp;
    const keys = new Map<string, readonly Uint8Array[]>();
    let bytes = OVERHEAD;
    let isWanted = false;
    for (const { tree, order } of views) {
      if (tree === undefined) continue;
      isWanted = true;
      if (before === undefined || keys.has(order.name)) continue;
      const old: Uint8Array[] = [];
      order.keys(before, this.#writer, (key) => old.push(new Uint8Array(key)));
      keys.set(order.name, old);
      for (const key of old) bytes += key.length + OVERHEAD;
    }
    if (!isWanted) {
      this.clear();
      return;
    }
    this.#list.push({ id, keys, bytes });
    this.#bytes += bytes;
    if (this.#bytes > MAX_BYTES) this.#shorten();
  }

  /** What has changed from one stamp to another; undefined where that is not known. */
  between(from: number, to: number): readonly Change[] | undefined {
    const count = (to - from) >>> 0;
    return to === this.#stamp && count <= this.#list.length ? this.#list.slice(this.#list.length - count) : undefined;
  }

  clear(): void {
    this.#list = [];
    this.#bytes = 0;
  }

  /** Forgets the older half. */
  #shorten(): void {
    let gone = 0;
    for (const { bytes } of this.#list) {
      if (this.#bytes <= MAX_BYTES / 2) break;
      this.#bytes -= bytes;
      gone += 1;
    }
    this.#list.splice(0, gone);
  }
}
