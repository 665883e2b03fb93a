import type { Counter } from '../mapi/object-id.ts';
import {
  idOf,
  type MutableProperties,
  type PropertyTag,
  PropertyType,
  type PropertyValue,
  typeOf,
} from '../mapi/property.ts';
import { unicodeTag } from '../mapi/property-codec.ts';
import { PidTag } from '../mapi/property-tags.ts';
import { MessageFlag } from '../mapi/property-values.ts';
import { blob, integer } from '../sql/driver.ts';
import { AttachmentRows } from './attachment-rows.ts';
import { decodeRecipients } from './content-codec.ts';
import { deletedSetOf, homeOf, isDeletedSet } from './deleted-sets.ts';
import type { EntryIds } from './entry-ids.ts';
import { FolderRows } from './folder-rows.ts';
import { ITSELF, LongValues } from './long-values.ts';
import type { MailboxContext } from './mailbox-context.ts';
import type { StoredRows } from './message-rows.ts';
import { MessageTransfers } from './message-transfers.ts';
import { type MessageIndex, MessageWriter } from './message-writer.ts';
import type {
  MessageChange,
  MessageContent,
  MessagePlace,
  MessageStore,
  SavedMessage,
  StoredAttachment,
  StoredMessage,
} from './model.ts';
import { LARGE_VALUE, PackedProperties } from './packed-properties.ts';

/** The messages of a mailbox ([MS-OXCMSG]): reading them here, writing them in message-writer.ts and message-transfers.ts. */
export class StoredMessages implements MessageStore {
  readonly rows: StoredRows;
  readonly #context: MailboxContext;
  readonly #values: LongValues;
  readonly #attachments: AttachmentRows;
  readonly #folders: FolderRows;
  readonly #index: MessageIndex;
  readonly #writer: MessageWriter;
  readonly #transfers: MessageTransfers;

  constructor(context: MailboxContext, ids: EntryIds, index: MessageIndex, rows: StoredRows) {
    this.rows = rows;
    this.#context = context;
    this.#index = index;
    this.#values = new LongValues(context.database);
    this.#attachments = new AttachmentRows(context, this.#values, ids);
    this.#folders = new FolderRows(context.database);
    const parts = {
      context,
      index,
      rows,
      values: this.#values,
      attachments: this.#attachments,
      folders: this.#folders,
    };
    this.#writer = new MessageWriter(parts);
    this.#transfers = new MessageTransfers(parts);
  }

  get(id: Counter): StoredMessage | undefined {
    return this.#context.read(() => {
      const row = this.rows.get(id);
      if (row === undefined) return undefined;
      const properties = row.packed.toProperties();
      row.computeInto(properties);
      const attachments = this.#attachments.list(id).map((attachment) => {
        const own = attachment.packed.toProperties();
        this.#attachments.computeInto(own, id, attachment);
        return { ...attachment, properties: own };
      });
      for (const { attachment, tag, value } of this.#values.all(id, LARGE_VALUE)) {
        const owner =
          attachment === ITSELF ? properties : attachments.find((one) => one.number === attachment)?.properties;
        owner?.set(tag, value);
      }
      return {
        id,
        folder: homeOf(row.folder),
        associated: row.associated,
        changeNumber: row.changeNumber,
        properties,
        large: largeOf(row.packed, properties),
        recipients: this.#recipients(id),
        attachments: attachments.map(
          ({ number, embeds, packed, properties: own }): StoredAttachment => ({
            number,
            embeds,
            properties: own,
            large: largeOf(packed, own),
          }),
        ),
      };
    });
  }

  #recipients(id: Counter): StoredMessage['recipients'] {
    const row = this.#context.database.get('SELECT recipients FROM messages WHERE id = ?', id);
    return row === undefined ? [] : decodeRecipients(blob(row, 'recipients'));
  }

  locate(id: Counter, withDeleted = false): MessagePlace | undefined {
    const row = this.#context.database.get(
      `SELECT folder, associated, (SELECT deleted_on FROM folders WHERE id = folder) IS NOT NULL AS in_deleted
         FROM messages WHERE id = ?`,
      id,
    );
    if (row === undefined) return undefined;
    const folder = integer(row, 'folder');
    const deleted = isDeletedSet(folder) || row.in_deleted !== 0;
    if (deleted && !withDeleted) return undefined;
    return { folder: homeOf(folder), associated: row.associated !== 0, deleted };
  }

  /** A tag of the type Unspecified finds the property of whatever type. */
  value(id: Counter, tag: PropertyTag): PropertyValue | undefined {
    return this.#context.read(() => {
      const row = this.rows.get(id);
      if (row === undefined) return undefined;
      const stored = resolve(row.packed, tag);
      return row.packed.isApart(stored) ? this.#values.get(id, ITSELF, stored) : row.value(stored);
    });
  }

  attachmentValue(id: Counter, attachment: number, tag: PropertyTag): PropertyValue | undefined {
    return this.#context.read(() => {
      const row = this.#attachments.get(id, attachment);
      if (row === undefined) return undefined;
      const stored = resolve(row.packed, tag);
      if (row.packed.isApart(stored)) return this.#values.get(id, attachment, stored);
      const computed: MutableProperties = new Map();
      this.#attachments.computeInto(computed, id, row);
      return computed.get(stored) ?? row.packed.value(stored);
    });
  }

  embedded(id: Counter, attachment: number): MessageContent | undefined {
    return this.#attachments.embedded(id, attachment);
  }

  original(id: Counter): Uint8Array | undefined {
    const row = this.#context.database.get('SELECT content FROM originals WHERE message = ?', id);
    return row === undefined ? undefined : blob(row, 'content');
  }

  ids(folder: Counter, associated: boolean, deleted = false): readonly Counter[] {
    return this.rows.ids(deleted ? deletedSetOf(folder) : folder, associated);
  }

  save(change: MessageChange): SavedMessage {
    return this.#writer.save(change);
  }

  add(
    folder: Counter,
    content: MessageContent,
    options: { readonly associated?: boolean; readonly original?: Uint8Array } = {},
  ): SavedMessage {
    return this.#writer.add(folder, content, options);
  }

  delete(folder: Counter, ids: readonly Counter[], hard = false): number {
    return this.#transfers.delete(folder, ids, hard);
  }

  purge(until: bigint): boolean {
    return this.#transfers.purge(until);
  }

  purgeFolder(folder: Counter): boolean {
    return this.#transfers.purgeFolder(folder);
  }

  copy(from: Counter, ids: readonly Counter[], to: Counter): number {
    return this.#transfers.copy(from, ids, to);
  }

  move(from: Counter, ids: readonly Counter[], to: Counter): number {
    return this.#transfers.move(from, ids, to);
  }

  /** Returns whether that changed it. Read states have change numbers of their own ([MS-OXCFXICS] 3.2.5.6). Throws NotFound. */
  setRead(id: Counter, read: boolean): boolean {
    return this.#context.write(() => {
      const before = this.rows.need(id);
      if (before.unread !== read) return false;
      const bits = MessageFlag.Read | MessageFlag.EverRead;
      const flags = read ? before.flags | bits : before.flags & ~bits;
      const change = this.#context.nextChange();
      this.#context.database.run('UPDATE messages SET flags = ?, read_change = ? WHERE id = ?', flags, change, id);
      const now = this.#context.now();
      if (!before.associated) this.#folders.contentsChanged(before.folder, { unread: read ? -1 : 1 }, now);
      this.#index.changed(before, this.rows.need(id));
      this.#context.tell(
        { kind: 'modified', folder: before.folder, message: id, tags: [PidTag.MessageFlags, PidTag.Read] },
        { kind: 'modified', folder: before.folder, tags: [PidTag.ContentUnreadCount] },
      );
      return true;
    });
  }

  /** Throws NotFound. */
  status(id: Counter): number {
    return this.rows.need(id).status;
  }

  /** Returns the status before. It belongs to the table, not to the message: the message is not changed ([MS-OXCMSG] 2.2.1.8). Throws NotFound. */
  setStatus(id: Counter, status: number, mask: number): number {
    return this.#context.write(() => {
      const before = this.rows.need(id);
      const after = (before.status & ~mask) | (status & mask);
      if (after === before.status) return before.status;
      this.#context.database.run('UPDATE messages SET status = ? WHERE id = ?', after, id);
      this.#index.changed(before, this.rows.need(id));
      this.#context.tell({ kind: 'modified', folder: before.folder, message: id, tags: [PidTag.MessageStatus] });
      return before.status;
    });
  }
}

/** The stored tag that a caller means: text is stored as PtypString, and Unspecified is whatever there is. */
function resolve(packed: PackedProperties, tag: PropertyTag): PropertyTag {
  return typeOf(tag) === PropertyType.Unspecified ? (packed.tagOf(idOf(tag)) ?? tag) : unicodeTag(tag);
}

/** Those that lie apart and were not loaded. */
function largeOf(packed: PackedProperties, loaded: ReadonlyMap<PropertyTag, PropertyValue>): Map<PropertyTag, number> {
  const large = packed.apart();
  for (const tag of large.keys()) if (loaded.has(tag)) large.delete(tag);
  return large;
}

/** Properties of a message's recipients or attachments, one by one, for restrictions on them. */
export function* subobjectsOf(
  context: MailboxContext,
  id: Counter,
  tag: PropertyTag,
): Iterable<(tag: PropertyTag) => PropertyValue | undefined> {
  if (tag === PidTag.MessageRecipients) {
    const row = context.database.get('SELECT recipients FROM messages WHERE id = ?', id);
    for (const { rowId, type, properties } of row === undefined ? [] : decodeRecipients(blob(row, 'recipients'))) {
      yield (one) => (one === PidTag.RecipientType ? type : one === PidTag.Rowid ? rowId : properties.get(one));
    }
  } else if (tag === PidTag.MessageAttachments) {
    const rows = context.database.all(
      'SELECT number, size, properties FROM attachments WHERE message = ? ORDER BY number',
      id,
    );
    for (const row of rows) {
      const packed = new PackedProperties(blob(row, 'properties'));
      yield (one) =>
        one === PidTag.AttachNumber
          ? Number(row.number)
          : one === PidTag.AttachSize
            ? Number(row.size)
            : packed.value(one);
    }
  }
}
