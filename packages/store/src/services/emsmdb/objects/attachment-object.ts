import type { AttachmentContent, MessageContent, StoredProperties } from '../../../mailbox/model.ts';
import { ErrorCode, StoreError } from '../../../mapi/error-code.ts';
import type { Properties, PropertyTag, PropertyValue } from '../../../mapi/property.ts';
import { PidTag } from '../../../mapi/property-tags.ts';
import type { Logon } from '../logon.ts';
import { contentSize, Holding } from './holding.ts';
import { OverlayObject } from './overlay-object.ts';
import type { Found } from './property-object.ts';
import { READ_ONLY_OF_ATTACHMENTS } from './read-only.ts';

/** What SaveChangesAttachment adds to its message's changes. */
export interface SavedAttachment {
  readonly number: number;
  readonly set: Properties;
  readonly remove: readonly PropertyTag[];
  readonly embedded: MessageContent | undefined;
}

/** The message that an attachment is of. */
export interface AttachmentParent {
  readonly logon: Logon;
  /** How deep it is embedded: 0 of a message of a folder. */
  readonly depth: number;
  /** See {@link OverlayObject.lockName}. */
  readonly lockName: string | object;
  takeAttachment(saved: SavedAttachment): void;
  /** Throws NotFound where whoever has opened it may not see it any more. */
  check(): void;
}

/** An attachment that is open ([MS-OXCMSG] 2.2.3.13 to 2.2.3.15): its changes go to the message when it is saved. */
export class AttachmentObject extends OverlayObject {
  readonly kind = 'attachment';
  readonly message: AttachmentParent;
  readonly number: number;
  readonly isNew: boolean;
  #writable: boolean;
  readonly #load: (tag: PropertyTag) => PropertyValue | undefined;
  readonly #loadEmbedded: () => MessageContent | undefined;
  readonly #held: Holding;
  #embedded: MessageContent | undefined;

  constructor(
    message: AttachmentParent,
    number: number,
    options: {
      readonly base: StoredProperties | undefined;
      readonly writable: boolean;
      readonly load: (tag: PropertyTag) => PropertyValue | undefined;
      readonly loadEmbedded: () => MessageContent | undefined;
    },
  ) {
    super(message.logon, options.base, READ_ONLY_OF_ATTACHMENTS);
    this.message = message;
    this.#held = new Holding((bytes) => message.logon.session.allowance.use(bytes));
    this.number = number;
    this.isNew = options.base === undefined;
    this.#writable = options.writable;
    this.#load = options.load;
    this.#loadEmbedded = options.loadEmbedded;
  }

  get lockName(): string | object {
    const { lockName } = this.message;
    return typeof lockName === 'string' && !this.isNew ? `${lockName} attachment ${this.number}` : this;
  }

  get writable(): boolean {
    return this.#writable;
  }

  /** Throws NotFound where whoever has opened the message may not see it any more. */
  check(): void {
    this.message.check();
  }

  /** How deep the message is embedded that this is an attachment of. */
  get depth(): number {
    return this.message.depth;
  }

  protected loadStored(tag: PropertyTag): PropertyValue | undefined {
    return this.#load(tag);
  }

  protected override findOne(tag: PropertyTag): Found | undefined {
    if (tag === PidTag.AttachNumber) return { tag, value: this.number };
    if (tag === PidTag.AccessLevel) return { tag, value: this.#writable ? 1 : 0 };
    return super.findOne(tag);
  }

  override tags(): readonly PropertyTag[] {
    return [...new Set([...super.tags(), PidTag.AttachNumber, PidTag.AccessLevel])];
  }

  /** The message that it embeds, as it was last saved into it. */
  embedded(): MessageContent | undefined {
    return this.#embedded ?? this.#loadEmbedded();
  }

  /** The embedded message was saved; it is stored when this attachment is, and the message. */
  embed(content: MessageContent): void {
    this.requireWritable();
    this.#held.become(contentSize(content));
    this.#embedded = content;
  }

  override close(): void {
    super.close();
    this.#held.become(0);
  }

  /** Hands the changes to the message ([MS-OXCMSG] 3.2.5.11). */
  save(keepOpen: 'read' | 'write'): void {
    if (!this.#writable) throw new StoreError(ErrorCode.AccessDenied, 'the attachment was opened to be read');
    this.flush();
    this.message.takeAttachment({ number: this.number, ...this.overlay.changes(), embedded: this.#embedded });
    if (keepOpen !== 'write') this.#writable = false;
  }

  /** All of it as it is now. */
  content(): AttachmentContent {
    const properties = new Map<PropertyTag, PropertyValue>();
    for (const tag of super.tags()) {
      const value = this.load(tag);
      if (value !== undefined) properties.set(tag, value);
    }
    const embedded = this.embedded();
    return { number: this.number, properties, ...(embedded !== undefined && { embedded }) };
  }
}
