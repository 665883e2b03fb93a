import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CountedTree, MemoryNodes } from '../../src/mailbox/tables/counted-tree.ts';
import { TreeNode } from '../../src/mailbox/tables/tree-node.ts';

interface Row {
  readonly key: Buffer;
  mark: number;
}

/** The same by a sorted array. */
class Model {
  readonly rows: Row[] = [];

  at(key: Uint8Array): { rank: number; found: boolean } {
    const rank = this.rows.filter((row) => Buffer.compare(row.key, key) < 0).length;
    const row = this.rows[rank];
    return { rank, found: row?.key.equals(key) ?? false };
  }
}

/** Nodes that are kept encoded, as a database keeps them. */
class EncodedNodes extends MemoryNodes {
  override get(number: number): TreeNode {
    const node = super.get(number);
    const decoded = TreeNode.decode(number, new Uint8Array(node.encode()));
    assert.equal(decoded.count, node.count);
    assert.equal(decoded.size, node.size);
    return node;
  }
}

function check(tree: CountedTree, model: Model): void {
  const { rows } = model;
  assert.equal(tree.count, rows.length);
  const forward: string[] = [];
  tree.walk(0, ({ bytes, start, end }, mark) =>
    forward.push(Buffer.from(bytes.subarray(start, end)).toString('hex') + mark),
  );
  assert.deepEqual(
    forward,
    rows.map(({ key, mark }) => key.toString('hex') + mark),
  );
  const backward: string[] = [];
  tree.walkBack(rows.length - 1, ({ bytes, start, end }) =>
    backward.push(Buffer.from(bytes.subarray(start, end)).toString('hex')),
  );
  assert.deepEqual(backward, rows.map(({ key }) => key.toString('hex')).reverse());
  for (const position of [0, 1, rows.length >> 1, rows.length - 1, rows.length]) {
    const key = tree.keyAt(position);
    assert.deepEqual(key && Buffer.from(key), rows[position]?.key);
    const marked = rows.slice(0, Math.max(0, position)).filter(({ mark }) => mark === 1).length;
    assert.equal(tree.markedBefore(Math.max(0, position)), marked);
  }
}

/** Keys that share long beginnings, so that nodes are full after a few and all lengths occur. */
const keys = fc
  .tuple(fc.constantFrom(0, 1, 40, 300), fc.uint8Array({ minLength: 0, maxLength: 3 }))
  .map(([fill, rest]) => Buffer.concat([Buffer.alloc(fill, 7), rest]));

const actions = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ kind: fc.constant('insert' as const), key: keys, mark: fc.integer({ min: 0, max: 1 }) }),
    },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('remove' as const), at: fc.nat(), key: keys }) },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('mark' as const), at: fc.nat(), mark: fc.integer({ min: 0, max: 1 }) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('locate' as const), key: keys }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('run' as const),
        length: fc.integer({ min: 1, max: 120 }),
        from: fc.nat(255),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('clear' as const), part: fc.double({ min: 0, max: 1, noNaN: true }) }),
    },
  ),
  { maxLength: 60 },
);

test('a tree does what a sorted array does', () => {
  fc.assert(
    fc.property(actions, (list) => {
      const tree = CountedTree.create(new EncodedNodes());
      const model = new Model();
      const insert = (key: Buffer, mark: number): void => {
        const { rank, found } = model.at(key);
        assert.equal(tree.insert(key, mark), !found);
        if (!found) model.rows.splice(rank, 0, { key, mark });
      };
      const remove = (key: Buffer): void => {
        const { rank, found } = model.at(key);
        assert.equal(tree.remove(key), found);
        if (found) model.rows.splice(rank, 1);
      };
      for (const action of list) {
        switch (action.kind) {
          case 'insert':
            insert(action.key, action.mark);
            break;
          case 'remove':
            remove(model.rows[action.at % (model.rows.length + 1)]?.key ?? action.key);
            break;
          case 'mark': {
            const row = model.rows[action.at % (model.rows.length + 1)];
            assert.equal(tree.mark(row?.key ?? Buffer.from('no such key'), action.mark), row !== undefined);
            if (row !== undefined) row.mark = action.mark;
            break;
          }
          case 'locate':
            assert.deepEqual(tree.locate(action.key), model.at(action.key));
            break;
          case 'run':
            for (let at = 0; at < action.length; at += 1)
              insert(Buffer.from([action.from, at, ...Buffer.alloc(90)]), at & 1);
            break;
          case 'clear':
            for (const { key } of model.rows.slice(0, Math.floor(model.rows.length * action.part))) remove(key);
            break;
        }
        assert.equal(tree.count, model.rows.length);
      }
      check(tree, model);
    }),
    { numRuns: 150 },
  );
});

test('rows that come in their order leave full nodes, and rows that go leave none behind', () => {
  const nodes = new MemoryNodes();
  const tree = CountedTree.create(nodes);
  const key = (value: number): Uint8Array => {
    const bytes = Buffer.alloc(15);
    bytes.writeUInt32BE(value, 4);
    return bytes;
  };
  for (let value = 0; value < 20_000; value += 1) tree.insert(key(value), value % 3 === 0 ? 1 : 0);
  assert.equal(tree.count, 20_000);
  assert.equal(tree.rank(key(12_345)), 12_345);
  assert.deepEqual(tree.keyAt(777), new Uint8Array(key(777)));
  assert.equal(tree.markedBefore(3000), 1000);
  const full = nodes.bytes;
  assert.ok(full < 20_000 * 40, `${full} bytes`);
  for (let value = 0; value < 20_000; value += 1) if (value % 97 !== 0) tree.remove(key(value));
  assert.equal(tree.count, 207);
  assert.ok(nodes.bytes < full / 10, `${nodes.bytes} of ${full} bytes are left`);
  assert.equal(tree.rank(key(97 * 100)), 100);
});

test('a stamp is kept with the root through its splits', () => {
  const tree = CountedTree.create(new MemoryNodes());
  tree.stamp = 41;
  for (let value = 0; value < 2000; value += 1) tree.insert(Buffer.from(String(value).padStart(20, '0')), 0);
  assert.equal(tree.stamp, 41);
  tree.stamp += 2 ** 32;
  assert.equal(tree.stamp, 41);
});

test('trees of many levels grow and shrink', () => {
  const nodes = new EncodedNodes();
  const tree = CountedTree.create(nodes);
  const model = new Model();
  // A sequence that looks random and is the same each time.
  let state = 1;
  const next = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
  const key = (value: number): Buffer =>
    Buffer.concat([Buffer.alloc(250, 1), Buffer.from(String(value).padStart(6, '0'))]);
  for (let round = 0; round < 6; round += 1) {
    for (let at = 0; at < 700; at += 1) {
      const value = key(next(100_000));
      const mark = next(2);
      const { rank, found } = model.at(value);
      assert.equal(tree.insert(value, mark), !found);
      if (!found) model.rows.splice(rank, 0, { key: value, mark });
    }
    check(tree, model);
    const left = round === 5 ? 0 : next(400);
    while (model.rows.length > left) {
      const [row] = model.rows.splice(next(model.rows.length), 1);
      assert.ok(row !== undefined && tree.remove(row.key));
    }
    check(tree, model);
  }
  assert.equal(nodes.bytes, nodes.get(0).capacity);
});
