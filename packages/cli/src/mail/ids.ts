import { counterOf, type ObjectId, OWN_REPLID, objectId, replidOf } from '@rpch/store/client';
import { usage } from '../ping/client-flags.ts';

/** Messages inside messages, at most, that an id can lead into. */
const MAX_DEPTH = 8;

/** A message in its folder, or one that is attached to it, and so on. */
export interface MessageId {
  readonly folder: ObjectId;
  readonly message: ObjectId;
  /** Numbers of attachments, from the outermost message inwards. */
  readonly within: readonly number[];
}

/**
 * An id of a folder, short and the same for ever: the counter of its long-term id as hexadecimal (`d`), behind the number of its
 * replica where that is not the mailbox's own (`3-d`).
 */
export function tellObjectId(id: ObjectId): string {
  const replid = replidOf(id);
  const counter = counterOf(id).toString(16);
  return replid === OWN_REPLID ? counter : `${replid.toString(16)}-${counter}`;
}

/** An id of a message: that of its folder and its own, `d.1a4`; of one that is attached to it `d.1a4/0`. */
export function tellMessageId({ folder, message, within }: MessageId): string {
  return `${tellObjectId(folder)}.${tellObjectId(message)}${within.map((number) => `/${number}`).join('')}`;
}

/** Throws RpchError (caller). */
export function parseMessageId(text: string): MessageId {
  const [, folder, message, within = ''] = /^([0-9a-f-]+)\.([0-9a-f-]+)((?:\/\d{1,9})*)$/i.exec(text.trim()) ?? [];
  const ids = [folder, message].map((part) => (part === undefined ? undefined : parseObjectId(part)));
  const numbers = within.split('/').slice(1).map(Number);
  if (ids[0] === undefined || ids[1] === undefined || numbers.length > MAX_DEPTH) {
    throw usage(`expected the id of a message as rpch mail list prints it, such as d.1a4, found "${text}"`);
  }
  return { folder: ids[0], message: ids[1], within: numbers };
}

/** Undefined where it is none. */
export function parseObjectId(text: string): ObjectId | undefined {
  const [, replid = OWN_REPLID.toString(16), counter = ''] =
    /^(?:([0-9a-f]{1,4})-)?([0-9a-f]{1,12})$/i.exec(text) ?? [];
  return counter === '' ? undefined : objectId(Number.parseInt(counter, 16), Number.parseInt(replid, 16));
}
