import { namesOf, parseRts } from '@rpch/rpc/internal';

/** A way from one role to another: client (C), inbound proxy (IP), outbound proxy (OP), server (S), plain TCP server (B). */
export type Hop = 'C>IP' | 'IP>S' | 'S>IP' | 'C>OP' | 'OP>C' | 'OP>S' | 'S>OP' | 'B>S';

/** Which PDUs are sent where ([MS-RPCH] 2.2.4): rows of the table share their looks, and the way tells most of them apart. */
export const SENT_ON: { readonly [Way in Hop]: readonly string[] } = {
  'C>IP': [
    ...['CONN/B1', 'IN_R1/A1', 'IN_R2/A1', 'IN_R1/A5', 'IN_R2/A5', 'OUT_R1/A7', 'OUT_R2/A7'],
    ...['Keep-Alive', 'Ping', 'FlowControlAckWithDestination'],
  ],
  'IP>S': [
    ...['CONN/B2', 'IN_R1/A2', 'IN_R1/A6', 'IN_R1/B1', 'IN_R2/A2', 'OUT_R1/A8', 'OUT_R2/A7', 'OUT_R2/A8'],
    'FlowControlAckWithDestination',
  ],
  'S>IP': ['CONN/B3', 'IN_R1/B2', 'FlowControlAck'],
  'C>OP': ['CONN/A1', 'OUT_R1/A3', 'OUT_R2/A3', 'OUT_R1/A11', 'OUT_R2/C1'],
  'OP>C': [
    ...['CONN/A3', 'CONN/C2', 'IN_R1/A4', 'IN_R2/A4', 'OUT_R1/A2', 'OUT_R2/A2', 'OUT_R1/A6', 'OUT_R2/A6'],
    ...['OUT_R1/A10', 'OUT_R2/B3', 'Ping', 'FlowControlAckWithDestination'],
  ],
  'OP>S': ['CONN/A2', 'OUT_R1/A4', 'OUT_R2/A4', 'Ping Traffic Sent Notify', 'FlowControlAck'],
  'S>OP': [
    ...['CONN/C1', 'IN_R1/A3', 'IN_R2/A3', 'OUT_R1/A1', 'OUT_R2/A1', 'OUT_R1/A5', 'OUT_R2/A5'],
    ...['OUT_R1/A9', 'OUT_R2/B1', 'OUT_R2/B2', 'FlowControlAckWithDestination'],
  ],
  'B>S': [],
};

/** The specification's names of an RTS PDU that is sent on a way; more than one where they look the same there too. */
export function namesOn(hop: Hop, bytes: Uint8Array): readonly string[] {
  const all = namesOf(parseRts(bytes));
  const here = all.filter((name) => SENT_ON[hop].includes(name));
  return here.length > 0 ? here : all;
}

const FLAGS_AT = 16;
const OTHER_CMD = 2;
const PING_LENGTH = 20;

/** Whether an RTS PDU is a step of a sequence: no acknowledgement, Ping or notice. Looks at its header only. */
export function isStep(pdu: Uint8Array): boolean {
  return pdu.length !== PING_LENGTH && pdu[FLAGS_AT] !== OTHER_CMD;
}
