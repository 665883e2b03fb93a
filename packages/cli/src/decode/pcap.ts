import { ByteQueue } from './byte-queue.ts';
import { type CaptureReader, InputError, MAX_PACKET, type Packet } from './packet.ts';

/** The magic number as big-endian bytes, and what it says. */
const MAGICS: ReadonlyMap<number, { littleEndian: boolean; unitsPerMicrosecond: number }> = new Map([
  [0xa1b2c3d4, { littleEndian: false, unitsPerMicrosecond: 1 }],
  [0xd4c3b2a1, { littleEndian: true, unitsPerMicrosecond: 1 }],
  [0xa1b23c4d, { littleEndian: false, unitsPerMicrosecond: 1000 }],
  [0x4d3cb2a1, { littleEndian: true, unitsPerMicrosecond: 1000 }],
]);
const FILE_HEADER = 24;
const LINK_TYPE_AT = 20;
/** The upper bits of the link type's word say whether frames end in a check sequence. */
const LINK_TYPE_MASK = 0x0fff_ffff;
const RECORD_HEADER = 16;

/** Whether `head`, the first bytes of a file, is a pcap file's. */
export function isPcap(head: Uint8Array): boolean {
  return head.length >= 4 && MAGICS.has(viewOf(head).getUint32(0));
}

/** Reads pcap files: both byte orders, times in µs or ns (draft-ietf-opsawg-pcap). */
export class PcapReader implements CaptureReader {
  readonly #queue = new ByteQueue();
  #format: { littleEndian: boolean; unitsPerMicrosecond: number; linkType: number } | undefined;
  #packets = 0;

  get pending(): number {
    return this.#queue.length;
  }

  push(chunk: Uint8Array, onPacket: (packet: Packet) => void): void {
    this.#queue.append(chunk);
    this.#format ??= this.#readFileHeader();
    if (this.#format === undefined) return;
    const { littleEndian, unitsPerMicrosecond, linkType } = this.#format;
    while (this.#queue.length >= RECORD_HEADER) {
      // ts_sec u32, ts_usec or ts_nsec u32, captured length u32, length on the wire u32
      const view = viewOf(this.#queue.peek());
      const length = view.getUint32(8, littleEndian);
      if (length > MAX_PACKET) {
        throw new InputError(
          `the capture is damaged behind packet ${this.#packets}: the next would be ${length} bytes`,
        );
      }
      if (view.byteLength < RECORD_HEADER + length) return;
      const time =
        view.getUint32(0, littleEndian) * 1e6 + Math.floor(view.getUint32(4, littleEndian) / unitsPerMicrosecond);
      this.#queue.take(RECORD_HEADER);
      this.#packets++;
      onPacket({ time, linkType, bytes: this.#queue.take(length) });
    }
  }

  #readFileHeader() {
    const bytes = this.#queue.peek();
    if (bytes.length < FILE_HEADER) return undefined;
    const view = viewOf(bytes);
    const magic = MAGICS.get(view.getUint32(0));
    if (magic === undefined)
      throw new InputError('this is no pcap file: its first four bytes are none of the four that it could begin with');
    const linkType = view.getUint32(LINK_TYPE_AT, magic.littleEndian) & LINK_TYPE_MASK;
    this.#queue.take(FILE_HEADER);
    return { ...magic, linkType };
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
