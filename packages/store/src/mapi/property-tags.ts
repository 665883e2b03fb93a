import { AddressTag } from './address-tags.ts';
import { MessageTag } from './message-tags.ts';
import { idOf, type PropertyTag, PropertyType, typeOf } from './property.ts';
import { StoreTag } from './store-tags.ts';

/** Property tags by their names in [MS-OXPROPS], without `PidTag`; strings are Unicode. */
export const PidTag = { ...MessageTag, ...StoreTag, ...AddressTag } as const;

/** Ids from here on are names of the mailbox's own; in the address book they are properties like all others. */
export const FIRST_NAMED_ID = 0x8000;

const nameByTag = new Map<PropertyTag, string>();
const nameById = new Map<number, string>();
for (const [name, tag] of Object.entries(PidTag)) {
  nameByTag.set(tag, name);
  if (!nameById.has(idOf(tag))) nameById.set(idOf(tag), name);
}
const typeNames = new Map<number, string>(Object.entries(PropertyType).map(([name, type]) => [type, name]));

/**
 * A tag for people to read: `PidTagSubject`, `PidTagSubject (String8)` where the type is another one, or the tag as hexadecimal.
 * Ids from 0x8000 have a name in the address book only.
 */
export function tagName(tag: PropertyTag, of: 'mailbox' | 'address-book' = 'mailbox'): string {
  const hex = `0x${tag.toString(16).padStart(8, '0')}`;
  if (of === 'mailbox' && idOf(tag) >= FIRST_NAMED_ID) return hex;
  const name = nameByTag.get(tag);
  if (name !== undefined) return `PidTag${name}`;
  const other = nameById.get(idOf(tag));
  return other === undefined ? hex : `PidTag${other} (${typeName(typeOf(tag))})`;
}

/** The name of a property type, or its number as hexadecimal. */
export function typeName(type: number): string {
  return typeNames.get(type) ?? `0x${type.toString(16).padStart(4, '0')}`;
}
