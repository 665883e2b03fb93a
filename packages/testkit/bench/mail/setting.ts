import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Writer } from '@rpch/rpc/internal';
import { EmbeddedDirectory, Mailbox, mailboxFile } from '@rpch/store';
import { ContentsTable, type Counter, Origin, PidTag, type PropertyTag } from '@rpch/store/mailbox';
import { fillFolder, scattered } from './fill-folder.ts';

/** The account whose mailbox is read. The others hold sessions: one account may have 128. */
export const READER = 'alice';
export const PASSWORD = 'Secret.1';
export const HOLDERS: readonly string[] = Array.from({ length: 10 }, (_, at) => `holder${at}`);

/** Messages of the folder that is read. */
export const MESSAGES = 5000;
/** Rows of a page, in mail and in the address book. */
export const PAGE_ROWS = 50;
/** Pages that are read one after the other where it is not always the first. */
export const PLACES = 64;
/** A flag, and an id: REPLID and counter. */
const ROW_SIZE = 9;
const CONTACTS = 1000;
const DOMAIN = 'bench.example';
const SERVER = 'bench';

/** What a client shows of a message in a list. */
export const COLUMNS: readonly PropertyTag[] = [
  PidTag.Mid,
  PidTag.InstID,
  PidTag.InstanceNum,
  PidTag.MessageClass,
  PidTag.Subject,
  PidTag.MessageFlags,
  PidTag.MessageDeliveryTime,
  PidTag.SenderName,
  PidTag.HasAttachments,
  PidTag.MessageSize,
];

/** A data directory of `rpch serve`, and what is measured in it. */
export interface Setting {
  readonly dataDir: string;
  /** The SQLite file of the mailbox that is read. */
  readonly file: string;
  readonly folder: Counter;
  /** Positions where pages begin; the first is 0. */
  readonly positions: readonly number[];
  /** The messages on those pages. */
  readonly pages: readonly (readonly Counter[])[];
  /** legacyExchangeDN by account. */
  readonly dns: Readonly<Record<string, string>>;
}

/** Makes the data directory: a mailbox with a folder of {@link MESSAGES}, and an address book. */
export async function makeSetting(dataDir: string): Promise<Setting> {
  const file = mailboxFile(dataDir, READER);
  mkdirSync(dirname(file), { recursive: true });
  const contacts = Array.from({ length: CONTACTS }, (_, at) => {
    const address = `contact.${at}@elsewhere.example`;
    return `  contact${at}: { displayName: "Contact ${scattered(at, CONTACTS)} ${at}", address: ${address}, title: Engineer }`;
  });
  writeFileSync(join(dataDir, 'directory.yaml'), `contacts:\n${contacts.join('\n')}\n`);
  const { current } = await EmbeddedDirectory.load({
    dataDir,
    accounts: [READER, ...HOLDERS],
    defaults: { domain: DOMAIN, serverName: SERVER },
    warn: (line) => console.error(line),
  });
  const dns = Object.fromEntries(
    current.entries.flatMap(({ account, legacyDn }) => (account === undefined ? [] : [[account, legacyDn]])),
  );
  const random = (length: number) => randomBytes(length);
  const mailbox = Mailbox.create(file, READER, { now: () => 1_750_000_000_000, random });
  try {
    const [parent] = mailbox.folders.children(1).filter(({ folder }) => folder.subfolderCount > 0);
    const { id: folder } = mailbox.folders.create(parent?.folder.id ?? 1, { name: 'Measured', type: 1 });
    fillFolder(mailbox, folder, MESSAGES, 0);
    const positions = Array.from({ length: PLACES }, (_, at) =>
      at === 0 ? 0 : scattered(at, MESSAGES / PAGE_ROWS - 1) * PAGE_ROWS,
    );
    const pages = positions.map((position) => idsAt(mailbox, folder, position));
    return { dataDir, file, folder, positions, pages, dns };
  } finally {
    mailbox.close();
  }
}

/** Arguments of `rpch serve` over that directory. */
export function serveArguments({ dataDir }: Setting, ports: readonly number[]): string[] {
  const users = [READER, ...HOLDERS].flatMap((name) => ['--user', `${name}:${PASSWORD}`]);
  const names = ['--dns-domain', DOMAIN, '--server-name', SERVER];
  const listeners = ports.flatMap((port) => ['--listen', `ncacn_ip_tcp:127.0.0.1[${port}]`]);
  const where = ['--data', dataDir, '--log-level', 'warn'];
  return ['serve', ...listeners, ...where, ...users, ...names, '--level', 'connect', '--mail-level', 'connect'];
}

/** The messages of one page, in the order in which the table has them. */
function idsAt(mailbox: Mailbox, folder: Counter, position: number): Counter[] {
  const table = new ContentsTable({
    index: mailbox.contents,
    folder,
    associated: false,
    coding: { codePage: 1252 },
  });
  table.setColumns([PidTag.Mid]);
  table.seek(Origin.Beginning, position);
  const writer = new Writer(ROW_SIZE * PAGE_ROWS);
  const { rows } = table.queryRows(writer, { forward: true, advance: false, count: PAGE_ROWS, room: 0x7f00 });
  table.close();
  const bytes = Buffer.from(writer.finish());
  return Array.from({ length: rows }, (_, row) => bytes.readUIntBE(row * ROW_SIZE + 3, 6));
}
