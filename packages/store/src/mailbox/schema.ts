import type { Schema } from '../sql/migrations.ts';
import { createClientIds } from './client-ids.ts';
import { createContentsIndex } from './contents-index.ts';
import { addDeletedSets } from './deleted-sets.ts';
import { createPerUserInformation } from './per-user-information.ts';
import { createSearches } from './search-criteria.ts';

/** "rpch" as the four bytes of a mailbox's `application_id`. */
const APPLICATION_ID = 0x72706368;

/**
 * The tables of a mailbox. Folders and messages have their ids from one counter, so that an id names one object; changes have
 * theirs from another ([MS-OXCFXICS] 3.1.5.3). Counts of a folder are kept in the transaction that changes what is counted. FILETIMEs do
 * not fit a JavaScript number: `commit_time` and `modified` are read as text. Folders with negative ids are deleted sets (deleted-sets.ts).
 */
const FIRST = `
CREATE TABLE mailbox (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  guid TEXT NOT NULL,
  replica_guid TEXT NOT NULL,
  mapping_signature TEXT NOT NULL,
  account TEXT NOT NULL,
  next_counter INTEGER NOT NULL,
  last_change INTEGER NOT NULL,
  properties BLOB NOT NULL
);

CREATE TABLE folders (
  id INTEGER PRIMARY KEY,
  parent INTEGER NOT NULL,
  name TEXT NOT NULL,
  name_key TEXT NOT NULL,
  type INTEGER NOT NULL,
  change INTEGER NOT NULL,
  content INTEGER NOT NULL DEFAULT 0,
  unread INTEGER NOT NULL DEFAULT 0,
  associated INTEGER NOT NULL DEFAULT 0,
  subfolders INTEGER NOT NULL DEFAULT 0,
  size INTEGER NOT NULL DEFAULT 0,
  associated_size INTEGER NOT NULL DEFAULT 0,
  deleted INTEGER NOT NULL DEFAULT 0,
  hierarchy_change INTEGER NOT NULL DEFAULT 0,
  next_article INTEGER NOT NULL DEFAULT 1,
  commit_time INTEGER NOT NULL,
  properties BLOB NOT NULL
);
CREATE UNIQUE INDEX folders_by_name ON folders (parent, name_key);
CREATE INDEX folders_by_change ON folders (change);

CREATE TABLE messages (
  id INTEGER PRIMARY KEY,
  folder INTEGER NOT NULL REFERENCES folders (id),
  associated INTEGER NOT NULL,
  change INTEGER NOT NULL,
  read_change INTEGER,
  flags INTEGER NOT NULL,
  status INTEGER NOT NULL DEFAULT 0,
  size INTEGER NOT NULL,
  properties BLOB NOT NULL,
  recipients BLOB NOT NULL
);
CREATE INDEX messages_by_folder ON messages (folder, associated);
CREATE INDEX messages_by_change ON messages (folder, change);
CREATE INDEX messages_by_read_change ON messages (folder, read_change) WHERE read_change IS NOT NULL;

CREATE TABLE attachments (
  message INTEGER NOT NULL REFERENCES messages (id) ON DELETE CASCADE ON UPDATE CASCADE,
  number INTEGER NOT NULL,
  size INTEGER NOT NULL,
  properties BLOB NOT NULL,
  embedded BLOB,
  UNIQUE (message, number)
);

-- Values too long to be packed: of the folder or message itself (attachment -1), or of an attachment.
CREATE TABLE long_values (
  owner INTEGER NOT NULL,
  attachment INTEGER NOT NULL,
  tag INTEGER NOT NULL,
  content BLOB NOT NULL,
  UNIQUE (owner, attachment, tag)
);

CREATE TABLE originals (
  message INTEGER PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE ON UPDATE CASCADE,
  content BLOB NOT NULL
);

-- What was deleted or moved away, so that synchronisation can say so. kind: 0 folder, 1 message, 2 associated message.
CREATE TABLE deletions (
  folder INTEGER NOT NULL,
  change INTEGER NOT NULL,
  object INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  source_key BLOB,
  PRIMARY KEY (folder, change, object)
) WITHOUT ROWID;

CREATE TABLE permissions (
  folder INTEGER NOT NULL REFERENCES folders (id) ON DELETE CASCADE,
  member INTEGER NOT NULL,
  account TEXT NOT NULL,
  name TEXT NOT NULL,
  rights INTEGER NOT NULL,
  PRIMARY KEY (folder, member)
) WITHOUT ROWID;

CREATE TABLE property_names (
  id INTEGER PRIMARY KEY,
  guid TEXT NOT NULL,
  lid INTEGER,
  name TEXT,
  CHECK ((lid IS NULL) <> (name IS NULL))
);
CREATE UNIQUE INDEX property_names_by_lid ON property_names (guid, lid) WHERE lid IS NOT NULL;
CREATE UNIQUE INDEX property_names_by_name ON property_names (guid, name) WHERE name IS NOT NULL;

CREATE TABLE receive_folders (
  class_key TEXT PRIMARY KEY,
  class TEXT NOT NULL,
  folder INTEGER NOT NULL REFERENCES folders (id) ON DELETE CASCADE,
  modified INTEGER NOT NULL
) WITHOUT ROWID;
`;

/** The tables of a mailbox, and how they come to be. */
export const MAILBOX_SCHEMA: Schema = {
  applicationId: APPLICATION_ID,
  migrations: [
    (database) => {
      database.exec(FIRST);
      createContentsIndex(database);
    },
    createSearches,
    addDeletedSets,
    // Keys of text are made otherwise since (RowOrder.storedName): no program from before may add to them.
    () => {},
    (database) => {
      createClientIds(database);
      createPerUserInformation(database);
    },
  ],
};
