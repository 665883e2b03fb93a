import { parseGuid } from '@rpch/rpc/internal';
import { objectId } from '../mapi/object-id.ts';
import {
  idOf,
  type MutableProperties,
  type Properties,
  type PropertyTag,
  type PropertyValue,
} from '../mapi/property.ts';
import { PidTag } from '../mapi/property-tags.ts';
import { MAX_INTEGER32, ObjectType } from '../mapi/property-values.ts';
import { homeOf } from './deleted-sets.ts';
import type { EntryIds } from './entry-ids.ts';
import type { Folder, MailboxInfo } from './model.ts';

/** What the table of folders has beside {@link Folder}. */
export interface FolderRow extends Folder {
  readonly associatedSize: number;
  readonly deletedCount: number;
  readonly hierarchyChange: number;
  readonly nextArticle: number;
  /** FILETIME: PidTagLocalCommitTimeMax. */
  readonly commitTime: bigint;
  /** FILETIME: PidTagDeletedOn, of one that is soft-deleted, and of those below it. */
  readonly deletedOn?: bigint;
}

/** What a folder tells of its soft-deleted contents. */
export const COUNTS_OF_DELETED: readonly PropertyTag[] = [
  PidTag.DeletedFolderCount,
  PidTag.DeletedMessageCount,
  PidTag.DeletedAssociatedMessageCount,
  PidTag.DeletedMessageSizeExtended,
  PidTag.DeletedNormalMessageSizeExtended,
  PidTag.DeletedAssociatedMessageSizeExtended,
];

/** Folder properties that are computed, or kept as columns: never stored, whatever a client sets. By property id. */
export const COMPUTED_FOLDER_IDS: ReadonlySet<number> = new Set(
  [
    PidTag.FolderId,
    PidTag.ParentFolderId,
    PidTag.EntryId,
    PidTag.ParentEntryId,
    PidTag.RecordKey,
    PidTag.InstanceKey,
    PidTag.ParentSourceKey,
    PidTag.ChangeNumber,
    PidTag.ObjectType,
    PidTag.StoreRecordKey,
    PidTag.StoreEntryId,
    PidTag.MappingSignature,
    PidTag.FolderType,
    PidTag.ContentCount,
    PidTag.ContentUnreadCount,
    PidTag.AssociatedContentCount,
    PidTag.Subfolders,
    PidTag.HasRules,
    PidTag.MessageSize,
    PidTag.NormalMessageSize,
    PidTag.AssociatedMessageSize,
    PidTag.HierarchyChangeNumber,
    PidTag.LocalCommitTimeMax,
    PidTag.DeletedCountTotal,
    ...COUNTS_OF_DELETED,
    PidTag.DeletedOn,
    PidTag.ArticleNumberNext,
    PidTag.Access,
    PidTag.Rights,
  ].map(idOf),
);

/**
 * Puts into `properties`, which are those stored, what is computed of a folder ([MS-OXCFOLD] 2.2.2); DisplayName is a column too.
 * @param parentKey the source key of the parent, if it is not the one that its id makes
 */
export function computeFolder(
  properties: MutableProperties,
  folder: FolderRow,
  parentKey: Uint8Array | undefined,
  info: MailboxInfo,
  ids: EntryIds,
): void {
  const isRoot = folder.parent === 0;
  const parent = isRoot ? folder.id : homeOf(folder.parent);
  const size = folder.size;
  const own: readonly [PropertyTag, PropertyValue][] = [
    [PidTag.DisplayName, folder.name],
    [PidTag.FolderId, BigInt.asIntN(64, objectId(folder.id))],
    [PidTag.EntryId, ids.folder(folder.id)],
    // The root's parent is the root, for those who walk upwards.
    [PidTag.ParentEntryId, ids.folder(parent)],
    [PidTag.ParentFolderId, BigInt.asIntN(64, objectId(parent))],
    [PidTag.RecordKey, ids.folder(folder.id)],
    [PidTag.InstanceKey, ids.instanceKey(folder.id)],
    [PidTag.ParentSourceKey, isRoot ? new Uint8Array(22) : (parentKey ?? ids.sourceKey(parent))],
    [PidTag.ChangeNumber, BigInt.asIntN(64, objectId(folder.changeNumber))],
    [PidTag.ObjectType, ObjectType.Folder],
    [PidTag.StoreRecordKey, parseGuid(info.guid)],
    [PidTag.MappingSignature, parseGuid(info.mappingSignature)],
    [PidTag.FolderType, folder.type],
    [PidTag.ContentCount, folder.contentCount],
    [PidTag.ContentUnreadCount, folder.unreadCount],
    [PidTag.AssociatedContentCount, folder.associatedCount],
    [PidTag.Subfolders, folder.subfolderCount > 0],
    [PidTag.HasRules, false],
    [PidTag.MessageSize, Math.min(size, MAX_INTEGER32)],
    [PidTag.MessageSizeExtended, BigInt(size)],
    [PidTag.NormalMessageSizeExtended, BigInt(size - folder.associatedSize)],
    [PidTag.AssociatedMessageSizeExtended, BigInt(folder.associatedSize)],
    [PidTag.HierarchyChangeNumber, folder.hierarchyChange],
    [PidTag.LocalCommitTimeMax, folder.commitTime],
    [PidTag.DeletedCountTotal, folder.deletedCount],
    [PidTag.ArticleNumberNext, folder.nextArticle],
  ];
  for (const [tag, value] of own) properties.set(tag, value);
  if (folder.deletedOn !== undefined) properties.set(PidTag.DeletedOn, folder.deletedOn);
  if (!properties.has(PidTag.SourceKey)) properties.set(PidTag.SourceKey, ids.sourceKey(folder.id));
}

/** Puts into `properties` what there is of a folder's soft-deleted messages, or of those of the store: its deleted set, if it has one. */
export function computeDeleted(
  properties: MutableProperties,
  set: Pick<FolderRow, 'contentCount' | 'associatedCount' | 'size' | 'associatedSize'> | undefined,
): void {
  const { contentCount, associatedCount, size, associatedSize } = set ?? NOTHING_DELETED;
  properties.set(PidTag.DeletedMessageCount, contentCount);
  properties.set(PidTag.DeletedAssociatedMessageCount, associatedCount);
  properties.set(PidTag.DeletedMessageSizeExtended, BigInt(size));
  properties.set(PidTag.DeletedNormalMessageSizeExtended, BigInt(size - associatedSize));
  properties.set(PidTag.DeletedAssociatedMessageSizeExtended, BigInt(associatedSize));
}

const NOTHING_DELETED = { contentCount: 0, associatedCount: 0, size: 0, associatedSize: 0 };

/** Without what is not to be stored. */
export function storable(set: Properties, computed: ReadonlySet<number>): MutableProperties {
  const kept: MutableProperties = new Map();
  for (const [tag, value] of set) if (!computed.has(idOf(tag))) kept.set(tag, value);
  return kept;
}
