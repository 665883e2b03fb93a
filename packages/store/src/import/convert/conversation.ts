import { hash } from 'node:crypto';
import type { MutableProperties } from '../../mapi/property.ts';
import { PidTag } from '../../mapi/property-tags.ts';
import type { Headers } from '../mime/headers.ts';
import { decodeBase64 } from '../mime/transfer-encoding.ts';

/** Bytes of the header of PidTagConversationIndex, and of each level below it ([MS-OXOMSG] 2.2.1.3). */
const HEADER_SIZE = 22;
const LEVEL_SIZE = 5;
const MAX_LEVELS = 50;

/**
 * PidTagConversationIndex: what Thread-Index says, else made of the message ids of the thread. As it should be, all messages of a
 * thread share the first 22 bytes and a reply's index begins with its parent's; but nobody knows when the thread began, nor when the
 * messages between were written, so that hashes of their ids stand where times would.
 */
export function setConversation(properties: MutableProperties, headers: Headers): void {
  const index = fromThreadIndex(headers.get('thread-index')) ?? fromMessageIds(headers);
  if (index === undefined) return;
  properties.set(PidTag.ConversationIndex, index);
  properties.set(PidTag.ConversationIndexTracking, true);
}

function fromThreadIndex(value: string | undefined): Uint8Array | undefined {
  if (value === undefined) return undefined;
  const bytes = decodeBase64(new TextEncoder().encode(value.slice(0, 4096)));
  const levels = (bytes.length - HEADER_SIZE) / LEVEL_SIZE;
  return bytes[0] === 1 && levels >= 0 && Number.isInteger(levels) ? bytes.slice() : undefined;
}

function fromMessageIds(headers: Headers): Uint8Array | undefined {
  const ancestors = messageIds(headers.get('references'));
  const [parent] = messageIds(headers.get('in-reply-to'));
  if (parent !== undefined && !ancestors.includes(parent)) ancestors.push(parent);
  const [own] = messageIds(headers.get('message-id'));
  const chain = own === undefined ? ancestors : [...ancestors, own];
  const [root, ...replies] = chain;
  if (root === undefined) return undefined;
  const levels = replies.slice(0, MAX_LEVELS);
  const index = new Uint8Array(HEADER_SIZE + levels.length * LEVEL_SIZE);
  const rootHash = hash('sha256', root, 'buffer');
  index[0] = 1;
  index.set(rootHash.subarray(0, HEADER_SIZE - 1), 1);
  levels.forEach((id, at) => {
    index.set(hash('sha256', id, 'buffer').subarray(0, LEVEL_SIZE), HEADER_SIZE + at * LEVEL_SIZE);
  });
  return index;
}

function messageIds(value: string | undefined): string[] {
  return value?.slice(0, 64 * 1024).match(/<[^<>\s]{1,998}>/g) ?? [];
}
