/**
 * The longest chain of pointers that is followed, from a parameter to the innermost referent: the length of a linked
 * list, or the depth of a tree. Referents are decoded without recursion; this bounds what whoever walks the value needs.
 */
export const MAX_POINTER_DEPTH = 4096;

/** The most elements of arrays whose elements may take no byte at all on the wire, in one stub. */
export const MAX_EMPTY_ELEMENTS = 1024;

/** A stub may be padded at its end, up to NDR's largest alignment (C706 14.2.2). */
export const MAX_STUB_PADDING = 7;
