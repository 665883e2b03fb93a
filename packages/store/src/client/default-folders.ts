import { entryIdOf } from '../mapi/entry-id.ts';
import { ErrorCode } from '../mapi/error-code.ts';
import type { ObjectId } from '../mapi/object-id.ts';
import type { Properties, PropertyTag } from '../mapi/property.ts';
import { PidTag } from '../mapi/property-tags.ts';
import { IdFromLongTermId } from '../mapi/rops/store.ts';
import type { FolderInfo, Mailbox } from './mailbox.ts';
import { MapiError } from './mapi-error.ts';
import { RopBatch } from './rop-batch.ts';
import type { Signalled } from './signalled.ts';

/** Default folders that RopLogon does not name, by the properties that have their entry ids ([MS-OXOSFLD] 2.2.3). */
const NAMED_BY_PROPERTY = {
  calendar: PidTag.IpmAppointmentEntryId,
  contacts: PidTag.IpmContactEntryId,
  drafts: PidTag.IpmDraftsEntryId,
  journal: PidTag.IpmJournalEntryId,
  notes: PidTag.IpmNoteEntryId,
  tasks: PidTag.IpmTaskEntryId,
} as const satisfies Record<string, PropertyTag>;

const NAMED_BY_LOGON = ['inbox', 'outbox', 'sentItems', 'deletedItems'] as const;

/** The folders that people have in every mailbox, whatever these are called in it. */
export type DefaultFolder = keyof typeof NAMED_BY_PROPERTY | (typeof NAMED_BY_LOGON)[number];

/**
 * The ids of the default folders: those that RopLogon has named, and those whose entry ids the Inbox has or, in another's mailbox, its
 * root ([MS-OXOSFLD] 2.2.3), as far as the caller may read them there. Rejects with MapiError.
 */
export async function defaultFolders(
  mailbox: Mailbox,
  { signal }: Signalled = {},
): Promise<ReadonlyMap<DefaultFolder, ObjectId>> {
  const { folderIds, isOwner } = mailbox;
  const found = new Map<DefaultFolder, ObjectId>(NAMED_BY_LOGON.map((name) => [name, folderIds[name]]));
  const values: Properties[] = [];
  for (const folder of isOwner ? [folderIds.inbox] : [folderIds.root, folderIds.inbox]) {
    const read = mailbox.folderProperties(folder, Object.values(NAMED_BY_PROPERTY), signalOf(signal));
    values.push((await unlessRefused(read))?.values ?? new Map());
  }
  const batch = new RopBatch(mailbox.session);
  const answers = Object.entries(NAMED_BY_PROPERTY).flatMap(([name, tag]) => {
    const entryId = values.map((each) => entryIdOf(each.get(tag))).find((each) => each?.kind === 'folder');
    if (entryId === undefined) return [];
    const inputHandleIndex = batch.handle(mailbox.handle);
    const request = { logonId: mailbox.logonId, inputHandleIndex, longTermId: entryId.folder };
    return [[name as DefaultFolder, batch.add(IdFromLongTermId, request)] as const];
  });
  if (answers.length > 0) await batch.run(signalOf(signal));
  for (const [name, answer] of answers) if (!answer.failed) found.set(name, answer.value.objectId);
  return found;
}

/**
 * The folders of a mailbox that the caller may see, as {@link Mailbox.folders} has them. In another's mailbox the way from the top may be closed:
 * then what is below the root, and the default folders one by one with what is below them. Rejects with MapiError.
 */
export async function visibleFolders(
  mailbox: Mailbox,
  { from = mailbox.folderIds.ipmSubtree, signal }: Signalled & { readonly from?: ObjectId } = {},
): Promise<FolderInfo[]> {
  const options = signalOf(signal);
  if (mailbox.isOwner) return mailbox.folders({ from, ...options });
  const fromTop = await unlessRefused(mailbox.folders({ from, ...options }));
  if (fromTop !== undefined) return fromTop;
  const { root } = mailbox.folderIds;
  const found = new Map<ObjectId, FolderInfo>();
  const add = (folders: readonly FolderInfo[]) => {
    for (const folder of folders) if (!found.has(folder.id)) found.set(folder.id, folder);
  };
  if (from !== root) add((await unlessRefused(mailbox.folders({ from: root, ...options }))) ?? []);
  for (const id of (await defaultFolders(mailbox, options)).values()) {
    if (found.has(id)) continue;
    const folder = await unlessRefused(mailbox.folder(id, options));
    if (folder === undefined) continue;
    const below = await mailbox.folders({ from: id, ...options });
    add([folder, ...below.map((each) => ({ ...each, path: [...folder.path, ...each.path] }))]);
  }
  return [...found.values()];
}

/** Undefined where there is no such folder, or the caller may not see it: servers say either. */
async function unlessRefused<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof MapiError && REFUSALS.has(error.errorCode)) return undefined;
    throw error;
  }
}

const REFUSALS: ReadonlySet<number> = new Set([ErrorCode.NotFound, ErrorCode.AccessDenied]);

function signalOf(signal: AbortSignal | undefined): Signalled {
  return signal === undefined ? {} : { signal };
}
