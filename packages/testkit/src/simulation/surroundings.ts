import type { Destination, OnTransition, PduSink, ProtocolError } from '@rpch/rpc/internal';
import type { VirtualClock } from '../virtual-clock.ts';
import type { ConnectionEnd } from './connection.ts';
import type { Conversation } from './conversation.ts';
import type { SenderAudit } from './flow-audit.ts';
import type { Hop } from './hops.ts';
import type { Plan } from './plan.ts';
import type { ConnectionKind, ProcessName } from './planned-faults.ts';
import type { Process } from './process.ts';
import type { SeededRandom } from './random.ts';

/** A line of what happens. */
export type Trace = (line: string) => void;

/** What writes PDUs to a connection, or to another role in the same process. */
export interface NamedWire {
  readonly hop: Hop;
  readonly name: string;
}

/** The same to a connection. */
export interface ConnectionWire extends NamedWire {
  readonly end: ConnectionEnd;
}

/** What the faults of a plan do to what processes do. */
export interface Faults {
  /** Somebody breaks the rules, sooner or later. */
  readonly rulesAreBroken: boolean;
  /** Whether PDUs have to be shown to `filter` and `doubles`. */
  readonly filters: boolean;
  /** Whether something has happened that may end the session. */
  readonly happened: boolean;
  isHostile(name: ProcessName): boolean;
  /** A wire was laid: a hostile party may use it. */
  knows(wire: ConnectionWire): void;
  /** An RTS PDU on its way out: as it is, with another cookie, or not at all. */
  filter(wire: NamedWire, pdu: Uint8Array): Uint8Array | undefined;
  /** An RTS PDU was sent. */
  counts(wire: NamedWire, pdu: Uint8Array): void;
  /** An RTS PDU was sent on a connection. */
  sent(wire: ConnectionWire, pdu: Uint8Array): void;
  /** Whether RPC PDUs just sent are to be sent again. */
  doubles(wire: ConnectionWire): boolean;
  /** Whether the server is reachable for a host's next connection. */
  hostConnects(): boolean;
}

/** Who is told the time. */
export interface Ticking {
  /** Whether it still wants to be told. */
  readonly ticking: boolean;
  tick(now: number): void;
}

/** What surrounds the processes: time, chance, the network, and somebody who writes down what happens. */
export interface Surroundings {
  readonly plan: Plan;
  readonly clock: VirtualClock;
  readonly faults: Faults;
  readonly conversation: Conversation;
  readonly trace: Trace | undefined;
  readonly onTransition: OnTransition;
  /** Whether account is kept of all windows: where everybody keeps to the rules. */
  readonly audits: boolean;
  /** How long it takes to dial. */
  readonly dialling: SeededRandom;
  /** Lays a connection; `other` is the end of the one who is connected to. */
  connect(kind: ConnectionKind, name: string, from: Process, to: Process): Laid;
  /** The client connects for a channel, to the host that the plan says. */
  clientConnects(channel: 'in' | 'out'): { readonly end: ConnectionEnd; readonly host: number };
  /** A reader that now and then pauses for a while. */
  pausing(end: ConnectionEnd, sink: PduSink): PduSink;
  /** Tells somebody the time at regular intervals, until he wants no more of it. */
  ticks(process: Process, who: Ticking): void;
  /** Tells him the time once more. */
  wake(process: Process, who: Ticking, ms: number): void;
  /** An owner of a role ended. */
  ended(name: string, why: string): void;
  /** A role found fault with what it was sent: of conforming parties that is a defect. */
  protocolError(name: string, error: ProtocolError): void;
  /** For the trace: an RTS PDU goes out. */
  tracePdu(wire: NamedWire, pdu: Uint8Array): void;
  /** Acknowledgements that name a channel by this cookie are for this account. */
  audited(cookie: string, audit: SenderAudit): void;
  /** Keeps the accounts of the windows of a sender that is acknowledged by way of others. */
  hearsAcks(sink: PduSink, sender: Destination): PduSink;
}

/** A connection that was laid, by its ends. */
export interface Laid {
  readonly end: ConnectionEnd;
  readonly other: ConnectionEnd;
}
