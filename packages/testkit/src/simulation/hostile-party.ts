import {
  type CommandName,
  Destination,
  type Field,
  FLOW_CONTROL_ACK_WITH_DESTINATION,
  type FlowControlAck,
  PduType,
  RTS_PDUS,
  type RtsDefinition,
} from '@rpch/rpc/internal';
import type { FaultyWorld } from './faulty-world.ts';
import { readAckOf } from './flow-audit.ts';
import type { Hop } from './hops.ts';
import type { Fault, ProcessName } from './planned-faults.ts';
import { SeededRandom } from './random.ts';
import type { ConnectionWire } from './surroundings.ts';
import { madeUpPdu } from './traffic.ts';

type HostileFault = Extract<Fault, { readonly kind: 'hostile' }>;
type Row = RtsDefinition<readonly Field[]>;

const LARGEST_PDU = 65_535;
/** PDUs of an overrun and of a flood. */
const OVERRUN = 8;
const FLOOD = 700;
/** Steps of the world between two deeds, at most. */
const PAUSE = 60;
const COOKIE_LENGTH = 16;

const RPC_HOPS: ReadonlySet<Hop> = new Set<Hop>(['C>IP', 'IP>S', 'S>OP', 'OP>C', 'B>S']);
const RECYCLING = RTS_PDUS.filter(({ name }) => /^(IN|OUT)_R/.test(name));
/** What may begin a connection, by who accepts it. */
const OPENINGS = {
  in: ['CONN/B1', 'IN_R1/A1'],
  out: ['CONN/A1', 'OUT_R1/A3'],
  server: ['CONN/A2', 'CONN/B2', 'IN_R1/A2', 'OUT_R1/A4'],
} as const;

/** Where the cookies lie in the PDUs that open a client's channel, by their length. */
const VIRTUAL_CONNECTION_AT = 32;
const CHANNEL_AT: { readonly [length: number]: readonly [channel: 'in' | 'out', at: number] } = {
  104: ['in', 52],
  88: ['in', 72],
  76: ['out', 52],
  96: ['out', 72],
};

/** A party that does what it must not, beside its role, which it plays as well. */
export class HostileParty {
  readonly name: ProcessName;
  readonly #world: FaultyWorld;
  readonly #fault: HostileFault;
  readonly #random: SeededRandom;
  readonly #wires = new Set<ConnectionWire>();
  readonly #cookies: { readonly in: Uint8Array[]; readonly out: Uint8Array[] } = { in: [], out: [] };
  #virtualConnection: Uint8Array | undefined;
  #lastAck: { readonly wire: ConnectionWire; readonly pdu: Uint8Array } | undefined;
  #left = 0;
  #pause = 0;
  #doubling = 0;

  constructor(world: FaultyWorld, fault: HostileFault) {
    this.name = fault.who;
    this.#world = world;
    this.#fault = fault;
    this.#random = SeededRandom.of(world.plan.seed, 'hostile');
  }

  knows(wire: ConnectionWire): void {
    if (wire.end.process.name === this.name) this.#wires.add(wire);
  }

  /** Listens, as whoever sits in the middle can. */
  saw(wire: ConnectionWire, pdu: Uint8Array): void {
    const channel = wire.hop.startsWith('C>') ? CHANNEL_AT[pdu.length] : undefined;
    if (channel !== undefined) {
      const [kind, at] = channel;
      this.#cookies[kind].push(new Uint8Array(pdu.subarray(at, at + COOKIE_LENGTH)));
      this.#virtualConnection ??= new Uint8Array(
        pdu.subarray(VIRTUAL_CONNECTION_AT, VIRTUAL_CONNECTION_AT + COOKIE_LENGTH),
      );
    }
    if (this.#wires.has(wire) && readAckOf(pdu) !== undefined) this.#lastAck = { wire, pdu: new Uint8Array(pdu) };
  }

  begin(): void {
    const { deed, times, who } = this.#fault;
    this.#left = times;
    const { trusted } = this.#world.conversation;
    if (deed === 'deaf') return;
    if (who !== 'server' && who !== 'backend') trusted.requests = false;
    if (who !== 'client') trusted.answers = false;
  }

  step(): void {
    if (this.#left === 0 || this.#pause-- > 0) return;
    this.#left--;
    this.#pause = this.#random.int(0, PAUSE);
    this.#do();
  }

  /** Whether this PDU, just sent, goes out once more. */
  doubles(wire: ConnectionWire): boolean {
    if (this.#doubling === 0 || !this.#wires.has(wire)) return false;
    this.#doubling--;
    this.#world.trace?.(`! ${wire.name}: once more`);
    return true;
  }

  #do(): void {
    const random = this.#random;
    switch (this.#fault.deed) {
      case 'rts':
        this.#sendRow(random.pick(RTS_PDUS as [Row, ...Row[]]));
        break;
      case 'recycling':
        this.#sendRow(random.pick(RECYCLING as [Row, ...Row[]]));
        break;
      case 'opening':
        this.#open();
        break;
      case 'rpc':
        this.#write(this.#anyWire(), madeUpPdu(this.#ptype(), random.int(16, 2000)), 'an RPC PDU');
        break;
      case 'duplicate':
        this.#doubling++;
        break;
      case 'ack':
        this.#repeatAck();
        break;
      case 'overrun': {
        const wire = this.#anyWire((one) => RPC_HOPS.has(one.hop));
        for (let i = 0; i < OVERRUN; i++) this.#write(wire, madeUpPdu(this.#ptype(), LARGEST_PDU), 'too much');
        break;
      }
      case 'flood': {
        const wire = this.#anyWire();
        const row = random.pick([FLOW_CONTROL_ACK_WITH_DESTINATION as unknown as Row, ...RTS_PDUS]);
        for (let i = 0; i < FLOOD; i++) this.#write(wire, this.#encode(row), row.name);
        break;
      }
      case 'client-flood': {
        const wire = this.#anyWire((one) => one.hop === 'S>OP');
        const ack = { bytesReceived: 0, availableWindow: 0, channelCookie: random.bytes(COOKIE_LENGTH) };
        const pdu = FLOW_CONTROL_ACK_WITH_DESTINATION.encode({ destination: Destination.FDClient, ack });
        for (let i = 0; i < FLOOD; i++) this.#write(wire, pdu, 'FlowControlAckWithDestination');
        break;
      }
      case 'deaf':
        for (const end of this.#process()?.ends ?? []) end.pause('deaf', true);
        break;
    }
  }

  #process() {
    return this.#world.processes.find(({ name }) => name === this.name);
  }

  #ptype(): typeof PduType.request | typeof PduType.response {
    return this.#random.chance(0.5) ? PduType.request : PduType.response;
  }

  #anyWire(fits: (wire: ConnectionWire) => boolean = () => true): ConnectionWire | undefined {
    const wires = [...this.#wires].filter((wire) => !wire.end.closed && fits(wire));
    return wires.length === 0 ? undefined : this.#random.pick(wires as [ConnectionWire, ...ConnectionWire[]]);
  }

  #sendRow(row: Row): void {
    this.#write(this.#anyWire(), this.#encode(row), row.name);
  }

  #write(wire: ConnectionWire | undefined, pdu: Uint8Array, what: string): void {
    if (wire === undefined) return;
    this.#world.trace?.(`! ${wire.name}  ${what}`);
    wire.end.write(pdu);
  }

  /** A stranger's connection: to a proxy where the party is the client, to the server where it is a proxy. */
  #open(): void {
    const random = this.#random;
    const kind = this.name === 'client' ? random.pick(['in', 'out'] as const) : 'server';
    const name = random.pick(OPENINGS[kind] as readonly [string, ...string[]]);
    const row = RTS_PDUS.find((one) => one.name === name);
    if (row === undefined) throw new Error(`there is no ${name}`);
    this.#world.trace?.(`! ${this.name} opens a connection with ${name}`);
    this.#world.strangerConnects(this.name, kind, this.#encode(row));
  }

  #repeatAck(): void {
    const random = this.#random;
    const last = this.#lastAck;
    if (last === undefined) return;
    const pdu = Buffer.from(last.pdu);
    const at = pdu.length - COOKIE_LENGTH - 8;
    const kind = random.int(0, 4);
    if (kind === 1) pdu.writeUInt32LE((pdu.readUInt32LE(at) + random.int(1, 100_000)) >>> 0, at);
    else if (kind === 2) pdu.writeUInt32LE(random.int(0, 0xffff_ffff), at + 4);
    else if (kind === 3) pdu.writeUInt32LE(0, at + 4);
    else if (kind === 4) pdu.set(this.#cookie(random.pick(['in', 'out'] as const)), at + 8);
    this.#write(last.wire.end.closed ? this.#anyWire() : last.wire, pdu, 'an acknowledgement');
  }

  #encode(row: Row): Uint8Array {
    const values: Record<string, unknown> = {};
    for (const [command, field] of row.fields) values[field] = this.#value(command, field, row.name);
    return (row.encode as (values: Record<string, unknown>) => Uint8Array)(values);
  }

  #value(command: CommandName, field: string, row: string): unknown {
    const random = this.#random;
    const window = () => random.pick([8192, 65_536, 262_144]);
    switch (command) {
      case 'Version':
        return 1;
      case 'Cookie':
        return field === 'virtualConnectionCookie'
          ? this.#virtualCookie()
          : this.#cookie(/^(OUT|CONN.A)/.test(row) ? 'out' : 'in');
      case 'AssociationGroupId':
        return random.bytes(COOKIE_LENGTH);
      case 'ReceiveWindowSize':
        return window();
      case 'ConnectionTimeout':
        return random.pick([120_000, 14_400_000]);
      case 'ChannelLifetime':
        return random.pick([131_072, 1024 ** 3]);
      case 'ClientKeepalive':
        return random.pick([0, 60_000, 0xffff_ffff]);
      case 'PingTrafficSentNotify':
        return random.pick([1031, 100_000, 0x7fff_ffff]);
      case 'Destination':
        return random.int(0, 3);
      case 'ClientAddress':
        return { family: 4, address: Uint8Array.of(127, 0, 0, 1) };
      case 'FlowControlAck':
        return {
          bytesReceived: random.pick([0, 8192, 100_000, 0xffff_ffff]),
          availableWindow: random.pick([0, 8192, 65_536, 0xffff_ffff]),
          channelCookie: this.#cookie(random.pick(['in', 'out'] as const)),
        } satisfies FlowControlAck;
      case 'Padding':
        return random.int(0, 100);
      case 'Empty':
      case 'ANCE':
      case 'NegativeANCE':
        return undefined;
    }
  }

  #virtualCookie(): Uint8Array {
    const known = this.#virtualConnection;
    return known === undefined || this.#random.chance(0.1) ? this.#random.bytes(COOKIE_LENGTH) : known;
  }

  /** One of the last two of a kind, seldom an older one or none at all. */
  #cookie(kind: 'in' | 'out'): Uint8Array {
    const known = this.#cookies[kind];
    const back = this.#random.pick([1, 1, 1, 2, 2, 3]);
    return (this.#random.chance(0.1) ? undefined : known[known.length - back]) ?? this.#random.bytes(COOKIE_LENGTH);
  }
}
