import { CONN_A1, CONN_B1, IN_R1_A1, OUT_R1_A3 } from './pdus.ts';
import { parseRts, unexpectedRts } from './rts.ts';

type Decoded<Row extends { decode(pdu: never): unknown }> = ReturnType<Row['decode']>;

/**
 * The first PDU of an RPC_IN_DATA request. IN_R1/A1 and IN_R2/A1 are the same PDU: it is the former where the virtual IN
 * channel is at another proxy, the latter where it is at this one ([MS-RPCH] 3.2.3.5.5).
 */
export type InOpening =
  | ({ readonly kind: 'CONN/B1' } & Decoded<typeof CONN_B1>)
  | ({ readonly kind: 'IN_R/A1' } & Decoded<typeof IN_R1_A1>);

/** The first PDU of an RPC_OUT_DATA request, likewise ([MS-RPCH] 3.2.4.5.6). */
export type OutOpening =
  | ({ readonly kind: 'CONN/A1' } & Decoded<typeof CONN_A1>)
  | ({ readonly kind: 'OUT_R/A3' } & Decoded<typeof OUT_R1_A3>);

/** Reads the PDU that begins an IN channel. Throws ProtocolError for any other. */
export function readInOpening(bytes: Uint8Array): InOpening {
  const pdu = parseRts(bytes);
  if (CONN_B1.matches(pdu)) return { kind: 'CONN/B1', ...CONN_B1.decode(pdu) };
  if (IN_R1_A1.matches(pdu)) return { kind: 'IN_R/A1', ...IN_R1_A1.decode(pdu) };
  throw unexpectedRts(pdu, ['CONN/B1', 'IN_R1/A1'], '[MS-RPCH] 3.2.3.5');
}

/** Reads the PDU that begins an OUT channel. Throws ProtocolError for any other. */
export function readOutOpening(bytes: Uint8Array): OutOpening {
  const pdu = parseRts(bytes);
  if (CONN_A1.matches(pdu)) return { kind: 'CONN/A1', ...CONN_A1.decode(pdu) };
  if (OUT_R1_A3.matches(pdu)) return { kind: 'OUT_R/A3', ...OUT_R1_A3.decode(pdu) };
  throw unexpectedRts(pdu, ['CONN/A1', 'OUT_R1/A3'], '[MS-RPCH] 3.2.4.5');
}
