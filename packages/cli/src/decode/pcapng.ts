import { ByteQueue } from './byte-queue.ts';
import { type CaptureReader, InputError, MAX_PACKET, type Packet } from './packet.ts';

/** Block types (draft-ietf-opsawg-pcapng 4). The section header's reads the same in both byte orders. */
const Block = {
  sectionHeader: 0x0a0d0d0a,
  interfaceDescription: 1,
  obsoletePacket: 2,
  simplePacket: 3,
  enhancedPacket: 6,
} as const;

const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
/** Type, length, and the length once more at the end. */
const BLOCK_OVERHEAD = 12;
/** A block of another kind may be longer than a packet, but is only skipped. */
const MAX_BLOCK = 16 * 1024 * 1024;
/** Interfaces that one section may have. */
const MAX_INTERFACES = 4096;
const IF_TSRESOL = 9;
const IF_TSOFFSET = 14;
const ENHANCED_HEADER = 20;
/** In a second. */
const MICROSECONDS = 1_000_000n;

interface Interface {
  readonly linkType: number;
  readonly snapLength: number;
  /** Units of its time stamps in a second. */
  readonly unitsPerSecond: bigint;
  /** Seconds to add to its time stamps. */
  readonly offset: number;
}

/** Whether `head`, the first bytes of a file, is a pcapng file's. */
export function isPcapng(head: Uint8Array): boolean {
  return head[0] === 0x0a && head[1] === 0x0d && head[2] === 0x0d && head[3] === 0x0a;
}

/** Reads pcapng files: sections, interfaces, enhanced, simple and obsolete packets; all else is skipped. */
export class PcapngReader implements CaptureReader {
  readonly #queue = new ByteQueue();
  #littleEndian = true;
  #interfaces: Interface[] = [];
  #offset = 0;

  get pending(): number {
    return this.#queue.length;
  }

  push(chunk: Uint8Array, onPacket: (packet: Packet) => void): void {
    this.#queue.append(chunk);
    // A section header's byte order is known at byte 12.
    while (this.#queue.length >= BLOCK_OVERHEAD) {
      const bytes = this.#queue.peek();
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      if (view.getUint32(0) === Block.sectionHeader) {
        this.#littleEndian = this.#byteOrder(view);
        this.#interfaces = [];
      }
      const type = view.getUint32(0, this.#littleEndian);
      const length = view.getUint32(4, this.#littleEndian);
      if (length < BLOCK_OVERHEAD || length % 4 !== 0 || length > MAX_BLOCK) {
        throw this.#damaged(`a block of ${length} bytes`);
      }
      if (bytes.length < length) return;
      const block = new DataView(bytes.buffer, bytes.byteOffset + 8, length - BLOCK_OVERHEAD);
      this.#queue.take(length);
      this.#read(type, block, onPacket);
      this.#offset += length;
    }
  }

  #byteOrder(view: DataView): boolean {
    if (view.getUint32(8, true) === BYTE_ORDER_MAGIC) return true;
    if (view.getUint32(8, false) === BYTE_ORDER_MAGIC) return false;
    throw this.#damaged('a section header without its byte-order magic');
  }

  #damaged(what: string): InputError {
    return new InputError(`the pcapng file is damaged at byte ${this.#offset}: ${what}`);
  }

  #read(type: number, block: DataView, onPacket: (packet: Packet) => void): void {
    if (type === Block.interfaceDescription) this.#addInterface(block);
    else if (type === Block.enhancedPacket) this.#packet(block, 4, onPacket);
    else if (type === Block.obsoletePacket) this.#packet(block, 2, onPacket);
    else if (type === Block.simplePacket) this.#simplePacket(block, onPacket);
  }

  #addInterface(block: DataView): void {
    // linktype u16, reserved u16, snaplen u32, options
    if (block.byteLength < 8 || this.#interfaces.length >= MAX_INTERFACES) throw this.#damaged('an interface');
    let unitsPerSecond = MICROSECONDS;
    let offset = 0;
    for (const [code, at, length] of optionsOf(block, 8, this.#littleEndian)) {
      if (code === IF_TSRESOL && length === 1) unitsPerSecond = resolution(block.getUint8(at));
      if (code === IF_TSOFFSET && length === 8) offset = Number(block.getBigInt64(at, this.#littleEndian));
    }
    const linkType = block.getUint16(0, this.#littleEndian);
    this.#interfaces.push({ linkType, snapLength: block.getUint32(4, this.#littleEndian), unitsPerSecond, offset });
  }

  /** interface id (u32, of the obsolete block u16 and a count of drops), time stamp 2 times u32, captured u32, original u32. */
  #packet(block: DataView, idLength: 2 | 4, onPacket: (packet: Packet) => void): void {
    if (block.byteLength < ENHANCED_HEADER) throw this.#damaged('a packet block without its head');
    const id = idLength === 4 ? block.getUint32(0, this.#littleEndian) : block.getUint16(0, this.#littleEndian);
    const on = this.#interfaces[id];
    const length = block.getUint32(12, this.#littleEndian);
    if (on === undefined || length > MAX_PACKET || length > block.byteLength - ENHANCED_HEADER) {
      throw this.#damaged(`a packet of ${length} bytes on interface ${id}`);
    }
    const [high, low] = [block.getUint32(4, this.#littleEndian), block.getUint32(8, this.#littleEndian)];
    const units = (BigInt(high) << 32n) | BigInt(low);
    const time = Number((units * MICROSECONDS) / on.unitsPerSecond) + on.offset * 1e6;
    onPacket({ time, linkType: on.linkType, bytes: bytesOf(block, ENHANCED_HEADER, length) });
  }

  #simplePacket(block: DataView, onPacket: (packet: Packet) => void): void {
    const [on] = this.#interfaces;
    if (on === undefined || block.byteLength < 4) throw this.#damaged('a simple packet without an interface');
    const original = block.getUint32(0, this.#littleEndian);
    const limit = on.snapLength === 0 ? original : Math.min(original, on.snapLength);
    const length = Math.min(limit, block.byteLength - 4, MAX_PACKET);
    onPacket({ time: undefined, linkType: on.linkType, bytes: bytesOf(block, 4, length) });
  }
}

function bytesOf(view: DataView, at: number, length: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + at, length);
}

/** Options: code u16, length u16, value, padding to 4; code 0 ends them. What does not fit is left out. */
function* optionsOf(block: DataView, start: number, littleEndian: boolean): Generator<[number, number, number]> {
  let at = start;
  while (at + 4 <= block.byteLength) {
    const code = block.getUint16(at, littleEndian);
    const length = block.getUint16(at + 2, littleEndian);
    if (code === 0 || at + 4 + length > block.byteLength) return;
    yield [code, at + 4, length];
    at += 4 + length + ((4 - (length % 4)) % 4);
  }
}

/** if_tsresol: a negative power of 2 where the top bit is set, else of 10. */
function resolution(value: number): bigint {
  return (value & 0x80) !== 0 ? 2n ** BigInt(value & 0x7f) : 10n ** BigInt(value);
}
