import { Cursor, formatGuid, ProtocolError } from '@rpch/rpc/internal';
import type { Counter } from './object-id.ts';

/** Ids or change numbers, the first and the last among them. */
export interface CounterRange {
  readonly first: Counter;
  readonly last: Counter;
}

/** The ids or change numbers of one replica that a set has. */
export interface ReplicaRanges {
  /** REPLGUID in text form. */
  readonly guid: string;
  /** As they were encoded: neither merged nor in order. */
  readonly ranges: readonly CounterRange[];
}

const SECTION = '[MS-OXCFXICS] 2.2.2.6';
const GLOBCNT_SIZE = 6;
/** Commands of a GLOBSET; 1 to 6 push so many bytes. */
const Command = { End: 0x00, Bitmask: 0x42, Pop: 0x50, Range: 0x52 } as const;

/** Parses a serialized IDSET with REPLGUIDs ([MS-OXCFXICS] 2.2.2.4.2) that fills its bytes. Throws ProtocolError. */
export function parseIdSet(bytes: Uint8Array): readonly ReplicaRanges[] {
  const cursor = new Cursor(bytes, SECTION);
  const replicas: ReplicaRanges[] = [];
  while (cursor.remaining > 0) replicas.push({ guid: formatGuid(cursor.bytes(16)), ranges: readGlobset(cursor) });
  return replicas;
}

/** [MS-OXCFXICS] 3.1.5.4.3.2: commands over a stack of the high bytes that counters have in common. */
function readGlobset(cursor: Cursor): readonly CounterRange[] {
  const ranges: CounterRange[] = [];
  const pushed: number[] = [];
  const common: number[] = [];
  for (;;) {
    const command = cursor.u8();
    if (command === Command.End) {
      if (common.length > 0) throw malformed('the end comes before the stack is empty');
      return ranges;
    }
    if (command === Command.Pop) {
      const size = pushed.pop();
      if (size === undefined) throw malformed('nothing to pop');
      common.length -= size;
    } else if (command === Command.Range) {
      const size = GLOBCNT_SIZE - common.length;
      const first = counterOf([...common, ...cursor.bytes(size)]);
      const last = counterOf([...common, ...cursor.bytes(size)]);
      if (first > last) throw malformed(`a range from ${first} to ${last}`);
      ranges.push({ first, last });
    } else if (command === Command.Bitmask) {
      if (common.length !== GLOBCNT_SIZE - 1) throw malformed(`a bitmask over ${common.length} bytes`);
      readBitmask(cursor, counterOf([...common, 0]), ranges);
    } else {
      if (command > GLOBCNT_SIZE - common.length) throw malformed(`command ${command} over ${common.length} bytes`);
      const more = cursor.bytes(command);
      if (common.length + command === GLOBCNT_SIZE) {
        // All six bytes are a counter, and are not pushed.
        const counter = counterOf([...common, ...more]);
        ranges.push({ first: counter, last: counter });
      } else {
        common.push(...more);
        pushed.push(command);
      }
    }
  }
}

/** A counter, and those of the eight behind it whose bits are set, the least significant bit first ([MS-OXCFXICS] 3.1.5.4.3.1.3). */
function readBitmask(cursor: Cursor, base: Counter, ranges: CounterRange[]): void {
  let first = cursor.u8();
  const bitmask = cursor.u8();
  let last = first;
  for (let bit = 0, value = first + 1; bit < 8; bit += 1, value += 1) {
    if ((bitmask & (1 << bit)) === 0) continue;
    if (value > 0xff) throw malformed('a bitmask beyond the last byte');
    if (value > last + 1) {
      ranges.push({ first: base + first, last: base + last });
      first = value;
    }
    last = value;
  }
  ranges.push({ first: base + first, last: base + last });
}

/** Of the bytes of a GLOBCNT, the most significant first. */
function counterOf(bytes: readonly number[]): Counter {
  return bytes.reduce((counter, byte) => counter * 256 + byte, 0);
}

function malformed(why: string): ProtocolError {
  return new ProtocolError('RPCH_BAD_IDSET', why, SECTION);
}
