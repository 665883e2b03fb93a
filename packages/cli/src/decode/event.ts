import type { Told } from './told.ts';
import type { Channel } from './virtual-connections.ts';

/** One thing that is told, in the order in which it was captured. */
export interface DecodeEvent {
  /** `stream` says what a connection carries; `end` how it ended; `damage` what could not be read. */
  readonly kind: 'stream' | 'pdu' | 'http' | 'banner' | 'damage' | 'end';
  /** µs since 1970, where the capture has times. */
  readonly time: number | undefined;
  /** Number of the connection in the capture. */
  readonly stream: number;
  /** Sender and receiver, as `address:port`; undefined where the input names none. */
  readonly from: string | undefined;
  readonly to: string | undefined;
  /** `client → proxy`, as far as it is known. */
  readonly way: string;
  readonly channel: Channel | undefined;
  /** The virtual connection, in short. */
  readonly virtualConnection: string | undefined;
  /** Bytes of the direction before it. */
  readonly offset: number;
  readonly told: Told;
  /** The bytes told of: a view, valid during the call. Undefined where there are none to dump. */
  readonly bytes: Uint8Array | undefined;
  readonly length: number;
}

/** Something told that has neither fields nor bytes. */
export function plainTold(name: string, words: readonly string[], fields: Told['fields'] = {}): Told {
  return { name, words, details: [], fields, notes: [], hidden: [] };
}
