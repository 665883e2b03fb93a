/** Identifier octets of the types that GSS-API tokens are made of (X.690 8.1.2). */
export const DerTag = {
  OCTET_STRING: 0x04,
  OBJECT_IDENTIFIER: 0x06,
  ENUMERATED: 0x0a,
  SEQUENCE: 0x30,
} as const;

/** `[number] EXPLICIT`, a constructed type of class context-specific; numbers below 31. */
export function contextTag(number: number): number {
  return 0xa0 | number;
}

/** `[APPLICATION number]`, constructed; numbers below 31. */
export function applicationTag(number: number): number {
  return 0x60 | number;
}
