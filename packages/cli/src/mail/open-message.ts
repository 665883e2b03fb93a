import { RpchError } from '@rpch/rpc';
import { ErrorCode, type Mailbox, MapiError, Message } from '@rpch/store/client';
import { type MessageId, parseMessageId } from './ids.ts';

/** A message that is open, with the id that led to it. */
export interface FoundMessage extends Disposable {
  readonly id: MessageId;
  readonly message: Message;
}

/**
 * Opens the message with an id; an id that leads into attachments opens each message on the way. Rejects with MapiError; RpchError
 * `RPCH_NO_SUCH_ATTACHMENT` (peer) where an attachment is no message.
 */
export async function openMessage(mailbox: Mailbox, text: string): Promise<FoundMessage> {
  const id = parseMessageId(text);
  let message = await mailbox.message(id.folder, id.message);
  for (const number of id.within) {
    using outer = message;
    using attachment = await outer.attachment(number);
    try {
      message = await Message.openEmbedded(attachment);
    } catch (error) {
      if (!(error instanceof MapiError) || !NO_MESSAGE.has(error.errorCode)) throw error;
      const what = `attachment ${number} is no message`;
      throw new RpchError('RPCH_NO_SUCH_ATTACHMENT', 'peer', what, { cause: error });
    }
  }
  return { id, message, [Symbol.dispose]: () => message[Symbol.dispose]() };
}

const NO_MESSAGE: ReadonlySet<number> = new Set([ErrorCode.NotFound, ErrorCode.NotSupported, ErrorCode.InvalidParam]);
