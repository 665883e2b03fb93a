import { displayNames } from '../../../mailbox/message-derivation.ts';
import type {
  AttachmentContent,
  MessageChange,
  MessageContent,
  Recipient,
  StoredAttachment,
  StoredMessage,
  StoredProperties,
} from '../../../mailbox/model.ts';
import { splitSubject } from '../../../mailbox/subject.ts';
import { ErrorCode, StoreError } from '../../../mapi/error-code.ts';
import type { Counter } from '../../../mapi/object-id.ts';
import type { MutableProperties, PropertyTag, PropertyValue } from '../../../mapi/property.ts';
import { PidTag } from '../../../mapi/property-tags.ts';
import type { Logon } from '../logon.ts';
import { AttachmentObject, type SavedAttachment } from './attachment-object.ts';
import { AttachmentSet } from './attachment-set.ts';
import { Holding, sizeOf } from './holding.ts';
import { OverlayObject } from './overlay-object.ts';
import { detached, type Found } from './property-object.ts';
import { READ_ONLY_OF_MESSAGES } from './read-only.ts';

/** Where a message is stored when it is saved. */
export interface Place {
  /** Saves; returns what is stored then. */
  save(change: Omit<MessageChange, 'folder' | 'associated'>, content: () => MessageContent): StoredMessage | undefined;
  load(tag: PropertyTag): PropertyValue | undefined;
  loadAttachment(number: number, tag: PropertyTag): PropertyValue | undefined;
  loadEmbedded(number: number): MessageContent | undefined;
}

/** What a message is when it is opened. */
export interface Base extends StoredProperties {
  readonly recipients: readonly Recipient[];
  readonly attachments: readonly StoredAttachment[];
}

/**
 * A message that is open ([MS-OXCMSG] 3.2.5): one that is stored, one that is not yet, or one that an attachment embeds. What is
 * changed is here until it is saved.
 */
export abstract class MessageObject extends OverlayObject {
  readonly kind = 'message';
  #writable: boolean;
  #base: Base | undefined;
  #recipients: Map<number, Recipient> | undefined;
  readonly #attachments: AttachmentSet;
  #columns: readonly PropertyTag[] = [];
  readonly #baseHeld: Holding;
  readonly #recipientsHeld: Holding;

  constructor(logon: Logon, base: Base | undefined, writable: boolean) {
    super(logon, base, READ_ONLY_OF_MESSAGES);
    this.#writable = writable;
    const use = (bytes: number) => logon.session.allowance.use(bytes);
    this.#baseHeld = new Holding(use);
    this.#recipientsHeld = new Holding(use);
    this.#attachments = new AttachmentSet(base?.attachments ?? [], use);
    try {
      this.#setBase(base);
    } catch (error) {
      super.close();
      throw error;
    }
  }

  /** Recipients and attachments are in memory beside the properties. */
  #setBase(base: Base | undefined): void {
    const parts = [...(base?.recipients ?? []), ...(base?.attachments ?? [])];
    this.#baseHeld.become(parts.reduce((sum, { properties }) => sum + sizeOf(properties), 0));
    this.#base = base;
  }

  override close(): void {
    super.close();
    for (const held of [this.#baseHeld, this.#recipientsHeld]) held.become(0);
    this.#attachments.close();
  }

  protected abstract get place(): Place;
  /** PidTagAccess of whoever has opened it ([MS-OXCPRPT] 2.2.1.1). */
  protected abstract get access(): number;
  /** How deep it is embedded: 0 of a message of a folder. */
  abstract get depth(): number;
  /** The folder that it is in; undefined where an attachment embeds it. */
  abstract get folder(): Counter | undefined;

  get writable(): boolean {
    return this.#writable;
  }

  protected loadStored(tag: PropertyTag): PropertyValue | undefined {
    return this.place.load(tag);
  }

  protected override findOne(tag: PropertyTag): Found | undefined {
    if (tag === PidTag.Access) return { tag, value: this.access };
    if (tag === PidTag.AccessLevel) return { tag, value: this.#writable ? 1 : 0 };
    return super.findOne(tag);
  }

  override tags(): readonly PropertyTag[] {
    return [...new Set([...super.tags(), PidTag.Access, PidTag.AccessLevel])];
  }

  /** PidTagMessageFlags belongs to the client before the message is saved for the first time only ([MS-OXCMSG] 2.2.1.6). */
  override refusal(tag: PropertyTag): number | undefined {
    if (tag === PidTag.MessageFlags && this.#base !== undefined) return ErrorCode.Computed;
    return super.refusal(tag);
  }

  /** A subject is its prefix and the rest ([MS-OXCMSG] 3.2.4.8). */
  override put(tag: PropertyTag, value: PropertyValue): void {
    if (tag === PidTag.Subject && typeof value === 'string') {
      const { prefix, normalized } = splitSubject(value);
      super.put(PidTag.SubjectPrefix, prefix);
      super.put(PidTag.NormalizedSubject, normalized);
    }
    super.put(tag, value);
    if (tag === PidTag.SubjectPrefix || tag === PidTag.NormalizedSubject) this.#joinSubject();
  }

  #joinSubject(): void {
    const part = (tag: PropertyTag) => {
      const value = this.load(tag);
      return typeof value === 'string' ? value : '';
    };
    super.put(PidTag.Subject, part(PidTag.SubjectPrefix) + part(PidTag.NormalizedSubject));
  }

  /** Columns of recipients that the client was told when it opened the message, which RopReadRecipients goes by. */
  get columns(): readonly PropertyTag[] {
    return this.#columns;
  }

  /** The client is told these columns. */
  showColumns(columns: readonly PropertyTag[]): readonly PropertyTag[] {
    this.#columns = columns;
    return columns;
  }

  get recipients(): readonly Recipient[] {
    return this.#recipients === undefined ? (this.#base?.recipients ?? []) : [...this.#recipients.values()];
  }

  /** Adds recipients, replaces those of the same row, and removes those without properties ([MS-OXCMSG] 3.2.5.4). */
  modifyRecipients(
    rows: readonly (Omit<Recipient, 'properties'> & { readonly properties: MutableProperties | undefined })[],
  ): void {
    this.requireWritable();
    const changed = new Map(this.recipients.map((recipient) => [recipient.rowId, recipient]));
    for (const { rowId, type, properties } of rows) {
      if (properties === undefined) changed.delete(rowId);
      else {
        for (const [tag, value] of properties) properties.set(tag, detached(value));
        changed.set(rowId, { rowId, type, properties });
      }
    }
    this.#setRecipients(changed);
  }

  removeRecipients(): void {
    this.requireWritable();
    this.#setRecipients(new Map());
  }

  #setRecipients(recipients: Map<number, Recipient>): void {
    let size = 0;
    for (const { properties } of recipients.values()) size += sizeOf(properties);
    this.#recipientsHeld.become(size);
    this.#recipients = recipients;
    for (const [tag, names] of displayNames(this.recipients)) super.put(tag, names);
  }

  /** Another number whenever the attachments are others. */
  get attachmentsVersion(): number {
    return this.#attachments.version;
  }

  /** Numbers of the attachments as they are now. */
  get attachmentNumbers(): readonly number[] {
    return this.#attachments.numbers;
  }

  /** Opens an attachment. Throws NotFound. */
  openAttachment(number: number, writable: boolean): AttachmentObject {
    const { stored, saved, base } = this.#attachments.get(number);
    return new AttachmentObject(this, number, {
      base,
      writable,
      load: (tag) => (stored === undefined ? undefined : this.place.loadAttachment(number, tag)),
      loadEmbedded: () => saved?.embedded ?? (stored?.embeds === true ? this.place.loadEmbedded(number) : undefined),
    });
  }

  /** A new attachment, which is not the message's before it is saved. */
  createAttachment(): AttachmentObject {
    this.requireWritable();
    return new AttachmentObject(this, this.#attachments.newNumber(), {
      base: undefined,
      writable: true,
      load: () => undefined,
      loadEmbedded: () => undefined,
    });
  }

  /** Throws NotFound. */
  deleteAttachment(number: number): void {
    this.requireWritable();
    this.#attachments.remove(number);
  }

  /** An attachment was saved. */
  takeAttachment(saved: SavedAttachment): void {
    this.requireWritable();
    this.#attachments.take(saved);
  }

  /** Throws NotFound where whoever has opened it may not see it any more. */
  abstract check(): void;

  /** Whether saving would change anything. */
  get changed(): boolean {
    this.flush();
    return this.overlay.changed || this.#recipients !== undefined || this.#attachments.changed;
  }

  /** Stores the changes ([MS-OXCMSG] 3.2.5.3). Throws Error for one that was opened to be read, ObjectModified. */
  save(force: boolean, keepOpen: 'read' | 'write'): void {
    if (!this.#writable) throw new StoreError(ErrorCode.Error, 'the message was opened to be read');
    this.flush();
    const { set, remove } = this.overlay.changes();
    const stored = this.place.save(
      {
        ...(force || this.#base === undefined ? {} : this.expected),
        set,
        remove,
        ...(this.#recipients !== undefined && { recipients: [...this.#recipients.values()] }),
        ...this.#attachments.changes(),
      },
      () => this.content(),
    );
    // Rows keep the numbers by which the client knows them.
    if (stored !== undefined) this.rebase({ ...stored, recipients: this.recipients });
    if (keepOpen !== 'write') this.#writable = false;
  }

  /** The change number that must still be the message's. */
  protected get expected(): { readonly expected?: Counter } {
    return {};
  }

  /** What is stored is what is here, and changes are forgotten. */
  protected rebase(base: Base): void {
    this.#setBase(base);
    this.overlay.rebase(base);
    this.#recipients = undefined;
    this.#recipientsHeld.become(0);
    this.#attachments.rebase(base.attachments);
  }

  /** All of it as it is now. */
  content(): MessageContent {
    const properties = new Map<PropertyTag, PropertyValue>();
    for (const tag of super.tags()) {
      const value = super.load(tag);
      if (value !== undefined) properties.set(tag, value);
    }
    const attachments: AttachmentContent[] = this.attachmentNumbers.map((number) => {
      const attachment = this.openAttachment(number, false);
      const content = attachment.content();
      attachment.close();
      return content;
    });
    return { properties, recipients: this.recipients, attachments };
  }
}

/**
 * Recipients numbered from 0: the rows that come with an open message have no numbers, and RopReadRecipients goes on where they
 * end ([MS-OXCMSG] 3.2.5.6).
 */
export function numbered(base: Base): Base {
  const recipients = [...base.recipients].sort((a, b) => a.rowId - b.rowId);
  return { ...base, recipients: recipients.map((recipient, rowId) => ({ ...recipient, rowId })) };
}
