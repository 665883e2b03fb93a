import { type PropertyTag, PropertyType, typeOf, withType } from './property.ts';
import { unicodeTag } from './property-codec.ts';
import type { Restriction } from './restriction.ts';

/** The tag with text in the client's code page, where it has text in Unicode. */
function string8Tag(tag: PropertyTag): PropertyTag {
  switch (typeOf(tag)) {
    case PropertyType.String:
      return withType(tag, PropertyType.String8);
    case PropertyType.MultipleString:
      return withType(tag, PropertyType.MultipleString8);
    default:
      return tag;
  }
}

/** The same restriction with all its text in Unicode, or none: only its tags are others. */
export function restrictionWithText(restriction: Restriction, unicode: boolean): Restriction {
  const as = unicode ? unicodeTag : string8Tag;
  const inner = (part: Restriction): Restriction => restrictionWithText(part, unicode);
  switch (restriction.kind) {
    case 'and':
    case 'or':
      return { ...restriction, restrictions: restriction.restrictions.map(inner) };
    case 'not':
    case 'subobject':
    case 'count':
      return { ...restriction, restriction: inner(restriction.restriction) };
    case 'content':
    case 'property':
      return { ...restriction, tag: as(restriction.tag), valueTag: as(restriction.valueTag) };
    case 'compare':
      return { ...restriction, tag1: as(restriction.tag1), tag2: as(restriction.tag2) };
    case 'bitmask':
    case 'size':
    case 'exist':
      return { ...restriction, tag: as(restriction.tag) };
    case 'comment': {
      const values = restriction.values.map(([tag, value]) => [as(tag), value] as const);
      return restriction.restriction === undefined
        ? { kind: 'comment', values }
        : { kind: 'comment', values, restriction: inner(restriction.restriction) };
    }
  }
}
