import type { Handler } from '../rop-context.ts';
import { ATTACHMENT_HANDLERS } from './attachments.ts';
import { COPY_HANDLERS } from './copy.ts';
import { FOLDER_CONTENTS_HANDLERS } from './folder-contents.ts';
import { FOLDER_HANDLERS } from './folders.ts';
import { LOCAL_REPLICA_HANDLERS } from './local-replica.ts';
import { LOGON_HANDLERS } from './logon.ts';
import { MESSAGE_HANDLERS } from './messages.ts';
import { NAME_HANDLERS } from './names.ts';
import { NOTIFICATION_HANDLERS } from './notifications.ts';
import { OPEN_TABLE_HANDLERS } from './open-tables.ts';
import { PER_USER_HANDLERS } from './per-user.ts';
import { PERMISSION_HANDLERS } from './permissions.ts';
import { PROPERTY_HANDLERS } from './properties.ts';
import { READ_STATE_HANDLERS } from './read-state.ts';
import { RECIPIENT_HANDLERS } from './recipients.ts';
import { SEARCH_HANDLERS } from './search.ts';
import { STORE_HANDLERS } from './store.ts';
import { STREAM_HANDLERS } from './streams.ts';
import { TABLE_HANDLERS } from './tables.ts';

/** How ROPs are done, by their ids. A ROP that is not here is read, and answered with NotSupported. */
export const HANDLERS: ReadonlyMap<number, Handler> = new Map(
  [
    ATTACHMENT_HANDLERS,
    COPY_HANDLERS,
    FOLDER_CONTENTS_HANDLERS,
    FOLDER_HANDLERS,
    LOCAL_REPLICA_HANDLERS,
    LOGON_HANDLERS,
    MESSAGE_HANDLERS,
    NAME_HANDLERS,
    NOTIFICATION_HANDLERS,
    OPEN_TABLE_HANDLERS,
    PER_USER_HANDLERS,
    PERMISSION_HANDLERS,
    PROPERTY_HANDLERS,
    READ_STATE_HANDLERS,
    RECIPIENT_HANDLERS,
    SEARCH_HANDLERS,
    STORE_HANDLERS,
    STREAM_HANDLERS,
    TABLE_HANDLERS,
  ]
    .flat()
    .map((handler) => [handler.id, handler]),
);
