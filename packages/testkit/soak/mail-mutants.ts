import { Writer } from '@rpch/rpc/internal';
import { type AnyRop, compress, NO_HANDLE, ROPS, writeExtendedBuffers } from '@rpch/store/internal';
import { mutate } from '../src/mutate.ts';
import type { SeededRandom } from '../src/simulation/random.ts';
import { CODING, madeUpRequest } from './mail-rops.ts';
import { SAMPLES, SLOTS } from './mail-samples.ts';

/** Flags of RPC_HEADER_EXT ([MS-OXCRPC] 2.2.2.1). */
const COMPRESSED = 1;
const LAST = 4;
/** What a buffer may have at most for the server to look into it, bytes. */
const LARGEST = 0x7000;
const ALL_ROPS: readonly AnyRop[] = [...ROPS.values()];

/** One call of EcDoRpcExt2. */
export interface RopsInput {
  readonly rgbIn: Uint8Array;
  readonly pulFlags: number;
  readonly pcbOut: number;
}

/** Makes ROP buffers of which something is not as it should be, over handles that a session has. */
export class RopMutants {
  readonly #random: SeededRandom;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  next(handles: readonly number[]): RopsInput {
    const random = this.#random;
    const make = random.pick([
      () => this.#framed(this.#payload(this.#mutated(), handles)),
      () => this.#framed(this.#payload(this.#mutated(), handles)),
      () => this.#framed(this.#payload(this.#rops(), this.#otherHandles(handles))),
      () => this.#framed(this.#counted(this.#payload(this.#rops(), handles))),
      () => this.#framed(this.#wrongSize(this.#rops(), handles)),
      () => this.#framed(mutate(this.#payload(this.#rops(), handles), random)),
      () => this.#framed(this.#payload(this.#deep(), handles)),
      () => this.#framed(this.#payload(this.#many(), handles)),
      () => this.#header(this.#payload(this.#rops(), handles)),
      () => this.#damagedCompression(this.#payload(this.#rops(), handles)),
      () => this.#chain(this.#payload(this.#rops(), handles)),
      () => this.#framed(random.bytes(random.int(0, 400))),
      () => random.bytes(random.int(0, 400)),
    ]);
    return {
      rgbIn: make().subarray(0, 0x40000),
      pulFlags: random.chance(0.8) ? random.int(0, 7) : random.int(0, 0xffffffff),
      pcbOut: random.chance(0.8) ? 0x8007 : random.pick([0, 7, 8, 9, 64, 300, 0x8008, 0x40000]),
    };
  }

  /** Some ROPs that can be read. */
  #rops(): Uint8Array {
    const random = this.#random;
    const writer = new Writer(256);
    for (let left = random.int(1, 5); left > 0; left--) {
      if (random.chance(0.6)) {
        const { rop, request } = SAMPLES[random.int(0, SAMPLES.length - 1)] ??
          SAMPLES[0] ?? { rop: undefined, request: undefined };
        if (rop !== undefined && request !== undefined) rop.writeRequest(writer, request, CODING);
        continue;
      }
      const rop = ALL_ROPS[random.int(0, ALL_ROPS.length - 1)];
      const request = rop && madeUpRequest(rop, random);
      if (rop === undefined || request === undefined) continue;
      const slot = () => random.int(0, SLOTS);
      const indexes = Object.keys(request).filter((name) => name.endsWith('HandleIndex'));
      rop.writeRequest(writer, { ...request, ...Object.fromEntries(indexes.map((name) => [name, slot()])) }, CODING);
    }
    return writer.finish().slice();
  }

  #mutated(): Uint8Array {
    return mutate(this.#rops(), this.#random);
  }

  #payload(ropsList: Uint8Array, handles: readonly number[], ropSize = ropsList.length + 2): Uint8Array {
    const writer = new Writer(ropsList.length + 64).u16(ropSize & 0xffff).bytes(ropsList);
    for (const handle of handles) writer.u32(handle >>> 0);
    return writer.finish().slice();
  }

  #wrongSize(ropsList: Uint8Array, handles: readonly number[]): Uint8Array {
    const random = this.#random;
    const size = random.pick([
      0,
      1,
      2,
      ropsList.length,
      ropsList.length + 3,
      ropsList.length + 2 + 4 * handles.length,
      0xffff,
    ]);
    return this.#payload(ropsList, handles, size + (random.chance(0.3) ? random.int(-4, 4) : 0));
  }

  /** Handles of nothing, of other objects, too few and too many. */
  #otherHandles(handles: readonly number[]): number[] {
    const random = this.#random;
    const count = random.pick([0, 1, SLOTS, SLOTS, SLOTS, 255, 256, 257, 400]);
    return Array.from({ length: count }, (_, i) => {
      if (random.chance(0.2)) return NO_HANDLE;
      if (random.chance(0.2)) return random.int(0, 0xffffffff);
      return handles[random.chance(0.5) ? i % handles.length : random.int(0, handles.length - 1)] ?? 0;
    });
  }

  /** A number in it is another: most of all those at the ends of their ranges. */
  #counted(payload: Uint8Array): Uint8Array {
    const random = this.#random;
    const bytes = Buffer.from(payload);
    for (let left = random.int(1, 3); left > 0; left--) {
      const at = random.int(2, Math.max(2, bytes.length - 4));
      if (at + 4 > bytes.length) continue;
      if (random.chance(0.5)) bytes.writeUInt16LE(random.pick([0, 1, 0x7fff, 0x8000, 0xfffe, 0xffff, 0xbabe]), at);
      else bytes.writeUInt32LE(random.pick([0, 1, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff]), at);
    }
    return bytes;
  }

  /** RopRestrict with restrictions within restrictions. */
  #deep(): Uint8Array {
    const random = this.#random;
    const depth = random.pick([10, 100, 255, 256, 257, 1000, 5000]);
    const and = random.chance(0.5);
    const level = and ? Uint8Array.of(0, 1, 0) : Uint8Array.of(2);
    const exist = Uint8Array.of(8, 0x1f, 0, 0x37, 0);
    const nested = Buffer.concat([...Array.from({ length: depth }, () => level), exist]);
    return new Writer(nested.length + 16).u8(0x14).u8(0).u8(4).u8(0).u16(nested.length).bytes(nested).finish().slice();
  }

  /** One ROP again and again, up to what a buffer holds. */
  #many(): Uint8Array {
    const random = this.#random;
    const one = this.#rops();
    const times = random.chance(0.05) ? Math.floor(LARGEST / Math.max(1, one.length)) : random.int(2, 20);
    return Buffer.concat(Array.from({ length: times }, () => one)).subarray(0, LARGEST);
  }

  #framed(payload: Uint8Array): Uint8Array {
    if (payload.length > 0x8000) return payload;
    return writeExtendedBuffers([payload], { compress: this.#random.chance(0.2), xorMagic: this.#random.chance(0.2) });
  }

  /** The header says something else than there is. */
  #header(payload: Uint8Array): Uint8Array {
    const random = this.#random;
    const odd = (right: number): number =>
      random.pick([right, right, right - 1, right + 1, 0, 0x7fff, 0x8000, 0xffff]) & 0xffff;
    const writer = new Writer(payload.length + 8);
    writer
      .u16(random.chance(0.8) ? 0 : random.int(0, 0xffff))
      .u16(random.chance(0.5) ? random.int(0, 7) : random.int(0, 0xffff));
    return writer.u16(odd(payload.length)).u16(odd(payload.length)).bytes(payload).finish().slice();
  }

  #damagedCompression(payload: Uint8Array): Uint8Array {
    const random = this.#random;
    const packed = compress(Buffer.concat([payload, Buffer.alloc(300)])) ?? payload;
    const sent = random.chance(0.7) ? mutate(packed, random) : random.bytes(random.int(1, 200));
    const actual = random.pick([payload.length + 300, payload.length, 0x8000, 0x7fff, sent.length + 1, 0xffff]);
    return new Writer(sent.length + 8)
      .u16(0)
      .u16(COMPRESSED | LAST)
      .u16(sent.length)
      .u16(actual & 0xffff)
      .bytes(sent)
      .finish()
      .slice();
  }

  /** Several payloads, of which clients send none. */
  #chain(payload: Uint8Array): Uint8Array {
    const random = this.#random;
    const count = random.pick([2, 3, 96, 97]);
    const short = payload.subarray(0, 300);
    const whole = Buffer.from(writeExtendedBuffers(Array.from({ length: Math.min(96, count) }, () => short)));
    return random.chance(0.5) ? whole : mutate(whole, random);
  }
}
