import { type KeySpan, TreeNode } from './tree-node.ts';

/** Bytes of a node that is not split yet: it fits a page of SQLite with its record's head. */
const NODE_SIZE = 4000;
/** A node is not split below so many entries, however large their keys are. */
const LEAST_ENTRIES = 4;
/** A node that has become smaller than this is put together with its neighbour, if both then have room to grow. */
const SMALL_NODE = NODE_SIZE / 4;
const JOINED_NODE = (NODE_SIZE * 3) / 4;
/** The root's number; it is the root as long as the tree lives. */
export const ROOT = 0;

/** Where the nodes of a tree are kept. */
export interface NodeStore {
  /** A node that there is. */
  get(number: number): TreeNode;
  put(node: TreeNode): void;
  /** Told after a node's first change since it was stored. */
  changed(node: TreeNode): void;
  delete(node: TreeNode): void;
}

/** Called with each row: where its key lies, and its mark. False ends the walk. */
export type RowVisitor = (key: KeySpan, mark: number) => unknown;

interface Step {
  readonly node: TreeNode;
  /** The child that was taken. */
  readonly at: number;
}

/**
 * Rows in the order of their keys (unsigned bytes, no key twice), as a B+ tree whose inner nodes count what is below them: a
 * position becomes a row, and a row its position, in as many steps as the tree is high, three for a million rows. Each row has a
 * mark, 0 or 1, and marks are counted likewise.
 */
export class CountedTree {
  readonly #store: NodeStore;

  constructor(store: NodeStore) {
    this.#store = store;
  }

  /** Makes the root of a new tree. */
  static create(store: NodeStore): CountedTree {
    store.put(new TreeNode(ROOT, true));
    return new CountedTree(store);
  }

  get count(): number {
    return this.#root.totalRows();
  }

  get #root(): TreeNode {
    return this.#store.get(ROOT);
  }

  /** Kept with the tree for whoever uses it; a u32. */
  get stamp(): number {
    return this.#root.stamp;
  }

  set stamp(value: number) {
    const root = this.#root;
    root.stamp = value >>> 0;
    this.#touch(root);
  }

  /** Adds a row; false, with nothing changed, where its key is there already. */
  insert(key: Uint8Array, mark: number): boolean {
    const path: Step[] = [];
    const leaf = this.#descend(key, path);
    const found = leaf.search(key);
    if (found >= 0) return false;
    const at = ~found;
    const isLast = at === leaf.count && path.every(({ node, at: child }) => child === node.count - 1);
    leaf.insertRow(at, key, mark);
    this.#touch(leaf);
    this.#adjust(path, 1, mark);
    this.#split(leaf, path, isLast);
    return true;
  }

  /** Removes a row; false where there is none with that key. */
  remove(key: Uint8Array): boolean {
    const path: Step[] = [];
    const leaf = this.#descend(key, path);
    const at = leaf.search(key);
    if (at < 0) return false;
    const mark = leaf.mark(at);
    leaf.remove(at);
    this.#touch(leaf);
    this.#adjust(path, -1, -mark);
    this.#join(leaf, path);
    return true;
  }

  /** Marks a row or takes its mark away; false where there is none with that key. */
  mark(key: Uint8Array, mark: number): boolean {
    const path: Step[] = [];
    const leaf = this.#descend(key, path);
    const at = leaf.search(key);
    if (at < 0) return false;
    const before = leaf.mark(at);
    if (before === mark) return true;
    leaf.setMark(at, mark);
    this.#touch(leaf);
    this.#adjust(path, 0, mark - before);
    return true;
  }

  /** How many rows have smaller keys: the position of the row with that key, where there is one. */
  rank(key: Uint8Array): number {
    const { rank } = this.locate(key);
    return rank;
  }

  /** The position of the first row whose key is not smaller, and whether it has that key. */
  locate(key: Uint8Array): { readonly rank: number; readonly found: boolean } {
    let node = this.#root;
    let rank = 0;
    while (!node.leaf) {
      const at = node.childFor(key);
      for (let before = 0; before < at; before += 1) rank += node.rows(before);
      node = this.#store.get(node.child(at));
    }
    const at = node.search(key);
    return at >= 0 ? { rank: rank + at, found: true } : { rank: rank + ~at, found: false };
  }

  /** A copy of the key at a position; undefined past the last row. */
  keyAt(position: number): Uint8Array | undefined {
    const place = this.#leafAt(position);
    return place?.leaf.keyBytes(place.at);
  }

  /** How many of the first rows are marked. */
  markedBefore(position: number): number {
    let node = this.#root;
    let left = position;
    let marked = 0;
    for (;;) {
      if (node.leaf) {
        const end = Math.min(left, node.count);
        for (let at = 0; at < end; at += 1) marked += node.mark(at);
        return marked;
      }
      let at = 0;
      for (; at < node.count - 1 && left >= node.rows(at); at += 1) {
        left -= node.rows(at);
        marked += node.marked(at);
      }
      node = this.#store.get(node.child(at));
    }
  }

  /** Visits the rows from a position on. The tree must not change meanwhile. */
  walk(from: number, visit: RowVisitor): void {
    let position = from;
    for (;;) {
      const place = this.#leafAt(position);
      if (place === undefined) return;
      const { leaf, at } = place;
      for (let index = at; index < leaf.count; index += 1) {
        if (visit(leaf.key(index), leaf.mark(index)) === false) return;
      }
      position += leaf.count - at;
    }
  }

  /** Visits the rows from a position backwards. */
  walkBack(from: number, visit: RowVisitor): void {
    let position = from;
    while (position >= 0) {
      const place = this.#leafAt(position);
      if (place === undefined) return;
      const { leaf, at } = place;
      for (let index = at; index >= 0; index -= 1) {
        if (visit(leaf.key(index), leaf.mark(index)) === false) return;
      }
      position -= at + 1;
    }
  }

  #leafAt(position: number): { readonly leaf: TreeNode; readonly at: number } | undefined {
    let node = this.#root;
    let left = position;
    while (!node.leaf) {
      let at = 0;
      for (; at < node.count && left >= node.rows(at); at += 1) left -= node.rows(at);
      if (at === node.count) return undefined;
      node = this.#store.get(node.child(at));
    }
    return left >= 0 && left < node.count ? { leaf: node, at: left } : undefined;
  }

  #descend(key: Uint8Array, path: Step[]): TreeNode {
    let node = this.#root;
    while (!node.leaf) {
      const at = node.childFor(key);
      path.push({ node, at });
      node = this.#store.get(node.child(at));
    }
    return node;
  }

  #adjust(path: readonly Step[], rows: number, marked: number): void {
    for (const { node, at } of path) {
      node.adjust(at, rows, marked);
      this.#touch(node);
    }
  }

  #touch(node: TreeNode): void {
    if (node.dirty) return;
    node.dirty = true;
    this.#store.changed(node);
  }

  #make(leaf: boolean): TreeNode {
    const root = this.#root;
    const node = new TreeNode(root.next, leaf);
    root.next += 1;
    this.#touch(root);
    node.dirty = true;
    this.#store.put(node);
    return node;
  }

  /** Splits a node that has become too large, and what is above it in turn. */
  #split(grown: TreeNode, path: Step[], isLast: boolean): void {
    let node = grown;
    while (node.size > NODE_SIZE && node.count >= LEAST_ENTRIES) {
      let step = path.pop();
      if (step === undefined) {
        // The root stays the root: what was in it goes into a new node below it.
        const below = this.#make(node.leaf);
        node.moveTo(below);
        node.become(false);
        node.insertChild(0, new Uint8Array(0), below);
        this.#touch(node);
        step = { node, at: 0 };
        node = below;
      }
      // Rows that come in their order leave full nodes behind.
      const from = isLast ? node.count - 1 : node.count >>> 1;
      const right = this.#make(node.leaf);
      const key = node.keyBytes(from);
      node.moveTo(right, from);
      this.#touch(node);
      const parent = step.node;
      parent.adjust(step.at, -right.totalRows(), -right.totalMarked());
      parent.insertChild(step.at + 1, key, right);
      this.#touch(parent);
      node = parent;
    }
  }

  /** Puts a node that has become small together with a neighbour, and what is above it in turn. */
  #join(shrunk: TreeNode, path: Step[]): void {
    let node = shrunk;
    for (let step = path.pop(); step !== undefined; step = path.pop()) {
      if (node.size >= SMALL_NODE) return;
      node = step.node;
      this.#joinAt(node, step.at);
    }
    this.#lower(node);
  }

  #joinAt(parent: TreeNode, at: number): void {
    for (const left of [at - 1, at]) {
      if (left < 0 || left + 1 >= parent.count) continue;
      const first = this.#store.get(parent.child(left));
      const second = this.#store.get(parent.child(left + 1));
      const isLarge = first.size + second.size > JOINED_NODE;
      if (isLarge && first.count > 0 && second.count > 0) continue;
      const rows = parent.rows(left + 1);
      const marked = parent.marked(left + 1);
      second.moveTo(first);
      this.#touch(first);
      parent.remove(left + 1);
      parent.adjust(left, rows, marked);
      this.#touch(parent);
      this.#store.delete(second);
      return;
    }
  }

  /** A root with one child takes in what is in it. */
  #lower(root: TreeNode): void {
    while (!root.leaf && root.count === 1) {
      const child = this.#store.get(root.child(0));
      root.remove(0);
      root.become(child.leaf);
      child.moveTo(root);
      this.#store.delete(child);
      this.#touch(root);
    }
  }
}

/** Nodes in memory alone. */
export class MemoryNodes implements NodeStore {
  readonly #nodes = new Map<number, TreeNode>();

  get(number: number): TreeNode {
    const node = this.#nodes.get(number);
    if (node === undefined) throw new Error(`node ${number} of a tree is missing`);
    return node;
  }

  put(node: TreeNode): void {
    this.#nodes.set(node.number, node);
  }

  changed(): void {}

  delete(node: TreeNode): void {
    this.#nodes.delete(node.number);
  }

  /** Bytes that the nodes take. */
  get bytes(): number {
    let total = 0;
    for (const node of this.#nodes.values()) total += node.capacity;
    return total;
  }
}
