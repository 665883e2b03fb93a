import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

/** A row of docs/conformance.md. */
export interface ConformanceRow {
  /** The opnum, or the RopId. */
  readonly number: number;
  readonly name: string;
  readonly section: string;
  readonly status: 'implemented' | 'refused' | 'sent' | 'never sent';
  /** What it always answers, by its name and as a number; undefined where the answer depends, or is success. */
  readonly code: { readonly name: string; readonly value: number } | undefined;
  /** Paths of tests, from the root of the project. */
  readonly tests: readonly string[];
}

const PAGE = new URL('../../../../docs/conformance.md', import.meta.url);
const STATUS = /^(implemented|refused|sent|never sent)(?:: (\w+) \((0x[0-9a-f]{8})\))?(?:; .+)?$/;
const LINK = /^\[[\w-]+\]\(\.\.\/([\w./-]+)\)$/;

/** The page docs/conformance.md. */
export class ConformancePage {
  readonly text = readFileSync(PAGE, 'utf8');

  /** The rows of the table below a heading, which has the columns that are expected, and nothing that cannot be read. */
  rows(heading: string): readonly ConformanceRow[] {
    const section = this.section(heading);
    const lines = section.split('\n').filter((line) => line.startsWith('|'));
    const [titles = '', rule = '', ...rows] = lines;
    assert.match(titles, /^\| (opnum \| method|id \| ROP) \| section \| what it does \| shown by \|$/);
    assert.match(rule, /^\|(?: --- \|){5}$/);
    return rows.map(readRow);
  }

  /** What stands between a heading and the next. */
  section(heading: string): string {
    const [, after] = this.text.split(`\n## ${heading}\n`);
    assert.ok(after !== undefined, `there is no ${heading}`);
    return after.split('\n## ')[0] ?? '';
  }
}

function readRow(line: string): ConformanceRow {
  const [number = '', name = '', section = '', what = '', tests = '', ...more] = line.slice(2, -2).split(' | ');
  assert.deepEqual(more, [], line);
  assert.match(number, /^(?:\d+|0x[0-9a-f]{2})$/, line);
  const [, status, code, value] = STATUS.exec(what) ?? [];
  assert.ok(status !== undefined, `what it does: ${line}`);
  const paths = tests.split(', ').map((link) => LINK.exec(link)?.[1]);
  return {
    number: Number(number),
    name,
    section,
    status: status as ConformanceRow['status'],
    code: code === undefined ? undefined : { name: code, value: Number(value) },
    tests: paths.map((path) => path ?? assert.fail(`a link to a test: ${line}`)),
  };
}
