import type { AttachmentContent, MessageContent } from '../../../mailbox/model.ts';
import type { Properties } from '../../../mapi/property.ts';
import { approximateSize } from './property-object.ts';

/** Memory that one thing has of what its session may use. */
export class Holding {
  readonly #use: (bytes: number) => void;
  #bytes = 0;

  /** @param use is told of bytes that are taken, or given back as a negative number; it throws where that is too much. */
  constructor(use: (bytes: number) => void) {
    this.#use = use;
  }

  /** It has so many bytes now. Throws what `use` does, and then it has as many as before. */
  become(bytes: number): void {
    this.#use(bytes - this.#bytes);
    this.#bytes = bytes;
  }
}

/** Bytes of the values of properties. */
export function sizeOf(properties: Properties): number {
  let size = 0;
  for (const value of properties.values()) size += approximateSize(value);
  return size;
}

/** Bytes of a whole message, with everything that is embedded in it. */
export function contentSize({ properties, recipients, attachments }: MessageContent): number {
  let size = sizeOf(properties);
  for (const recipient of recipients) size += sizeOf(recipient.properties);
  for (const attachment of attachments) size += attachmentSize(attachment);
  return size;
}

function attachmentSize({ properties, embedded }: AttachmentContent): number {
  return sizeOf(properties) + (embedded === undefined ? 0 : contentSize(embedded));
}
