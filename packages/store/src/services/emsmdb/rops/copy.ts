import { ErrorCode, StoreError } from '../../../mapi/error-code.ts';
import { idOf, type MutableProperties, type PropertyTag } from '../../../mapi/property.ts';
import { unicodeTag } from '../../../mapi/property-codec.ts';
import type { PropertyProblem } from '../../../mapi/property-problem.ts';
import { PidTag } from '../../../mapi/property-tags.ts';
import { CopyFlags, CopyProperties, CopyTo } from '../../../mapi/rops/property.ts';
import type { OpenObject } from '../logon.ts';
import { propertiesOf } from '../narrow.ts';
import { AttachmentObject } from '../objects/attachment-object.ts';
import { MessageObject } from '../objects/message-object.ts';
import type { PropertyObject } from '../objects/property-object.ts';
import { on } from '../rop-context.ts';

const KNOWN_FLAGS = CopyFlags.Move | CopyFlags.NoOverwrite;

/** [MS-OXCPRPT] 3.2.5.8: the properties that are named. */
const copyProperties = on(CopyProperties, (context, { destHandleIndex, copyFlags, propertyTags }) => {
  const { from, to } = ends(context.object, context.other(destHandleIndex, ErrorCode.DstNullObject), copyFlags);
  const problems = copy(from, to, propertyTags, copyFlags);
  if ((copyFlags & CopyFlags.Move) !== 0) from.remove(propertyTags);
  return { propertyProblems: problems };
});

/** [MS-OXCPRPT] 3.2.5.8: everything but what is named; of a message recipients and attachments with it, if they are wanted. */
const copyTo = on(CopyTo, (context, { destHandleIndex, wantSubObjects, copyFlags, excludedTags }) => {
  const destination = context.other(destHandleIndex, ErrorCode.DstNullObject);
  const { object } = context;
  const { from, to } = ends(object, destination, copyFlags & ~CopyFlags.Move);
  const excluded = new Set(excludedTags.map(idOf));
  const tags = from.tags().filter((tag) => !excluded.has(idOf(tag)));
  // What only the store sets is not asked for by name, and so no problem.
  copy(from, to, tags, copyFlags);
  if (wantSubObjects && object instanceof MessageObject && destination instanceof MessageObject) {
    copySubObjects(object, destination, excluded);
  }
  if (wantSubObjects && object instanceof AttachmentObject && destination instanceof AttachmentObject) {
    const embedded = object.embedded();
    if (embedded !== undefined) destination.embed(embedded);
  }
  return { propertyProblems: [] };
});

function copySubObjects(from: MessageObject, to: MessageObject, excluded: ReadonlySet<number>): void {
  const { recipients, attachments } = from.content();
  if (!excluded.has(idOf(PidTag.MessageRecipients))) {
    const rows = recipients.map(({ rowId, type, properties }) => ({ rowId, type, properties: new Map(properties) }));
    to.removeRecipients();
    to.modifyRecipients(rows);
  }
  if (excluded.has(idOf(PidTag.MessageAttachments))) return;
  for (const { properties, embedded } of attachments) {
    const attachment = to.createAttachment();
    try {
      attachment.set(properties);
      if (embedded !== undefined) attachment.embed(embedded);
      attachment.save('read');
    } finally {
      attachment.close();
    }
  }
}

/** Source and destination, which are of one kind. */
function ends(source: OpenObject, destination: OpenObject, flags: number) {
  if ((flags & ~KNOWN_FLAGS) !== 0) throw new StoreError(ErrorCode.InvalidParam, `copy flags ${flags}`);
  if (source.kind !== destination.kind || source === destination) {
    throw new StoreError(ErrorCode.NotSupported, `a ${source.kind} onto a ${destination.kind}`);
  }
  return { from: propertiesOf(source), to: propertiesOf(destination) };
}

/** Copies those that are there; a problem for each that is not, or cannot be set. */
function copy(
  from: PropertyObject,
  to: PropertyObject,
  tags: readonly PropertyTag[],
  flags: number,
): readonly PropertyProblem[] {
  const problems: PropertyProblem[] = [];
  const kept = (flags & CopyFlags.NoOverwrite) === 0 ? new Set<number>() : new Set(to.tags().map(idOf));
  const set: MutableProperties = new Map();
  const places = new Map<PropertyTag, number>();
  for (const [index, asked] of tags.entries()) {
    const tag = unicodeTag(asked);
    if (kept.has(idOf(tag))) continue;
    const value = from.load(tag);
    if (value === undefined) problems.push({ index, tag: asked, errorCode: ErrorCode.NotFound });
    else {
      set.set(tag, value);
      places.set(tag, index);
    }
  }
  for (const { tag, errorCode } of to.set(set)) problems.push({ index: places.get(tag) ?? 0, tag, errorCode });
  return problems;
}

export const COPY_HANDLERS = [copyProperties, copyTo];
