import type { Counter } from '../../mapi/object-id.ts';
import type { PropertyTag, PropertyValue } from '../../mapi/property.ts';
import type { PackedProperties } from '../packed-properties.ts';

/** A message as contents tables show it. */
export interface MessageRow {
  readonly id: Counter;
  readonly folder: Counter;
  readonly associated: boolean;
  readonly unread: boolean;
  /**
   * A property, stored or computed, by its stored tag (text as PtypString); undefined where the message has none. Of values that are
   * stored apart the beginning will do.
   */
  value(tag: PropertyTag): PropertyValue | undefined;
  /** The same in full, for restrictions: they look into bodies too. */
  whole(tag: PropertyTag): PropertyValue | undefined;
  /** Properties as they are stored: those that are not in {@link MessageRows.computed}. */
  readonly packed: PackedProperties;
  /** Its recipients or attachments, each by its properties: what a restriction on them asks for ([MS-OXCDATA] 2.12.10). */
  subobjects(tag: PropertyTag): Iterable<(tag: PropertyTag) => PropertyValue | undefined>;
}

/** Where contents tables read messages: the message store. */
export interface MessageRows {
  /** Rows by their ids, in the order asked for; undefined where there is no such message. */
  rows(ids: readonly Counter[]): readonly (MessageRow | undefined)[];
  /** All messages of a folder, in the order of their ids. */
  scan(folder: Counter, associated: boolean): Iterable<MessageRow>;
  /** Properties that `value` computes, and `packed` has not (or not rightly). */
  readonly computed: ReadonlySet<PropertyTag>;
  /** Every property of a folder's messages, as far as the store knows. */
  tags(folder: Counter, associated: boolean): readonly PropertyTag[];
}
