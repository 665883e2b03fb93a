import type { Cursor, Writer } from '@rpch/rpc/internal';
import { notificationData } from '../notification-data.ts';
import { type Fields, type RopCoding, readFields, type ValuesOf, writeFields } from './field.ts';
import { bin16, rest, u8, u16, u32 } from './primitives.ts';
import { arrayOf, structure } from './structures.ts';

/** A response that no request asks for: the server adds it ([MS-OXCROPS] 3.1.5.1.3). It has no handle index and no ReturnValue. */
export class ExtraResponse<F extends Fields> {
  readonly id: number;
  /** The specification's, without its Rop. */
  readonly name: string;
  readonly fields: F;

  constructor(id: number, name: string, fields: F) {
    this.id = id;
    this.name = name;
    this.fields = fields;
  }

  /** Reads what follows RopId. Throws ProtocolError. */
  read(cursor: Cursor, coding: RopCoding): ValuesOf<F> {
    return readFields(this.fields, cursor, { coding, values: {} }) as ValuesOf<F>;
  }

  /** Writes it, RopId included. Throws RpchError for values that the layout cannot hold. */
  write(writer: Writer, values: ValuesOf<F>, coding: RopCoding): void {
    writeFields(this.fields, writer.u8(this.id), values, { coding, values: {} });
  }
}

/** [MS-OXCROPS] 2.2.14.2: something has happened that a handle was registered for, or in a table. */
export const Notify = new ExtraResponse(0x2a, 'Notify', { notificationHandle: u32, logonId: u8, notificationData });

/** [MS-OXCROPS] 2.2.14.3: there are more notifications. SessionIndex is that of EcDoConnectEx. */
export const Pending = new ExtraResponse(0x6e, 'Pending', { sessionIndex: u16 });

/** [MS-OXCROPS] 2.2.15.1: what was not done, for want of room in the response; the client is to send it again. Nothing follows. */
export const BufferTooSmall = new ExtraResponse(0xff, 'BufferTooSmall', { sizeNeeded: u16, requestBuffers: rest });

/** [MS-OXCROPS] 2.2.15.2: the client is to wait, for so many milliseconds, with the logon or with some ROPs on it. */
export const Backoff = new ExtraResponse(0xf9, 'Backoff', {
  logonId: u8,
  duration: u32,
  backoffRopData: arrayOf(u8, structure({ ropIdBackoff: u8, duration: u32 })),
  additionalData: bin16,
});
