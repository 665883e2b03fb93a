/**
 * Ids of folders and messages and change numbers ([MS-OXCDATA] 2.2.1), inside the store plain numbers: the 48-bit global counter
 * of the mailbox's own replica. On the wire they are 8 bytes: REPLID u16 little-endian, then the counter with its most
 * significant byte first, which is read here as one u64 little-endian.
 */
export type Counter = number;

/** An id as it is on the wire, read as u64 little-endian. */
export type ObjectId = bigint;

/** The REPLID that every store gives its own replica. */
export const OWN_REPLID = 1;

/** The largest counter. */
export const MAX_COUNTER = 2 ** 48 - 1;

/** The wire form of a counter, by default of the store's own replica. */
export function objectId(counter: Counter, replid = OWN_REPLID): ObjectId {
  let id = 0n;
  let rest = counter;
  // Byte 7 is the least significant of the counter, and the most significant of a u64 that is read little-endian.
  for (let at = 0; at < 6; at += 1) {
    id = (id << 8n) | BigInt(rest % 256);
    rest = Math.floor(rest / 256);
  }
  return (id << 16n) | BigInt(replid);
}

/** The REPLID of an id. */
export function replidOf(id: ObjectId): number {
  return Number(id & 0xffffn);
}

/** The counter of an id. */
export function counterOf(id: ObjectId): Counter {
  let rest = id >> 16n;
  let counter = 0;
  for (let at = 0; at < 6; at += 1) {
    counter = counter * 256 + Number(rest & 0xffn);
    rest >>= 8n;
  }
  return counter;
}
