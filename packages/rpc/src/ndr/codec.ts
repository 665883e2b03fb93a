import type { NdrReader, Target } from './reader.ts';
import type { Scope } from './scope.ts';
import type { NdrWriter } from './writer.ts';

/** What a declared type is compiled to: its encoder and its decoder, bound to the scope that it stands in. */
export abstract class Codec {
  /** In bytes, a power of two (C706 14.2.2). */
  abstract readonly alignment: number;
  /** The fewest bytes that a value takes in place, without its deferred referents. */
  abstract readonly leastSize: number;
  /** Whether values begin with a maximum count, which moves to the front of the structure they end (C706 14.3.7.2). */
  readonly conformant: boolean = false;
  /** Whether this is a pointer: its value is there only when the referents were read. */
  readonly pointer: boolean = false;

  /** Full pointers to one referent must agree in it: see {@link NdrReader.drain}. */
  get identity(): object {
    return this;
  }

  /** Throws an RpchError with code `RPCH_NDR_VALUE` for a value that the declaration does not allow. */
  abstract encode(writer: NdrWriter, value: unknown, scope: Scope): void;

  /** Throws a ProtocolError for bytes that the declaration does not allow. */
  abstract decode(reader: NdrReader, scope: Scope): unknown;

  /** Decodes into `target[key]`, now or, what a pointer points to, when the reader is drained. */
  decodeInto(reader: NdrReader, scope: Scope, target: Target, key: string | number): void {
    target[key] = this.decode(reader, scope);
  }
}

/** The codec of a conformant array, or of a structure that ends in one: the maximum count may be apart from the rest. */
export abstract class ConformantCodec extends Codec {
  abstract maximumCount(value: unknown, scope: Scope): number;
  abstract encodeBody(writer: NdrWriter, value: unknown, scope: Scope): void;
  abstract decodeBody(reader: NdrReader, scope: Scope, maximumCount: number): unknown;
}
