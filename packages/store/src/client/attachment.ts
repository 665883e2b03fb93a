import type { Properties, PropertyTag } from '../mapi/property.ts';
import { PidTag } from '../mapi/property-tags.ts';
import { AttachMethod } from '../mapi/property-values.ts';
import { properties } from './object-properties.ts';
import { numberOf, type PropertyResult, textOf } from './property-result.ts';
import { type RemoteObject, readProperty, type StreamOptions } from './property-stream.ts';
import type { MapiSession } from './session.ts';

/** What {@link attachmentOf} looks at. */
export const ATTACHMENT_COLUMNS: readonly PropertyTag[] = [
  PidTag.AttachNumber,
  PidTag.AttachMethod,
  PidTag.AttachSize,
  PidTag.AttachLongFilename,
  PidTag.AttachFilename,
  PidTag.DisplayName,
  PidTag.AttachMimeTag,
  PidTag.AttachContentId,
  PidTag.AttachmentHidden,
];

/** An attachment as the table of a message's attachments has it. */
export interface AttachmentInfo {
  /** PidTagAttachNumber: opens it. */
  readonly number: number;
  /** As the sender has named it: no file name to be trusted; empty where there is none. */
  readonly name: string;
  /** PidTagAttachSize: bytes with all properties, so that the data are somewhat less. */
  readonly size: number;
  /** Empty where it is not said. */
  readonly mimeType: string;
  readonly contentId: string | undefined;
  /** PidTagAttachMethod, one of {@link AttachMethod}. */
  readonly method: number;
  /** It is a part of the body, such as an image in HTML. */
  readonly hidden: boolean;
}

/** An attachment of a row of the table of attachments. */
export function attachmentOf(values: Properties): AttachmentInfo {
  const method = numberOf(values, PidTag.AttachMethod) ?? AttachMethod.None;
  const files = [PidTag.AttachLongFilename, PidTag.AttachFilename];
  // A message is known by its subject, and whoever has made a file of it has made up a name.
  const names =
    method === AttachMethod.EmbeddedMessage ? [PidTag.DisplayName, ...files] : [...files, PidTag.DisplayName];
  return {
    number: numberOf(values, PidTag.AttachNumber) ?? 0,
    name: names.map((tag) => textOf(values, tag)).find((name) => name !== undefined && name !== '') ?? '',
    size: (numberOf(values, PidTag.AttachSize) ?? 0) >>> 0,
    mimeType: textOf(values, PidTag.AttachMimeTag) ?? '',
    contentId: textOf(values, PidTag.AttachContentId),
    method,
    hidden: values.get(PidTag.AttachmentHidden) === true,
  };
}

/**
 * An attachment that is open for reading. What it embeds is opened by `Message.openEmbedded`. Disposing of it has its handle
 * released along with the next call.
 */
export class Attachment implements RemoteObject, Disposable {
  readonly session: MapiSession;
  readonly logonId: number;
  readonly handle: number;

  constructor(session: MapiSession, logonId: number, handle: number) {
    this.session = session;
    this.logonId = logonId;
    this.handle = handle;
  }

  properties(tags: readonly PropertyTag[], options: { readonly signal?: AbortSignal } = {}): Promise<PropertyResult> {
    return properties(this, tags, options);
  }

  /** The bytes of an attachment by value, in blocks. Rejects with MapiError `NotFound` where it has none of its own. */
  data(options: StreamOptions = {}): AsyncGenerator<Uint8Array, void, undefined> {
    return readProperty(this, PidTag.AttachDataBinary, options);
  }

  [Symbol.dispose](): void {
    this.session.discard(this.logonId, this.handle);
  }
}
