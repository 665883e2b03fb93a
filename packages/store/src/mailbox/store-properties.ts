import { parseGuid } from '@rpch/rpc/internal';
import { ErrorCode, StoreError } from '../mapi/error-code.ts';
import type { Counter } from '../mapi/object-id.ts';
import {
  idOf,
  type MutableProperties,
  type Properties,
  type PropertyTag,
  type PropertyValue,
} from '../mapi/property.ts';
import { PidTag } from '../mapi/property-tags.ts';
import { FolderType, MAX_INTEGER32, ObjectType } from '../mapi/property-values.ts';
import { blob, integer } from '../sql/driver.ts';
import type { EntryIds } from './entry-ids.ts';
import { FolderId } from './folder-ids.ts';
import { computeDeleted, storable } from './folder-properties.ts';
import { MAX_FOLDER_SIZE, MAX_MESSAGE_SIZE } from './limits.ts';
import { ITSELF, LongValues } from './long-values.ts';
import type { MailboxContext } from './mailbox-context.ts';
import { PackedProperties, packProperties } from './packed-properties.ts';
import type { SearchFolders } from './search-folders.ts';

/** In the place of an id, of the values of the store object: no folder or message has it. */
const STORE: Counter = 0;

/** PidTagStoreSupportMask ([MS-OXCSTOR] 2.2.2.1.1.12; MAPI's STORE_… bits): everything but being read-only and being local. */
const SUPPORT_MASK = 0x73ffd;
/** STORE_HAS_SEARCHES of PidTagStoreState ([MS-OXCSTOR] 2.2.2.1). */
export const STORE_HAS_SEARCHES = 0x0100_0000;
/** PidTagValidFolderMask: each of the folders that it has bits for is there. */
const VALID_FOLDERS = 0xff;
/** PidTagMdbProvider of a private store: 54 94 A1 C0 29 7F 10 1B A5 87 08 00 2B 2A 25 17. */
const PRIVATE_PROVIDER = 'c0a19454-7f29-1b10-a587-08002b2a2517';

const FOLDERS: readonly (readonly [PropertyTag, Counter])[] = [
  [PidTag.IpmSubtreeEntryId, FolderId.IpmSubtree],
  [PidTag.IpmInboxEntryId, FolderId.Inbox],
  [PidTag.IpmOutboxEntryId, FolderId.Outbox],
  [PidTag.IpmWastebasketEntryId, FolderId.DeletedItems],
  [PidTag.IpmSentMailEntryId, FolderId.SentItems],
  [PidTag.ViewsEntryId, FolderId.Views],
  [PidTag.CommonViewsEntryId, FolderId.CommonViews],
  [PidTag.FinderEntryId, FolderId.Finder],
];

/** Store properties that are computed, here or by whoever knows the session and the directory: never stored. By property id. */
const COMPUTED_STORE_IDS: ReadonlySet<number> = new Set(
  [
    ...FOLDERS.map(([tag]) => tag),
    PidTag.RecordKey,
    PidTag.EntryId,
    PidTag.StoreEntryId,
    PidTag.StoreRecordKey,
    PidTag.MappingSignature,
    PidTag.MdbProvider,
    PidTag.ObjectType,
    PidTag.Access,
    PidTag.AccessLevel,
    PidTag.StoreSupportMask,
    PidTag.StoreState,
    PidTag.ValidFolderMask,
    PidTag.MessageSize,
    PidTag.NormalMessageSize,
    PidTag.AssociatedMessageSize,
    PidTag.ContentCount,
    PidTag.AssociatedContentCount,
    PidTag.DeletedCountTotal,
    PidTag.DeletedMessageCount,
    PidTag.DeletedAssociatedMessageCount,
    PidTag.DeletedMessageSizeExtended,
    PidTag.DeletedNormalMessageSizeExtended,
    PidTag.DeletedAssociatedMessageSizeExtended,
    PidTag.MaximumSubmitMessageSize,
    PidTag.MailboxOwnerEntryId,
    PidTag.MailboxOwnerName,
    PidTag.UserEntryId,
    PidTag.LocaleId,
    PidTag.SortLocaleId,
    PidTag.CodePageId,
    PidTag.ProhibitReceiveQuota,
    PidTag.ProhibitSendQuota,
    PidTag.StorageQuotaLimit,
  ].map(idOf),
);

/** The properties of the store object, which a logon works on ([MS-OXCSTOR] 2.2.2). */
export class StoreProperties {
  readonly #context: MailboxContext;
  readonly #ids: EntryIds;
  readonly #values: LongValues;
  readonly #searches: SearchFolders;

  constructor(context: MailboxContext, ids: EntryIds, searches: SearchFolders) {
    this.#context = context;
    this.#searches = searches;
    this.#ids = ids;
    this.#values = new LongValues(context.database);
  }

  all(): MutableProperties {
    return this.#context.read(() => {
      const properties = this.#values.complete(STORE, this.#packed());
      this.#compute(properties);
      return properties;
    });
  }

  change(set: Properties, remove: readonly PropertyTag[]): void {
    this.#context.write(() => {
      const before = this.#packed();
      const made = packProperties(storable(set, COMPUTED_STORE_IDS), { packed: before, remove });
      const after = new PackedProperties(made.bytes);
      let size = made.bytes.length;
      for (const length of after.apart().values()) size += length;
      if (size > MAX_FOLDER_SIZE) throw new StoreError(ErrorCode.TooBig, `${size} bytes of store properties`);
      this.#context.database.run('UPDATE mailbox SET properties = ?', made.bytes);
      this.#values.store(STORE, ITSELF, made, before, after);
    });
  }

  #packed(): PackedProperties {
    return new PackedProperties(blob(this.#context.database.get('SELECT properties FROM mailbox') ?? {}, 'properties'));
  }

  #compute(properties: MutableProperties): void {
    const { guid, mappingSignature, account } = this.#context.info;
    const { contentCount, associatedCount, size, associatedSize, deleted } = this.#sums(false);
    const computed: readonly (readonly [PropertyTag, PropertyValue])[] = [
      ...FOLDERS.map(([tag, id]) => [tag, this.#ids.folder(id)] as const),
      [PidTag.RecordKey, parseGuid(guid)],
      [PidTag.StoreRecordKey, parseGuid(guid)],
      [PidTag.MappingSignature, parseGuid(mappingSignature)],
      [PidTag.MdbProvider, parseGuid(PRIVATE_PROVIDER)],
      [PidTag.ObjectType, ObjectType.Store],
      [PidTag.StoreSupportMask, SUPPORT_MASK],
      [PidTag.StoreState, this.#searches.exist ? STORE_HAS_SEARCHES : 0],
      [PidTag.ValidFolderMask, VALID_FOLDERS],
      [PidTag.MessageSize, Math.min(size, MAX_INTEGER32)],
      [PidTag.MessageSizeExtended, BigInt(size)],
      [PidTag.NormalMessageSizeExtended, BigInt(size - associatedSize)],
      [PidTag.AssociatedMessageSizeExtended, BigInt(associatedSize)],
      [PidTag.ContentCount, contentCount],
      [PidTag.AssociatedContentCount, associatedCount],
      [PidTag.DeletedCountTotal, deleted],
      [PidTag.MaximumSubmitMessageSize, MAX_MESSAGE_SIZE / 1024],
    ];
    for (const [tag, value] of computed) properties.set(tag, value);
    computeDeleted(properties, this.#sums(true));
    if (!properties.has(PidTag.DisplayName)) properties.set(PidTag.DisplayName, `Mailbox - ${account}`);
    if (!properties.has(PidTag.OutOfOfficeState)) properties.set(PidTag.OutOfOfficeState, false);
  }

  /** The sums over all folders with messages of their own, of what is deleted or of what is not. */
  #sums(deleted: boolean) {
    const sums =
      this.#context.database.get(
        `SELECT coalesce(sum(content), 0) AS content, coalesce(sum(associated), 0) AS associated,
           coalesce(sum(size), 0) AS size, coalesce(sum(associated_size), 0) AS associated_size,
           coalesce(sum(deleted), 0) AS deleted FROM folders WHERE type <> ${FolderType.Search} AND (id < 0 OR deleted_on IS NOT NULL) = ?`,
        deleted ? 1 : 0,
      ) ?? {};
    return {
      contentCount: integer(sums, 'content'),
      associatedCount: integer(sums, 'associated'),
      size: integer(sums, 'size'),
      associatedSize: integer(sums, 'associated_size'),
      deleted: integer(sums, 'deleted'),
    };
  }
}
