import type { PduSink } from '../dcerpc/deframer.ts';
import { CONN_A2, CONN_B2, IN_R1_A2, OUT_R1_A4 } from './pdus.ts';
import { parseRts, unexpectedRts } from './rts.ts';

/** The TCP connection of a proxy, as the server role writes to it. */
export interface ServerLegPort extends PduSink {
  /** The proxy has been replaced: what was written goes out, then the connection is closed. */
  close(): void;
}

type Decoded<Row extends { decode(pdu: never): unknown }> = ReturnType<Row['decode']>;

/** The first PDU on a proxy's connection to the server. */
export type ServerOpening =
  | ({ readonly kind: 'CONN/A2' } & Decoded<typeof CONN_A2>)
  | ({ readonly kind: 'CONN/B2' } & Decoded<typeof CONN_B2>)
  | ({ readonly kind: 'IN_R1/A2' } & Decoded<typeof IN_R1_A2>)
  | ({ readonly kind: 'OUT_R1/A4' } & Decoded<typeof OUT_R1_A4>);

/** Reads the PDU that makes a proxy's connection part of a virtual connection. Throws ProtocolError for any other. */
export function readServerOpening(bytes: Uint8Array): ServerOpening {
  const pdu = parseRts(bytes);
  if (CONN_A2.matches(pdu)) return { kind: 'CONN/A2', ...CONN_A2.decode(pdu) };
  if (CONN_B2.matches(pdu)) return { kind: 'CONN/B2', ...CONN_B2.decode(pdu) };
  if (IN_R1_A2.matches(pdu)) return { kind: 'IN_R1/A2', ...IN_R1_A2.decode(pdu) };
  if (OUT_R1_A4.matches(pdu)) return { kind: 'OUT_R1/A4', ...OUT_R1_A4.decode(pdu) };
  throw unexpectedRts(pdu, ['CONN/A2', 'CONN/B2', 'IN_R1/A2', 'OUT_R1/A4'], '[MS-RPCH] 3.2.5.5');
}
