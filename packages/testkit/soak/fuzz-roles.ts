import {
  Client,
  ClientConduct,
  type ClientOutChannel,
  CONN_A1,
  CONN_A2,
  CONN_A3,
  CONN_B1,
  CONN_B2,
  CONN_B3,
  CONN_C1,
  CONN_C2,
  Deframer,
  Destination,
  FLOW_CONTROL_ACK,
  IN_R2_A2,
  InboundProxy,
  OUT_R2_A1,
  OUT_R2_A4,
  OUT_R2_A6,
  OutboundProxy,
  type PduSink,
  PING_PDU,
  PING_TRAFFIC_SENT_NOTIFY,
  readInOpening,
  readOutOpening,
  readServerOpening,
  Server,
} from '@rpch/rpc/internal';
import { requestPdu, responsePdu } from '../src/plain-pdus.ts';

/** Cookies and values of every role here, so that what is fuzzed can name them. */
const FIELDS = {
  version: 1,
  virtualConnectionCookie: new Uint8Array(16).fill(1),
  inChannelCookie: new Uint8Array(16).fill(2),
  outChannelCookie: new Uint8Array(16).fill(3),
  associationGroupId: new Uint8Array(16).fill(6),
  receiveWindowSize: 65_536,
  connectionTimeout: 120_000,
  channelLifetime: 128 * 1024,
  clientKeepalive: 300_000,
  clientAddress: { family: 4, address: Uint8Array.of(192, 0, 2, 1) },
} as const;

const NOWHERE: PduSink = { rpc: () => {}, rts: () => {} };
const TIMES = { setupTimeout: 1000, recyclingTimeout: 1000 };

/** What a peer of a role may send it, by whose bytes they are. */
const SINKS: readonly (() => PduSink)[] = [
  () => inbound().client.from,
  () => inbound().fromServer,
  () => outbound().client.from,
  () => outbound().fromServer,
  () => server().in,
  () => server().out,
  client,
];

/** The first byte chooses a role that is opened and one of its peers; the rest is what that peer sends. */
export function fuzzRoles(input: Uint8Array): void {
  const sink = SINKS[(input[0] ?? 0) % SINKS.length];
  if (sink !== undefined) new Deframer().push(input.slice(1), sink());
}

/** For each of the sinks, something that may come there. */
export const ROLE_SEEDS: readonly Uint8Array[] = [
  [PING_PDU.encode({}), requestPdu(1, new Uint8Array(9))],
  [
    FLOW_CONTROL_ACK.encode({
      ack: { bytesReceived: 0, availableWindow: 65_536, channelCookie: FIELDS.inChannelCookie },
    }),
  ],
  [],
  [responsePdu(1, new Uint8Array(9)), OUT_R2_A1.encode({ destination: Destination.FDClient })],
  [requestPdu(1, new Uint8Array(9)), IN_R2_A2.encode({ successorCookie: FIELDS.outChannelCookie })],
  [
    PING_TRAFFIC_SENT_NOTIFY.encode({ pingTrafficSent: 100_000 }),
    OUT_R2_A4.encode({ successorCookie: FIELDS.inChannelCookie }),
  ],
  [
    responsePdu(1, new Uint8Array(9)),
    OUT_R2_A1.encode({ destination: Destination.FDClient }),
    OUT_R2_A6.encode({ destination: Destination.FDClient }),
  ],
].map((pdus, sink) => Buffer.concat([Uint8Array.of(sink), ...pdus]));

function inbound(): InboundProxy {
  const role = new InboundProxy(
    {
      toServer: NOWHERE,
      opened: () => {},
      leaving: () => {},
      keepAlive: () => {},
      wakeAfter: () => {},
      ended: () => {},
    },
    {
      receiveWindow: 65_536,
      connectionTimeout: 120_000,
      clientAddress: FIELDS.clientAddress,
      conduct: new ClientConduct(1),
      recyclingTimeout: TIMES.recyclingTimeout,
    },
    { pauseClient: () => {}, pending: 0, close: () => {} },
    readInOpening(CONN_B1.encode(FIELDS)),
  );
  role.serverConnected();
  role.fromServer.rts(CONN_B3.encode(FIELDS));
  return role;
}

function outbound(): OutboundProxy {
  const role = new OutboundProxy(
    { toServer: NOWHERE, opened: () => {}, leaving: () => {}, wakeAfter: () => {}, ended: () => {} },
    {
      receiveWindow: 65_536,
      channelLifetime: FIELDS.channelLifetime,
      connectionTimeout: 120_000,
      conduct: new ClientConduct(1),
      recyclingTimeout: TIMES.recyclingTimeout,
    },
    { toClient: NOWHERE, respond: () => {}, close: () => {} },
    readOutOpening(CONN_A1.encode(FIELDS)),
  );
  role.serverConnected();
  role.fromServer.rts(CONN_C1.encode(FIELDS));
  return role;
}

function server(): { readonly in: PduSink; readonly out: PduSink } {
  const role = new Server(
    { toRuntime: () => {}, opened: () => {}, pauseRuntime: () => {}, mayRecycle: true, ended: () => {} },
    { receiveWindow: 65_536, ...TIMES },
  );
  const port = { ...NOWHERE, close: () => {} };
  const out = role.attach(port, readServerOpening(CONN_A2.encode(FIELDS)));
  const inLeg = role.attach(port, readServerOpening(CONN_B2.encode(FIELDS)));
  return { in: inLeg.from, out: out.from };
}

function client(): PduSink {
  let first: ClientOutChannel | undefined;
  const role = new Client(
    {
      openIn: () => ({ ...NOWHERE, close: () => {} }),
      openOut: (channel) => {
        first ??= channel;
        return { send: () => {}, close: () => {} };
      },
      toRuntime: () => {},
      opened: () => {},
      ended: () => {},
    },
    {
      ...FIELDS,
      receiveWindow: 65_536,
      random: (length) => new Uint8Array(length).fill(2),
      recyclingTimeout: TIMES.recyclingTimeout,
    },
  );
  role.open();
  const channel = first as unknown as ClientOutChannel;
  channel.responded();
  channel.from.rts(CONN_A3.encode(FIELDS));
  channel.from.rts(CONN_C2.encode(FIELDS));
  return channel.from;
}
