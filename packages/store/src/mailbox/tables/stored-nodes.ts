import { blob, type SqlDatabase, SqlError } from '../../sql/driver.ts';
import type { NodeStore } from './counted-tree.ts';
import { TreeNode } from './tree-node.ts';

/** Nodes kept in memory, at some 4 KB each. */
const MAX_CACHED = 512;
/** Nodes that a tree may have: the ids of a tree's nodes lie between its own, times this, and the next one's. */
const NODES = 2 ** 32;

const GET = 'SELECT content FROM contents_nodes WHERE id = ?';
const PUT =
  'INSERT INTO contents_nodes (id, content) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET content = excluded.content';
const DELETE = 'DELETE FROM contents_nodes WHERE id = ?';
const DROP = 'DELETE FROM contents_nodes WHERE id >= ? AND id < ?';

/** The nodes of the trees in a database: read when they are needed, written by {@link flush}. */
export class StoredNodes {
  readonly #database: SqlDatabase;
  readonly #trees = new Map<number, TreeNodes>();
  readonly #dirty = new Set<TreeNode>();
  readonly #owners = new Map<TreeNode, number>();
  #cached = 0;

  constructor(database: SqlDatabase) {
    this.#database = database;
  }

  /** The nodes of a tree. */
  of(tree: number): NodeStore {
    const known = this.#trees.get(tree);
    if (known !== undefined) return known;
    const nodes: TreeNodes = {
      kept: new Map(),
      get: (number) => nodes.kept.get(number) ?? this.#load(tree, nodes, number),
      put: (node) => {
        nodes.kept.set(node.number, node);
        this.#cached += 1;
        node.dirty = true;
        this.#touched(tree, node);
      },
      changed: (node) => this.#touched(tree, node),
      delete: (node) => {
        nodes.kept.delete(node.number);
        this.#cached -= 1;
        this.#dirty.delete(node);
        this.#owners.delete(node);
        this.#database.run(DELETE, tree * NODES + node.number);
      },
    };
    this.#trees.set(tree, nodes);
    return nodes;
  }

  get isDirty(): boolean {
    return this.#dirty.size > 0;
  }

  flush(): void {
    for (const node of this.#dirty) {
      const tree = this.#owners.get(node) ?? 0;
      this.#database.run(PUT, tree * NODES + node.number, node.encode());
      node.dirty = false;
    }
    this.#dirty.clear();
    this.#owners.clear();
  }

  /** Forgets all nodes, changed ones too. */
  clear(): void {
    for (const nodes of this.#trees.values()) nodes.kept.clear();
    this.#dirty.clear();
    this.#owners.clear();
    this.#cached = 0;
  }

  /** Forgets nodes where there are too many. Not while a tree is at work: it holds some of them. */
  trim(): void {
    if (this.#cached <= MAX_CACHED) return;
    this.flush();
    for (const nodes of this.#trees.values()) nodes.kept.clear();
    this.#cached = 0;
  }

  drop(tree: number): void {
    const nodes = this.#trees.get(tree);
    for (const node of nodes?.kept.values() ?? []) {
      this.#dirty.delete(node);
      this.#owners.delete(node);
    }
    this.#cached -= nodes?.kept.size ?? 0;
    this.#trees.delete(tree);
    this.#database.run(DROP, tree * NODES, (tree + 1) * NODES);
  }

  #load(tree: number, nodes: TreeNodes, number: number): TreeNode {
    const row = this.#database.get(GET, tree * NODES + number);
    if (row === undefined) throw new SqlError(`node ${number} of the order ${tree} is missing`);
    const node = TreeNode.decode(number, blob(row, 'content'));
    nodes.kept.set(number, node);
    this.#cached += 1;
    return node;
  }

  #touched(tree: number, node: TreeNode): void {
    this.#dirty.add(node);
    this.#owners.set(node, tree);
  }
}

interface TreeNodes extends NodeStore {
  readonly kept: Map<number, TreeNode>;
}
