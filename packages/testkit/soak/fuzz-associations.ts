import { setImmediate as afterMicrotasks } from 'node:timers/promises';
import {
  AuthLevel,
  type ClientAssociation,
  Deframer,
  encodeRequest,
  type MessageProtection,
  PduProtection,
  type PduSink,
  PduType,
  PfcFlag,
  ProtocolError,
  type SecurityAcceptor,
} from '@rpch/rpc/internal';
import { ACCEPTORS } from './fuzz-accounts.ts';
import {
  BARE_PROVIDER,
  type ClientSide,
  clientSide,
  conductOf,
  converse,
  type ServerSide,
  serverSide,
} from './fuzz-pair.ts';
import { fitFragLength, piecesOf, sequence } from './fuzz-sequence.ts';
import { atOnce, must, type Target } from './fuzz-target.ts';

/** More answers than requests can have: SourceData's are the longest. */
const MOST_SENT = 4 * 1024 * 1024;
const HEAD_LENGTH = 24;
const OBJECT_LENGTH = 16;
const TRAILER_LENGTH = 8;
const TOKEN_LENGTH = 16;

/** The whole session of a client of that conduct, by who sends what. */
async function record(byte: number, bare: boolean) {
  const conduct = conductOf(byte);
  const client = clientSide(conduct, bare ? BARE_PROVIDER.initiator : undefined);
  const server = serverSide(false, bare ? { ntlm: BARE_PROVIDER.acceptor } : ACCEPTORS);
  const pdus = { client: [] as Uint8Array[], server: [] as Uint8Array[] };
  await converse(client, server, (from, pdu) => pdus[from].push(pdu));
  const wrong = await atOnce(client.script, 'a recorded script');
  must(wrong.length === 0, `a recorded session goes well: ${wrong[0]?.stack}`);
  return { byte, pdus };
}

/** NTLM at each level, anonymous, SPNEGO, its second choice; big-endian; calls one after the other; no room. */
const CONDUCTS = [0x00, 0x04, 0x08, 0x0c, 0x10, 0x20, 0x24, 0x30, 0x01, 0x11, 0x40, 0x50, 0x02, 0x12];
const recorded = await Promise.all(CONDUCTS.map((byte) => record(byte, false)));
const bare = await Promise.all([0x00, 0x04, 0x08, 0x01, 0x40].map((byte) => record(byte, true)));

const isCall = (pdu: Uint8Array): boolean => pdu[2] === PduType.request || pdu[2] === PduType.response;

function seedOf(byte: number, pdus: readonly Uint8Array[]): Uint8Array {
  return sequence([Uint8Array.of(byte), ...pdus]);
}

/** Passes bytes on as a connection does, and gives them up where it does. */
class Feed {
  readonly #deframer = new Deframer();
  readonly #sink: PduSink;

  constructor(sink: PduSink) {
    this.#sink = sink;
  }

  /** Whether the connection can go on. */
  push(bytes: Uint8Array): boolean {
    try {
      this.#deframer.push(bytes, this.#sink);
      return true;
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return false;
    }
  }
}

/** A server's association is given a piece at a time, as its transport does: when it holds nothing back, and has room again. */
async function feedServer({ association, wire }: ServerSide, pieces: readonly Uint8Array[]): Promise<boolean> {
  const feed = new Feed(association);
  for (const piece of pieces) {
    if (wire.over) return false;
    if (!feed.push(piece)) return false;
    await afterMicrotasks();
    must(!wire.held || wire.over, 'a provider that is done holds nothing');
    for (let turns = 0; wire.full && !wire.over; turns++) {
      must(turns < 1000, 'an association that has room goes on');
      wire.full = false;
      association.resume();
    }
    must(wire.sent < MOST_SENT, 'answers are bounded');
  }
  return !wire.over;
}

/** The association has ended, or answers a call that is new; closed, it leaves nothing behind. */
async function endServer(server: ServerSide, goesOn: boolean): Promise<void> {
  const { association, wire, groups } = server;
  if (goesOn && association.bound) {
    wire.take();
    const call = { callId: 0x7fff_fff0, littleEndian: true, contextId: 0, opnum: 0, stub: new Uint8Array(4) };
    association.rpc(encodeRequest(call, 5840).bytes, 1);
    await afterMicrotasks();
    must(wire.over || wire.take().length > 0, 'an association that goes on answers');
  }
  association.close();
  wire.over = true;
  await afterMicrotasks();
  wire.check();
  must(groups.size === 0, 'a closed association is in no group');
}

async function rawServer(input: Uint8Array): Promise<void> {
  const [first, ...pieces] = piecesOf(input);
  const server = serverSide(conductOf(first?.[0] ?? 0).isFull);
  await endServer(server, await feedServer(server, pieces));
}

/** Puts the signature on a PDU, and encrypts it, as a peer would that knows the key; others are left as they are. */
export function protect(protection: PduProtection, pdu: Buffer): void {
  const object = pdu[2] === PduType.request && ((pdu[3] ?? 0) & PfcFlag.OBJECT_UUID) !== 0;
  const stubAt = HEAD_LENGTH + (object ? OBJECT_LENGTH : 0);
  if (!isCall(pdu) || pdu.length < stubAt + TRAILER_LENGTH + TOKEN_LENGTH) return;
  protection.seal(pdu, stubAt);
}

export function protectionOf(authLevel: number, protection: MessageProtection): PduProtection {
  return new PduProtection({ authType: 10, authLevel, authContextId: 1, headerSigning: true, protection });
}

/** Levels at which there is something to protect. */
export const protectedConduct = (byte: number) => {
  const conduct = conductOf(byte & 0x4f);
  return { ...conduct, level: conduct.level === AuthLevel.connect ? AuthLevel.privacy : conduct.level };
};

/** Requests of a client that knows its keys: what is fuzzed is inside of the signature. */
async function sealedServer(input: Uint8Array): Promise<void> {
  const [first, ...pieces] = piecesOf(input);
  const conduct = protectedConduct(first?.[0] ?? 0);
  const server = serverSide(conduct.isFull);
  const client = await boundTo(server, { ...conduct, isFull: false });
  const protection = protectionOf(conduct.level, client.initiator?.protection as MessageProtection);
  client.association.close();
  for (const piece of pieces) protect(protection, piece);
  await endServer(server, await feedServer(server, pieces));
}

/** A client that has bound to a server and whose calls have not been passed on. */
async function boundTo(server: ServerSide, conduct: ReturnType<typeof conductOf>): Promise<ClientSide> {
  const client = clientSide(conduct);
  for (let turns = 0; !client.association.bound; turns++) {
    must(turns < 20, 'a valid bind succeeds');
    await afterMicrotasks();
    for (const pdu of client.wire.take()) server.association.rpc(pdu, 1);
    await afterMicrotasks();
    for (const pdu of server.wire.take()) client.association.rpc(pdu, 1);
    if (client.wire.full) {
      client.wire.full = false;
      client.association.drained();
    }
    server.wire.full = false;
    server.association.resume();
  }
  // the last leg of NTLM has no answer, and goes out as the client is bound
  for (const pdu of client.wire.take()) if (!isCall(pdu)) server.association.rpc(pdu, 1);
  await afterMicrotasks();
  return client;
}

async function feedClient({ association, wire }: ClientSide, pieces: readonly Uint8Array[]): Promise<void> {
  const feed = new Feed(association);
  for (const piece of pieces) {
    await afterMicrotasks();
    if (wire.full && !wire.over) {
      wire.full = false;
      association.drained();
    }
    if (wire.over || !feed.push(piece)) return;
    wire.take();
  }
  await afterMicrotasks();
}

/** A client's association that is closed lets nobody wait; one that goes on can be called. */
async function endClient({ association, script, wire }: ClientSide): Promise<void> {
  const late = association.bound ? callOnce(association) : undefined;
  association.tick(1);
  association.close();
  await atOnce(script, 'what a user has begun');
  wire.check();
  if (late !== undefined) await atOnce(late, 'a call of an association that was closed');
}

async function callOnce(association: ClientAssociation): Promise<void> {
  await association.call({ contextId: 0, opnum: 0, stub: new Uint8Array(4) }).then(
    () => must(false, 'nobody answered'),
    () => {},
  );
}

async function rawClient(input: Uint8Array): Promise<void> {
  const [first, ...pieces] = piecesOf(input);
  const client = clientSide(conductOf(first?.[0] ?? 0));
  await feedClient(client, pieces);
  await endClient(client);
}

/** Responses of a server that knows the keys. */
async function sealedClient(input: Uint8Array): Promise<void> {
  const [first, ...pieces] = piecesOf(input);
  const conduct = protectedConduct(first?.[0] ?? 0);
  let protection: MessageProtection | undefined;
  const ntlm = (): SecurityAcceptor => {
    const acceptor = ACCEPTORS.ntlm();
    return {
      get complete() {
        return acceptor.complete;
      },
      step: async (token) => {
        const result = await acceptor.step(token);
        if (result.kind === 'accepted') protection = result.protection();
        return result;
      },
    };
  };
  const server = serverSide(false, { ntlm });
  const client = await boundTo(server, conduct);
  must(protection !== undefined, 'a server that has accepted can protect');
  for (const piece of pieces) protect(protectionOf(conduct.level, protection), piece);
  await feedClient(client, pieces);
  await endClient(client);
  server.association.close();
}

/** What whole sessions consist of, sent by the client, for whoever attacks a server over sockets. */
export const CLIENT_SESSIONS: readonly (readonly Uint8Array[])[] = recorded.map(({ pdus }) => pdus.client);

const SEQUENCE = { fit: fitFragLength };
/** Answers may be long, and are garbage when the input is over. */
const ROOM = 128 * 1024 * 1024;

/** Both sides of an association, fed with sequences of PDUs: as they come, and protected with the right keys. */
export const ASSOCIATION_TARGETS: readonly Target[] = [
  {
    name: 'ServerAssociation',
    sequence: SEQUENCE,
    maxAllocated: ROOM,
    seeds: recorded.map(({ byte, pdus }) => seedOf(byte, pdus.client)),
    run: rawServer,
  },
  {
    name: 'ServerAssociation sealed',
    sequence: SEQUENCE,
    maxAllocated: ROOM,
    seeds: bare.map(({ byte, pdus }) => seedOf(byte, pdus.client.filter(isCall))),
    run: sealedServer,
  },
  {
    name: 'ClientAssociation',
    sequence: SEQUENCE,
    maxAllocated: ROOM,
    seeds: recorded.map(({ byte, pdus }) => seedOf(byte, pdus.server)),
    run: rawClient,
  },
  {
    name: 'ClientAssociation sealed',
    sequence: SEQUENCE,
    maxAllocated: ROOM,
    seeds: bare.map(({ byte, pdus }) => seedOf(byte, pdus.server.filter(isCall))),
    run: sealedClient,
  },
];
