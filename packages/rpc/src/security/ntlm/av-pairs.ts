import { Cursor } from '../../bytes/cursor.ts';
import { Writer } from '../../bytes/writer.ts';
import { ProtocolError } from '../../errors.ts';

const SECTION = '[MS-NLMP] 2.2.2.1';

/** AvId ([MS-NLMP] 2.2.2.1). */
export const AvId = {
  MsvAvEOL: 0,
  MsvAvNbComputerName: 1,
  MsvAvNbDomainName: 2,
  MsvAvDnsComputerName: 3,
  MsvAvDnsDomainName: 4,
  MsvAvDnsTreeName: 5,
  MsvAvFlags: 6,
  MsvAvTimestamp: 7,
  MsvAvSingleHost: 8,
  MsvAvTargetName: 9,
  MsvAvChannelBindings: 10,
} as const;
export type AvId = (typeof AvId)[keyof typeof AvId];

/** Bits of MsvAvFlags ([MS-NLMP] 2.2.2.1). */
export const AvFlag = {
  CONSTRAINED: 0x1,
  MIC_PRESENT: 0x2,
  UNTRUSTED_SPN: 0x4,
} as const;

/** Values whose length the specification fixes, in bytes. */
const LENGTHS: ReadonlyMap<number, number> = new Map([
  [AvId.MsvAvEOL, 0],
  [AvId.MsvAvFlags, 4],
  [AvId.MsvAvTimestamp, 8],
  [AvId.MsvAvChannelBindings, 16],
]);

/** Microseconds from 1601, where FILETIME begins, to 1970. */
const FILETIME_EPOCH = 11_644_473_600_000_000n;

/** AvId and AvLen. */
const PAIR_HEADER_LENGTH = 4;

export type AvPair = readonly [id: number, value: Uint8Array];

/** Values by AvId, unknown ids included, MsvAvEOL left out. */
export type AvPairs = ReadonlyMap<number, Uint8Array>;

/**
 * Reads AV_PAIRs up to MsvAvEOL and leaves `cursor` behind it; values are views ([MS-NLMP] 2.2.2.1). An id that comes
 * twice is a {@link ProtocolError}: an attacker who adds a pair to a challenge makes the client send it along beside
 * its own, and readers that take the first or the last of two would then disagree about MsvAvFlags.
 */
export function decodeAvPairs(cursor: Cursor): AvPairs {
  const pairs = new Map<number, Uint8Array>();
  for (;;) {
    const id = cursor.u16();
    const value = cursor.bytes(cursor.u16());
    if (value.length !== (LENGTHS.get(id) ?? value.length)) {
      throw new ProtocolError('RPCH_NTLM_AV_LENGTH', `AV_PAIR ${id} of ${value.length} bytes`, SECTION);
    }
    if (id === AvId.MsvAvEOL) return pairs;
    if (pairs.has(id)) throw new ProtocolError('RPCH_NTLM_AV_TWICE', `AV_PAIR ${id} comes twice`, SECTION);
    pairs.set(id, value);
  }
}

/** Writes AV_PAIRs in the order given, and MsvAvEOL. */
export function encodeAvPairs(pairs: Iterable<AvPair>): Uint8Array {
  const list = [...pairs];
  const size = list.reduce((sum, [, value]) => sum + PAIR_HEADER_LENGTH + value.length, PAIR_HEADER_LENGTH);
  const writer = new Writer(size);
  for (const [id, value] of list) writer.u16(id).u16(value.length).bytes(value);
  return writer.u16(AvId.MsvAvEOL).u16(0).finish();
}

/** MsvAvFlags, or 0 where there are none. */
export function avFlags(pairs: AvPairs): number {
  const value = pairs.get(AvId.MsvAvFlags);
  return value === undefined ? 0 : new Cursor(value, SECTION).u32();
}

/** MsvAvTimestamp for `now`, milliseconds since 1970: a FILETIME of 8 bytes. */
export function timestampOf(now: number): Uint8Array {
  return new Writer(8).u64((BigInt(Math.round(now * 1000)) + FILETIME_EPOCH) * 10n).finish();
}
