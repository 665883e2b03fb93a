import { Cursor, Writer } from '@rpch/rpc/internal';
import { ErrorCode, StoreError } from '../mapi/error-code.ts';
import type { MutableProperties, Properties } from '../mapi/property.ts';
import { unicodeTag } from '../mapi/property-codec.ts';
import { MAX_ATTACHMENTS, MAX_EMBEDDED_DEPTH, MAX_MESSAGE_SIZE, MAX_PROPERTIES, MAX_RECIPIENTS } from './limits.ts';
import type { AttachmentContent, MessageContent, Recipient } from './model.ts';
import { decodeValue, encodeValue } from './value-codec.ts';

/** Recipients as a message keeps them: u32 count, then for each u32 rowId, u32 type and its properties. Throws StoreError TooManyRecips. */
export function encodeRecipients(recipients: readonly Recipient[]): Uint8Array {
  const writer = new Writer(16 + recipients.length * 256);
  writeRecipients(writer, recipients);
  return writer.finish();
}

export function decodeRecipients(bytes: Uint8Array): Recipient[] {
  return readRecipients(new Cursor(bytes, 'stored recipients'));
}

/** A message in full, as an attachment keeps the one that it embeds. Throws StoreError TooBig and MsgCycle beyond the limits. */
export function encodeContent(content: MessageContent): Uint8Array {
  const writer = new Writer(4096);
  writeContent(writer, content, 1);
  return writer.finish();
}

export function decodeContent(bytes: Uint8Array): MessageContent {
  return readContent(new Cursor(bytes, 'stored message'));
}

function writeContent(writer: Writer, content: MessageContent, depth: number): void {
  if (depth > MAX_EMBEDDED_DEPTH) throw new StoreError(ErrorCode.MsgCycle, 'messages embedded too deep in each other');
  if (content.attachments.length > MAX_ATTACHMENTS)
    throw new StoreError(ErrorCode.MaxAttachmentExceeded, 'attachments');
  writeProperties(writer, content.properties);
  writeRecipients(writer, content.recipients);
  writer.u32(content.attachments.length);
  for (const { number, properties, embedded } of content.attachments) {
    writer.u32(number);
    writeProperties(writer, properties);
    writer.u8(embedded === undefined ? 0 : 1);
    if (embedded !== undefined) writeContent(writer, embedded, depth + 1);
  }
}

function readContent(cursor: Cursor): MessageContent {
  const properties = readProperties(cursor);
  const recipients = readRecipients(cursor);
  const attachments: AttachmentContent[] = [];
  for (let left = cursor.u32(); left > 0; left -= 1) {
    const number = cursor.u32();
    const own = readProperties(cursor);
    const embeds = cursor.u8() !== 0;
    attachments.push({ number, properties: own, ...(embeds ? { embedded: readContent(cursor) } : {}) });
  }
  return { properties, recipients, attachments };
}

function writeRecipients(writer: Writer, recipients: readonly Recipient[]): void {
  if (recipients.length > MAX_RECIPIENTS) {
    throw new StoreError(ErrorCode.TooManyRecips, `${recipients.length} recipients`);
  }
  writer.u32(recipients.length);
  for (const { rowId, type, properties } of recipients) {
    writer.u32(rowId).u32(type);
    writeProperties(writer, properties);
  }
}

function readRecipients(cursor: Cursor): Recipient[] {
  const recipients: Recipient[] = [];
  for (let left = cursor.u32(); left > 0; left -= 1) {
    recipients.push({ rowId: cursor.u32(), type: cursor.u32(), properties: readProperties(cursor) });
  }
  return recipients;
}

/** u32 count, then for each u32 tag, u32 length and the value. */
function writeProperties(writer: Writer, properties: Properties): void {
  if (properties.size > MAX_PROPERTIES) throw new StoreError(ErrorCode.TooBig, `${properties.size} properties`);
  writer.u32(properties.size);
  for (const [tag, value] of properties) {
    const stored = unicodeTag(tag);
    const bytes = encodeValue(stored, value);
    writer.u32(stored).u32(bytes.length).bytes(bytes);
    if (writer.length > MAX_MESSAGE_SIZE) throw new StoreError(ErrorCode.TooBig, 'a message that is too big');
  }
}

function readProperties(cursor: Cursor): MutableProperties {
  const properties: MutableProperties = new Map();
  for (let left = cursor.u32(); left > 0; left -= 1) {
    const tag = cursor.u32();
    properties.set(tag, decodeValue(tag, cursor.bytes(cursor.u32())));
  }
  return properties;
}
