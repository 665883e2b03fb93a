/**
 * The peer: the same rows read straight from SQLite. The argument is a {@link DirectTask}, JSON; prints a {@link DirectResult}. One
 * prepared statement reads a page by the ids of its messages, which the store must find first; each value of each row is decoded.
 */
import { DatabaseSync } from 'node:sqlite';
import { PackedProperties, PidTag, type PropertyValue } from '@rpch/store/mailbox';
import { PAGE_ROWS } from './setting.ts';

export interface DirectTask {
  readonly file: string;
  /** The messages of each page; they are read one after the other. */
  readonly pages: readonly (readonly number[])[];
  readonly seconds: number;
}

export interface DirectResult {
  /** Pages each second. */
  readonly rate: number;
  /** CPU time of a page, microseconds. */
  readonly time: number;
}

const WARM_UP = 400;

const task = JSON.parse(process.argv[2] ?? '') as DirectTask;
const database = new DatabaseSync(task.file, { readOnly: true });
const marks = Array.from({ length: PAGE_ROWS }, () => '?').join(', ');
const statement = database.prepare(`SELECT id, flags, size, properties FROM messages WHERE id IN (${marks})`);
statement.setReturnArrays(true);

function readPage(ids: readonly number[]): (PropertyValue | undefined)[][] {
  const rows = statement.all(...ids) as unknown as [number, number, number, Uint8Array][];
  return rows.map(([id, flags, size, properties]) => {
    const packed = new PackedProperties(properties);
    return [
      id,
      id,
      0,
      packed.value(PidTag.MessageClass),
      packed.value(PidTag.Subject),
      flags,
      packed.value(PidTag.MessageDeliveryTime),
      packed.value(PidTag.SenderName),
      packed.value(PidTag.HasAttachments),
      size,
    ];
  });
}

function run(milliseconds: number): { done: number; elapsed: number } {
  const begun = performance.now();
  let done = 0;
  while (performance.now() - begun < milliseconds) {
    const page = readPage(task.pages[done % task.pages.length] ?? []);
    if (page.length !== PAGE_ROWS || page.some((row) => row.includes(undefined)))
      throw new Error('a page that lacks something');
    done += 1;
  }
  return { done, elapsed: performance.now() - begun };
}

run(WARM_UP);
const before = process.cpuUsage();
const { done, elapsed } = run(task.seconds * 1000);
const { user, system } = process.cpuUsage(before);
const result: DirectResult = { rate: done / (elapsed / 1000), time: (user + system) / done };
console.log(JSON.stringify(result));
database.close();
