import { ErrorCode, StoreError } from '../../../mapi/error-code.ts';
import { NotificationType } from '../../../mapi/notification-data.ts';
import { RegisterNotification } from '../../../mapi/rops/notification.ts';
import { Release } from '../../../mapi/rops/store.ts';
import { SubscriptionObject } from '../objects/subscription-object.ts';
import { visibleMessage } from '../ownership.ts';
import { on } from '../rop-context.ts';
import { type Scope, watchEvents } from '../watch.ts';

/** What can be subscribed to; tables tell by themselves. */
const EVENTS =
  NotificationType.NewMail |
  NotificationType.ObjectCreated |
  NotificationType.ObjectDeleted |
  NotificationType.ObjectModified |
  NotificationType.ObjectMoved |
  NotificationType.ObjectCopied |
  NotificationType.SearchComplete |
  NotificationType.Extended;

/** [MS-OXCNOTIF] 3.2.5.2. */
const registerNotification = on(RegisterNotification, (context, request) => {
  const { logon } = context;
  const { notificationTypes: types, wantWholeStore, folderId = 0n, messageId = 0n } = request;
  if ((types & EVENTS) === 0) throw new StoreError(ErrorCode.InvalidParam, `notification types ${types}`);
  let scope: Scope = { types };
  if (!wantWholeStore) {
    const folder = logon.folder(logon.counter(folderId)).id;
    scope = { types, folder, ...(messageId !== 0n && { message: visibleMessage(logon, messageId, folder).id }) };
  }
  context.open(new SubscriptionObject((handle) => watchEvents(logon, handle, scope)));
  return {};
});

/** [MS-OXCROPS] 3.2.5.1. */
const release = on(Release, ({ logon, handle }) => {
  logon.release(handle);
  return {};
});

export const NOTIFICATION_HANDLERS = [registerNotification, release];
