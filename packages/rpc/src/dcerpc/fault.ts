import { ProtocolError, RpchError } from '../errors.ts';
import { DrepReader } from './drep.ts';
import { describeFaultStatus } from './fault-status.ts';
import { PduType } from './header.ts';
import { encodePdu, type Pdu, WHOLE } from './pdu.ts';

const SECTION = 'C706 12.6.4.7';
/** Bit 0 of the byte after cancel_count: extended error information follows ([MS-RPCE] 2.2.2.8). */
const EXTENDED_ERROR_PRESENT = 0x01;
/** What Samba sends; Windows sends 32. Nothing follows from it, but clients have been seen that want it not to be 0. */
const ALLOC_HINT = 24;

/** What a handler throws to answer with a fault of its choice, and what a client's call rejects with when one came. */
export class RpcFaultError extends RpchError {
  override readonly name = 'RpcFaultError';
  /** The status of the fault; one of FaultStatus, or an interface's own. */
  readonly status: number;
  /** The server says that nothing was done (PFC_DID_NOT_EXECUTE): the call may be made again. */
  readonly didNotExecute: boolean;

  constructor(
    status: number,
    message = describeFaultStatus(status),
    options?: { cause?: unknown; didNotExecute?: boolean },
  ) {
    super('RPCH_RPC_FAULT', 'peer', message, options);
    this.status = status;
    this.didNotExecute = options?.didNotExecute ?? false;
  }
}

/** fault: a call has failed (C706 12.6.4.7). */
export interface Fault {
  /** FIRST_FRAG and LAST_FRAG are implied; DID_NOT_EXECUTE says that nothing was done. */
  readonly pfcFlags: number;
  readonly callId: number;
  readonly littleEndian: boolean;
  readonly contextId: number;
  readonly cancelCount: number;
  readonly status: number;
  /** A view of the EEInfo blob, undecoded ([MS-RPCE] 2.2.2.8). */
  readonly extendedError?: Uint8Array;
}

/** Reads a fault; stub data that it should not have is ignored ([MS-RPCE] 2.2.2.8). */
export function decodeFault(pdu: Pdu): Fault {
  if (pdu.ptype !== PduType.fault) {
    throw new ProtocolError('RPCH_UNEXPECTED_PDU', `PTYPE ${pdu.ptype} is no fault`, SECTION);
  }
  // 16 alloc_hint u32, 20 p_cont_id u16, 22 cancel_count u8, 23 flags u8, 24 status u32, 28 reserved u32, [32 EEInfo]
  const reader = new DrepReader(pdu.body, pdu.littleEndian, SECTION);
  const { pfcFlags, callId, littleEndian } = pdu;
  reader.skip(4);
  const contextId = reader.u16();
  const cancelCount = reader.u8();
  const flags = reader.u8();
  const status = reader.u32();
  reader.skip(4);
  const fault = { pfcFlags, callId, littleEndian, contextId, cancelCount, status };
  if ((flags & EXTENDED_ERROR_PRESENT) === 0) return fault;
  return { ...fault, extendedError: reader.bytes(reader.remaining) };
}

/** The PDU, without extended error information: it would tell strangers of the server's inside. */
export function encodeFault(fault: Omit<Fault, 'extendedError'>): Uint8Array {
  const { callId, littleEndian } = fault;
  const pfcFlags = fault.pfcFlags | WHOLE;
  return encodePdu({ ptype: PduType.fault, pfcFlags, callId, littleEndian }, 16, (writer) => {
    writer.u32(ALLOC_HINT).u16(fault.contextId).u8(fault.cancelCount).u8(0).u32(fault.status).u32(0);
  });
}
