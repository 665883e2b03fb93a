import { Buffer } from 'node:buffer';
import type { AttachmentContent, MessageContent } from '../../mailbox/model.ts';
import type { MutableProperties, PropertyTag } from '../../mapi/property.ts';
import { PidTag } from '../../mapi/property-tags.ts';
import { AttachMethod } from '../../mapi/property-values.ts';
import { parseDate } from '../mime/date.ts';
import { percentDecode } from '../mime/parameters.ts';
import { contentOf, type MimePart } from '../mime/part.ts';
import type { AttachedPart } from './body-parts.ts';
import { fileNames } from './file-name.ts';
import { decodeHeaderText } from './subject.ts';

/** attRenderedInBody ([MS-OXCMSG] 2.2.2.18). */
const RENDERED_IN_BODY = 4;
/** The attachment has no place in the text ([MS-OXCMSG] 2.2.2.16): 0xFFFFFFFF. */
const NO_POSITION = -1;
const MAX_TEXT = 1024;

/** What attaching needs of the message around it. */
export interface AttachContext {
  /** The HTML that may show attachments; empty where there is none. */
  readonly html: string;
  /** Makes a message of one within the message; undefined for one that is nested too deep. */
  readonly embed: (bytes: Uint8Array) => MessageContent | undefined;
}

/** Makes attachments of parts ([MS-OXCMAIL] 2.2.3.4). */
export function attachmentsOf(parts: readonly AttachedPart[], context: AttachContext): AttachmentContent[] {
  const shown = referencesOf(context.html);
  return parts.map((attached, number) => attachmentOf(attached, number, shown, context));
}

function attachmentOf(
  { part, role }: AttachedPart,
  number: number,
  shown: ReadonlySet<string>,
  { embed }: AttachContext,
): AttachmentContent {
  const properties = namedProperties(part, number);
  const contentId = properties.get(PidTag.AttachContentId);
  const location = properties.get(PidTag.AttachContentLocation);
  const isShown =
    (typeof contentId === 'string' && shown.has(`cid:${contentId}`)) ||
    (typeof location === 'string' && shown.has(location));
  if (isShown) properties.set(PidTag.AttachFlags, RENDERED_IN_BODY);
  if (isShown || role === 'alternative') properties.set(PidTag.AttachmentHidden, true);

  const content = contentOf(part);
  const embedded = isMessage(part) ? embed(content) : undefined;
  if (embedded !== undefined) {
    const subject = embedded.properties.get(PidTag.Subject);
    if (typeof subject === 'string' && subject !== '') properties.set(PidTag.DisplayName, subject);
    properties.set(PidTag.AttachMethod, AttachMethod.EmbeddedMessage);
    for (const tag of [PidTag.AttachFilename, PidTag.AttachExtension]) properties.delete(tag);
    return { number, properties, embedded };
  }
  properties.set(PidTag.AttachMethod, AttachMethod.ByValue);
  properties.set(PidTag.AttachDataBinary, content);
  return { number, properties };
}

function isMessage({ type }: MimePart): boolean {
  return type === 'message/rfc822' || type === 'message/global';
}

/** [MS-OXCMAIL] 2.2.3.4.1: all but the content. */
function namedProperties(part: MimePart, number: number): MutableProperties {
  const { headers, parameters, disposition, type } = part;
  const written = disposition?.parameters.get('filename') ?? parameters.get('name');
  const names = fileNames(written, type, number);
  const description = headers.get('content-description');
  const properties = new Map<PropertyTag, string | number | boolean | bigint | Uint8Array>([
    [PidTag.AttachLongFilename, names.long],
    [PidTag.AttachFilename, names.short],
    [PidTag.AttachExtension, names.extension],
    [PidTag.DisplayName, description === undefined ? names.long : decodeHeaderText(description).slice(0, MAX_TEXT)],
    [PidTag.AttachMimeTag, type],
    [PidTag.RenderingPosition, NO_POSITION],
  ]);
  const contentId = headers.get('content-id')?.replace(/^\s*<|>\s*$/g, '');
  setText(properties, PidTag.AttachContentId, contentId);
  // White space within a location came from folding (RFC 2557 4.4.1).
  setText(properties, PidTag.AttachContentLocation, headers.get('content-location')?.replace(/\s+/g, ''));
  setText(properties, PidTag.AttachContentBase, headers.get('content-base'));
  if (type.startsWith('text/')) setText(properties, PidTag.TextAttachmentCharset, parameters.get('charset'));
  const created = parseDate(disposition?.parameters.get('creation-date') ?? '');
  if (created !== undefined) properties.set(PidTag.CreationTime, created);
  const modified = parseDate(disposition?.parameters.get('modification-date') ?? '');
  if (modified !== undefined) properties.set(PidTag.LastModificationTime, modified);
  return properties;
}

function setText(properties: MutableProperties, tag: PropertyTag, text: string | undefined): void {
  if (text !== undefined && text !== '') properties.set(tag, text.slice(0, MAX_TEXT));
}

/** What the HTML shows: `cid:` URLs (RFC 2392) with their escapes undone, and other URLs as they are. */
function referencesOf(html: string): ReadonlySet<string> {
  const references = new Set<string>();
  for (const match of html.matchAll(
    /(?:src|background|href)\s{0,8}=\s{0,8}["']?([^"'\s>]{1,1024})|url\(["']?([^"')\s]{1,1024})/gi,
  )) {
    const url = (match[1] ?? match[2] ?? '').replaceAll('&amp;', '&');
    const cid = /^cid:(.*)$/i.exec(url)?.[1];
    references.add(cid === undefined ? url : `cid:${Buffer.from(percentDecode(cid)).toString('utf8')}`);
  }
  return references;
}
