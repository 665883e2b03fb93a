import { MAX_RECIPIENTS } from '../../../mailbox/limits.ts';
import { ErrorCode, StoreError } from '../../../mapi/error-code.ts';
import { recipientProperties } from '../../../mapi/recipient-row.ts';
import { ModifyRecipients, ReadRecipients, RemoveAllRecipients } from '../../../mapi/rops/message.ts';
import { messageOf } from '../narrow.ts';
import { recipientRows } from '../opened-message.ts';
import { on, TooSmallError } from '../rop-context.ts';

/** szDNPrefix of EcDoConnectEx: none, DNs are whole. */
const DN_PREFIX = '';
/** Bytes of the response beside its rows. */
const HEAD = 8;

/** [MS-OXCMSG] 3.2.5.5. */
const modifyRecipients = on(ModifyRecipients, ({ object }, { recipientColumns, recipientRows: rows }) => {
  const message = messageOf(object);
  if (message.recipients.length + rows.length > MAX_RECIPIENTS) {
    throw new StoreError(ErrorCode.TooManyRecips, `${rows.length} recipients`);
  }
  message.modifyRecipients(
    rows.map(({ rowId, recipientType: type, recipientRow: row }) => {
      const properties = row === undefined ? undefined : recipientProperties(row, recipientColumns, DN_PREFIX);
      return { rowId, type, properties };
    }),
  );
  return {};
});

/** [MS-OXCMSG] 3.2.5.4. */
const removeAllRecipients = on(RemoveAllRecipients, ({ object }) => {
  messageOf(object).removeRecipients();
  return {};
});

/** [MS-OXCMSG] 3.2.5.6: from that row on, as many as there is room for. */
const readRecipients = on(ReadRecipients, ({ object, room, coding }, { rowId }) => {
  const message = messageOf(object);
  const from = message.recipients.filter((recipient) => recipient.rowId >= rowId).sort((a, b) => a.rowId - b.rowId);
  if (from[0]?.rowId !== rowId) throw new StoreError(ErrorCode.NotFound, `recipient ${rowId}`);
  const rows = recipientRows(from, message.columns, room - HEAD, coding);
  if (rows.length === 0) throw new TooSmallError(room + 1);
  return { recipientColumns: message.columns, recipientRows: rows };
});

export const RECIPIENT_HANDLERS = [modifyRecipients, removeAllRecipients, readRecipients];
