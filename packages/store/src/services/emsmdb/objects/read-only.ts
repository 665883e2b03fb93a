import { COUNTS_OF_DELETED } from '../../../mailbox/folder-properties.ts';
import { idOf, type PropertyTag } from '../../../mapi/property.ts';
import { PidTag } from '../../../mapi/property-tags.ts';

function ids(tags: readonly PropertyTag[]): ReadonlySet<number> {
  return new Set(tags.map(idOf));
}

/** What the store alone says of any object ([MS-OXCPRPT] 2.2.1, [MS-OXCFXICS] 2.2.1). */
const COMPUTED: readonly PropertyTag[] = [
  PidTag.EntryId,
  PidTag.ParentEntryId,
  PidTag.RecordKey,
  PidTag.InstanceKey,
  PidTag.MappingSignature,
  PidTag.StoreEntryId,
  PidTag.StoreRecordKey,
  PidTag.ObjectType,
  PidTag.Access,
  PidTag.AccessLevel,
  PidTag.FolderId,
  PidTag.ParentFolderId,
  PidTag.Mid,
  PidTag.InstID,
  PidTag.InstanceNum,
  PidTag.ChangeNumber,
  PidTag.ChangeKey,
  PidTag.PredecessorChangeList,
  PidTag.ParentSourceKey,
  PidTag.LocalCommitTime,
];

/** [MS-OXCFOLD] 2.2.2.2.1. */
export const READ_ONLY_OF_FOLDERS = ids([
  ...COMPUTED,
  PidTag.SourceKey,
  PidTag.CreationTime,
  PidTag.FolderType,
  PidTag.ContentCount,
  PidTag.ContentUnreadCount,
  PidTag.AssociatedContentCount,
  PidTag.Subfolders,
  PidTag.FolderFlags,
  PidTag.FolderPathname,
  PidTag.Rights,
  PidTag.MessageSize,
  PidTag.NormalMessageSize,
  PidTag.AssociatedMessageSize,
  PidTag.HierarchyChangeNumber,
  PidTag.HierRev,
  PidTag.LocalCommitTimeMax,
  PidTag.DeletedCountTotal,
  ...COUNTS_OF_DELETED,
  PidTag.DeletedOn,
  PidTag.ArticleNumberNext,
  PidTag.HasRules,
  PidTag.AccessControlListTable,
  PidTag.AccessControlListData,
  PidTag.RulesTable,
  PidTag.ContainerHierarchy,
  PidTag.ContainerContents,
  PidTag.FolderAssociatedContents,
]);

/** [MS-OXCMSG] 2.2.1; PidTagMessageFlags has a rule of its own, as have times. */
export const READ_ONLY_OF_MESSAGES = ids([
  ...COMPUTED,
  PidTag.SourceKey,
  PidTag.MessageSize,
  PidTag.HasAttachments,
  PidTag.DisplayTo,
  PidTag.DisplayCc,
  PidTag.DisplayBcc,
  PidTag.MessageStatus,
  PidTag.MessageRecipients,
  PidTag.MessageAttachments,
  PidTag.Read,
  PidTag.Associated,
  PidTag.HasNamedProperties,
  PidTag.CreatorName,
  PidTag.CreatorEntryId,
  PidTag.LastModifierName,
  PidTag.LastModifierEntryId,
  PidTag.Rights,
  PidTag.DeletedOn,
]);

/** [MS-OXCMSG] 2.2.2. */
export const READ_ONLY_OF_ATTACHMENTS = ids([
  PidTag.AttachNumber,
  PidTag.AttachSize,
  PidTag.AccessLevel,
  PidTag.Access,
  PidTag.ObjectType,
  PidTag.RecordKey,
]);

/** [MS-OXCSTOR] 2.2.2.1.1. */
export const READ_ONLY_OF_LOGONS = ids([
  ...COMPUTED,
  PidTag.MessageSize,
  PidTag.NormalMessageSize,
  PidTag.AssociatedMessageSize,
  PidTag.ContentCount,
  PidTag.DeletedCountTotal,
  ...COUNTS_OF_DELETED,
  PidTag.UserEntryId,
  PidTag.UserName,
  PidTag.MailboxOwnerEntryId,
  PidTag.MailboxOwnerName,
  PidTag.ProhibitReceiveQuota,
  PidTag.ProhibitSendQuota,
  PidTag.StorageQuotaLimit,
  PidTag.MaximumSubmitMessageSize,
  PidTag.SerializedReplidGuidMap,
  PidTag.LocaleId,
  PidTag.SortLocaleId,
  PidTag.CodePageId,
  PidTag.StoreState,
  PidTag.Rights,
]);
