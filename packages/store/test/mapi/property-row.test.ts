import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from '@rpch/rpc';
import { Cursor, Writer } from '@rpch/rpc/internal';
import fc from 'fast-check';
import { ErrorCode, StoreError } from '../../src/mapi/error-code.ts';
import { type PropertyTag, PropertyType, typeOf, withType } from '../../src/mapi/property.ts';
import { type Cell, readRow, writeRow } from '../../src/mapi/property-row.ts';
import { PidTag } from '../../src/mapi/property-tags.ts';
import { hex, read, refusesEveryPrefix, survives, tagged, WESTERN, written } from './support.ts';

const ANY = withType(PidTag.Subject, PropertyType.Unspecified);

test('[MS-OXCDATA] 2.8.1.1: a row of which every value is there has no flags', () => {
  const columns = [PidTag.Importance, PidTag.Subject, ANY];
  const cells: Cell[] = [{ value: 1 }, { value: 'a' }, { value: 'b', type: PropertyType.String8 }];
  const bytes = hex('00 01000000 61000000 1e00 6200');
  assert.deepEqual(
    written((writer) => writeRow(writer, columns, cells, WESTERN)),
    bytes,
  );
  assert.deepEqual(
    read(bytes, (cursor) => readRow(cursor, columns, WESTERN)),
    cells,
  );
});

test('[MS-OXCDATA] 2.8.1.2: a row with something missing has a flag before each value, and a type before the flag', () => {
  const columns = [PidTag.Importance, PidTag.Subject, PidTag.Body, ANY, ANY, ANY];
  const cells: Cell[] = [
    { value: 1 },
    { error: ErrorCode.NotFound },
    'absent',
    { value: 'b', type: PropertyType.String8 },
    { error: ErrorCode.NotEnoughMemory },
    'absent',
  ];
  const bytes = hex('01 00 01000000 0a 0f010480 01 1e00 00 6200 0a00 0a 0e000780 0000 01');
  assert.deepEqual(
    written((writer) => writeRow(writer, columns, cells, WESTERN)),
    bytes,
  );
  assert.deepEqual(
    read(bytes, (cursor) => readRow(cursor, columns, WESTERN)),
    cells,
  );
  assert.deepEqual(
    written((writer) => writeRow(writer, [PidTag.Subject], [], WESTERN)),
    hex('01 01'),
    'a column without a cell is absent',
  );
});

test('an error code where a value of any type could be is an error', () => {
  assert.deepEqual(
    read(hex('00 0a00 0f010480'), (cursor) => readRow(cursor, [ANY], WESTERN)),
    [{ error: ErrorCode.NotFound }],
  );
});

const cell: fc.Arbitrary<readonly [PropertyTag, Cell]> = fc.oneof(
  tagged.map(([tag, value]) => [tag, { value }] as const),
  tagged
    .filter(([tag]) => typeOf(tag) !== PropertyType.ErrorCode)
    .map(([tag, value]) => [withType(tag, PropertyType.Unspecified), { value, type: typeOf(tag) }] as const),
  tagged.map(([tag]) => [tag, { error: ErrorCode.NotFound }] as const),
  tagged.map(([tag]) => [tag, 'absent'] as const),
);

test('rows of everything are read as they were written, and nothing that is cut short', () => {
  fc.assert(
    fc.property(fc.array(cell, { maxLength: 6 }), (row) => {
      const columns = row.map(([tag]) => tag);
      const cells = row.map(([, each]) => each);
      const bytes = written((writer) => writeRow(writer, columns, cells, WESTERN));
      assert.deepEqual(
        read(bytes, (cursor) => readRow(cursor, columns, WESTERN)),
        cells,
      );
      refusesEveryPrefix(bytes, (cursor) => readRow(cursor, columns, WESTERN));
    }),
  );
});

test('any bytes are a row or a typed error', () => {
  survives((cursor) => readRow(cursor, [PidTag.Subject, ANY, PidTag.EntryId, PidTag.RuleCondition], WESTERN));
});

test('flags that there are not', () => {
  for (const bytes of ['02', '01 02', '01 0b', 'ff']) {
    assert.throws(() => readRow(new Cursor(hex(bytes), 'test'), [PidTag.Importance], WESTERN), ProtocolError);
  }
});

test('a value without a type has no place where the column has none', () => {
  assert.throws(
    () => writeRow(new Writer(), [ANY], [{ value: 'a' }], WESTERN),
    (error) => error instanceof StoreError && error.errorCode === ErrorCode.UnexpectedType,
  );
});
