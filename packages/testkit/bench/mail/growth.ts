import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writer } from '@rpch/rpc/internal';
import {
  ContentsTable,
  type Counter,
  FuzzyHigh,
  FuzzyLow,
  Mailbox,
  Origin,
  PidTag,
  type PropertyTag,
  type PropertyValue,
  type Restriction,
  SortDirection,
} from '@rpch/store/mailbox';
import { count, decimal, table } from '../table.ts';
import { fillFolder, scattered, subjectOf } from './fill-folder.ts';

/** What is measured. The goal is how many times as long it may take in the largest folder as in the smallest. */
export const GROWTH_MEASURES = [
  { name: 'open', title: 'open a table, count its rows', goal: 2 },
  { name: 'first page', title: 'and read 50 rows, newest first', goal: 2 },
  { name: 'jump', title: 'go to a row anywhere, read 50 from there', goal: 2 },
  { name: 'position', title: 'go to the middle, ask for the position', goal: 2 },
  { name: 'find', title: 'find a row by the beginning of its subject', goal: undefined },
  { name: 'message', title: 'open a message', goal: undefined },
  { name: 'deliver', title: 'store a message', goal: undefined },
] as const;
export type GrowthMeasure = (typeof GROWTH_MEASURES)[number]['name'];

export interface GrowthOptions {
  /** Messages of the folders, the smallest first. */
  readonly sizes: readonly number[];
  /** Times that each thing is done. */
  readonly repeats: number;
  readonly say: (line: string) => void;
}

/** Microseconds that each thing took, the median, by the size of the folder. `cold` after the mailbox was opened anew each time. */
export interface Growth {
  readonly name: GrowthMeasure;
  readonly isCold: boolean;
  readonly times: readonly number[];
  /** The largest folder's time divided by the smallest one's. */
  readonly ratio: number;
  readonly goal: number | undefined;
}

/** The columns that clients ask for first ([MS-OXCTABL] 4; those of Outlook's online mode are among them). */
export const COLUMNS: readonly PropertyTag[] = [
  PidTag.FolderId,
  PidTag.Mid,
  PidTag.InstID,
  PidTag.InstanceNum,
  PidTag.Subject,
  PidTag.MessageDeliveryTime,
  PidTag.MessageFlags,
  PidTag.SenderName,
  PidTag.MessageClass,
];
const NEWEST_FIRST = {
  orders: [{ tag: PidTag.MessageDeliveryTime, order: SortDirection.Descending }],
  categories: 0,
  expanded: 0,
};
const PAGE = { forward: true, advance: true, count: 50, room: 0x7f00 };

/** Fills folders of a mailbox in a temporary directory, and measures what it costs to use them. */
export function measureGrowth(options: GrowthOptions): Growth[] {
  const directory = mkdtempSync(join(tmpdir(), 'rpch-growth-'));
  try {
    const path = join(directory, 'mailbox.sqlite');
    const environment = { now: () => 1_750_000_000_000, random: (length: number) => randomBytes(length) };
    const mailbox = Mailbox.create(path, 'bench', environment);
    const parent = mailbox.folders.children(1).find(({ folder }) => folder.subfolderCount > 0)?.folder.id ?? 1;
    let first = 0;
    const folders = options.sizes.map((size) => {
      const start = process.hrtime.bigint();
      const { id } = mailbox.folders.create(parent, { name: `${size} messages`, type: 1 });
      const firstId = fillFolder(mailbox, id, size, first);
      const folder = { id, size, first, firstId };
      first += size;
      options.say(`${count(size)} messages filled in ${decimal(Number(process.hrtime.bigint() - start) / 1e9)} s`);
      return folder;
    });
    mailbox.close();
    const open = (): Mailbox => Mailbox.open(path, environment);
    const results: Growth[] = [];
    for (const isCold of [false, true]) {
      for (const { name, goal } of GROWTH_MEASURES) {
        const times = folders.map((folder) => measure(open, folder, name, isCold, options.repeats));
        const ratio = (times.at(-1) ?? 0) / (times[0] ?? 1);
        results.push({ name, isCold, times, ratio, goal: isCold ? undefined : goal });
      }
    }
    return results;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

interface Filled {
  readonly id: Counter;
  readonly size: number;
  /** The number of its first message. */
  readonly first: number;
  readonly firstId: Counter;
}

function measure(open: () => Mailbox, folder: Filled, name: GrowthMeasure, isCold: boolean, repeats: number): number {
  const times: number[] = [];
  let mailbox = open();
  for (let at = 0; at < repeats + 20; at += 1) {
    if (isCold) {
      mailbox.close();
      mailbox = open();
    }
    const time = timeOf(mailbox, folder, name, at);
    // The first times are those of code that is not compiled yet.
    if (at >= 20) times.push(time);
  }
  mailbox.close();
  return times.sort((a, b) => a - b)[times.length >> 1] ?? 0;
}

/** Microseconds of one time. */
function timeOf(mailbox: Mailbox, { id, size, first, firstId }: Filled, name: GrowthMeasure, at: number): number {
  if (name === 'message') {
    return timed(() => mailbox.messages.get(firstId + scattered(at, size)));
  }
  if (name === 'deliver') {
    const properties = new Map<PropertyTag, PropertyValue>([
      [PidTag.Subject, subjectOf(at)],
      [PidTag.MessageDeliveryTime, 143_000_000_000_000_000n + BigInt(at)],
    ]);
    return timed(() => mailbox.messages.add(id, { properties, recipients: [], attachments: [] }));
  }
  const make = (): ContentsTable => {
    return new ContentsTable({ index: mailbox.contents, folder: id, associated: false, coding: { codePage: 1252 } });
  };
  if (name === 'open') return timed(() => make().rowCount);
  if (name === 'first page') {
    return timed(() => {
      const contents = make();
      contents.setColumns(COLUMNS);
      contents.sort(NEWEST_FIRST);
      contents.queryRows(new Writer(PAGE.room), PAGE);
    });
  }
  const contents = make();
  contents.setColumns(COLUMNS);
  contents.sort(NEWEST_FIRST);
  switch (name) {
    case 'jump':
      return timed(() => {
        contents.seek(Origin.Beginning, scattered(at, size - PAGE.count));
        contents.queryRows(new Writer(PAGE.room), PAGE);
      });
    case 'position':
      return timed(() => {
        contents.seekFractional(1, 2);
        contents.position();
      });
    case 'find': {
      const value = subjectOf(first + scattered(at, size)).slice(0, -2);
      const restriction: Restriction = {
        kind: 'content',
        fuzzyLow: FuzzyLow.Prefix,
        fuzzyHigh: FuzzyHigh.IgnoreCase,
        tag: PidTag.Subject,
        valueTag: PidTag.Subject,
        value,
      };
      const find = { restriction, backward: false, origin: Origin.Beginning, bookmark: new Uint8Array(0) };
      return timed(() => contents.findRow(new Writer(4096), find));
    }
  }
}

function timed(work: () => unknown): number {
  const start = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - start) / 1000;
}

/** The measurements as a table. */
export function renderGrowth(sizes: readonly number[], results: readonly Growth[]): string {
  const rows = results.map(({ name, isCold, times, ratio, goal }) => [
    `${GROWTH_MEASURES.find((one) => one.name === name)?.title ?? name}${isCold ? ' (mailbox just opened)' : ''}`,
    ...times.map((time) => time.toFixed(0)),
    decimal(ratio),
    goal === undefined ? '' : `≤ ${goal} ${ratio <= goal ? 'met' : 'MISSED'}`,
  ]);
  return table(['microseconds, by messages in the folder', ...sizes.map(count), 'ratio', 'goal'], rows);
}

const USAGE = `usage: npm run bench -- growth [SIZE,SIZE,...]

Measures a mailbox whose folders grow: what opening, reading, jumping, finding and storing cost by the messages that are there
already (default 1000,10000,100000,1000000, which takes some minutes and 2 GB below the folder for temporary files).`;
const REPEATS = 200;

/** `npm run bench -- growth`: the exit code, 1 where a goal is missed, 2 for wrong usage. */
export function benchGrowth([text = '1000,10000,100000,1000000', ...more]: readonly string[]): number {
  const sizes = text.split(',').map(Number);
  if (more.length > 0 || sizes.length < 2 || sizes.some((size) => !(Number.isInteger(size) && size >= 100))) {
    console.error(USAGE);
    return text === '--help' ? 0 : 2;
  }
  const results = measureGrowth({ sizes, repeats: REPEATS, say: (line) => console.error(line) });
  console.log(renderGrowth(sizes, results));
  return results.some(({ ratio, goal }) => goal !== undefined && ratio > goal) ? 1 : 0;
}
