import { Codec, ConformantCodec } from './codec.ts';
import type { Elements } from './elements.ts';
import { badValue } from './errors.ts';
import type { NdrReader } from './reader.ts';
import type { BoundReference } from './references.ts';
import type { Scope } from './scope.ts';
import type { NdrWriter } from './writer.ts';

/** How an array tells its number of elements. */
export interface Dimension {
  /** Whether an offset and an actual count stand before the elements (C706 14.3.3.3). */
  readonly varying: boolean;
  readonly size: BoundReference | undefined;
  readonly length: BoundReference | undefined;
  readonly countSize: number;
}

const CONFORMANCE = '[MS-RPCE] 3.1.1.5.3.2.1.1';
const VARIANCE = '[MS-RPCE] 3.1.1.5.3.2.1.8';

/** Elements of which there are `bound`, or, if the array is varying, at most as many (C706 14.3.3.1, 14.3.3.3). */
export class BoundedArrayCodec extends Codec {
  readonly alignment: number;
  readonly leastSize: number;
  readonly #elements: Elements;
  readonly #dimension: Dimension;
  readonly #bound: number;

  constructor(elements: Elements, dimension: Dimension, bound: number) {
    super();
    this.alignment = elements.alignment;
    this.leastSize = dimension.varying ? 2 * dimension.countSize : bound * elements.leastSize;
    this.#elements = elements;
    this.#dimension = dimension;
    this.#bound = bound;
  }

  encode(writer: NdrWriter, value: unknown, scope: Scope): void {
    encodeElements(writer, value, scope, this.#elements, this.#dimension, this.#bound);
  }

  decode(reader: NdrReader, scope: Scope): unknown {
    return decodeElements(reader, scope, this.#elements, this.#dimension, this.#bound);
  }
}

/** Elements after a maximum count and, if the array is varying, an offset and an actual count (C706 14.3.3.2, 14.3.3.4). */
export class ConformantArrayCodec extends ConformantCodec {
  override readonly conformant = true;
  readonly leastSize: number;
  readonly #elements: Elements;
  readonly #dimension: Dimension;

  constructor(elements: Elements, dimension: Dimension) {
    super();
    this.leastSize = (dimension.varying ? 3 : 1) * dimension.countSize;
    this.#elements = elements;
    this.#dimension = dimension;
  }

  get alignment(): number {
    return this.#elements.alignment;
  }

  maximumCount(value: unknown, scope: Scope): number {
    return this.#dimension.size?.value(scope) ?? this.#elements.count(value);
  }

  encode(writer: NdrWriter, value: unknown, scope: Scope): void {
    writer.count(this.maximumCount(value, scope));
    this.encodeBody(writer, value, scope);
  }

  decode(reader: NdrReader, scope: Scope): unknown {
    return this.decodeBody(reader, scope, reader.count());
  }

  encodeBody(writer: NdrWriter, value: unknown, scope: Scope): void {
    encodeElements(writer, value, scope, this.#elements, this.#dimension, this.maximumCount(value, scope));
  }

  decodeBody(reader: NdrReader, scope: Scope, maximumCount: number): unknown {
    this.#dimension.size?.verify(reader, scope, maximumCount, 'RPCH_BAD_CONFORMANCE', CONFORMANCE);
    return decodeElements(reader, scope, this.#elements, this.#dimension, maximumCount);
  }
}

function encodeElements(
  writer: NdrWriter,
  value: unknown,
  scope: Scope,
  elements: Elements,
  dimension: Dimension,
  bound: number,
): void {
  const count = elements.count(value);
  if (dimension.varying) {
    if (count > bound) throw badValue(`an array of ${count} elements where there may be ${bound}`);
    dimension.length?.require(scope, count);
    writer.count(0);
    writer.count(count);
  } else if (count !== bound) {
    throw badValue(`an array of ${count} elements where there must be ${bound}`);
  }
  elements.encode(writer, value, scope);
}

function decodeElements(
  reader: NdrReader,
  scope: Scope,
  elements: Elements,
  dimension: Dimension,
  bound: number,
): unknown {
  let count = bound;
  if (dimension.varying) {
    const offset = reader.count();
    count = reader.count();
    if (offset !== 0) {
      throw reader.error('RPCH_BAD_VARIANCE', `an array begins at ${offset}`, '[MS-RPCE] 3.1.1.5.3.2.1.7');
    }
    if (count > bound) {
      const message = `${count} elements where there may be ${bound}`;
      throw reader.error('RPCH_BAD_VARIANCE', message, '[MS-RPCE] 3.1.1.5.3.2.1.12');
    }
    dimension.length?.verify(reader, scope, count, 'RPCH_BAD_VARIANCE', VARIANCE);
  }
  reader.boundElements(count, elements.leastSize);
  return elements.decode(reader, count, scope);
}
