import { RpchError } from '@rpch/rpc';
import { ErrorCode } from '../mapi/error-code.ts';
import type { ObjectId } from '../mapi/object-id.ts';
import type { PropertyTag } from '../mapi/property.ts';
import { PidTag } from '../mapi/property-tags.ts';
import { RelOp } from '../mapi/restriction.ts';
import { DeleteMessages, MoveCopyMessages } from '../mapi/rops/folder.ts';
import { OpenMessage, OpenMessageFlags } from '../mapi/rops/message.ts';
import type { Mailbox } from './mailbox.ts';
import { MapiError } from './mapi-error.ts';
import { LOGON_CODE_PAGE } from './message.ts';
import { addProperties } from './object-properties.ts';
import { addFolder } from './open-folder.ts';
import { objectIdOf, type PropertyResult, textOf } from './property-result.ts';
import { RopBatch } from './rop-batch.ts';
import type { Signalled } from './signalled.ts';
import type { TableQuery } from './table-reader.ts';

/** Messages with one search key, at most, that are told apart. */
const MAX_ALIKE = 10_000;

/** Whether a message is in its folder, is soft-deleted there, or neither, as far as the caller may know. */
export type MessageState = 'there' | 'deleted' | 'nowhere';

/** A message whose id may be that of one that is soft-deleted. */
export interface Whereabouts {
  readonly id: ObjectId;
  readonly state: MessageState;
  readonly subject: string;
  /** PidTagSearchKey, which a message keeps when it is moved ([MS-OXCPRPT] 2.2.1.9). */
  readonly searchKey: Uint8Array | undefined;
}

/** What has become of a message that was to be moved. */
export interface MoveOutcome {
  readonly moved: boolean;
  /** Its id in the other folder; undefined where the server gives nothing to know it by. */
  readonly now: ObjectId | undefined;
}

/**
 * Rows of a folder's soft-deleted messages ([MS-OXCFOLD] 2.2.1.14.1). Rejects with RpchError `RPCH_NO_SOFT_DELETION` (peer) where the server has none: it
 * says so, or it passes over the flag and gives what is in the folder. PidTagMid is to be among the columns.
 */
export async function* deletedMessages(
  mailbox: Mailbox,
  folder: ObjectId,
  query: TableQuery,
): AsyncGenerator<PropertyResult, void, undefined> {
  let isProven = false;
  const columns = [...new Set<PropertyTag>([...query.columns, PidTag.DeletedOn])];
  try {
    for await (const row of mailbox.contents(folder, { ...query, columns, deleted: true })) {
      const id = objectIdOf(row.values, PidTag.Mid);
      if (!isProven && id !== undefined && !row.values.has(PidTag.DeletedOn)) {
        const { state } = await whereabouts(mailbox, folder, id, signalOf(query.signal));
        if (state === 'there') throw noSoftDeletion();
      }
      isProven = true;
      yield row;
    }
  } catch (error) {
    if (!(error instanceof MapiError) || error.operation !== 'RopGetContentsTable') throw error;
    throw UNKNOWN_FLAG.has(error.errorCode) ? noSoftDeletion(error) : error;
  }
}

/** How servers say that they do not know a table's flag. */
const UNKNOWN_FLAG: ReadonlySet<number> = new Set([ErrorCode.NotSupported, ErrorCode.InvalidParam]);
const ABSENT: ReadonlySet<number> = new Set([ErrorCode.NotFound, ErrorCode.AccessDenied]);

function noSoftDeletion(cause?: unknown): RpchError {
  const what = 'the server does not list what was deleted: it has no soft deletion';
  return new RpchError('RPCH_NO_SOFT_DELETION', 'peer', what, cause === undefined ? {} : { cause });
}

/** Opens a message as one that is there, and as one that is soft-deleted ([MS-OXCMSG] 2.2.3.1.1). Rejects with MapiError. */
export async function whereabouts(
  mailbox: Mailbox,
  folderId: ObjectId,
  id: ObjectId,
  options: Signalled = {},
): Promise<Whereabouts> {
  const { session, logonId } = mailbox;
  const batch = new RopBatch(session);
  const [there, deleted] = [OpenMessageFlags.ReadOnly, OpenMessageFlags.OpenSoftDeleted].map((openModeFlags) => {
    const outputHandleIndex = batch.newHandle();
    const inputHandleIndex = batch.handle(mailbox.handle);
    const handles = { logonId, inputHandleIndex, outputHandleIndex };
    const opened = { codePageId: LOGON_CODE_PAGE, folderId, openModeFlags, messageId: id };
    const answer = batch.add(OpenMessage, { ...handles, ...opened });
    return { answer, outputHandleIndex, read: addProperties(batch, logonId, outputHandleIndex, TAGS, session.coding) };
  });
  await batch.run(options);
  for (const tried of [there, deleted]) {
    if (tried !== undefined) session.discard(logonId, batch.handleAt(tried.outputHandleIndex));
  }
  const found = [there, deleted].find((tried) => tried?.answer.failed === false);
  if (found === undefined) {
    // Other refusals than of what is not there are the server's word on the message.
    if (!ABSENT.has(there?.answer.returnValue ?? 0)) void there?.answer.value;
    return { id, state: 'nowhere', subject: '', searchKey: undefined };
  }
  const { values } = found.read();
  const searchKey = values.get(PidTag.SearchKey);
  return {
    id,
    state: found === there ? 'there' : 'deleted',
    subject: textOf(values, PidTag.Subject) ?? '',
    searchKey: searchKey instanceof Uint8Array ? searchKey : undefined,
  };
}

const TAGS: readonly PropertyTag[] = [PidTag.Subject, PidTag.SearchKey];

/**
 * Moves messages of a folder, each of which is where it was said to be; soft-deleted ones are recovered by that, into the same folder too
 * ([MS-OXCFOLD] 2.2.1.6). What has become of each is told in their order: the server may leave some where they are. Rejects with MapiError: `AccessDenied`
 * where nothing may be put into the folder `to`. Their search keys are in one restriction, of which servers limit the size: a hundred are not too many.
 */
export async function moveMessages(
  mailbox: Mailbox,
  from: ObjectId,
  messages: readonly Whereabouts[],
  to: ObjectId,
  options: Signalled = {},
): Promise<MoveOutcome[]> {
  const before = new Set((await alike(mailbox, to, messages, options)).map(({ id }) => id));
  await moveAll(mailbox, from, messages, { to, ...options });
  const arrived = (await alike(mailbox, to, messages, options)).filter(({ id }) => !before.has(id));
  const outcomes: MoveOutcome[] = [];
  for (const message of messages) {
    const key = keyOf(message.searchKey);
    const moved = (await whereabouts(mailbox, from, message.id, options)).state !== message.state;
    const found = moved && key !== undefined ? arrived.findIndex((each) => each.key === key) : -1;
    outcomes.push({ moved, now: found < 0 ? undefined : arrived.splice(found, 1)[0]?.id });
  }
  return outcomes;
}

async function moveAll(
  mailbox: Mailbox,
  from: ObjectId,
  messages: readonly Whereabouts[],
  { to, ...options }: Signalled & { readonly to: ObjectId },
): Promise<void> {
  const batch = new RopBatch(mailbox.session);
  const [source, dest] = [addFolder(batch, mailbox, from), addFolder(batch, mailbox, to)];
  const moved = batch.add(MoveCopyMessages, {
    logonId: mailbox.logonId,
    sourceHandleIndex: source.handleIndex,
    destHandleIndex: dest.handleIndex,
    messageIds: messages.map(({ id }) => id),
    wantAsynchronous: false,
    wantCopy: false,
  });
  await batch.run(options);
  source.done();
  dest.done();
  void moved.value;
}

interface Alike {
  readonly id: ObjectId;
  readonly key: string | undefined;
}

/** Messages of a folder with the search keys of some. */
async function alike(
  mailbox: Mailbox,
  folder: ObjectId,
  messages: readonly Whereabouts[],
  options: Signalled,
): Promise<Alike[]> {
  const restrictions = messages.flatMap(({ searchKey }) =>
    searchKey === undefined
      ? []
      : [
          {
            kind: 'property',
            relOp: RelOp.Equal,
            tag: PidTag.SearchKey,
            valueTag: PidTag.SearchKey,
            value: searchKey,
          } as const,
        ],
  );
  if (restrictions.length === 0) return [];
  const columns = [PidTag.Mid, PidTag.SearchKey];
  const query = { columns, restriction: { kind: 'or', restrictions } as const, limit: MAX_ALIKE, ...options };
  const found: Alike[] = [];
  try {
    for await (const { values } of mailbox.contents(folder, query)) {
      const id = objectIdOf(values, PidTag.Mid);
      const key = values.get(PidTag.SearchKey);
      if (id !== undefined) found.push({ id, key: keyOf(key instanceof Uint8Array ? key : undefined) });
    }
  } catch (error) {
    // Who may put messages there need not be one who may read there, and servers need not look for keys.
    if (!(error instanceof MapiError) || !TABLE_ROPS.has(error.operation)) throw error;
  }
  return found;
}

const TABLE_ROPS: ReadonlySet<string> = new Set(['RopGetContentsTable', 'RopRestrict']);

function keyOf(searchKey: Uint8Array | undefined): string | undefined {
  return searchKey === undefined ? undefined : Buffer.from(searchKey).toString('hex');
}

/**
 * Deletes messages of a folder ([MS-OXCFOLD] 2.2.1.11): servers with soft deletion keep them for a while. Where they are then is told in their order.
 * Rejects with MapiError.
 */
export async function deleteMessages(
  mailbox: Mailbox,
  folder: ObjectId,
  messageIds: readonly ObjectId[],
  options: Signalled = {},
): Promise<MessageState[]> {
  const batch = new RopBatch(mailbox.session);
  const opening = addFolder(batch, mailbox, folder);
  const request = { logonId: mailbox.logonId, inputHandleIndex: opening.handleIndex, messageIds };
  const deleted = batch.add(DeleteMessages, { ...request, wantAsynchronous: false, notifyNonRead: false });
  await batch.run(options);
  opening.done();
  void deleted.value;
  const states: MessageState[] = [];
  for (const id of messageIds) states.push((await whereabouts(mailbox, folder, id, options)).state);
  return states;
}

function signalOf(signal: AbortSignal | undefined): Signalled {
  return signal === undefined ? {} : { signal };
}
