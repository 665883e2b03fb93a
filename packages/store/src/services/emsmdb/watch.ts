import type { MailboxEvent } from '../../mailbox/model.ts';
import { Right } from '../../mailbox/permissions.ts';
import {
  type NotificationData,
  NotificationFlag,
  NotificationType,
  TableEventType,
} from '../../mapi/notification-data.ts';
import type { Counter } from '../../mapi/object-id.ts';
import { PidTag } from '../../mapi/property-tags.ts';
import type { Logon } from './logon.ts';
import { maySee } from './rights.ts';

const TYPES = {
  'new-mail': NotificationType.NewMail,
  created: NotificationType.ObjectCreated,
  deleted: NotificationType.ObjectDeleted,
  modified: NotificationType.ObjectModified,
  moved: NotificationType.ObjectMoved,
  copied: NotificationType.ObjectCopied,
  'search-complete': NotificationType.SearchComplete,
} as const satisfies Record<MailboxEvent['kind'], number>;

/** What a subscription is to ([MS-OXCNOTIF] 2.2.1.2.1). */
export interface Scope {
  readonly types: number;
  /** The whole mailbox, a folder, or a message in it. */
  readonly folder?: Counter;
  readonly message?: Counter;
}

/** Tells the client of a logon what happens in a scope, as far as he may see it, by RopNotify with a handle. Returns what ends it. */
export function watchEvents(logon: Logon, handle: number, scope: Scope): () => void {
  return logon.listen((events) => {
    for (const event of events) {
      if ((TYPES[event.kind] & scope.types) === 0 || !isInScope(event, scope)) continue;
      if (!logon.isOwner && !asked(known, logon, event, mayKnow)) continue;
      logon.session.notifications.add(handle, logon.logonId, noticeOf(logon, event));
    }
  });
}

/** Tells the client of a logon that an open table has changed ([MS-OXCNOTIF] 2.2.1.1.1), where `concerns` says that an event is one of the table's. */
export function watchTable(logon: Logon, handle: number, concerns: (event: MailboxEvent) => boolean): () => void {
  const data = { notificationFlags: NotificationType.TableModified, tableEventType: TableEventType.TableChanged };
  return logon.listen((events) => {
    if (events.some(concerns)) logon.session.notifications.add(handle, logon.logonId, data);
  });
}

function isInScope(event: MailboxEvent, scope: Scope): boolean {
  // What a search folder shows is told to who watches that; all others hear of the message where it lies.
  const isShown = event.search !== undefined && event.message !== undefined;
  if (isShown && scope.folder !== event.search) return false;
  if (scope.folder === undefined) return true;
  if (scope.message !== undefined) return event.message === scope.message || event.oldMessage === scope.message;
  return isShown || event.folder === scope.folder || event.oldFolder === scope.folder || event.parent === scope.folder;
}

/** Of a folder that is gone nobody can say any more who could see it: its owner alone is told. */
function mayKnow(logon: Logon, event: MailboxEvent): boolean {
  if (event.message === undefined && event.kind === 'deleted') return false;
  const folders = event.oldFolder === undefined ? [event.folder] : [event.folder, event.oldFolder];
  return folders.every((folder) => {
    const rights = logon.rights(folder);
    return maySee(rights) && (event.message === undefined || (rights & Right.ReadAny) !== 0);
  });
}

/** Whether who has logged on may learn that a table of folders has changed by an event: by what happens to folders that he may see, or to their parents' list. */
export function mayLearn(logon: Logon, event: MailboxEvent): boolean {
  return logon.isOwner || asked(learned, logon, event, maySeeAny);
}

function maySeeAny(logon: Logon, { kind, folder, oldFolder, parent, oldParent }: MailboxEvent): boolean {
  const concerned = kind === 'modified' ? [folder] : [folder, oldFolder, parent, oldParent];
  return concerned.some((each) => each !== undefined && maySee(logon.rights(each)));
}

/** What accounts may know of events: asked for once, however many tables and subscriptions they have. */
type Answers = WeakMap<MailboxEvent, Map<string, boolean>>;
const known: Answers = new WeakMap();
const learned: Answers = new WeakMap();

function asked(
  answers: Answers,
  logon: Logon,
  event: MailboxEvent,
  ask: (logon: Logon, event: MailboxEvent) => boolean,
): boolean {
  const ofEvent = answers.get(event) ?? new Map<string, boolean>();
  if (ofEvent.size === 0) answers.set(event, ofEvent);
  const answer = ofEvent.get(logon.account) ?? ask(logon, event);
  ofEvent.set(logon.account, answer);
  return answer;
}

/** What is told of events, which is the same to everybody who is told: there may be thousands. */
const notices = new WeakMap<MailboxEvent, NotificationData>();

function noticeOf(logon: Logon, event: MailboxEvent): NotificationData {
  const known = notices.get(event);
  if (known !== undefined) return known;
  const notice = dataOf(logon, event);
  notices.set(event, notice);
  return notice;
}

function dataOf(logon: Logon, event: MailboxEvent): NotificationData {
  const type = TYPES[event.kind];
  const id = (counter: Counter | undefined) => (counter === undefined ? {} : { id: logon.id(counter) });
  const of = (name: string, counter: Counter | undefined) => {
    const value = id(counter).id;
    return value === undefined ? {} : { [name]: value };
  };
  const parent = event.parent ?? logon.store.folders.get(event.folder)?.parent ?? 0;
  const isMessage = event.message !== undefined;
  const isShown = isMessage && event.search !== undefined;
  const counts = !isMessage && event.kind === 'modified' ? countsOf(logon, event.folder) : undefined;
  return {
    notificationFlags:
      type |
      (isMessage ? NotificationFlag.Message : 0) |
      (isShown ? NotificationFlag.SearchFolder : 0) |
      (counts?.flags ?? 0),
    folderId: logon.id(event.folder),
    ...of('messageId', event.message),
    ...(isShown ? of('parentFolderId', event.search) : isMessage ? {} : { parentFolderId: logon.id(parent) }),
    ...of('oldFolderId', event.oldFolder),
    ...of('oldMessageId', event.oldMessage),
    ...(!isMessage && event.oldFolder !== undefined && { oldParentFolderId: logon.id(event.oldFolder) }),
    tags: event.tags ?? 'unspecified',
    ...counts?.fields,
    ...(event.kind === 'new-mail' && event.message !== undefined && newMail(logon, event.message)),
  };
}

function countsOf(logon: Logon, folder: Counter) {
  const found = logon.store.folders.get(folder);
  if (found === undefined) return undefined;
  return {
    flags: NotificationFlag.TotalMessageCount | NotificationFlag.UnreadMessageCount,
    fields: { totalMessageCount: found.contentCount, unreadMessageCount: found.unreadCount },
  };
}

function newMail(logon: Logon, message: Counter) {
  const flags = logon.store.messages.value(message, PidTag.MessageFlags);
  const messageClass = logon.store.messages.value(message, PidTag.MessageClass);
  return {
    messageFlags: typeof flags === 'number' ? flags : 0,
    unicodeFlag: false,
    messageClass: typeof messageClass === 'string' ? messageClass : 'IPM.Note',
  };
}
