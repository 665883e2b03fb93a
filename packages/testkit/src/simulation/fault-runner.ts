import { type Field, parseRts, RTS_PDUS, type RtsDefinition } from '@rpch/rpc/internal';
import type { Connection } from './connection.ts';
import type { FaultyWorld } from './faulty-world.ts';
import { isStep, SENT_ON } from './hops.ts';
import { HostileParty } from './hostile-party.ts';
import {
  breaksRules,
  type ConnectionKind,
  excusesProtocolErrors,
  type Fault,
  type Moment,
  mayEnd,
  type ProcessName,
} from './planned-faults.ts';
import type { ConnectionWire, Faults, NamedWire } from './surroundings.ts';

type FilterFault = Extract<Fault, { readonly kind: 'wrong-cookie' | 'lost' }>;
type TimedFault = Extract<Fault, { readonly when: Moment }>;

/** A fault that waits for its moment. */
interface Timed {
  readonly fault: TimedFault;
  /** Of a PDU by name: how it is known, and how many more of them must be sent. */
  readonly rows: readonly Row[];
  left: number;
  /** Steps of the world at which it happens, once that is known. */
  at: number;
}

type Row = RtsDefinition<readonly Field[]>;

interface Filter {
  readonly fault: FilterFault;
  readonly rows: readonly Row[];
  seen: number;
}

/** Lets the faults of a plan happen, each at its moment. */
export class FaultRunner implements Faults {
  /** Whether PDUs have to be shown to {@link filter} and {@link doubles}. */
  readonly filters: boolean;
  /** Whether a party of this schedule will break the rules, or has done so. */
  readonly rulesAreBroken: boolean;
  /** Whether a cookie that others compare was another one. */
  mustEnd = false;
  /** Whether something has happened after which somebody may find fault with what comes. */
  excusesProtocolErrors = false;
  readonly #world: FaultyWorld;
  readonly #filters: Filter[];
  readonly #hostile: HostileParty | undefined;
  #timed: Timed[];
  /** Those of them that wait for a PDU. */
  readonly #named: readonly Timed[];
  #steps = 0;
  #pdus = 0;
  /** Faults that have happened after which a session may end. */
  #happened = 0;
  readonly #connections = { in: 0, out: 0, server: 0 };

  constructor(world: FaultyWorld) {
    const { faults } = world.plan;
    this.#world = world;
    this.#timed = faults.filter((fault) => 'when' in fault).map(timed);
    this.#named = this.#timed.filter(({ rows }) => rows.length > 0);
    this.#filters = faults
      .filter((fault): fault is FilterFault => fault.kind === 'wrong-cookie' || fault.kind === 'lost')
      .map((fault) => ({ fault, rows: RTS_PDUS.filter((row) => row.name === fault.pdu), seen: 0 }));
    const hostile = faults.find((fault) => fault.kind === 'hostile');
    this.#hostile = hostile === undefined ? undefined : new HostileParty(world, hostile);
    this.filters = this.#filters.length > 0 || this.#hostile !== undefined;
    this.rulesAreBroken = faults.some(({ kind }) => breaksRules(kind));
  }

  /** Whether something has happened that may end the session. */
  get happened(): boolean {
    return this.#happened > 0;
  }

  isHostile(name: ProcessName): boolean {
    return this.#hostile?.name === name;
  }

  /** A step of the world is done. */
  step(): void {
    this.#steps++;
    if (this.#timed.length > 0) this.#run();
    this.#hostile?.step();
  }

  /** A wire was laid: a hostile party may use it. */
  knows(wire: ConnectionWire): void {
    this.#hostile?.knows(wire);
  }

  /** An RTS PDU was sent. */
  counts(wire: NamedWire, pdu: Uint8Array): void {
    if (!isStep(pdu)) return;
    this.#pdus++;
    for (const timed of this.#named) {
      const { fault, rows } = timed;
      if (timed.left < 0 || fault.when.after !== 'pdu' || !isOneOf(rows, wire, pdu)) continue;
      if (timed.left-- === 0) timed.at = this.#steps + fault.when.steps;
    }
  }

  /** An RTS PDU was sent on a connection. */
  sent(wire: ConnectionWire, pdu: Uint8Array): void {
    this.counts(wire, pdu);
    if (this.#hostile === undefined) return;
    this.#hostile.saw(wire, pdu);
    if (this.#hostile.doubles(wire)) wire.end.write(pdu);
  }

  /** Whether RPC PDUs just sent are to be sent again. */
  doubles(wire: ConnectionWire): boolean {
    return this.#hostile?.doubles(wire) === true;
  }

  /** An RTS PDU on its way out: as it is, with another cookie, or not at all. */
  filter(wire: NamedWire, pdu: Uint8Array): Uint8Array | undefined {
    for (const filter of this.#filters) {
      if (!isStep(pdu) || !isOneOf(filter.rows, wire, pdu) || filter.seen++ !== filter.fault.nth) continue;
      this.#note(filter.fault);
      if (filter.fault.kind === 'lost') return undefined;
      return withAnotherCookie(pdu, filter.fault.fromLast);
    }
    return pdu;
  }

  /** What becomes of the client's next connection of a kind. */
  clientConnects(channel: 'in' | 'out'): 'refused' | 'cut-off' | 'swallowed' | undefined {
    const nth = this.#connections[channel]++;
    for (const fault of this.#world.plan.faults) {
      if (fault.kind !== 'refused' && fault.kind !== 'cut-off' && fault.kind !== 'swallowed') continue;
      if (fault.channel !== channel || fault.nth !== nth) continue;
      this.#note(fault);
      return fault.kind;
    }
    return undefined;
  }

  /** Whether the server is reachable for a host's next connection. */
  hostConnects(): boolean {
    const nth = this.#connections.server++;
    const fault = this.#world.plan.faults.find((one) => one.kind === 'unreachable' && one.nth === nth);
    if (fault !== undefined) this.#note(fault);
    return fault === undefined;
  }

  #run(): void {
    const due = ({ fault, at }: Timed) =>
      fault.when.after === 'pdus' ? this.#pdus >= fault.when.count : this.#steps >= at;
    const now = this.#timed.filter(due);
    if (now.length === 0) return;
    this.#timed = this.#timed.filter((one) => !now.includes(one));
    for (const { fault } of now) this.#happens(fault);
  }

  #happens(fault: TimedFault): void {
    this.#note(fault);
    const world = this.#world;
    switch (fault.kind) {
      case 'death':
        world.processes.find(({ name }) => name === fault.who)?.die(fault.how);
        break;
      case 'half-close':
        pickOf(world.connections, fault)?.[fault.end].halfClose();
        break;
      case 'delay': {
        const connection = pickOf(world.connections, fault);
        connection?.stall();
        world.clock.after(fault.ms, () => connection?.goOn());
        break;
      }
      case 'stall': {
        const connection = pickOf(world.connections, fault);
        connection?.stall();
        world.clock.after(fault.noticed, () => connection?.giveUp());
        break;
      }
      case 'drain':
        world.drain(fault.host);
        break;
      case 'hostile':
        this.#hostile?.begin();
        break;
    }
  }

  #note(fault: Fault): void {
    if (mayEnd(fault)) this.#happened++;
    if (fault.kind === 'wrong-cookie' && fault.mustEnd) this.mustEnd = true;
    if (excusesProtocolErrors(fault)) this.excusesProtocolErrors = true;
    this.#world.trace?.(`! ${JSON.stringify(fault)}`);
  }
}

function timed(fault: TimedFault): Timed {
  const { when } = fault;
  return {
    fault,
    rows: when.after === 'pdu' ? RTS_PDUS.filter(({ name }) => name === when.name) : [],
    left: when.after === 'pdu' ? when.nth : -1,
    at: when.after === 'steps' ? when.count : Number.POSITIVE_INFINITY,
  };
}

function isOneOf(rows: readonly Row[], wire: NamedWire, pdu: Uint8Array): boolean {
  const parsed = parseRts(pdu);
  return rows.some((row) => SENT_ON[wire.hop].includes(row.name) && row.matches(parsed));
}

/** The oldest or newest connection of a kind; undefined when there is none. */
function pickOf(
  connections: ReadonlySet<Connection>,
  { on, which }: { readonly on: ConnectionKind; readonly which: 'oldest' | 'newest' },
): Connection | undefined {
  const fitting = [...connections].filter(({ kind }) => kind === on);
  return which === 'oldest' ? fitting[0] : fitting.at(-1);
}

const COOKIE_COMMAND = Buffer.of(3, 0, 0, 0);
const COOKIE_LENGTH = 16;

/** The PDU with one of its cookies changed, counted from the last; as it is when it has not so many. */
function withAnotherCookie(pdu: Uint8Array, fromLast: number): Uint8Array {
  const changed = Buffer.from(pdu);
  let at = changed.length;
  for (let i = 0; i <= fromLast; i++) {
    at = changed.lastIndexOf(COOKIE_COMMAND, at - COOKIE_COMMAND.length - COOKIE_LENGTH);
    if (at < 0) return pdu;
  }
  const from = at + COOKIE_COMMAND.length;
  for (let i = from; i < from + COOKIE_LENGTH; i++) changed[i] = (changed[i] ?? 0) ^ 0x5a;
  return changed;
}
