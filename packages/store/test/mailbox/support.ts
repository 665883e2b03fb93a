import { createHash } from 'node:crypto';
import { renameSync, rmSync } from 'node:fs';
import { Mailbox, type MailboxOptions } from '../../src/mailbox/mailbox.ts';
import type { MessageContent } from '../../src/mailbox/model.ts';
import { MAILBOX_SCHEMA } from '../../src/mailbox/schema.ts';
import type { PropertyTag, PropertyValue } from '../../src/mapi/property.ts';
import { PidTag } from '../../src/mapi/property-tags.ts';
import { migrate } from '../../src/sql/migrations.ts';
import { NodeSqlite } from '../../src/sql/node-sqlite.ts';

/** A clock that moves on by a second whenever it is asked, and random bytes that are the same in every run. */
export function options(): MailboxOptions {
  let now = Date.UTC(2026, 0, 1);
  let seed = 0;
  return {
    now: () => {
      now += 1000;
      return now;
    },
    random: (length) => {
      seed += 1;
      return createHash('sha256').update(`seed ${seed}`).digest().subarray(0, length);
    },
  };
}

export const OWNER = 'alice@example.com';

export function newMailbox(path = ':memory:'): Mailbox {
  return Mailbox.create(path, OWNER, options());
}

export function properties(...list: [PropertyTag, PropertyValue][]): Map<PropertyTag, PropertyValue> {
  return new Map(list);
}

/** A small message, with a recipient and without attachments. */
export function mail(subject: string, more: [PropertyTag, PropertyValue][] = []): MessageContent {
  return {
    properties: properties(
      [PidTag.MessageClass, 'IPM.Note'],
      [PidTag.Subject, subject],
      [PidTag.Body, `Body of ${subject}`],
      ...more,
    ),
    recipients: [{ rowId: 0, type: 1, properties: properties([PidTag.DisplayName, 'Bob']) }],
    attachments: [],
  };
}

/** Makes of a mailbox that is closed what an older version of the schema would have made of what is in it. */
export function makeOlder(path: string, version: number): void {
  const older = `${path}.older`;
  const database = new NodeSqlite(older);
  migrate(database, { ...MAILBOX_SCHEMA, migrations: MAILBOX_SCHEMA.migrations.slice(0, version) });
  database.exec(`PRAGMA foreign_keys = OFF; ATTACH '${path}' AS newer`);
  const tables = database.all("SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'");
  for (const { name } of tables) {
    const columns = database.all(`SELECT name FROM pragma_table_info('${name}', 'main')`).map((column) => column.name);
    database.exec(`INSERT INTO main.${name} (${columns}) SELECT ${columns} FROM newer.${name}`);
  }
  database.close();
  for (const end of ['-wal', '-shm']) rmSync(path + end, { force: true });
  renameSync(older, path);
}
