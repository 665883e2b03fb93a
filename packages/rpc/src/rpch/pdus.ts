/**
 * Every RTS PDU of [MS-RPCH] 2.2.4, as a table. Field names are ours where the specification only names a command's type.
 * The rows of IN_R1 to OUT_R2 are the recycling sequences.
 */
import { defineRts, type Field, type RtsDefinition, RtsFlag, type RtsPdu } from './rts.ts';

const version = ['Version', 'version'] as const;
const virtualConnection = ['Cookie', 'virtualConnectionCookie'] as const;
const inChannel = ['Cookie', 'inChannelCookie'] as const;
const outChannel = ['Cookie', 'outChannelCookie'] as const;
const predecessor = ['Cookie', 'predecessorCookie'] as const;
const successor = ['Cookie', 'successorCookie'] as const;
const window = ['ReceiveWindowSize', 'receiveWindowSize'] as const;
const connectionTimeout = ['ConnectionTimeout', 'connectionTimeout'] as const;
const lifetime = ['ChannelLifetime', 'channelLifetime'] as const;
const keepalive = ['ClientKeepalive', 'clientKeepalive'] as const;
const associationGroup = ['AssociationGroupId', 'associationGroupId'] as const;
const clientAddress = ['ClientAddress', 'clientAddress'] as const;
const destination = ['Destination', 'destination'] as const;
const ack = ['FlowControlAck', 'ack'] as const;
const pingTraffic = ['PingTrafficSentNotify', 'pingTrafficSent'] as const;
const empty = ['Empty', 'empty'] as const;
const ance = ['ANCE', 'ance'] as const;
const negativeAnce = ['NegativeANCE', 'negativeAnce'] as const;

const { NONE, PING, OTHER_CMD, RECYCLE_CHANNEL, IN_CHANNEL, OUT_CHANNEL, EOF, ECHO } = RtsFlag;

// Opening
export const CONN_A1 = defineRts('CONN/A1', '2.2.4.2', NONE, [version, virtualConnection, outChannel, window]);
export const CONN_A2 = defineRts('CONN/A2', '2.2.4.3', OUT_CHANNEL, [
  version,
  virtualConnection,
  outChannel,
  lifetime,
  window,
]);
export const CONN_A3 = defineRts('CONN/A3', '2.2.4.4', NONE, [connectionTimeout]);
export const CONN_B1 = defineRts('CONN/B1', '2.2.4.5', NONE, [
  version,
  virtualConnection,
  inChannel,
  lifetime,
  keepalive,
  associationGroup,
]);
export const CONN_B2 = defineRts('CONN/B2', '2.2.4.6', IN_CHANNEL, [
  version,
  virtualConnection,
  inChannel,
  window,
  connectionTimeout,
  associationGroup,
  clientAddress,
]);
export const CONN_B3 = defineRts('CONN/B3', '2.2.4.7', NONE, [window, version]);
export const CONN_C1 = defineRts('CONN/C1', '2.2.4.8', NONE, [version, window, connectionTimeout]);
export const CONN_C2 = defineRts('CONN/C2', '2.2.4.9', NONE, [version, window, connectionTimeout]);

// IN channel recycling, successor on another inbound proxy
export const IN_R1_A1 = defineRts('IN_R1/A1', '2.2.4.10', RECYCLE_CHANNEL, [
  version,
  virtualConnection,
  predecessor,
  successor,
]);
export const IN_R1_A2 = defineRts('IN_R1/A2', '2.2.4.11', RECYCLE_CHANNEL | IN_CHANNEL, [
  version,
  virtualConnection,
  predecessor,
  successor,
  window,
  connectionTimeout,
]);
export const IN_R1_A3 = defineRts('IN_R1/A3', '2.2.4.12', NONE, [destination, version, window, connectionTimeout]);
export const IN_R1_A4 = defineRts('IN_R1/A4', '2.2.4.13', NONE, [destination, version, window, connectionTimeout]);
export const IN_R1_A5 = defineRts('IN_R1/A5', '2.2.4.14', NONE, [successor]);
export const IN_R1_A6 = defineRts('IN_R1/A6', '2.2.4.15', NONE, [successor]);
export const IN_R1_B1 = defineRts('IN_R1/B1', '2.2.4.16', NONE, [empty]);
export const IN_R1_B2 = defineRts('IN_R1/B2', '2.2.4.17', NONE, [window]);

// IN channel recycling, same inbound proxy
export const IN_R2_A1 = defineRts('IN_R2/A1', '2.2.4.18', RECYCLE_CHANNEL, [
  version,
  virtualConnection,
  predecessor,
  successor,
]);
export const IN_R2_A2 = defineRts('IN_R2/A2', '2.2.4.19', NONE, [successor]);
export const IN_R2_A3 = defineRts('IN_R2/A3', '2.2.4.20', NONE, [destination]);
export const IN_R2_A4 = defineRts('IN_R2/A4', '2.2.4.21', NONE, [destination]);
export const IN_R2_A5 = defineRts('IN_R2/A5', '2.2.4.22', NONE, [successor]);

// OUT channel recycling, successor on another outbound proxy
export const OUT_R1_A1 = defineRts('OUT_R1/A1', '2.2.4.23', RECYCLE_CHANNEL, [destination]);
export const OUT_R1_A2 = defineRts('OUT_R1/A2', '2.2.4.24', RECYCLE_CHANNEL, [destination]);
export const OUT_R1_A3 = defineRts('OUT_R1/A3', '2.2.4.25', RECYCLE_CHANNEL, [
  version,
  virtualConnection,
  predecessor,
  successor,
  window,
]);
export const OUT_R1_A4 = defineRts('OUT_R1/A4', '2.2.4.26', RECYCLE_CHANNEL | OUT_CHANNEL, [
  version,
  virtualConnection,
  predecessor,
  successor,
  lifetime,
  window,
  connectionTimeout,
]);
export const OUT_R1_A5 = defineRts('OUT_R1/A5', '2.2.4.27', OUT_CHANNEL, [destination, version, connectionTimeout]);
export const OUT_R1_A6 = defineRts('OUT_R1/A6', '2.2.4.28', OUT_CHANNEL, [destination, version, connectionTimeout]);
export const OUT_R1_A7 = defineRts('OUT_R1/A7', '2.2.4.29', OUT_CHANNEL, [destination, successor]);
export const OUT_R1_A8 = defineRts('OUT_R1/A8', '2.2.4.30', OUT_CHANNEL, [destination, successor]);
export const OUT_R1_A9 = defineRts('OUT_R1/A9', '2.2.4.31', NONE, [ance]);
export const OUT_R1_A10 = defineRts('OUT_R1/A10', '2.2.4.32', NONE, [ance]);
export const OUT_R1_A11 = defineRts('OUT_R1/A11', '2.2.4.33', NONE, [ance]);

// OUT channel recycling, same outbound proxy
export const OUT_R2_A1 = defineRts('OUT_R2/A1', '2.2.4.34', RECYCLE_CHANNEL, [destination]);
export const OUT_R2_A2 = defineRts('OUT_R2/A2', '2.2.4.35', RECYCLE_CHANNEL, [destination]);
export const OUT_R2_A3 = defineRts('OUT_R2/A3', '2.2.4.36', RECYCLE_CHANNEL, [
  version,
  virtualConnection,
  predecessor,
  successor,
  window,
]);
export const OUT_R2_A4 = defineRts('OUT_R2/A4', '2.2.4.37', NONE, [successor]);
export const OUT_R2_A5 = defineRts('OUT_R2/A5', '2.2.4.38', NONE, [destination, ance]);
export const OUT_R2_A6 = defineRts('OUT_R2/A6', '2.2.4.39', NONE, [destination, ance]);
export const OUT_R2_A7 = defineRts('OUT_R2/A7', '2.2.4.40', OUT_CHANNEL, [destination, successor, version]);
export const OUT_R2_A8 = defineRts('OUT_R2/A8', '2.2.4.41', OUT_CHANNEL, [destination, successor]);
export const OUT_R2_B1 = defineRts('OUT_R2/B1', '2.2.4.42', NONE, [ance]);
export const OUT_R2_B2 = defineRts('OUT_R2/B2', '2.2.4.43', NONE, [negativeAnce]);
export const OUT_R2_B3 = defineRts('OUT_R2/B3', '2.2.4.44', EOF, [ance]);
/** Padding in place of Empty is of no use: no count of it gives the size that 2.2.4.45 demands, that of OUT_R1/A11. */
export const OUT_R2_C1 = defineRts('OUT_R2/C1', '2.2.4.45', PING, [empty]);

// Out of sequence
export const KEEP_ALIVE = defineRts('Keep-Alive', '2.2.4.46', OTHER_CMD, [keepalive]);
export const PING_TRAFFIC_SENT_NOTIFY = defineRts('Ping Traffic Sent Notify', '2.2.4.47', OTHER_CMD, [pingTraffic]);
export const ECHO_PDU = defineRts('Echo', '2.2.4.48', ECHO, []);
export const PING_PDU = defineRts('Ping', '2.2.4.49', PING, []);
export const FLOW_CONTROL_ACK = defineRts('FlowControlAck', '2.2.4.50', OTHER_CMD, [ack]);
export const FLOW_CONTROL_ACK_WITH_DESTINATION = defineRts('FlowControlAckWithDestination', '2.2.4.51', OTHER_CMD, [
  destination,
  ack,
]);

/** All rows, in the specification's order. */
export const RTS_PDUS: readonly RtsDefinition<readonly Field[]>[] = [
  CONN_A1,
  CONN_A2,
  CONN_A3,
  CONN_B1,
  CONN_B2,
  CONN_B3,
  CONN_C1,
  CONN_C2,
  IN_R1_A1,
  IN_R1_A2,
  IN_R1_A3,
  IN_R1_A4,
  IN_R1_A5,
  IN_R1_A6,
  IN_R1_B1,
  IN_R1_B2,
  IN_R2_A1,
  IN_R2_A2,
  IN_R2_A3,
  IN_R2_A4,
  IN_R2_A5,
  OUT_R1_A1,
  OUT_R1_A2,
  OUT_R1_A3,
  OUT_R1_A4,
  OUT_R1_A5,
  OUT_R1_A6,
  OUT_R1_A7,
  OUT_R1_A8,
  OUT_R1_A9,
  OUT_R1_A10,
  OUT_R1_A11,
  OUT_R2_A1,
  OUT_R2_A2,
  OUT_R2_A3,
  OUT_R2_A4,
  OUT_R2_A5,
  OUT_R2_A6,
  OUT_R2_A7,
  OUT_R2_A8,
  OUT_R2_B1,
  OUT_R2_B2,
  OUT_R2_B3,
  OUT_R2_C1,
  KEEP_ALIVE,
  PING_TRAFFIC_SENT_NOTIFY,
  ECHO_PDU,
  PING_PDU,
  FLOW_CONTROL_ACK,
  FLOW_CONTROL_ACK_WITH_DESTINATION,
] as readonly unknown[] as readonly RtsDefinition<readonly Field[]>[];

/** Names of all rows that a PDU could be, for logs and tools. Empty when it is none that the specification defines. */
export function namesOf(pdu: RtsPdu): readonly string[] {
  return RTS_PDUS.filter((row) => row.matches(pdu)).map((row) => row.name);
}
