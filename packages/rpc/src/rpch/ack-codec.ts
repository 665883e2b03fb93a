import { PduType } from '../dcerpc/header.ts';
import type { Destination, FlowControlAck } from './commands.ts';

/**
 * FlowControlAck and FlowControlAckWithDestination ([MS-RPCH] 2.2.4.50, 2.2.4.51) at fixed offsets: the only RTS PDUs of the
 * data path, for which taking PDUs apart by table costs too much. The table (pdus.ts) says the same; a test holds them
 * against each other.
 *
 *     0 header 20: rpc_vers 5, 0, PTYPE 20, pfc_flags 3, drep 10 00 00 00, frag_length, auth_length 0, call_id, flags 2, n
 *    20 [Destination 0xd, u32]   then   FlowControlAck 1, BytesReceived u32, AvailableWindow u32, ChannelCookie 16
 */
const ACK_LENGTH = 48;
const WITH_DESTINATION_LENGTH = 56;

const ACK_HEAD = Uint8Array.of(5, 0, PduType.rts, 3, 0x10, 0, 0, 0, 48, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 1, 0, 0, 0);
const WITH_DESTINATION_HEAD = Uint8Array.of(
  ...[5, 0, PduType.rts, 3, 0x10, 0, 0, 0, 56, 0, 0, 0, 0, 0, 0, 0, 2, 0, 2, 0, 0x0d, 0, 0, 0],
);

/** Where call_id lies, which is not looked at. */
const CALL_ID = 12;

function beginsLike(bytes: Uint8Array, head: Uint8Array): boolean {
  for (let i = 0; i < head.length; i++) {
    if (bytes[i] !== head[i] && (i < CALL_ID || i >= CALL_ID + 4)) return false;
  }
  return true;
}

function u32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)) >>>
    0
  );
}

function putU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

function readAckAt(bytes: Uint8Array, at: number): FlowControlAck {
  return {
    bytesReceived: u32(bytes, at),
    availableWindow: u32(bytes, at + 4),
    channelCookie: bytes.subarray(at + 8, at + 24),
  };
}

/** The acknowledgement of a FlowControlAck; undefined for any other PDU. The cookie is a view. */
export function readAck(bytes: Uint8Array): FlowControlAck | undefined {
  return bytes.length === ACK_LENGTH && beginsLike(bytes, ACK_HEAD) ? readAckAt(bytes, 24) : undefined;
}

/** Whom a FlowControlAckWithDestination is for; undefined for any other PDU. */
export function ackDestination(bytes: Uint8Array): Destination | undefined {
  if (bytes.length !== WITH_DESTINATION_LENGTH || !beginsLike(bytes, WITH_DESTINATION_HEAD)) return undefined;
  const destination = u32(bytes, 24);
  return destination <= 3 && u32(bytes, 28) === 1 ? (destination as Destination) : undefined;
}

/** The acknowledgement of a PDU for which {@link ackDestination} gave a destination. The cookie is a view. */
export function readAckWithDestination(bytes: Uint8Array): FlowControlAck {
  return readAckAt(bytes, 32);
}

/** A FlowControlAck, or with a destination a FlowControlAckWithDestination. */
export function encodeAck(ack: FlowControlAck, destination?: Destination): Uint8Array {
  const withDestination = destination !== undefined;
  const bytes = new Uint8Array(withDestination ? WITH_DESTINATION_LENGTH : ACK_LENGTH);
  bytes.set(withDestination ? WITH_DESTINATION_HEAD : ACK_HEAD);
  let at = ACK_HEAD.length;
  if (withDestination) {
    putU32(bytes, at, destination);
    putU32(bytes, at + 4, 1);
    at += 8;
  }
  putU32(bytes, at, ack.bytesReceived);
  putU32(bytes, at + 4, ack.availableWindow);
  bytes.set(ack.channelCookie, at + 8);
  return bytes;
}
