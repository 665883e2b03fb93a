import { Writer } from '@rpch/rpc/internal';
import type { Counter } from '../mapi/object-id.ts';
import type { Properties, PropertyTag, PropertyValue } from '../mapi/property.ts';
import { PidTag } from '../mapi/property-tags.ts';
import type { EntryIds } from './entry-ids.ts';
import { FolderId } from './folder-ids.ts';

/** PersistID and ElementID of PidTagAdditionalRenEntryIdsEx ([MS-OXOSFLD] 2.2.4, 2.2.5). */
const PersistId = { ConversationActions: 0x8006, ImContactList: 0x800a, QuickContacts: 0x800b } as const;
const ELEMENT_ENTRY_ID = 0x0001;

/**
 * The properties by which clients find the special folders ([MS-OXOSFLD] 2.2): stored on the Inbox and on the root, where clients
 * look and also write.
 */
export function specialFolderProperties(ids: EntryIds): Properties {
  const none = new Uint8Array(0);
  return new Map<PropertyTag, PropertyValue>([
    [PidTag.IpmDraftsEntryId, ids.folder(FolderId.Drafts)],
    [PidTag.IpmAppointmentEntryId, ids.folder(FolderId.Calendar)],
    [PidTag.IpmContactEntryId, ids.folder(FolderId.Contacts)],
    [PidTag.IpmJournalEntryId, ids.folder(FolderId.Journal)],
    [PidTag.IpmNoteEntryId, ids.folder(FolderId.Notes)],
    [PidTag.IpmTaskEntryId, ids.folder(FolderId.Tasks)],
    [
      PidTag.AdditionalRenEntryIds,
      [
        FolderId.Conflicts,
        FolderId.SyncIssues,
        FolderId.LocalFailures,
        FolderId.ServerFailures,
        FolderId.JunkEmail,
      ].map((id) => ids.folder(id)),
    ],
    [
      PidTag.AdditionalRenEntryIdsEx,
      persistData(ids, [
        [PersistId.ConversationActions, FolderId.ConversationActionSettings],
        [PersistId.ImContactList, FolderId.ImContactList],
        [PersistId.QuickContacts, FolderId.QuickContacts],
      ]),
    ],
    // [MS-OXOSFLD] 2.2.6: the entry id of the Freebusy Data folder is the fourth.
    [PidTag.FreeBusyEntryIds, [none, none, none, ids.folder(FolderId.FreeBusyData)]],
  ]);
}

/** PersistData structures, each with one element, and the sentinel that ends them ([MS-OXOSFLD] 2.2.5). */
function persistData(ids: EntryIds, folders: readonly (readonly [number, Counter])[]): Uint8Array {
  const writer = new Writer(256);
  for (const [persistId, folder] of folders) {
    const entryId = ids.folder(folder);
    writer
      .u16(persistId)
      .u16(4 + entryId.length)
      .u16(ELEMENT_ENTRY_ID)
      .u16(entryId.length)
      .bytes(entryId);
  }
  return writer.u32(0).finish();
}
