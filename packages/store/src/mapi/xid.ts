import { Cursor, formatGuid, ProtocolError, parseGuid, Writer } from '@rpch/rpc/internal';
import { type GlobalId, writeGlobalId } from './long-term-id.ts';
import type { Counter } from './object-id.ts';

/** XID ([MS-OXCFXICS] 2.2.2.2): a change, or an object, of some replica or client. */
export interface Xid {
  /** NamespaceGuid in text form. */
  readonly guid: string;
  /** LocalId, 1 to 8 bytes; of what a server made, the 6 bytes of a GLOBCNT. */
  readonly localId: Uint8Array;
}

const SECTION = '[MS-OXCFXICS] 2.2.2.2';
const MIN_SIZE = 17;
const MAX_SIZE = 24;

/** PidTagChangeKey or PidTagSourceKey of what a server made: a GID as bytes. */
export function globalIdBytes(id: GlobalId): Uint8Array {
  const writer = new Writer(22);
  writeGlobalId(writer, id);
  return writer.finish();
}

/** Parses an XID that fills its bytes. Throws ProtocolError unless they are 17 to 24. */
export function parseXid(bytes: Uint8Array): Xid {
  if (bytes.length < MIN_SIZE || bytes.length > MAX_SIZE) {
    throw new ProtocolError('RPCH_BAD_XID', `an XID of ${bytes.length} bytes`, SECTION);
  }
  return { guid: formatGuid(bytes.subarray(0, 16)), localId: bytes.subarray(16) };
}

export function formXid({ guid, localId }: Xid): Uint8Array {
  return new Writer(MAX_SIZE).bytes(parseGuid(guid)).bytes(localId).finish();
}

/**
 * Parses PidTagPredecessorChangeList ([MS-OXCFXICS] 2.2.2.3): SizedXids, one after the other. Throws ProtocolError.
 */
export function parsePredecessorChangeList(bytes: Uint8Array): Xid[] {
  const cursor = new Cursor(bytes, '[MS-OXCFXICS] 2.2.2.3');
  const xids: Xid[] = [];
  while (cursor.remaining > 0) xids.push(parseXid(cursor.bytes(cursor.u8())));
  return xids;
}

/** The bytes of a predecessor change list, sorted by the bytes of its GUIDs as the specification has it. */
export function formPredecessorChangeList(xids: readonly Xid[]): Uint8Array {
  const sized = xids.map(formXid).sort((a, b) => Buffer.compare(a.subarray(0, 16), b.subarray(0, 16)));
  const writer = new Writer();
  for (const xid of sized) writer.u8(xid.length).bytes(xid);
  return writer.finish();
}

/** The XID of a change of a store's own replica. */
export function changeXid(guid: string, counter: Counter): Xid {
  return parseXid(globalIdBytes({ guid, counter }));
}
