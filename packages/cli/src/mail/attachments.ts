import { rm } from 'node:fs/promises';
import { AttachMethod, type AttachmentInfo, type Message, type OpenedMailbox } from '@rpch/store/client';
import { cannotWrite, createFile, DistinctNames, safeFileName } from './file-names.ts';
import { type MessageId, tellMessageId } from './ids.ts';
import type { MailIo } from './mail-io.ts';
import { openMessage } from './open-message.ts';
import { oneLine } from './plain-text.ts';
import { tellSize } from './quantities.ts';
import { layOut } from './table.ts';

/** Options of `rpch mail … attachments`. */
export interface AttachmentFlags {
  readonly json?: boolean;
  readonly save?: string;
  readonly force?: boolean;
}

/** An attachment as programs are told of it. */
interface ListedAttachment {
  readonly number: number;
  readonly name: string;
  readonly mimeType: string;
  readonly size: number;
  readonly kind: 'file' | 'message' | 'link' | 'other';
  /** Shows the message that it is. */
  readonly id?: string;
  readonly contentId?: string;
  readonly inline: boolean;
}

/** `attachments ID`: what is attached, and with `--save` the files. */
export async function printAttachments(
  { mailbox }: OpenedMailbox,
  idText: string,
  flags: AttachmentFlags,
  io: MailIo,
): Promise<void> {
  using found = await openMessage(mailbox, idText);
  const attachments = await found.message.attachments();
  const saved =
    flags.save === undefined ? [] : await save(found.message, attachments, flags.save, flags.force === true);
  if (flags.json === true) {
    const files = new Map(saved.map(({ number, path }) => [number, path]));
    const listed = listedAttachments(found.id, attachments).map((each) => ({ ...each, saved: files.get(each.number) }));
    io.out(`${JSON.stringify({ id: tellMessageId(found.id), attachments: listed })}\n`);
    return;
  }
  if (attachments.length === 0) {
    io.err('nothing is attached\n');
    return;
  }
  if (flags.save === undefined) io.out(attachmentTable(found.id, attachments, io.width));
  for (const { path, bytes } of saved) io.out(`${oneLine(path)}  ${tellSize(bytes)}\n`);
  const left = attachments.length - saved.length;
  if (flags.save !== undefined && left > 0) io.err(`${left} that are no files were not saved\n`);
}

/** Attachments of a message as JSON has them. */
export function listedAttachments(id: MessageId, attachments: readonly AttachmentInfo[]): ListedAttachment[] {
  return attachments.map((attachment) => {
    const { number, name, mimeType, size, contentId, hidden } = attachment;
    const kind = kindOf(attachment);
    return {
      number,
      name: oneLine(name),
      mimeType: oneLine(mimeType),
      size,
      kind,
      ...(kind === 'message' ? { id: inside(id, number) } : {}),
      ...(contentId === undefined ? {} : { contentId: oneLine(contentId) }),
      inline: hidden || (contentId !== undefined && contentId !== ''),
    };
  });
}

/** Attachments of a message as a table for people. */
export function attachmentTable(
  id: MessageId,
  attachments: readonly AttachmentInfo[],
  width: number | undefined,
): string {
  const rows = listedAttachments(id, attachments).map(({ number, name, kind, mimeType, size, id: within }) => [
    String(number),
    name === '' ? '(no name)' : name,
    within === undefined ? mimeType || kind : `message: show ${within}`,
    tellSize(size),
  ]);
  const columns = [
    { title: '#', align: 'right' },
    { title: 'attachment', shrinks: true },
    { title: 'type', shrinks: true },
    { title: 'size', align: 'right' },
  ] as const;
  return layOut(columns, rows, width);
}

interface Saved {
  readonly number: number;
  readonly path: string;
  readonly bytes: number;
}

/** Saves what is a file. What was begun and could not be ended is taken away again. */
async function save(
  message: Message,
  attachments: readonly AttachmentInfo[],
  directory: string,
  force: boolean,
): Promise<Saved[]> {
  const names = new DistinctNames();
  const saved: Saved[] = [];
  for (const info of attachments) {
    if (kindOf(info) !== 'file') continue;
    const name = names.claim(safeFileName(info.name, `attachment-${info.number}`));
    using attachment = await message.attachment(info.number);
    const { path, file } = await createFile(directory, name, force);
    let bytes = 0;
    try {
      await using _ = file;
      for await (const block of attachment.data()) {
        await writeAll(file, block, path);
        bytes += block.length;
      }
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    }
    saved.push({ number: info.number, path, bytes });
  }
  return saved;
}

async function writeAll(
  file: { write(block: Uint8Array): Promise<{ readonly bytesWritten: number }> },
  block: Uint8Array,
  path: string,
): Promise<void> {
  try {
    for (let at = 0; at < block.length; ) at += (await file.write(block.subarray(at))).bytesWritten;
  } catch (cause) {
    throw cannotWrite(path, cause);
  }
}

function kindOf({ method }: AttachmentInfo): ListedAttachment['kind'] {
  switch (method) {
    case AttachMethod.ByValue:
    case AttachMethod.Ole:
      return 'file';
    case AttachMethod.EmbeddedMessage:
      return 'message';
    case AttachMethod.ByReference:
    case AttachMethod.ByReferenceOnly:
    case AttachMethod.Web:
      return 'link';
    default:
      return 'other';
  }
}

function inside(id: MessageId, number: number): string {
  return tellMessageId({ ...id, within: [...id.within, number] });
}
