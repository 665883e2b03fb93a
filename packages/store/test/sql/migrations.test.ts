import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SqlError } from '../../src/sql/driver.ts';
import { migrate, type Schema } from '../../src/sql/migrations.ts';
import { NodeSqlite } from '../../src/sql/node-sqlite.ts';

const ONE: Schema = {
  applicationId: 0x1234,
  migrations: [(database) => database.exec('CREATE TABLE things (id INTEGER PRIMARY KEY)')],
};
const TWO: Schema = {
  applicationId: 0x1234,
  migrations: [...ONE.migrations, (database) => database.exec('ALTER TABLE things ADD COLUMN name TEXT')],
};

test('a new database gets every step, an old one those that it lacks, a present one none', () => {
  const database = new NodeSqlite(':memory:');
  assert.equal(migrate(database, ONE), 0);
  database.run('INSERT INTO things (id) VALUES (?)', 7);
  assert.equal(migrate(database, TWO), 1);
  assert.equal(migrate(database, TWO), 2);
  assert.deepEqual({ ...database.get('SELECT id, name FROM things') }, { id: 7, name: null });
  assert.equal(database.get('PRAGMA application_id')?.application_id, 0x1234);
});

test('a step that fails leaves the database as it was', () => {
  const database = new NodeSqlite(':memory:');
  migrate(database, ONE);
  const broken: Schema = {
    ...TWO,
    migrations: [
      ...TWO.migrations,
      () => {
        throw new SqlError('no');
      },
    ],
  };
  assert.throws(() => migrate(database, broken), SqlError);
  assert.equal(database.get('PRAGMA user_version')?.user_version, 1);
  assert.throws(() => database.get('SELECT name FROM things'), SqlError);
});

test('databases of other applications and of newer versions are left alone', () => {
  const other = new NodeSqlite(':memory:');
  other.exec('CREATE TABLE theirs (id INTEGER)');
  assert.throws(() => migrate(other, ONE), /another application/);
  const newer = new NodeSqlite(':memory:');
  migrate(newer, TWO);
  assert.throws(() => migrate(newer, ONE), /version 2/);
});
