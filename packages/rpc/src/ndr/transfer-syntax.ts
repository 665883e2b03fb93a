/**
 * What differs between transfer syntaxes, as far as declarations are compiled against it. NDR64 ([MS-RPCE] 2.2.5) will
 * be a second one; what it adds besides (padding at the end of structures, alignment of unions, counts of 8 bytes) belongs
 * into this interface and into the reader and the writer, which put counts and referent identifiers on the wire.
 */
export interface TransferSyntax {
  readonly name: string;
  /** Bytes, and alignment, of a maximum count, an offset and an actual count (C706 14.3.3). */
  readonly countSize: number;
  /** Bytes, and alignment, of a referent identifier (C706 14.3.10). */
  readonly pointerSize: number;
}

/** NDR, version 2.0 (C706 14). */
export const NDR20: TransferSyntax = { name: 'NDR 2.0', countSize: 4, pointerSize: 4 };
