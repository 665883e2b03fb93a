import { ErrorCode, StoreError } from '../mapi/error-code.ts';
import type { Counter } from '../mapi/object-id.ts';
import type { MutableProperties, PropertyTag, PropertyValue } from '../mapi/property.ts';
import { PidTag } from '../mapi/property-tags.ts';
import { FolderType, MessageFlag } from '../mapi/property-values.ts';
import { integer } from '../sql/driver.ts';
import type { AttachmentChanges, AttachmentRows } from './attachment-rows.ts';
import { stampChange } from './change-keys.ts';
import { encodeRecipients } from './content-codec.ts';
import { FIRST_FREE_ID } from './folder-ids.ts';
import { storable } from './folder-properties.ts';
import type { FolderRows } from './folder-rows.ts';
import { MAX_MESSAGE_SIZE, MAX_PROPERTIES } from './limits.ts';
import { ITSELF, type LongValues } from './long-values.ts';
import type { MailboxContext } from './mailbox-context.ts';
import { COMPUTED_MESSAGE_IDS, deriveMessage, flagsIn, messageFlags } from './message-derivation.ts';
import type { StoredRow, StoredRows } from './message-rows.ts';
import type { MessageChange, MessageContent, SavedMessage } from './model.ts';
import { type Packed, PackedProperties, packProperties } from './packed-properties.ts';
import type { SearchFolders } from './search-folders.ts';

/** What is told of all that happens to messages, within the transaction in which it happens. */
export type MessageIndex = Pick<SearchFolders, 'added' | 'removed' | 'changed'>;

/** What writing messages needs of the mailbox. */
export interface MessageParts {
  readonly context: MailboxContext;
  readonly index: MessageIndex;
  readonly rows: StoredRows;
  readonly values: LongValues;
  readonly attachments: AttachmentRows;
  readonly folders: FolderRows;
}

/** [MS-OXCMSG] 3.2.5.2: what a message that a client made has unless it says otherwise. */
const CREATED_FLAGS = MessageFlag.Read | MessageFlag.Unsent | MessageFlag.EverRead;

/** A message as it will be stored: everything checked, nothing written. */
interface Prepared {
  readonly id: Counter;
  readonly change: Counter;
  readonly made: Packed;
  readonly after: PackedProperties;
  readonly recipients: Uint8Array | undefined;
  readonly attachments: AttachmentChanges;
  readonly flags: number;
  readonly size: number;
}

/** Saves messages ([MS-OXCMSG] 3.2.5.3). */
export class MessageWriter {
  readonly #parts: MessageParts;

  constructor(parts: MessageParts) {
    this.#parts = parts;
  }

  save(change: MessageChange): SavedMessage {
    return this.#parts.context.write(() => this.#save(change, CREATED_FLAGS));
  }

  add(
    folder: Counter,
    content: MessageContent,
    options: { readonly associated?: boolean; readonly original?: Uint8Array },
  ): SavedMessage {
    const { context } = this.#parts;
    const { original } = options;
    if (original !== undefined && original.length > MAX_MESSAGE_SIZE) throw tooBig(original.length);
    return context.write(() => {
      const saved = this.#save(
        {
          folder,
          associated: options.associated ?? false,
          set: content.properties,
          recipients: content.recipients,
          attachments: content.attachments.map(({ number, properties, embedded }) => ({
            number,
            set: properties,
            ...(embedded === undefined ? {} : { embedded }),
          })),
        },
        0,
      );
      if (original !== undefined) {
        context.database.run('INSERT INTO originals (message, content) VALUES (?, ?)', saved.id, original);
      }
      return saved;
    });
  }

  #save(change: MessageChange, newFlags: number): SavedMessage {
    if (change.id === undefined) return this.#insert(change, newFlags);
    const before = this.#parts.rows.need(change.id);
    if (before.folder !== change.folder) {
      throw new StoreError(ErrorCode.NotFound, `message ${change.id} is not in folder ${change.folder}`);
    }
    if (change.expected !== undefined && before.changeNumber !== change.expected) {
      throw new StoreError(ErrorCode.ObjectModified, `message ${change.id} was changed meanwhile`);
    }
    return this.#update(change, before);
  }

  #insert(change: MessageChange, newFlags: number): SavedMessage {
    const { context, folders, rows, attachments, values, index } = this.#parts;
    const folder = folders.need(change.folder);
    if (folder.type === FolderType.Search) throw new StoreError(ErrorCode.NotSupported, 'a message in a search folder');
    if (change.newId !== undefined) this.#checkNewId(change.newId);
    const id = change.newId ?? context.nextIds();
    const prepared = this.#prepare(id, change, undefined, newFlags | MessageFlag.Unmodified, folder.nextArticle);
    context.database.run(
      `INSERT INTO messages (id, folder, associated, change, flags, size, properties, recipients)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      id,
      change.folder,
      change.associated ? 1 : 0,
      prepared.change,
      prepared.flags,
      prepared.size,
      prepared.made.bytes,
      prepared.recipients ?? encodeRecipients([]),
    );
    values.store(id, ITSELF, prepared.made, PackedProperties.empty, prepared.after);
    attachments.store(id, prepared.attachments);
    const after = rows.written({
      id,
      folder: change.folder,
      associated: change.associated ? 1 : 0,
      change: prepared.change,
      flags: prepared.flags,
      status: 0,
      size: prepared.size,
      properties: prepared.made.bytes,
    });
    folders.contentsChanged(change.folder, { ...countsOf(after, 1), articles: 1 }, context.now());
    index.added(after);
    context.tell({ kind: 'created', folder: change.folder, message: id }, folderChanged(after));
    return { id, changeNumber: prepared.change };
  }

  /** An id that the client reserved, and has not used ([MS-OXCFXICS] 3.2.5.2). */
  #checkNewId(id: Counter): void {
    const { context, rows } = this.#parts;
    const isFree = id >= FIRST_FREE_ID && context.isAllocated(id) && rows.get(id) === undefined;
    if (!isFree || context.database.get('SELECT 1 AS found FROM folders WHERE id = ?', id) !== undefined) {
      throw new StoreError(ErrorCode.InvalidParam, `id ${id} is not free`);
    }
  }

  #update(change: MessageChange, before: StoredRow): SavedMessage {
    const { context, folders, rows, attachments, values, index } = this.#parts;
    const { id } = before;
    const prepared = this.#prepare(id, change, before, before.flags & ~MessageFlag.Unmodified, 0);
    context.database.run(
      `UPDATE messages SET change = ?, flags = ?, size = ?, properties = ?, recipients = coalesce(?, recipients)
       WHERE id = ?`,
      prepared.change,
      prepared.flags,
      prepared.size,
      prepared.made.bytes,
      prepared.recipients ?? null,
      id,
    );
    values.store(id, ITSELF, prepared.made, before.packed, prepared.after);
    attachments.store(id, prepared.attachments);
    const after = rows.need(id);
    const was = countsOf(before, -1);
    const is = countsOf(after, 1);
    folders.contentsChanged(
      before.folder,
      {
        unread: was.unread + is.unread,
        size: was.size + is.size,
        associatedSize: was.associatedSize + is.associatedSize,
      },
      context.now(),
    );
    index.changed(before, after);
    context.tell(
      {
        kind: 'modified',
        folder: before.folder,
        message: id,
        tags: [...change.set.keys(), ...(change.remove ?? []), PidTag.LastModificationTime, PidTag.ChangeKey],
      },
      folderChanged(after),
    );
    return { id, changeNumber: prepared.change };
  }

  #prepare(
    id: Counter,
    change: MessageChange,
    before: StoredRow | undefined,
    flagsBefore: number,
    article: number,
  ): Prepared {
    const { context } = this.#parts;
    const packed = before?.packed ?? PackedProperties.empty;
    const attachments = this.#parts.attachments.prepare(
      id,
      change.attachments ?? [],
      change.removedAttachments ?? [],
      before === undefined,
    );
    const hasAttachments = attachments.count > 0;
    const recipients = change.recipients ?? (before === undefined ? [] : undefined);
    const set = storable(change.set, COMPUTED_MESSAGE_IDS);
    if (article !== 0) set.set(PidTag.InternetArticleNumber, article);
    const stored = (tag: PropertyTag): PropertyValue | undefined =>
      packed.isApart(tag) ? this.#parts.values.get(id, ITSELF, tag) : packed.value(tag);
    const remove = deriveMessage({
      set,
      remove: (change.remove ?? []).filter((tag) => !KEPT_IDS.has(tag >>> 16)),
      stored,
      isNew: before === undefined,
      recipients,
      hasAttachments,
      now: context.now(),
      random: context.random,
    });
    const number = context.nextChange();
    this.#stamp(set, packed, number);
    const made = packProperties(set, { packed, remove });
    const after = new PackedProperties(made.bytes);
    const flags = messageFlags(flagsIn(change.set, flagsBefore) ?? flagsBefore, {
      hasAttachments,
      associated: before?.associated ?? change.associated,
      value: (tag) => after.value(tag),
    });
    const encoded = recipients === undefined ? undefined : encodeRecipients(recipients);
    let size = made.bytes.length + attachments.size + (encoded?.length ?? this.#recipientsSize(id));
    for (const length of after.apart().values()) size += length;
    if (size > MAX_MESSAGE_SIZE || after.count > MAX_PROPERTIES) throw tooBig(size);
    return { id, change: number, made, after, recipients: encoded, attachments, flags, size };
  }

  #stamp(set: MutableProperties, packed: PackedProperties, change: Counter): void {
    const known = new Map<PropertyTag, PropertyValue>();
    const list = packed.value(PidTag.PredecessorChangeList);
    if (list !== undefined) known.set(PidTag.PredecessorChangeList, list);
    stampChange(set, known, this.#parts.context.info.replicaGuid, change);
  }

  #recipientsSize(id: Counter): number {
    const row = this.#parts.context.database.get('SELECT length(recipients) AS size FROM messages WHERE id = ?', id);
    return integer(row ?? {}, 'size');
  }
}

/** Nothing removes what synchronisation tells versions by. */
const KEPT_IDS: ReadonlySet<number> = new Set(
  [PidTag.ChangeKey, PidTag.PredecessorChangeList, PidTag.SourceKey, PidTag.SearchKey].map((tag) => tag >>> 16),
);

/** What a message adds to its folder's counts, or with -1 takes away. */
export function countsOf(
  message: StoredRow,
  sign: 1 | -1,
): { content: number; unread: number; associated: number; size: number; associatedSize: number } {
  return {
    content: message.associated ? 0 : sign,
    unread: message.associated || !message.unread ? 0 : sign,
    associated: message.associated ? sign : 0,
    size: sign * message.size,
    associatedSize: message.associated ? sign * message.size : 0,
  };
}

/** The event for the folder's own row, whose counts are others now. */
export function folderChanged({ folder, associated }: { readonly folder: Counter; readonly associated: boolean }): {
  readonly kind: 'modified';
  readonly folder: Counter;
  readonly tags: readonly PropertyTag[];
} {
  const tags = associated ? [PidTag.AssociatedContentCount] : [PidTag.ContentCount, PidTag.ContentUnreadCount];
  return { kind: 'modified', folder, tags };
}

function tooBig(size: number): StoreError {
  return new StoreError(ErrorCode.TooBig, `a message of ${size} bytes`);
}
