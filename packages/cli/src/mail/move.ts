import {
  ErrorCode,
  type Mailbox,
  MapiError,
  type MoveOutcome,
  moveMessages,
  type ObjectId,
  type Whereabouts,
} from '@rpch/store/client';
import type { FoundFolder } from './folder-path.ts';
import { type Fate, idIn, type Left } from './named-messages.ts';

/** Moves messages to a folder, and tells of each whether it is there now. Rejects with MapiError. */
export async function move(
  mailbox: Mailbox,
  from: ObjectId,
  messages: readonly Whereabouts[],
  to: FoundFolder,
): Promise<{ readonly fates: readonly Fate[]; readonly left: readonly Left[] }> {
  const [fates, left]: [Fate[], Left[]] = [[], []];
  let outcomes: readonly MoveOutcome[];
  try {
    outcomes = await moveMessages(mailbox, from, messages, to.id);
  } catch (error) {
    if (!(error instanceof MapiError)) throw error;
    const why = REASONS.get(error.errorCode)?.(to.path);
    if (why === undefined) throw error;
    return { fates, left: messages.map(({ id }) => ({ id: idIn(from, id), what: `stays where it is: ${why}` })) };
  }
  for (const [at, { id, subject }] of messages.entries()) {
    const { moved, now } = outcomes[at] ?? { moved: false, now: undefined };
    const was = idIn(from, id);
    if (!moved)
      left.push({
        id: was,
        what: 'stays where it is: the server did not move it; that takes the right to delete it there',
      });
    else fates.push({ id: was, subject, folder: to.path, ...(now === undefined ? {} : { now: idIn(to.id, now) }) });
  }
  return { fates, left };
}

/** Why nothing is put into a folder. That the messages are where they are is known. */
const REASONS: ReadonlyMap<number, (to: string) => string> = new Map([
  [ErrorCode.AccessDenied, (to) => `you may not put messages into ${to}`],
  [ErrorCode.NotFound, (to) => `there is no folder ${to} that you may see`],
  [ErrorCode.SearchFolder, (to) => `${to} is a search folder`],
]);
