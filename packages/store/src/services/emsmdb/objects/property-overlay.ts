import type { StoredProperties } from '../../../mailbox/model.ts';
import {
  idOf,
  type MutableProperties,
  type Properties,
  type PropertyTag,
  type PropertyValue,
} from '../../../mapi/property.ts';
import { unicodeTag } from '../../../mapi/property-codec.ts';
import { Holding, sizeOf } from './holding.ts';
import { approximateSize, detached, type Found } from './property-object.ts';

const NO_BASE: StoredProperties = { properties: new Map(), large: new Map() };

/** Changes that are not saved, over the properties that are stored ([MS-OXCMSG] 3.1.4: nothing is stored before it is saved). */
export class PropertyOverlay {
  #base: StoredProperties;
  readonly #set: MutableProperties = new Map();
  /** Ids of stored properties that are gone, or have another type now. */
  readonly #removed = new Set<number>();
  readonly #use: (bytes: number) => void;
  #memory = 0;
  readonly #held: Holding;

  /** @param use is told of memory that is taken, and given back as a negative number; it throws where that is too much. */
  constructor(base: StoredProperties | undefined, use: (bytes: number) => void) {
    this.#use = use;
    this.#held = new Holding(use);
    this.#base = NO_BASE;
    if (base !== undefined) this.#setBase(base);
  }

  #setBase(base: StoredProperties): void {
    this.#held.become(sizeOf(base.properties));
    this.#base = base;
  }

  get changed(): boolean {
    return this.#set.size > 0 || this.#removed.size > 0;
  }

  tags(): PropertyTag[] {
    const tags = new Set(this.#set.keys());
    for (const tag of this.#base.properties.keys()) if (this.#isBase(tag)) tags.add(tag);
    for (const tag of this.#base.large.keys()) if (this.#isBase(tag)) tags.add(tag);
    return [...tags];
  }

  find(tag: PropertyTag): Found | undefined {
    const changed = this.#set.get(tag);
    if (changed !== undefined) return { tag, value: changed };
    if (!this.#isBase(tag)) return undefined;
    const size = this.#base.large.get(tag);
    if (size !== undefined) return { tag, size };
    const value = this.#base.properties.get(tag);
    return value === undefined ? undefined : { tag, value };
  }

  /** A value of that id is replaced, whatever its type. */
  set(tag: PropertyTag, value: PropertyValue): void {
    const kept = unicodeTag(tag);
    const size = approximateSize(value);
    this.#use(size);
    this.#memory += size;
    this.#drop(idOf(kept));
    this.#set.set(kept, detached(value));
    this.#removed.add(idOf(kept));
  }

  remove(tag: PropertyTag): void {
    this.#drop(idOf(tag));
    this.#removed.add(idOf(tag));
  }

  #drop(id: number): void {
    for (const [tag, value] of this.#set) {
      if (idOf(tag) !== id) continue;
      this.#set.delete(tag);
      this.#give(approximateSize(value));
    }
  }

  /** What is to be saved: `remove` has those that are set anew under another type too. */
  changes(): { readonly set: Properties; readonly remove: readonly PropertyTag[] } {
    const remove: PropertyTag[] = [];
    for (const tags of [this.#base.properties.keys(), this.#base.large.keys()]) {
      for (const tag of tags) if (this.#removed.has(idOf(tag)) && !this.#set.has(tag)) remove.push(tag);
    }
    return { set: new Map(this.#set), remove };
  }

  /** All was saved: what is stored now is the new base. */
  rebase(base: StoredProperties): void {
    this.#set.clear();
    this.#removed.clear();
    this.#give(this.#memory);
    this.#setBase(base);
  }

  /** Gives back all memory. */
  close(): void {
    this.#set.clear();
    this.#give(this.#memory);
    this.#setBase(NO_BASE);
  }

  #give(bytes: number): void {
    const given = Math.min(bytes, this.#memory);
    this.#memory -= given;
    this.#use(-given);
  }

  #isBase(tag: PropertyTag): boolean {
    return !this.#removed.has(idOf(tag));
  }
}
