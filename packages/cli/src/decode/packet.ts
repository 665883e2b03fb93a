/** One packet of a capture, as its link layer carried it. */
export interface Packet {
  /** Microseconds since 1970 (UTC); undefined where the capture has no times. */
  readonly time: number | undefined;
  /** LINKTYPE_ of the tcpdump group's list. */
  readonly linkType: number;
  /** What was captured of it: a view, valid during the call. */
  readonly bytes: Uint8Array;
}

/** Reads a capture that comes in pieces. */
export interface CaptureReader {
  /** Takes the next piece and passes on the packets that are whole. Throws {@link InputError} where the file is damaged. */
  push(chunk: Uint8Array, onPacket: (packet: Packet) => void): void;
  /** Bytes of a packet whose rest did not come: 0 where the file ends as it should. */
  readonly pending: number;
}

/** The input cannot be read on; the message is one sentence for whoever runs the command. */
export class InputError extends Error {
  override readonly name = 'InputError';
}

/** The longest packet that is believed: tcpdump's own limit is 256 KiB, with room for capture tools that go past it. */
export const MAX_PACKET = 1024 * 1024;
