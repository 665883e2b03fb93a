import type { Counter } from '../mapi/object-id.ts';
import type { PropertyTag, PropertyValue } from '../mapi/property.ts';
import type { StoredRow } from './message-rows.ts';
import type { PackedProperties } from './packed-properties.ts';
import type { MessageRow } from './tables/message-row.ts';

/** A message as a search folder has it: in that folder's orders, with all its properties as they are where it lies. */
export class LinkedRow implements MessageRow {
  readonly folder: Counter;
  readonly associated = false;
  readonly #row: StoredRow;

  constructor(row: StoredRow, folder: Counter) {
    this.#row = row;
    this.folder = folder;
  }

  get id(): Counter {
    return this.#row.id;
  }

  get unread(): boolean {
    return this.#row.unread;
  }

  get packed(): PackedProperties {
    return this.#row.packed;
  }

  value(tag: PropertyTag): PropertyValue | undefined {
    return this.#row.value(tag);
  }

  whole(tag: PropertyTag): PropertyValue | undefined {
    return this.#row.whole(tag);
  }

  subobjects(tag: PropertyTag): ReturnType<MessageRow['subobjects']> {
    return this.#row.subobjects(tag);
  }
}
