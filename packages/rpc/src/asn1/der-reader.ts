import { ProtocolError } from '../errors.ts';
import { DerTag } from './der.ts';
import { decodeOid } from './oid.ts';

/** How deep elements may lie in each other. */
const MAX_DEPTH = 16;
/** Bytes of a length; nothing of 4 GiB or more comes in a token. */
const MAX_LENGTH_BYTES = 4;

/**
 * Reads elements of one level of ASN.1 DER (X.690 8 and 10): tags of one byte, definite lengths. Lengths that take more bytes
 * than they need are read too, because BER allows them and some encoders fix the size of lengths. Everything wrong is a
 * {@link ProtocolError} `RPCH_DER`; values are views.
 */
export class DerReader {
  readonly #bytes: Uint8Array;
  readonly #section: string;
  readonly #depth: number;
  #at = 0;

  /** @param section names what is read in errors. */
  constructor(bytes: Uint8Array, section: string, depth = 0) {
    this.#bytes = bytes;
    this.#section = section;
    this.#depth = depth;
    if (depth > MAX_DEPTH) throw this.#wrong(`elements more than ${MAX_DEPTH} deep`);
  }

  /** The tag of the next element; undefined at the end. */
  get tag(): number | undefined {
    return this.#bytes[this.#at];
  }

  /** The contents of the next element, whose tag must be `tag`. */
  value(tag: number): Uint8Array {
    if (this.tag !== tag) throw this.#wrong(`tag ${describe(this.tag)}, expected ${describe(tag)}`);
    return this.#next().contents;
  }

  /** A reader of what lies in the next element, whose tag must be `tag`. */
  sub(tag: number): DerReader {
    return new DerReader(this.value(tag), this.#section, this.#depth + 1);
  }

  /** As {@link sub} where the next element has that tag, undefined and nothing read where it has not. */
  optional(tag: number): DerReader | undefined {
    return this.tag === tag ? this.sub(tag) : undefined;
  }

  /** The next element whole, with tag and length, whatever it is. */
  element(): Uint8Array {
    return this.#next().whole;
  }

  /** The contents of an OCTET STRING. */
  octets(): Uint8Array {
    return this.value(DerTag.OCTET_STRING);
  }

  /** An OBJECT IDENTIFIER in dotted form. */
  oid(): string {
    return decodeOid(this.value(DerTag.OBJECT_IDENTIFIER));
  }

  /** An ENUMERATED value below 128. */
  enumerated(): number {
    const contents = this.value(DerTag.ENUMERATED);
    const [value = 0x80] = contents;
    if (contents.length !== 1 || value > 0x7f) throw this.#wrong('an enumerated value of another size');
    return value;
  }

  /** Throws unless every element was read. */
  end(): void {
    if (this.tag !== undefined) throw this.#wrong(`an element too many, tag ${describe(this.tag)}`);
  }

  #next(): { readonly whole: Uint8Array; readonly contents: Uint8Array } {
    const start = this.#at;
    const tag = this.#byte();
    if ((tag & 0x1f) === 0x1f) throw this.#wrong('a tag of several bytes');
    let length = this.#byte();
    if (length >= 0x80) {
      const count = length & 0x7f;
      if (count === 0 || count > MAX_LENGTH_BYTES) throw this.#wrong('a length that is indefinite or too long');
      length = 0;
      for (let i = 0; i < count; i++) length = length * 256 + this.#byte();
    }
    const from = this.#at;
    if (length > this.#bytes.length - from)
      throw this.#wrong(`${length} bytes wanted, ${this.#bytes.length - from} left`);
    this.#at = from + length;
    return { whole: this.#bytes.subarray(start, this.#at), contents: this.#bytes.subarray(from, this.#at) };
  }

  #byte(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw this.#wrong('the end amid an element');
    this.#at++;
    return byte;
  }

  #wrong(what: string): ProtocolError {
    return new ProtocolError('RPCH_DER', `${this.#section}: ${what}`, this.#section);
  }
}

function describe(tag: number | undefined): string {
  return tag === undefined ? 'none' : `0x${tag.toString(16).padStart(2, '0')}`;
}
