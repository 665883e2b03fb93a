const HEADER = 12;
const LEAF_HEAD = 3;
const INNER_HEAD = 14;

/** Where the bytes of a key lie. Valid until the node changes. */
export interface KeySpan {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/**
 * A node of a CountedTree (counted-tree.ts): entries in the order of their keys. An entry of a leaf is a row: u16 length of its key,
 * u8 mark, key. An entry of an inner node is a child: u16 length of its key, u32 number of the child, u32 rows below it, u32 marked
 * rows below it, key, which is not greater than any key below it (in the first nodes of each level that of the first child is empty). Entries lie in the
 * order in which they came; offsets have the order of the keys, so that inserting one moves two bytes for each other.
 */
export class TreeNode {
  readonly number: number;
  /** Of the root only: the number that the next node gets, and the folder's stamp (see ContentsIndex). */
  next = 1;
  stamp = 0;
  count = 0;
  /** Whether it differs from what is stored. */
  dirty = false;
  #leaf: boolean;
  #offsets: Uint16Array;
  #data: Uint8Array;
  /** Bytes of `#data` in use, and those of them that belong to no entry any more. */
  #used = 0;
  #waste = 0;

  constructor(number: number, leaf: boolean) {
    this.number = number;
    this.#leaf = leaf;
    this.#offsets = new Uint16Array(16);
    this.#data = new Uint8Array(256);
  }

  /** A node from the bytes that {@link encode} made; they belong to the node from then on. */
  static decode(number: number, bytes: Uint8Array): TreeNode {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const node = new TreeNode(number, view.getUint8(0) === 0);
    const count = view.getUint16(2, true);
    node.count = count;
    node.next = view.getUint32(4, true);
    node.stamp = view.getUint32(8, true);
    node.#offsets = new Uint16Array(count);
    for (let at = 0; at < count; at += 1) node.#offsets[at] = view.getUint16(HEADER + 2 * at, true);
    node.#data = bytes.subarray(HEADER + 2 * count);
    node.#used = node.#data.length;
    return node;
  }

  /** What the node is kept as: u8 kind (0 leaf, 1 inner), u8 0, u16 count, u32 next, u32 stamp, u16 offsets, entries. */
  encode(): Uint8Array {
    this.#compact(0);
    const { count } = this;
    const bytes = new Uint8Array(HEADER + 2 * count + this.#used);
    const view = new DataView(bytes.buffer);
    view.setUint8(0, this.#leaf ? 0 : 1);
    view.setUint16(2, count, true);
    view.setUint32(4, this.next, true);
    view.setUint32(8, this.stamp, true);
    for (let at = 0; at < count; at += 1) view.setUint16(HEADER + 2 * at, this.#offset(at), true);
    bytes.set(this.#data.subarray(0, this.#used), HEADER + 2 * count);
    return bytes;
  }

  get leaf(): boolean {
    return this.#leaf;
  }

  /** Bytes that {@link encode} would make. */
  get size(): number {
    return HEADER + 2 * this.count + this.#used - this.#waste;
  }

  /** Bytes that it takes in memory. */
  get capacity(): number {
    return this.#data.byteLength + this.#offsets.byteLength + 128;
  }

  key(at: number): KeySpan {
    const offset = this.#offset(at);
    const start = offset + this.#head;
    return { bytes: this.#data, start, end: start + this.#u16(offset) };
  }

  /** A copy of a key. */
  keyBytes(at: number): Uint8Array {
    const { bytes, start, end } = this.key(at);
    return bytes.slice(start, end);
  }

  /** The first entry whose key is not less than `key`: its index where the two are equal, else the complement (`~`) of its index. */
  search(key: Uint8Array): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const order = this.#compare(middle, key);
      if (order === 0) return middle;
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return ~low;
  }

  /** The child below which `key` belongs. */
  childFor(key: Uint8Array): number {
    let low = 1;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#compare(middle, key) <= 0) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** 1 for a row that is marked, else 0. */
  mark(at: number): number {
    return this.#data[this.#offset(at) + 2] ?? 0;
  }

  setMark(at: number, mark: number): void {
    this.#data[this.#offset(at) + 2] = mark;
  }

  child(at: number): number {
    return this.#u32(this.#offset(at) + 2);
  }

  /** Rows below a child. */
  rows(at: number): number {
    return this.#u32(this.#offset(at) + 6);
  }

  /** Marked rows below a child. */
  marked(at: number): number {
    return this.#u32(this.#offset(at) + 10);
  }

  /** Adds to what is counted below a child. */
  adjust(at: number, rows: number, marked: number): void {
    const offset = this.#offset(at);
    if (rows !== 0) this.#setU32(offset + 6, this.#u32(offset + 6) + rows);
    if (marked !== 0) this.#setU32(offset + 10, this.#u32(offset + 10) + marked);
  }

  /** Rows in or below the node. */
  totalRows(): number {
    if (this.#leaf) return this.count;
    let total = 0;
    for (let at = 0; at < this.count; at += 1) total += this.rows(at);
    return total;
  }

  totalMarked(): number {
    let total = 0;
    for (let at = 0; at < this.count; at += 1) total += this.#leaf ? this.mark(at) : this.marked(at);
    return total;
  }

  insertRow(at: number, key: Uint8Array, mark: number): void {
    const offset = this.#insert(at, key);
    this.#data[offset + 2] = mark;
  }

  insertChild(at: number, key: Uint8Array, child: TreeNode): void {
    const offset = this.#insert(at, key);
    this.#setU32(offset + 2, child.number);
    this.#setU32(offset + 6, child.totalRows());
    this.#setU32(offset + 10, child.totalMarked());
  }

  remove(at: number): void {
    this.#waste += this.#lengthAt(this.#offset(at));
    this.#offsets.copyWithin(at, at + 1, this.count);
    this.count -= 1;
  }

  /** Moves the entries from `from` on to the end of a node of the same kind. */
  moveTo(target: TreeNode, from = 0): void {
    for (let at = from; at < this.count; at += 1) {
      const offset = this.#offset(at);
      const length = this.#lengthAt(offset);
      target.#append(this.#data, offset, length);
      this.#waste += length;
    }
    this.count = from;
    this.#compact(0);
  }

  /** Makes an empty node one of the other kind. */
  become(leaf: boolean): void {
    this.#leaf = leaf;
    this.#used = 0;
    this.#waste = 0;
  }

  get #head(): number {
    return this.#leaf ? LEAF_HEAD : INNER_HEAD;
  }

  #offset(at: number): number {
    return this.#offsets[at] ?? 0;
  }

  #u16(at: number): number {
    return (this.#data[at] ?? 0) | ((this.#data[at + 1] ?? 0) << 8);
  }

  #u32(at: number): number {
    const data = this.#data;
    return (
      ((data[at] ?? 0) | ((data[at + 1] ?? 0) << 8) | ((data[at + 2] ?? 0) << 16) | ((data[at + 3] ?? 0) << 24)) >>> 0
    );
  }

  #setU32(at: number, value: number): void {
    const data = this.#data;
    data[at] = value;
    data[at + 1] = value >>> 8;
    data[at + 2] = value >>> 16;
    data[at + 3] = value >>> 24;
  }

  #lengthAt(offset: number): number {
    return this.#u16(offset) + this.#head;
  }

  #compare(at: number, key: Uint8Array): number {
    const data = this.#data;
    const offset = this.#offset(at);
    const length = this.#u16(offset);
    const start = offset + this.#head;
    const shared = Math.min(length, key.length);
    for (let index = 0; index < shared; index += 1) {
      const difference = (data[start + index] ?? 0) - (key[index] ?? 0);
      if (difference !== 0) return difference;
    }
    return length - key.length;
  }

  /** Makes an entry for a key and returns where it lies; what stands between its length and its key is the caller's to write. */
  #insert(at: number, key: Uint8Array): number {
    const length = this.#head + key.length;
    this.#room(length);
    const offset = this.#used;
    this.#data[offset] = key.length;
    this.#data[offset + 1] = key.length >>> 8;
    this.#data.set(key, offset + this.#head);
    this.#used += length;
    this.#offsets.copyWithin(at + 1, at, this.count);
    this.#offsets[at] = offset;
    this.count += 1;
    return offset;
  }

  #append(data: Uint8Array, offset: number, length: number): void {
    this.#room(length);
    this.#data.set(data.subarray(offset, offset + length), this.#used);
    this.#offsets[this.count] = this.#used;
    this.count += 1;
    this.#used += length;
  }

  /** Makes room for one more entry of so many bytes. */
  #room(length: number): void {
    if (this.count === this.#offsets.length) {
      const grown = new Uint16Array(this.count + (this.count >>> 1) + 8);
      grown.set(this.#offsets);
      this.#offsets = grown;
    }
    if (this.#used + length > this.#data.length) this.#compact(length);
  }

  /** Puts the entries together in their order, with room for some bytes more (and then for others to come). */
  #compact(room: number): void {
    if (this.#waste === 0 && room === 0) return;
    const { count } = this;
    const used = this.#used - this.#waste;
    const data = new Uint8Array(room === 0 ? used : used + room + (used >>> 2) + 64);
    let next = 0;
    for (let at = 0; at < count; at += 1) {
      const offset = this.#offset(at);
      const length = this.#lengthAt(offset);
      data.set(this.#data.subarray(offset, offset + length), next);
      this.#offsets[at] = next;
      next += length;
    }
    this.#data = data;
    this.#used = next;
    this.#waste = 0;
  }
}
