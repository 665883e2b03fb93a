import type { MessageChange, StoredAttachment, StoredProperties } from '../../../mailbox/model.ts';
import { ErrorCode, StoreError } from '../../../mapi/error-code.ts';
import { idOf, type MutableProperties } from '../../../mapi/property.ts';
import type { SavedAttachment } from './attachment-object.ts';
import { contentSize, Holding, sizeOf } from './holding.ts';

/** Attachments have numbers below this one. */
const MAX_ATTACHMENT_NUMBER = 0x7fffffff;

/** An attachment as it is now. */
interface Present {
  /** What is stored with the message; undefined where it was saved since. */
  readonly stored: StoredAttachment | undefined;
  /** What was saved since. */
  readonly saved: SavedAttachment | undefined;
  /** Both together. */
  readonly base: StoredProperties;
}

/** The attachments of an open message: those that are stored with it, and what was saved and removed since. */
export class AttachmentSet {
  #stored: readonly StoredAttachment[];
  readonly #saved = new Map<number, SavedAttachment>();
  readonly #removed = new Set<number>();
  readonly #held: Holding;
  #next: number;
  #version = 0;

  /** @param use is told of the memory that is taken and given back, and throws where that is too much. */
  constructor(stored: readonly StoredAttachment[], use: (bytes: number) => void) {
    this.#stored = stored;
    this.#held = new Holding(use);
    this.#next = numberAfter(stored);
  }

  /** Another number whenever the attachments are others. */
  get version(): number {
    return this.#version;
  }

  /** Their numbers as they are now. */
  get numbers(): readonly number[] {
    const numbers = new Set(this.#saved.keys());
    for (const { number } of this.#stored) if (!this.#removed.has(number)) numbers.add(number);
    return [...numbers].sort((a, b) => a - b);
  }

  /** Whether any was saved or removed. */
  get changed(): boolean {
    return this.#saved.size > 0 || this.#removed.size > 0;
  }

  /** Throws NotFound. */
  get(number: number): Present {
    const stored = this.#removed.has(number) ? undefined : this.#stored.find((each) => each.number === number);
    const saved = this.#saved.get(number);
    if (stored === undefined && saved === undefined) throw new StoreError(ErrorCode.NotFound, `attachment ${number}`);
    return { stored, saved, base: merged(stored, saved) };
  }

  /** The number of a new one. Throws MaxAttachmentExceeded. */
  newNumber(): number {
    const number = this.#next;
    if (number > MAX_ATTACHMENT_NUMBER) throw new StoreError(ErrorCode.MaxAttachmentExceeded, `attachment ${number}`);
    this.#next += 1;
    return number;
  }

  /** Throws NotFound. */
  remove(number: number): void {
    this.get(number);
    this.#saved.delete(number);
    this.#hold([...this.#saved.values()]);
    this.#removed.add(number);
    this.#version += 1;
  }

  /** One was saved. Throws NotEnoughMemory, and then it was not. */
  take(saved: SavedAttachment): void {
    const before = this.#saved.get(saved.number);
    const made = before === undefined ? saved : joined(before, saved);
    this.#hold([...[...this.#saved.values()].filter(({ number }) => number !== saved.number), made]);
    this.#version += 1;
    this.#saved.set(saved.number, made);
  }

  /** What is to be stored. */
  changes(): Required<Pick<MessageChange, 'attachments' | 'removedAttachments'>> {
    const attachments = [...this.#saved.values()].map(({ embedded, ...change }) => {
      return { ...change, ...(embedded !== undefined && { embedded }) };
    });
    return { attachments, removedAttachments: [...this.#removed] };
  }

  /** What is stored is what is here, and changes are forgotten. */
  rebase(stored: readonly StoredAttachment[]): void {
    this.#stored = stored;
    this.#saved.clear();
    this.#held.become(0);
    this.#removed.clear();
    this.#version += 1;
    this.#next = Math.max(this.#next, numberAfter(stored));
  }

  /** The message is closed: the memory is given back. */
  close(): void {
    this.#held.become(0);
  }

  #hold(saved: readonly SavedAttachment[]): void {
    let size = 0;
    for (const { set, embedded } of saved) size += sizeOf(set) + (embedded === undefined ? 0 : contentSize(embedded));
    this.#held.become(size);
  }
}

function numberAfter(attachments: readonly StoredAttachment[]): number {
  return attachments.reduce((next, { number }) => Math.max(next, number + 1), 0);
}

/** What an attachment is, with what was saved of it since. */
function merged(stored: StoredAttachment | undefined, saved: SavedAttachment | undefined): StoredProperties {
  const properties: MutableProperties = new Map(stored?.properties ?? []);
  const large = new Map(stored?.large ?? []);
  const gone = new Set([...(saved?.remove ?? []), ...(saved?.set.keys() ?? [])].map(idOf));
  for (const tag of [...properties.keys(), ...large.keys()]) {
    if (!gone.has(idOf(tag))) continue;
    properties.delete(tag);
    large.delete(tag);
  }
  for (const [tag, value] of saved?.set ?? []) properties.set(tag, value);
  return { properties, large };
}

/** Two savings of an attachment as one. */
function joined(before: SavedAttachment, after: SavedAttachment): SavedAttachment {
  const gone = new Set([...after.remove, ...after.set.keys()].map(idOf));
  const set = new Map([...before.set].filter(([tag]) => !gone.has(idOf(tag))));
  for (const [tag, value] of after.set) set.set(tag, value);
  return {
    number: after.number,
    set,
    remove: [...new Set([...before.remove, ...after.remove])],
    embedded: after.embedded ?? before.embedded,
  };
}
