import { LEGACY_SERVER_RESPONSE, PduType, ProtocolError, pduTypeAt, RTS_HEADER_LENGTH } from '@rpch/rpc/internal';
import { Association } from './association.ts';
import type { ConnectionEnd, ConnectionStart, ConnectionUser } from './connections.ts';
import { type Body, DirectionReader, type DirectionSink, type Place } from './direction-reader.ts';
import { type DecodeEvent, plainTold } from './event.ts';
import { HttpExchange } from './http-exchange.ts';
import type { HttpMessage } from './http-message.ts';
import type { Notes } from './notes.ts';
import type { StreamSink } from './reassembly.ts';
import { endpointText } from './segment.ts';
import { tellHttp } from './tell-http.ts';
import { tellPdu } from './tell-pdu.ts';
import { type Hop, hopOf, tellRts } from './tell-rts.ts';
import { hex, type Told } from './told.ts';
import {
  type Channel,
  judgeCalls,
  type LegSide,
  type VirtualConnection,
  type VirtualConnections,
} from './virtual-connections.ts';

/** What a connection carries. */
export type StreamKind = 'HTTP' | 'channel' | 'ncacn_http' | 'ncacn_ip_tcp' | 'TLS' | 'other';

/** What all connections of a capture share. */
export interface Surroundings {
  readonly notes: Notes;
  readonly virtualConnections: VirtualConnections;
  emit(event: DecodeEvent): void;
}

/** What is known of a stream before its first byte; of a stream of one direction there are no endpoints. */
export interface ConversationStart extends Partial<ConnectionStart> {
  readonly stream: number;
  readonly fromStart: boolean;
  /** Of heads there is the first line only, as in a session's text. */
  readonly headsOnly?: boolean;
}

type Side = 'client' | 'server';

const KIND_WORDS: Readonly<Record<StreamKind, string>> = {
  HTTP: 'HTTP',
  channel: 'a channel of RPC over HTTP without its HTTP head',
  ncacn_http: 'ncacn_http: RPC over HTTP without the HTTP, as between proxy and server',
  ncacn_ip_tcp: 'ncacn_ip_tcp: RPC over TCP',
  TLS: 'TLS; nothing within can be read',
  other: 'neither RPC nor HTTP nor TLS; nothing within is read',
};

/** PDUs that only a client sends (C706 12.6.4, [MS-RPCE] 2.2.2.10). */
const FROM_CLIENT: ReadonlySet<number> = new Set([
  PduType.request,
  PduType.bind,
  PduType.alter_context,
  PduType.auth3,
  PduType.co_cancel,
  PduType.orphaned,
]);

/** One connection: recognises what it carries, and tells it PDU by PDU. */
export class Conversation implements ConnectionUser {
  readonly fromClient: StreamSink;
  readonly fromServer: StreamSink;
  readonly #readers: Readonly<Record<Side, DirectionReader>>;
  readonly #start: ConversationStart;
  readonly #around: Surroundings;
  readonly #http: HttpExchange;
  #kind: StreamKind | undefined;
  /** Where no opening was captured the sides may turn out to be the other way round. */
  #swapped = false;
  #side: LegSide = 'client';
  #channel: Channel | undefined;
  #association = new Association();
  #virtualConnection: VirtualConnection | undefined;
  /** Whether RPC PDUs were seen of the client and of the server. */
  readonly #spoke = { client: false, server: false };

  constructor(start: ConversationStart, around: Surroundings) {
    this.#start = start;
    this.#around = around;
    this.#http = new HttpExchange(`#${start.stream}`, around.notes, start.headsOnly ?? false);
    this.#readers = {
      client: new DirectionReader(this.#sinkOf('client'), start.fromStart),
      server: new DirectionReader(this.#sinkOf('server'), start.fromStart),
    };
    const { client, server } = this.#readers;
    this.fromClient = {
      bytes: (chunk, time) => client.push(chunk, time),
      gap: (length, time) => client.gap(length, time),
    };
    this.fromServer = {
      bytes: (chunk, time) => server.push(chunk, time),
      gap: (length, time) => server.gap(length, time),
    };
  }

  get stream(): number {
    return this.#start.stream;
  }

  get pending(): number {
    return this.#readers.client.pending + this.#readers.server.pending;
  }

  ended(end: ConnectionEnd, time: number | undefined): void {
    this.#readers.client.end();
    this.#readers.server.end();
    const place = { offset: 0, time };
    if (end.kind === 'reset') {
      const side = end.byClient ? 'client' : 'server';
      const [by = side] = this.#way(side).split(' ');
      this.#emit('end', side, place, plainTold('reset', [`by the ${by}`], { by }), undefined);
      if (this.#kind !== 'other' && this.#kind !== undefined)
        this.#around.notes.add(`#${this.stream} was reset by the ${by}`);
    } else if (end.kind === 'closed') this.#emit('end', 'client', place, plainTold('closed', []), undefined);
    this.#http.judge();
    const whole = this.#spoke.client && this.#spoke.server;
    if (this.#virtualConnection === undefined && whole)
      judgeCalls(this.#association, `#${this.stream}`, this.#around.notes);
  }

  #sinkOf(side: Side): DirectionSink {
    return {
      pdu: (bytes, place) => this.#pdu(side, bytes, place),
      head: (message, length, place) => this.#head(side, message, length, place),
      banner: (place) => this.#banner(side, place),
      opaque: (what, begin, place) => this.#opaque(side, what, begin, place),
      damage: (what, place) => this.#damage(side, what, place),
    };
  }

  #recognise(kind: StreamKind, place: Place): void {
    if (this.#kind !== undefined) return;
    this.#kind = kind;
    this.#emit(
      'stream',
      this.#swapped ? 'server' : 'client',
      place,
      plainTold('stream', [KIND_WORDS[kind]], { carries: kind }),
      undefined,
    );
  }

  #head(side: Side, message: HttpMessage, length: number, place: Place): Body {
    const fromClient = message.request !== undefined;
    if (!this.#start.fromStart && fromClient !== this.#isClient(side)) this.#swapped = !this.#swapped;
    this.#recognise('HTTP', place);
    const body = this.#http.take(message);
    if ((message.response?.status ?? 0) >= 400) this.#virtualConnection?.refused();
    if (this.#http.channel !== undefined) this.#channel = this.#http.channel;
    const told = tellHttp(message);
    this.#note(told);
    this.#emit('http', side, place, told, undefined, length);
    return body;
  }

  #banner(side: Side, place: Place): void {
    if (!this.#start.fromStart && this.#isClient(side)) this.#swapped = !this.#swapped;
    this.#recognise('ncacn_http', place);
    this.#emit('banner', side, place, plainTold('ncacn_http/1.0', ["the server's banner"]), LEGACY_SERVER_RESPONSE);
  }

  #opaque(side: Side, what: 'tls' | 'other', begin: Uint8Array, place: Place): void {
    const first = this.#kind === undefined;
    this.#recognise(what === 'tls' ? 'TLS' : 'other', place);
    if (first) return;
    const words =
      what === 'tls'
        ? ['TLS begins here; nothing within can be read']
        : [`what follows is not understood, beginning ${Buffer.from(begin).toString('hex')}`];
    if (this.#kind !== 'TLS' && this.#kind !== 'other')
      this.#emit('damage', side, place, plainTold('not read', words), undefined);
  }

  #damage(side: Side, what: string, place: Place): void {
    if (this.#kind === 'other' || this.#kind === 'TLS') return;
    this.#emit('damage', side, place, plainTold('damaged', [what], { damage: what }), undefined);
    this.#around.notes.add(`#${this.stream}: ${what}`);
  }

  #pdu(side: Side, bytes: Uint8Array, place: Place): void {
    const ptype = pduTypeAt(bytes, 0);
    const isRts = ptype === PduType.rts;
    const known = this.#start.client !== undefined && this.#start.fromStart;
    if (!known && !isRts && this.#kind !== 'HTTP' && FROM_CLIENT.has(ptype) !== this.#isClient(side))
      this.#swapped = !this.#swapped;
    this.#http.pdu(this.#isClient(side), bytes.length);
    if (!isRts) this.#spoke[this.#isClient(side) ? 'client' : 'server'] = true;
    let told: Told;
    try {
      told = isRts ? this.#rts(side, bytes) : tellPdu(bytes, this.#association);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      told = damaged(bytes, error);
    }
    this.#recognise(isRts ? (this.#side === 'server' ? 'ncacn_http' : 'channel') : 'ncacn_ip_tcp', place);
    this.#note(told);
    this.#emit('pdu', side, place, told, bytes);
  }

  #rts(side: Side, bytes: Uint8Array): Told {
    const way = this.#isClient(side) ? 'up' : 'down';
    const hop: Hop | undefined = this.#channel === undefined ? undefined : `${this.#side}-${this.#channel}-${way}`;
    const told = tellRts(bytes, hop);
    if (this.#channel === undefined) this.#place(side, hopOf(told.names));
    if (told.virtualConnection !== undefined && this.#channel !== undefined) {
      this.#virtualConnection = this.#around.virtualConnections.of(told.virtualConnection);
      this.#virtualConnection.join({ side: this.#side, channel: this.#channel, stream: this.stream });
      this.#association = this.#virtualConnection.associations[this.#side];
    }
    this.#virtualConnection?.saw(told.names);
    return told;
  }

  /** What an RTS PDU that can stand on one hop only says about the connection: its ends, its channel, and which side is which. */
  #place(side: Side, hop: Hop | undefined): void {
    if (hop === undefined) return;
    const [legSide, channel, way] = hop.split('-') as [LegSide, Channel, 'up' | 'down'];
    this.#side = legSide;
    this.#channel = channel;
    const known = this.#start.client !== undefined && this.#start.fromStart;
    if (!known && (way === 'up') !== this.#isClient(side)) this.#swapped = !this.#swapped;
  }

  #isClient(side: Side): boolean {
    return (side === 'client') !== this.#swapped;
  }

  #note(told: Told): void {
    for (const note of told.notes) this.#around.notes.add(`#${this.stream}: ${note}`);
  }

  /** `client → proxy`, seen from `side`. */
  #way(side: Side): string {
    const [near, far] = this.#ends();
    return this.#isClient(side) ? `${near} → ${far}` : `${far} → ${near}`;
  }

  #ends(): readonly [near: string, far: string] {
    if (this.#kind === 'HTTP' || this.#kind === 'channel') return ['client', 'proxy'];
    if (this.#kind !== 'ncacn_http') return ['client', 'server'];
    if (this.#side === 'server') return ['proxy', 'server'];
    // A banner alone does not tell a proxy from a client of version 1.
    return [this.#spoke.client ? 'client' : 'peer', 'server'];
  }

  #emit(
    kind: DecodeEvent['kind'],
    side: Side,
    place: Place,
    told: Told,
    bytes: Uint8Array | undefined,
    length = bytes?.length ?? 0,
  ): void {
    const { client, server } = this.#start;
    const [from, to] = side === 'client' ? [client, server] : [server, client];
    this.#around.emit({
      kind,
      time: place.time,
      stream: this.stream,
      from: from === undefined ? undefined : endpointText(from),
      to: to === undefined ? undefined : endpointText(to),
      way: this.#way(side),
      channel: this.#channel,
      virtualConnection: this.#virtualConnection?.label,
      offset: place.offset,
      told,
      bytes,
      length,
    });
  }
}

/** A PDU that breaks the protocol. Where its secrets lie is not known, so that a dump shows the head alone. */
function damaged(bytes: Uint8Array, error: ProtocolError): Told {
  const what = `${error.message} (${error.section})`;
  const ptype = pduTypeAt(bytes, 0);
  return {
    name: 'damaged',
    words: [`PTYPE ${ptype}`, what],
    details: [`begins ${hex(bytes[0] ?? 0, 2)}`],
    fields: { ptype, damage: error.message, section: error.section },
    notes: [`damaged PDU: ${what}`],
    hidden: [{ start: RTS_HEADER_LENGTH, end: bytes.length }],
  };
}
