import type { MutableProperties, PropertyTag, PropertyValue } from '../mapi/property.ts';
import { PidTag } from '../mapi/property-tags.ts';

/** One to three characters, none a colon, a blank or a digit, then a colon and any number of blanks ([MS-OXCMAIL] 2.2.3.2.6.1). */
const PREFIX = /^[^: \d]{1,3}: */u;

/** A subject, cut in two: the one and the other are the whole of it. */
export interface SplitSubject {
  /** As it is written, with its colon and its blanks: `RE: `; empty where there is none. */
  readonly prefix: string;
  readonly normalized: string;
}

/** Splits a subject into its prefix and what follows it. */
export function splitSubject(subject: string): SplitSubject {
  const prefix = PREFIX.exec(subject)?.[0] ?? '';
  return { prefix, normalized: subject.slice(prefix.length) };
}

/**
 * Makes the three properties of a subject agree ([MS-OXCMSG] 2.2.1.9, 2.2.1.10, 2.2.1.46): PidTagSubject is the prefix and the
 * normalized subject, whichever of them a change sets. Returns the tags that a change removes besides those of `removed`.
 * @param stored what the message has had so far
 */
export function deriveSubject(
  set: MutableProperties,
  stored: (tag: PropertyTag) => PropertyValue | undefined,
  removed: readonly PropertyTag[],
): readonly PropertyTag[] {
  const subject = set.get(PidTag.Subject);
  const prefix = set.get(PidTag.SubjectPrefix);
  const normalized = set.get(PidTag.NormalizedSubject);
  if (typeof subject === 'string' && typeof normalized !== 'string') {
    const parts = splitSubject(subject);
    const front = typeof prefix === 'string' && subject.startsWith(prefix) ? prefix : parts.prefix;
    set.set(PidTag.SubjectPrefix, front);
    set.set(PidTag.NormalizedSubject, subject.slice(front.length));
    return [];
  }
  if (typeof subject === 'string' && typeof normalized === 'string' && typeof prefix !== 'string') {
    const front = subject.endsWith(normalized) ? subject.slice(0, subject.length - normalized.length) : '';
    set.set(PidTag.SubjectPrefix, front);
    set.set(PidTag.Subject, front + normalized);
    return [];
  }
  const isRemoved = (tag: PropertyTag): boolean => removed.some((one) => one >>> 16 === tag >>> 16);
  if (typeof prefix === 'string' || typeof normalized === 'string') {
    const textOf = (tag: PropertyTag): string => {
      const value = set.get(tag) ?? (isRemoved(tag) ? undefined : stored(tag));
      return typeof value === 'string' ? value : '';
    };
    set.set(PidTag.Subject, textOf(PidTag.SubjectPrefix) + textOf(PidTag.NormalizedSubject));
    return [];
  }
  if (isRemoved(PidTag.Subject)) return [PidTag.SubjectPrefix, PidTag.NormalizedSubject];
  if (isRemoved(PidTag.NormalizedSubject)) return [PidTag.Subject, PidTag.SubjectPrefix];
  if (isRemoved(PidTag.SubjectPrefix)) {
    const rest = stored(PidTag.NormalizedSubject);
    if (typeof rest === 'string') set.set(PidTag.Subject, rest);
  }
  return [];
}
