/** The first minimal entry id of the server's DN; containers are below it, entries above. */
export const SERVER_MID = 0x1f;
const FIRST_ENTRY = 0x20;

/**
 * Minimal entry ids of the directory's entries, for as long as this server runs: an entry that is seen again has the one that it had,
 * and that of one that is gone is given to no other ([MS-OXNSPI] 3.1.4.3). They count up, as Distinguished Name Tags do.
 */
export class MinimalIds {
  readonly #byGuid = new Map<string, number>();

  /** One more than the highest that was given out. */
  get end(): number {
    return FIRST_ENTRY + this.#byGuid.size;
  }

  /** That of the entry with this GUID. */
  of(guid: string): number {
    let mid = this.#byGuid.get(guid);
    if (mid === undefined) {
      mid = this.end;
      this.#byGuid.set(guid, mid);
    }
    return mid;
  }
}
