import { decodeWords } from 'postal-mime';
import { splitSubject } from '../../mailbox/subject.ts';
import type { MutableProperties } from '../../mapi/property.ts';
import { PidTag } from '../../mapi/property-tags.ts';
import type { Headers } from '../mime/headers.ts';

/** Prefix and normalised subject together are shorter than 254 characters ([MS-OXCMSG] 2.2.1.10). */
const MAX_SUBJECT = 253;

/**
 * Subject, its parts, and the topic of the conversation ([MS-OXCMAIL] 2.2.3.2.6 and 2.2.3.2.7). However many blanks a prefix has
 * come with, it has one.
 */
export function setSubject(properties: MutableProperties, headers: Headers): void {
  const { prefix: written, normalized: whole } = splitSubject(decodeHeaderText(headers.get('subject') ?? ''));
  const prefix = written === '' ? '' : `${written.trimEnd()} `;
  const normalized = cut(whole, MAX_SUBJECT - prefix.length);
  properties.set(PidTag.SubjectPrefix, prefix);
  properties.set(PidTag.NormalizedSubject, normalized);
  properties.set(PidTag.Subject, prefix + normalized);
  const topic = headers.get('thread-topic');
  properties.set(
    PidTag.ConversationTopic,
    topic === undefined ? normalized : cut(decodeHeaderText(topic), MAX_SUBJECT),
  );
}

/** The text of an unstructured field: encoded words decoded (RFC 2047), in one line. */
export function decodeHeaderText(value: string): string {
  return decodeWords(value)
    .replace(/\p{Cc}+/gu, ' ')
    .trim();
}

/** At most so many UTF-16 units, and no half of a pair. */
function cut(text: string, length: number): string {
  const short = text.slice(0, length);
  return /[\ud800-\udbff]$/.test(short) ? short.slice(0, -1) : short;
}
