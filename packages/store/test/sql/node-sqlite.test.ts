import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { blob, integer, SqlError, text } from '../../src/sql/driver.ts';
import { NodeSqlite } from '../../src/sql/node-sqlite.ts';

function withFile(work: (path: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'rpch-sql-'));
  try {
    work(join(folder, 'database.sqlite'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function numbers(): NodeSqlite {
  const database = new NodeSqlite(':memory:');
  database.exec('CREATE TABLE numbers (id INTEGER PRIMARY KEY, name TEXT)');
  return database;
}

function ids(database: NodeSqlite): number[] {
  return database.all('SELECT id FROM numbers ORDER BY id').map((row) => integer(row, 'id'));
}

function insert(database: NodeSqlite, id: number): void {
  assert.equal(database.run('INSERT INTO numbers (id) VALUES (?)', id), 1);
}

test('values of every kind come back as they were', () => {
  const database = new NodeSqlite(':memory:');
  database.exec('CREATE TABLE stored (a, b, c, d)');
  database.run('INSERT INTO stored VALUES (?, ?, ?, ?)', 2 ** 47, "it's", new Uint8Array([0, 1, 255]), null);
  const row = database.get('SELECT * FROM stored') ?? {};
  assert.equal(integer(row, 'a'), 2 ** 47);
  assert.equal(text(row, 'b'), "it's");
  assert.deepEqual([...blob(row, 'c')], [0, 1, 255]);
  assert.equal(row.d, null);
  assert.throws(() => integer(row, 'b'), SqlError);
  assert.throws(() => text(row, 'd'), SqlError);
  assert.throws(() => blob(row, 'absent'), SqlError);
});

test('integers that no number holds are bound as bigint and read as text', () => {
  const database = new NodeSqlite(':memory:');
  database.exec('CREATE TABLE times (at INTEGER)');
  database.run('INSERT INTO times VALUES (?)', 134_401_193_912_290_001n);
  assert.throws(() => database.get('SELECT at FROM times'), SqlError);
  assert.equal(text(database.get('SELECT CAST(at AS TEXT) AS at FROM times') ?? {}, 'at'), '134401193912290001');
});

test('a transaction is kept whole, or nothing of it', () => {
  const database = numbers();
  assert.equal(
    database.transaction(() => {
      insert(database, 1);
      assert.equal(database.inTransaction, true);
      return 'made';
    }),
    'made',
  );
  assert.equal(database.inTransaction, false);
  assert.throws(
    () =>
      database.transaction(() => {
        insert(database, 2);
        throw new TypeError('no');
      }),
    TypeError,
  );
  assert.equal(database.inTransaction, false);
  assert.deepEqual(ids(database), [1]);
});

test('a transaction within another is a savepoint', () => {
  const database = numbers();
  database.transaction(() => {
    insert(database, 1);
    assert.throws(() =>
      database.transaction(() => {
        insert(database, 2);
        database.transaction(() => insert(database, 3));
        throw new Error('no');
      }),
    );
    database.transaction(() => insert(database, 4));
  });
  assert.deepEqual(ids(database), [1, 4]);
  assert.throws(() =>
    database.transaction(() => {
      database.transaction(() => insert(database, 5));
      throw new Error('no');
    }),
  );
  assert.deepEqual(ids(database), [1, 4]);
});

test('reading sees one state, cannot write, and lets other connections write', () => {
  withFile((path) => {
    const one = new NodeSqlite(path);
    const other = new NodeSqlite(path);
    one.exec('CREATE TABLE numbers (id INTEGER PRIMARY KEY, name TEXT)');
    const version = one.dataVersion();
    one.read(() => {
      assert.deepEqual(ids(one), []);
      other.transaction(() => insert(other, 1));
      assert.deepEqual(ids(one), []);
      assert.throws(() => one.transaction(() => insert(one, 2)), SqlError);
      assert.deepEqual(
        one.read(() => ids(one)),
        [],
      );
    });
    assert.deepEqual(ids(one), [1]);
    assert.notEqual(one.dataVersion(), version);
    one.close();
    other.close();
  });
});

test('what is done together reads one state until it writes, and may write', () => {
  withFile((path) => {
    const one = new NodeSqlite(path);
    const other = new NodeSqlite(path);
    one.exec('CREATE TABLE numbers (id INTEGER PRIMARY KEY, name TEXT)');
    const version = one.dataVersion();
    const result = one.together(() => {
      assert.equal(one.inTransaction, false);
      assert.deepEqual(ids(one), []);
      other.transaction(() => insert(other, 1));
      assert.deepEqual(ids(one), []);
      assert.equal(one.dataVersion(), version);
      one.read(() => {
        assert.deepEqual(ids(one), []);
        assert.throws(() => one.transaction(() => insert(one, 2)), SqlError);
      });
      assert.deepEqual(
        one.together(() => ids(one)),
        [],
      );
      // Of a state that is old now nothing could be written.
      one.transaction(() => insert(one, 2));
      assert.deepEqual(ids(one), [1, 2]);
      assert.notEqual(one.dataVersion(), version);
      other.transaction(() => insert(other, 3));
      assert.deepEqual(ids(one), [1, 2, 3]);
      return 'done';
    });
    assert.equal(result, 'done');
    one.close();
    other.close();
  });
});

test('a statement that writes on its own, what throws, and a database that is closed end what is done together', () => {
  withFile((path) => {
    const one = new NodeSqlite(path);
    const other = new NodeSqlite(path, { busyTimeout: 0 });
    one.exec('CREATE TABLE numbers (id INTEGER PRIMARY KEY, name TEXT)');
    one.together(() => {
      assert.deepEqual(ids(one), []);
      other.transaction(() => insert(other, 1));
      insert(one, 2);
      other.transaction(() => insert(other, 3));
    });
    assert.throws(
      () =>
        one.together(() => {
          assert.deepEqual(ids(one), [1, 2, 3]);
          throw new RangeError('a defect');
        }),
      RangeError,
    );
    other.transaction(() => insert(other, 4));
    assert.deepEqual(ids(one), [1, 2, 3, 4]);
    one.together(() => {
      assert.deepEqual(ids(one), [1, 2, 3, 4]);
      one.close();
    });
    other.close();
  });
});

test('a database that another connection writes to is busy, and the one that waited is not harmed', () => {
  withFile((path) => {
    const one = new NodeSqlite(path);
    const other = new NodeSqlite(path, { busyTimeout: 0 });
    one.exec('CREATE TABLE numbers (id INTEGER PRIMARY KEY, name TEXT)');
    one.transaction(() => {
      insert(one, 1);
      assert.throws(() => other.transaction(() => insert(other, 2)), /locked/);
      assert.equal(other.inTransaction, false);
    });
    other.transaction(() => insert(other, 2));
    assert.deepEqual(ids(one), [1, 2]);
    one.close();
    other.close();
  });
});

test('rows are read one by one, while the same text runs in between', () => {
  const database = numbers();
  for (let id = 1; id <= 5; id += 1) insert(database, id);
  const seen: number[] = [];
  for (const row of database.iterate('SELECT id FROM numbers ORDER BY id')) {
    seen.push(integer(row, 'id'));
    assert.equal(database.all('SELECT id FROM numbers ORDER BY id').length, 5);
    if (seen.length === 4) break;
  }
  assert.deepEqual(seen, [1, 2, 3, 4]);
  database.transaction(() => insert(database, 6));
});

test('foreign keys are held, mistakes are SqlErrors, and more statements than are kept work', () => {
  const database = numbers();
  database.exec('CREATE TABLE parts (number INTEGER REFERENCES numbers (id))');
  assert.throws(() => database.run('INSERT INTO parts VALUES (?)', 9), SqlError);
  assert.throws(() => database.get('SELECT nothing FROM nowhere'), SqlError);
  assert.throws(() => new NodeSqlite('/nonexistent/folder/file'), SqlError);
  for (let at = 0; at < 600; at += 1) assert.equal(database.get(`SELECT ${at} AS at`)?.at, at);
});
