import { ErrorCode } from '../mapi/error-code.ts';
import type { ObjectId } from '../mapi/object-id.ts';
import type { Properties, PropertyTag } from '../mapi/property.ts';
import { PidTag } from '../mapi/property-tags.ts';
import { RECIPIENT_TYPE_MASK } from '../mapi/property-values.ts';
import { type RecipientRow, recipientProperties } from '../mapi/recipient-row.ts';
import { GetAttachmentTable, OpenAttachment, OpenAttachmentFlags } from '../mapi/rops/attachment.ts';
import { TableFlags } from '../mapi/rops/folder.ts';
import { OpenEmbeddedMessage, OpenMessage, OpenMessageFlags, ReadRecipients } from '../mapi/rops/message.ts';
import { ATTACHMENT_COLUMNS, Attachment, type AttachmentInfo, attachmentOf } from './attachment.ts';
import { readHtml, readText } from './body.ts';
import { allProperties, properties } from './object-properties.ts';
import { type PropertyResult, textOf } from './property-result.ts';
import { type RemoteObject, readProperty, type StreamOptions } from './property-stream.ts';
import { RopBatch } from './rop-batch.ts';
import type { MapiSession, SessionCallOptions } from './session.ts';
import type { Signalled } from './signalled.ts';
import { readTable } from './table-reader.ts';

/** The code page of the logon ([MS-OXCMSG] 2.2.3.1.1). */
export const LOGON_CODE_PAGE = 0x0fff;
const TYPES = ['originator', 'to', 'cc', 'bcc'] as const;
/** Recipients and attachments of a message, at most, that are listed. */
const MAX_RECIPIENTS = 32_767;
const MAX_ATTACHMENTS = 4096;

/** Who a message is to, or from. */
export interface RecipientInfo {
  readonly type: (typeof TYPES)[number];
  readonly name: string;
  /** SMTP address where there is one, else the address in its own form, such as a legacyExchangeDN. */
  readonly address: string;
  readonly addressType: string;
  /** All that the message knows of the recipient. */
  readonly properties: Properties;
}

interface Opened {
  readonly subjectPrefix?: string | undefined;
  readonly normalizedSubject?: string | undefined;
  readonly recipientCount: number;
  readonly recipientColumns: readonly PropertyTag[];
  readonly recipientRows: readonly { readonly recipientType: number; readonly recipientRow: RecipientRow }[];
}

/** A message that is open for reading. Disposing of it has its handle released along with the next call. */
export class Message implements RemoteObject, Disposable {
  readonly session: MapiSession;
  readonly logonId: number;
  readonly handle: number;
  readonly subject: string;
  readonly #opened: Opened;

  private constructor(session: MapiSession, logonId: number, handle: number, opened: Opened) {
    this.session = session;
    this.logonId = logonId;
    this.handle = handle;
    this.subject = `${opened.subjectPrefix ?? ''}${opened.normalizedSubject ?? ''}`;
    this.#opened = opened;
  }

  /** RopOpenMessage. Rejects with MapiError. */
  static async open(
    store: RemoteObject,
    folderId: ObjectId,
    messageId: ObjectId,
    options: Signalled = {},
  ): Promise<Message> {
    const { session, logonId } = store;
    const batch = new RopBatch(session);
    const message = batch.newHandle();
    const answer = batch.add(OpenMessage, {
      logonId,
      inputHandleIndex: batch.handle(store.handle),
      outputHandleIndex: message,
      codePageId: LOGON_CODE_PAGE,
      folderId,
      openModeFlags: OpenMessageFlags.ReadOnly,
      messageId,
    });
    await batch.run(options);
    return new Message(session, logonId, batch.handleAt(message) ?? 0, answer.value);
  }

  /** RopOpenEmbeddedMessage: the message that an attachment is. Rejects with MapiError. */
  static async openEmbedded(attachment: RemoteObject, options: Signalled = {}): Promise<Message> {
    const { session, logonId } = attachment;
    const batch = new RopBatch(session);
    const message = batch.newHandle();
    const answer = batch.add(OpenEmbeddedMessage, {
      logonId,
      inputHandleIndex: batch.handle(attachment.handle),
      outputHandleIndex: message,
      codePageId: LOGON_CODE_PAGE,
      openModeFlags: OpenMessageFlags.ReadOnly,
    });
    await batch.run(options);
    return new Message(session, logonId, batch.handleAt(message) ?? 0, answer.value);
  }

  /** Properties by their tags. */
  properties(tags: readonly PropertyTag[], options: Signalled = {}): Promise<PropertyResult> {
    return properties(this, tags, options);
  }

  /** All properties but those that are too long for one answer. */
  allProperties(options: Signalled = {}): Promise<Properties> {
    return allProperties(this, options);
  }

  /** A property of any length, in blocks; text is UTF-16. */
  stream(tag: PropertyTag, options: StreamOptions = {}): AsyncGenerator<Uint8Array, void, undefined> {
    return readProperty(this, tag, options);
  }

  /** The body as plain text; undefined where there is none. */
  text(options: StreamOptions = {}): Promise<string | undefined> {
    return readText(this, options);
  }

  /** The body as HTML; undefined where there is none. */
  html(options: StreamOptions = {}): Promise<string | undefined> {
    return readHtml(this, options);
  }

  /**
   * The message as it has come through the Internet, in MIME, in blocks, where the server has kept it (PR_INTERNET_CONTENT). Rejects with
   * MapiError: `NotFound` where it has not.
   */
  original(options: StreamOptions = {}): AsyncGenerator<Uint8Array, void, undefined> {
    return readProperty(this, PidTag.InternetContent, options);
  }

  /** All recipients: those that came when it was opened, and the rest. */
  async recipients(options: Signalled = {}): Promise<RecipientInfo[]> {
    const { recipientRows, recipientColumns, recipientCount } = this.#opened;
    const rows = [...recipientRows];
    let rowId = rows.length;
    while (rows.length < Math.min(recipientCount, MAX_RECIPIENTS)) {
      const more = await this.#recipientsFrom(rowId, recipientColumns, options);
      const last = more.at(-1);
      if (last === undefined) break;
      rows.push(...more);
      rowId = last.rowId + 1;
    }
    return rows.map(({ recipientType, recipientRow }) => {
      const all = recipientProperties(recipientRow, recipientColumns, this.session.dnPrefix);
      return recipientOf(recipientType, all);
    });
  }

  /** What is attached, in the order of the attachments' numbers. */
  async attachments({ signal }: Signalled = {}): Promise<AttachmentInfo[]> {
    const { session, logonId, handle } = this;
    const open = (batch: RopBatch, table: number) => {
      const answer = batch.add(GetAttachmentTable, {
        logonId,
        inputHandleIndex: batch.handle(handle),
        outputHandleIndex: table,
        tableFlags: TableFlags.UseUnicode,
      });
      return () => void answer.value;
    };
    const query = {
      columns: ATTACHMENT_COLUMNS,
      limit: MAX_ATTACHMENTS,
      ...(signal === undefined ? {} : { signal }),
    };
    const found: AttachmentInfo[] = [];
    for await (const { values } of readTable(session, logonId, { open }, query)) found.push(attachmentOf(values));
    return found.sort((a, b) => a.number - b.number);
  }

  /** Opens an attachment by its number. Rejects with MapiError. */
  async attachment(number: number, options: Signalled = {}): Promise<Attachment> {
    const { session, logonId } = this;
    const batch = new RopBatch(session);
    const attachment = batch.newHandle();
    const answer = batch.add(OpenAttachment, {
      logonId,
      inputHandleIndex: batch.handle(this.handle),
      outputHandleIndex: attachment,
      openAttachmentFlags: OpenAttachmentFlags.ReadOnly,
      attachmentId: number,
    });
    await batch.run(options);
    void answer.value;
    return new Attachment(session, logonId, batch.handleAt(attachment) ?? 0);
  }

  [Symbol.dispose](): void {
    this.session.discard(this.logonId, this.handle);
  }

  async #recipientsFrom(rowId: number, columns: readonly PropertyTag[], options: SessionCallOptions) {
    const batch = new RopBatch(this.session);
    const { logonId } = this;
    const inputHandleIndex = batch.handle(this.handle);
    const answer = batch.add(ReadRecipients, { logonId, inputHandleIndex, rowId }, columns);
    await batch.run(options);
    return answer.returnValue === ErrorCode.NotFound ? [] : answer.value.recipientRows;
  }
}

function recipientOf(recipientType: number, all: Properties): RecipientInfo {
  const address = textOf(all, PidTag.EmailAddress) ?? '';
  const smtp = textOf(all, PidTag.SmtpAddress) ?? '';
  return {
    type: TYPES[recipientType & RECIPIENT_TYPE_MASK] ?? 'to',
    name: textOf(all, PidTag.DisplayName) ?? textOf(all, PidTag.RecipientDisplayName) ?? address,
    address: smtp === '' ? address : smtp,
    addressType: smtp === '' ? (textOf(all, PidTag.AddressType) ?? '') : 'SMTP',
    properties: all,
  };
}
