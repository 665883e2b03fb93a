import { parseTarget } from '@rpch/proxy';
import {
  CONN_B2,
  Deframer,
  decodeAuthenticate,
  decodeChallenge,
  decodeNegotiate,
  decodeNtlmv2Response,
  endOfHead,
  MixedProxy,
  parseHead,
  parseRts,
  RTS_PDUS,
} from '@rpch/rpc/internal';
import { Initiator } from '../src/ntlm-initiator.ts';
import { requestPdu } from '../src/plain-pdus.ts';
import { requestHead } from '../src/scripted-client.ts';
import { SeededRandom } from '../src/simulation/random.ts';
import { ADDRESS_BOOK_TARGETS } from './fuzz-address-book.ts';
import { ASSOCIATION_TARGETS } from './fuzz-associations.ts';
import { DECODE_TARGETS } from './fuzz-decode.ts';
import { NDR_TARGETS } from './fuzz-ndr.ts';
import { fuzzRoles, ROLE_SEEDS } from './fuzz-roles.ts';
import { SECURITY_TARGETS } from './fuzz-security.ts';
import { STORE_TARGETS } from './fuzz-store.ts';
import type { Target } from './fuzz-target.ts';
import { TEXT_TARGETS } from './fuzz-texts.ts';

const MAX_HEAD = 16_384;
const initiator = new Initiator({ user: 'alice', domain: 'PEER', ntHash: new Uint8Array(16) });
/** A CHALLENGE_MESSAGE with target information: version 0, MsvAvNbDomainName, MsvAvTimestamp, MsvAvEOL. */
const CHALLENGE = Buffer.concat([
  Buffer.from('4e544c4d53535000', 'hex'),
  Buffer.from('020000000800080038000000158289e2', 'hex'),
  Buffer.from('0123456789abcdef0000000000000000', 'hex'),
  Buffer.from('1c001c00400000000000000000000000', 'hex'),
  Buffer.from('50004500450052000200080050004500', 'hex'),
  Buffer.from('45005200070008000000000000000000', 'hex'),
  Buffer.alloc(4),
]);
const AUTHENTICATE = initiator.authenticate(CHALLENGE);

const text = (value: string): Buffer => Buffer.from(value, 'latin1');
const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

/** Whatever reads what a client that nobody knows or a hostile server may send. */
export const TARGETS: readonly Target[] = [
  { name: 'parseRts', seeds: RTS_PDUS.map(sampleOf), run: rts },
  {
    name: 'parseHead',
    seeds: [
      text(requestHead('RPC_IN_DATA', { server: 'server:593', authorization: 'Basic YTpi' })),
      text(requestHead('RPC_OUT_DATA', { server: 'server:593', version: '1.0', fields: ['Expect: 100-continue'] })),
    ],
    run: (input) => {
      const bytes = Buffer.from(input);
      const end = endOfHead(bytes, 0, MAX_HEAD);
      if (end < 0) return;
      const head = parseHead(bytes.subarray(0, end));
      if (!(head.contentLength >= 0 && head.contentLength <= 9_999_999_999)) throw new Error('Content-Length');
    },
  },
  {
    name: 'Deframer',
    seeds: [Buffer.concat([sampleOf(CONN_B2), requestPdu(1, Buffer.alloc(9)), requestPdu(2, Buffer.alloc(99))])],
    run: deframer,
  },
  { name: 'roles', seeds: ROLE_SEEDS, run: fuzzRoles },
  {
    name: 'MixedProxy',
    seeds: [text('ncacn_http/1.0'), Buffer.concat([text('ncacn_http/1.0'), requestPdu(1, Buffer.alloc(9))])],
    run: mixedProxy,
  },
  { name: 'NTLM NEGOTIATE', seeds: [initiator.negotiate], run: decodeNegotiate },
  { name: 'NTLM CHALLENGE', seeds: [CHALLENGE], run: decodeChallenge },
  {
    name: 'NTLM AUTHENTICATE',
    seeds: [AUTHENTICATE],
    run: (input) => {
      const { ntChallengeResponse } = decodeAuthenticate(input);
      decodeNtlmv2Response(ntChallengeResponse);
    },
  },
  {
    name: 'parseTarget',
    seeds: ['server:593', '[2001:db8::1]:6001', '2001:db8::1:6001', '10.0.0.1:135', 'localhost.:3388'].map(text),
    run: (input) => {
      const { server, port } = parseTarget(latin1(input));
      if (!(port >= 1 && port <= 65_535) || server === '' || /[\s/?%]/.test(server)) throw new Error('target');
    },
  },
  ...NDR_TARGETS,
  ...SECURITY_TARGETS,
  ...ASSOCIATION_TARGETS,
  ...TEXT_TARGETS,
  ...DECODE_TARGETS,
  ...STORE_TARGETS,
  ...ADDRESS_BOOK_TARGETS,
];

/** A PDU with every field at a value in range. */
function sampleOf({ encode }: (typeof RTS_PDUS)[number] | typeof CONN_B2): Uint8Array {
  return encode({
    version: 1,
    virtualConnectionCookie: new Uint8Array(16).fill(1),
    inChannelCookie: new Uint8Array(16).fill(2),
    outChannelCookie: new Uint8Array(16).fill(3),
    predecessorCookie: new Uint8Array(16).fill(4),
    successorCookie: new Uint8Array(16).fill(5),
    associationGroupId: new Uint8Array(16).fill(6),
    receiveWindowSize: 65_536,
    connectionTimeout: 120_000,
    channelLifetime: 1024 ** 3,
    clientKeepalive: 300_000,
    clientAddress: { family: 4, address: Uint8Array.of(192, 0, 2, 1) },
    destination: 1,
    ack: { bytesReceived: 0, availableWindow: 65_536, channelCookie: new Uint8Array(16) },
    pingTrafficSent: 20,
  } as never);
}

/** Both sides of a session of version 1 send the same. */
function mixedProxy(input: Uint8Array): void {
  const nothing = (): void => {};
  const proxy = new MixedProxy(
    {
      respond: nothing,
      toServer: nothing,
      toClient: nothing,
      pauseClient: nothing,
      pauseServer: nothing,
      ended: nothing,
    },
    { banner: true, setupTimeout: 1000 },
  );
  proxy.serverConnected();
  proxy.fromServer(input.slice());
  proxy.fromClient(input.slice(14));
  proxy.fromServer(input.slice(14));
}

/** A PDU that is taken apart and fits a definition says the same when it is put together and taken apart again. */
function rts(input: Uint8Array): void {
  const pdu = parseRts(input);
  for (const definition of RTS_PDUS) {
    if (!definition.matches(pdu)) continue;
    const again = parseRts(definition.encode(definition.decode(pdu) as never));
    if (JSON.stringify(again) !== JSON.stringify(pdu))
      throw new Error(`${definition.name} does not survive a round trip`);
  }
}

/**
 * However the bytes are cut, the same PDUs come out, and the same error. PDUs right before an error may be lost in a chunk
 * that holds both: the session is over.
 */
function deframer(input: Uint8Array): void {
  const random = new SeededRandom(input.length);
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < input.length; ) {
    const length = random.int(1, 20);
    pieces.push(input.slice(at, at + length));
    at += length;
  }
  const whole = deframe([input.slice()]);
  const cut = deframe(pieces);
  const same = whole.error === undefined ? whole.text === cut.text : cut.text.startsWith(whole.text);
  if (!same || String(whole.error) !== String(cut.error)) {
    throw new Error(`whole: ${whole.text} ${whole.error}\ncut: ${cut.text} ${cut.error}`);
  }
  if (whole.error !== undefined) throw whole.error;
}

/** The PDUs that come out, in hexadecimal: RPC PDUs without a mark between them, since runs end where chunks do. */
function deframe(pieces: readonly Uint8Array[]): { readonly text: string; readonly error: unknown } {
  const deframer = new Deframer();
  let text = '';
  const sink = {
    rpc: (run: Uint8Array) => {
      text += Buffer.from(run).toString('hex');
    },
    rts: (pdu: Uint8Array) => {
      text += `<${Buffer.from(pdu).toString('hex')}>`;
    },
  };
  try {
    for (const piece of pieces) deframer.push(piece, sink);
  } catch (error) {
    return { text, error };
  }
  return { text, error: undefined };
}
