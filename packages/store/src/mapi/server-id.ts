import { Cursor, Writer } from '@rpch/rpc/internal';
import type { ObjectId } from './object-id.ts';

/** A value of PtypServerId ([MS-OXCDATA] 2.11.1.4): an object of the store, or what the client made of it. */
export type ServerId =
  | {
      readonly ours: true;
      readonly folder: ObjectId;
      /** 0 where the folder itself is meant. */
      readonly message: ObjectId;
      /** Of a multivalue instance its number, else 0. */
      readonly instance: number;
    }
  | { readonly ours: false; readonly bytes: Uint8Array };

/** Parses the value of a PtypServerId, without its count. Throws ProtocolError. */
export function parseServerId(value: Uint8Array): ServerId {
  const cursor = new Cursor(value, '[MS-OXCDATA] 2.11.1.4');
  if (cursor.u8() === 0) return { ours: false, bytes: cursor.rest() };
  const id: ServerId = { ours: true, folder: cursor.u64(), message: cursor.u64(), instance: cursor.u32() };
  cursor.end();
  return id;
}

/** The value of a PtypServerId, without its count. */
export function formServerId(id: ServerId): Uint8Array {
  if (!id.ours) return new Writer(id.bytes.length + 1).u8(0).bytes(id.bytes).finish();
  return new Writer(21).u8(1).u64(id.folder).u64(id.message).u32(id.instance).finish();
}
