/** Mailboxes for programs that work on their files directly: benchmarks, tools. */
export { type Counter, objectId } from '../mapi/object-id.ts';
export type { MutableProperties, PropertyTag, PropertyValue } from '../mapi/property.ts';
export { PidTag } from '../mapi/property-tags.ts';
export { FuzzyHigh, FuzzyLow, type Restriction } from '../mapi/restriction.ts';
export { SortDirection } from '../mapi/sort-order.ts';
export { Mailbox } from './mailbox.ts';
export { PackedProperties, packProperties } from './packed-properties.ts';
export { Origin } from './table.ts';
export { ContentsTable } from './tables/contents-table.ts';
