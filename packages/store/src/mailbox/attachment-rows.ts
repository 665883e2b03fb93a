import { parseGuid } from '@rpch/rpc/internal';
import { ErrorCode, StoreError } from '../mapi/error-code.ts';
import type { Counter } from '../mapi/object-id.ts';
import { idOf, type MutableProperties, type PropertyValue } from '../mapi/property.ts';
import { PidTag } from '../mapi/property-tags.ts';
import { AttachMethod, ObjectType } from '../mapi/property-values.ts';
import { blob, integer, type SqlRow } from '../sql/driver.ts';
import { decodeContent, encodeContent } from './content-codec.ts';
import type { EntryIds } from './entry-ids.ts';
import { storable } from './folder-properties.ts';
import { MAX_ATTACHMENTS } from './limits.ts';
import type { LongValues } from './long-values.ts';
import type { MailboxContext } from './mailbox-context.ts';
import { deriveMessage, messageFlags } from './message-derivation.ts';
import type { AttachmentChange, MessageContent } from './model.ts';
import { type Packed, PackedProperties, packProperties } from './packed-properties.ts';

/** An attachment as it is stored. */
export interface AttachmentRow {
  readonly number: number;
  readonly size: number;
  readonly embeds: boolean;
  readonly packed: PackedProperties;
}

/** What a save will write of a message's attachments. */
export interface AttachmentChanges {
  readonly written: readonly {
    readonly number: number;
    readonly size: number;
    readonly made: Packed;
    readonly before: PackedProperties;
    /** Left out where it is as it was. */
    readonly embedded?: Uint8Array;
  }[];
  readonly removed: readonly number[];
  /** How many there will be, and the bytes of all. */
  readonly count: number;
  readonly size: number;
}

const COLUMNS =
  'number, size, embedded IS NOT NULL AS embeds, coalesce(length(embedded), 0) AS embedded_size, properties';

/** Attachment properties that are computed: never stored. By property id. */
const COMPUTED_ATTACHMENT_IDS: ReadonlySet<number> = new Set(
  [
    PidTag.AttachNumber,
    PidTag.AttachSize,
    PidTag.RecordKey,
    PidTag.ObjectType,
    PidTag.StoreRecordKey,
    PidTag.StoreEntryId,
    PidTag.MappingSignature,
    PidTag.Access,
    PidTag.AccessLevel,
  ].map(idOf),
);

/** The attachments of messages ([MS-OXCMSG] 2.2.2). */
export class AttachmentRows {
  readonly #context: MailboxContext;
  readonly #values: LongValues;
  readonly #ids: EntryIds;

  constructor(context: MailboxContext, values: LongValues, ids: EntryIds) {
    this.#context = context;
    this.#values = values;
    this.#ids = ids;
  }

  list(message: Counter): AttachmentRow[] {
    return this.#context.database
      .all(`SELECT ${COLUMNS} FROM attachments WHERE message = ? ORDER BY number`, message)
      .map(fromRow);
  }

  get(message: Counter, number: number): AttachmentRow | undefined {
    const row = this.#row(message, number);
    return row === undefined ? undefined : fromRow(row);
  }

  #row(message: Counter, number: number): SqlRow | undefined {
    return this.#context.database.get(
      `SELECT ${COLUMNS} FROM attachments WHERE message = ? AND number = ?`,
      message,
      number,
    );
  }

  embedded(message: Counter, number: number): MessageContent | undefined {
    const row = this.#context.database.get(
      'SELECT embedded FROM attachments WHERE message = ? AND number = ? AND embedded IS NOT NULL',
      message,
      number,
    );
    return row === undefined ? undefined : decodeContent(blob(row, 'embedded'));
  }

  /** What is computed, into `properties`. */
  computeInto(properties: MutableProperties, message: Counter, { number, size }: AttachmentRow): void {
    const { guid, mappingSignature } = this.#context.info;
    properties.set(PidTag.AttachNumber, number);
    properties.set(PidTag.AttachSize, size);
    properties.set(PidTag.RecordKey, this.#ids.attachmentKey(message, number));
    properties.set(PidTag.ObjectType, ObjectType.Attachment);
    properties.set(PidTag.StoreRecordKey, parseGuid(guid));
    properties.set(PidTag.MappingSignature, parseGuid(mappingSignature));
  }

  /** Makes what {@link store} writes, and all checks. */
  prepare(
    message: Counter,
    changes: readonly AttachmentChange[],
    removed: readonly number[],
    isNew: boolean,
  ): AttachmentChanges {
    const stored = isNew ? [] : this.list(message);
    const sizes = new Map(stored.map(({ number, size }) => [number, size]));
    for (const number of removed) sizes.delete(number);
    const written = changes.map((change) => {
      const isKept = sizes.has(change.number) && !removed.includes(change.number);
      const prepared = this.#prepare(change, isKept ? this.#row(message, change.number) : undefined);
      sizes.set(change.number, prepared.size);
      return prepared;
    });
    if (sizes.size > MAX_ATTACHMENTS)
      throw new StoreError(ErrorCode.MaxAttachmentExceeded, `${sizes.size} attachments`);
    let size = 0;
    for (const one of sizes.values()) size += one;
    return { written, removed, count: sizes.size, size };
  }

  #prepare(change: AttachmentChange, row: SqlRow | undefined): AttachmentChanges['written'][number] {
    const now = this.#context.now();
    const before = row === undefined ? PackedProperties.empty : fromRow(row).packed;
    const set = storable(change.set, COMPUTED_ATTACHMENT_IDS);
    if (!set.has(PidTag.LastModificationTime)) set.set(PidTag.LastModificationTime, now);
    if (row === undefined) this.#setDefaults(set, change.embedded !== undefined, now);
    const made = packProperties(set, { packed: before, remove: change.remove ?? [] });
    const embedded = change.embedded === undefined ? undefined : encodeContent(this.#complete(change.embedded, now));
    let size = made.bytes.length + (embedded?.length ?? (row === undefined ? 0 : integer(row, 'embedded_size')));
    for (const length of new PackedProperties(made.bytes).apart().values()) size += length;
    return { number: change.number, size, made, before, ...(embedded === undefined ? {} : { embedded }) };
  }

  /** [MS-OXCMSG] 3.2.5.14. */
  #setDefaults(set: MutableProperties, embeds: boolean, now: bigint): void {
    const method = embeds
      ? AttachMethod.EmbeddedMessage
      : set.has(PidTag.AttachDataBinary)
        ? AttachMethod.ByValue
        : AttachMethod.None;
    if (!set.has(PidTag.AttachMethod)) set.set(PidTag.AttachMethod, method);
    if (!set.has(PidTag.RenderingPosition)) set.set(PidTag.RenderingPosition, -1);
    if (!set.has(PidTag.CreationTime)) set.set(PidTag.CreationTime, now);
  }

  /** An embedded message has no row to compute anything of: what is derived of any message is stored with it. */
  #complete(content: MessageContent, now: bigint): MessageContent {
    const set = new Map(content.properties);
    const hasAttachments = content.attachments.length > 0;
    deriveMessage({
      set,
      remove: [],
      stored: () => undefined,
      isNew: true,
      recipients: content.recipients,
      hasAttachments,
      now,
      random: this.#context.random,
    });
    const base = set.get(PidTag.MessageFlags);
    const value = (tag: number): PropertyValue | undefined => set.get(tag);
    const flags = messageFlags(typeof base === 'number' ? base : 0, { hasAttachments, associated: false, value });
    set.set(PidTag.MessageFlags, flags);
    const attachments = content.attachments.map((attachment) =>
      attachment.embedded === undefined
        ? attachment
        : { ...attachment, embedded: this.#complete(attachment.embedded, now) },
    );
    return { properties: set, recipients: content.recipients, attachments };
  }

  /** Within the transaction of {@link prepare}, when the message is there. */
  store(message: Counter, { written, removed }: AttachmentChanges): void {
    const database = this.#context.database;
    for (const number of removed) {
      database.run('DELETE FROM attachments WHERE message = ? AND number = ?', message, number);
      this.#values.deleteAttachment(message, number);
    }
    for (const { number, size, made, before, embedded } of written) {
      database.run(
        `INSERT INTO attachments (message, number, size, properties, embedded) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (message, number) DO UPDATE SET size = excluded.size, properties = excluded.properties,
           embedded = coalesce(excluded.embedded, embedded)`,
        message,
        number,
        size,
        made.bytes,
        embedded ?? null,
      );
      this.#values.store(message, number, made, before, new PackedProperties(made.bytes));
    }
  }

  copy(message: Counter, to: Counter): void {
    this.#context.database.run(
      `INSERT INTO attachments (message, number, size, properties, embedded)
       SELECT ?, number, size, properties, embedded FROM attachments WHERE message = ?`,
      to,
      message,
    );
  }
}

function fromRow(row: SqlRow): AttachmentRow {
  return {
    number: integer(row, 'number'),
    size: integer(row, 'size'),
    embeds: integer(row, 'embeds') !== 0,
    packed: new PackedProperties(blob(row, 'properties')),
  };
}
