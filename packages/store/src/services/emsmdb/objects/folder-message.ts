import type { MessageChange, SavedMessage, StoredMessage } from '../../../mailbox/model.ts';
import { ErrorCode, StoreError } from '../../../mapi/error-code.ts';
import type { Counter } from '../../../mapi/object-id.ts';
import type { PropertyTag, PropertyValue } from '../../../mapi/property.ts';
import { PidTag } from '../../../mapi/property-tags.ts';
import type { Logon } from '../logon.ts';
import { MessageObject, numbered, type Place } from './message-object.ts';

/** A message of a folder. */
export class FolderMessage extends MessageObject {
  readonly folder: Counter;
  readonly associated: boolean;
  #stored: StoredMessage | undefined;
  readonly #newId: Counter | undefined;
  readonly #access: () => number;
  readonly #owned: () => boolean;
  readonly #deleted: boolean;

  constructor(
    logon: Logon,
    options: {
      readonly folder: Counter;
      readonly associated: boolean;
      /** Whether it was soft-deleted when it was opened. */
      readonly deleted?: boolean;
      readonly stored?: StoredMessage;
      readonly newId?: Counter;
      readonly writable: boolean;
      readonly access: () => number;
      /** Whether its caller has made it. */
      readonly owned: () => boolean;
    },
  ) {
    super(logon, options.stored && numbered(options.stored), options.writable);
    this.#owned = options.owned;
    this.folder = options.folder;
    this.associated = options.associated;
    this.#deleted = options.deleted ?? false;
    this.#stored = options.stored;
    this.#newId = options.newId;
    this.#access = options.access;
  }

  get depth(): number {
    return 0;
  }

  check(): void {
    const id = this.#stored?.id;
    if (id !== undefined && !this.logon.isOwner) this.logon.message(id, this.folder, this.#owned, this.#deleted);
  }

  get lockName(): string | object {
    return this.#stored === undefined ? this : `message ${this.#stored.id}`;
  }

  /** Undefined until it is saved. */
  get id(): Counter | undefined {
    return this.#stored?.id;
  }

  /** Its id, or the one that it will have. */
  get identity(): Counter | undefined {
    return this.#stored?.id ?? this.#newId;
  }

  protected get access(): number {
    return this.#access();
  }

  protected override get expected() {
    return this.#stored === undefined ? {} : { expected: this.#stored.changeNumber };
  }

  protected get place(): Place {
    const { messages } = this.logon.store;
    const id = this.#stored?.id;
    return {
      save: (change) => this.#save(change),
      load: (tag) => (id === undefined ? undefined : messages.value(id, tag)),
      loadAttachment: (number, tag) => (id === undefined ? undefined : messages.attachmentValue(id, number, tag)),
      loadEmbedded: (number) => (id === undefined ? undefined : messages.embedded(id, number)),
    };
  }

  /** What the message was imported from is there for whoever asks for it, but not among the properties: copies do not have it. */
  override load(tag: PropertyTag): PropertyValue | undefined {
    const id = this.#stored?.id;
    return tag === PidTag.InternetContent && id !== undefined
      ? this.logon.store.messages.original(id)
      : super.load(tag);
  }

  #save(change: Omit<MessageChange, 'folder' | 'associated'>): StoredMessage | undefined {
    const { messages } = this.logon.store;
    const id = this.#stored?.id;
    const named = id === undefined ? (this.#newId === undefined ? {} : { newId: this.#newId }) : { id };
    const saved: SavedMessage = messages.save({
      ...named,
      folder: this.folder,
      associated: this.associated,
      ...change,
    });
    this.#stored = messages.get(saved.id);
    return this.#stored;
  }

  /** Takes up what others have saved ([MS-OXCMSG] 3.2.5.8). Throws ObjectDeleted. */
  reload(): void {
    const id = this.#stored?.id;
    if (id === undefined) return;
    const { messages } = this.logon.store;
    const stored = messages.locate(id, this.#deleted) === undefined ? undefined : messages.get(id);
    if (stored === undefined) throw new StoreError(ErrorCode.ObjectDeleted, `message ${id}`);
    this.#stored = stored;
    this.rebase(numbered(stored));
  }
}
