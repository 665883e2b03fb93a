import { type Destination, type OnTransition, type PduSink, type ProtocolError, TICK } from '@rpch/rpc/internal';
import { VirtualClock } from '../virtual-clock.ts';
import { BackendProcess } from './backend-process.ts';
import { ClientProcess } from './client-process.ts';
import { Connection, type ConnectionEnd } from './connection.ts';
import { Conversation } from './conversation.ts';
import type { TransitionCoverage } from './coverage.ts';
import { FaultRunner } from './fault-runner.ts';
import type { FaultyWorld } from './faulty-world.ts';
import { readAckOf, type SenderAudit } from './flow-audit.ts';
import { type Hop, namesOn } from './hops.ts';
import { encodeHead } from './incoming.ts';
import { InvariantError } from './invariant.ts';
import { JoinedServer } from './joined-host.ts';
import { connectNative } from './native-leg.ts';
import { LONG_LIFETIME, type Plan } from './plan.ts';
import type { ConnectionKind, ProcessName } from './planned-faults.ts';
import type { Process } from './process.ts';
import { ProxyHost } from './proxy-host.ts';
import { SeededRandom } from './random.ts';
import { ServerProcess } from './server-process.ts';
import type { NamedWire, Surroundings, Ticking, Trace } from './surroundings.ts';
import { NO_SUCH_CONNECTION } from './virtual-connections.ts';

/** Longest time that it takes to connect, ms. */
const DIAL = 50;
/** Longest time that a reader pauses, ms. */
const PAUSE = 300;

/** The processes of a plan and what surrounds them: time, chance, the network, and somebody who writes down what happens. */
export class World implements Surroundings, FaultyWorld {
  readonly plan: Plan;
  readonly clock = new VirtualClock();
  readonly faults: FaultRunner;
  readonly trace: Trace | undefined;
  /** Whether account is kept of all windows: where everybody keeps to the rules. */
  readonly audits: boolean;
  readonly onTransition: OnTransition;
  readonly hosts: readonly ProxyHost[];
  readonly client: ClientProcess;
  readonly server: ServerProcess | undefined;
  readonly backend: BackendProcess | undefined;
  readonly joined: JoinedServer | undefined;
  readonly processes: readonly Process[];
  readonly conversation: Conversation;
  /** Those that not both ends have closed. */
  readonly connections = new Set<Connection>();
  /** How long it takes to dial. */
  readonly dialling: SeededRandom;
  /** When somebody first ended for another reason than having been replaced, ms. */
  firstEnd: number | undefined;
  /** Who ended, and why. */
  readonly ends: string[] = [];
  readonly #pauses: SeededRandom;
  readonly #ticking = new Map<Process, Set<Ticking>>();
  readonly #audits = new Map<string, SenderAudit>();
  #laid = 0;
  readonly #routed = { in: 0, out: 0 };

  constructor(plan: Plan, coverage: TransitionCoverage, trace?: Trace) {
    this.plan = plan;
    this.trace = trace === undefined ? undefined : (line) => trace(`${this.clock.now} ms  ${line}`);
    this.#pauses = SeededRandom.of(plan.seed, 'pauses');
    this.dialling = SeededRandom.of(plan.seed, 'dialling');
    this.faults = new FaultRunner(this);
    this.audits = !this.faults.rulesAreBroken;
    this.onTransition = (machine, from, event, to) => {
      this.trace?.(`    ${machine}: ${from} --${event}--> ${to}`);
      coverage.count(machine, from, event, to);
    };
    if (plan.arrangement === 'native') {
      const server = new ServerProcess(this);
      this.server = server;
      this.hosts = plan.hosts.map((host, i) => new ProxyHost(this, i, host, (one) => connectNative(one, server)));
    } else {
      const backend = new BackendProcess(this);
      this.backend = backend;
      const [planned] = plan.hosts;
      if (planned === undefined) throw new Error('a plan without hosts');
      let joined: JoinedServer | undefined;
      const host = new ProxyHost(this, 0, planned, (one) => {
        joined = new JoinedServer(this, one, backend);
        return (half, events) => (joined as JoinedServer).connect(half, events);
      });
      this.joined = joined;
      this.hosts = [host];
    }
    this.client = new ClientProcess(this);
    const last = this.server ?? this.backend;
    if (last === undefined) throw new Error('neither server nor back end');
    this.processes = [this.client.process, ...this.hosts.map(({ process }) => process), last.process];
    this.conversation = this.#makeConversation(this.client, last);
  }

  /** The client opens its virtual connection. */
  start(): void {
    this.client.open();
    for (let i = 0; i < this.plan.keepAlives; i++) {
      this.client.process.later(this.#pauses.int(0, 5000), () =>
        this.client.keepAlive(this.#pauses.int(60, 600) * 1000),
      );
    }
  }

  /** After every step of the clock. */
  afterStep(): void {
    this.joined?.regulate();
    this.faults.step();
  }

  /** Lays a connection; `other` is the end of the one who is connected to. */
  connect(
    kind: ConnectionKind,
    name: string,
    from: Process,
    to: Process,
    opening = 0,
    quick = false,
  ): { end: ConnectionEnd; other: ConnectionEnd } {
    const { plan, clock } = this;
    const random = SeededRandom.of(plan.seed, `connection ${this.#laid++}`);
    const slowest = random.pick([1, plan.slowest, plan.slowest]);
    const pace = quick ? { slowest: 9, hiccups: 0 } : { slowest, hiccups: plan.hiccups };
    const connection = new Connection(kind, name, from, to, { clock, random, ...pace }, opening, (one) =>
      this.connections.delete(one),
    );
    this.connections.add(connection);
    return { end: connection.a, other: connection.b };
  }

  clientConnects(channel: 'in' | 'out'): { readonly end: ConnectionEnd; readonly host: number } {
    const nth = this.#routed[channel]++;
    const host = this.#route(channel, nth);
    const fate = this.faults.clientConnects(channel);
    const name = `${channel.toUpperCase()} ${nth + 1} at ${host.process.name}`;
    // A client that is silent in mid-call is taken to wait; that is how Samba's is told apart, so its bytes come quickly.
    const quick = channel === 'in' && this.plan.client === 'samba';
    const { end, other } = this.connect(
      channel === 'in' ? 'C>IP' : 'C>OP',
      name,
      this.client.process,
      host.process,
      this.dialling.int(0, DIAL),
      quick,
    );
    const { connection } = end;
    if (fate === 'swallowed') {
      connection.stall();
      other.close();
    } else if (fate === 'refused' || host.process.dead) {
      other.abort();
    } else {
      host.accept(other, fate === 'cut-off' ? () => connection.giveUp() : undefined);
    }
    return { end, host: host.number };
  }

  strangerConnects(name: ProcessName, kind: 'in' | 'out' | 'server', pdu: Uint8Array): void {
    const from = this.processes.find((process) => process.name === name);
    if (from === undefined || from.dead) return;
    const host = kind === 'server' ? undefined : this.#route(kind, this.#pauses.int(0, 9));
    const to = host?.process ?? this.server?.process;
    if (to === undefined || to.dead || to === from) return;
    const on = kind === 'in' ? 'C>IP' : kind === 'out' ? 'C>OP' : 'IP>S';
    const { end, other } = this.connect(on, `a stranger at ${to.name}`, from, to);
    end.listen({ data: () => {}, ended: () => end.close(), blocked: () => {} });
    if (host !== undefined) host.accept(other);
    else this.server?.accept(other, this.#pauses.chance(0.5) ? 'S>IP' : 'S>OP', 0);
    if (kind !== 'server') end.write(encodeHead({ kind, contentLength: LONG_LIFETIME }));
    end.write(pdu);
  }

  drain(host: number): void {
    this.hosts[host]?.drain();
  }

  pausing(end: ConnectionEnd, sink: PduSink): PduSink {
    const { pauses } = this.plan;
    if (pauses === 0) return sink;
    const pause = () => {
      if (end.closed || !this.#pauses.chance(pauses)) return;
      end.pause('slow', true);
      this.clock.after(this.#pauses.int(1, PAUSE), () => end.pause('slow', false));
    };
    return {
      rpc: (run, count) => {
        sink.rpc(run, count);
        pause();
      },
      rts: (pdu) => {
        sink.rts(pdu);
        pause();
      },
    };
  }

  ticks(process: Process, who: Ticking): void {
    const others = this.#ticking.get(process);
    if (others !== undefined) {
      others.add(who);
      return;
    }
    this.#ticking.set(process, new Set([who]));
    process.later(this.#pauses.int(1, TICK), () => this.#tick(process));
  }

  wake(process: Process, who: Ticking, ms: number): void {
    process.later(ms, () => {
      if (who.ticking) who.tick(this.clock.now);
    });
  }

  ended(name: string, why: string): void {
    this.trace?.(`! ${name} ends: ${why}`);
    if (why === 'recycled') return;
    this.ends.push(`${name}: ${why}`);
    this.firstEnd ??= this.clock.now;
  }

  protocolError(name: string, error: ProtocolError): void {
    this.trace?.(`! ${name}: ${error.message} (${error.section})`);
    if (this.faults.excusesProtocolErrors) return;
    // A successor may have been on its way when the session ended.
    if (error.code === NO_SUCH_CONNECTION && this.firstEnd !== undefined) return;
    throw new InvariantError('protocol-error', `${name}: ${error.message}, ${error.section}`, { cause: error });
  }

  tracePdu(wire: NamedWire, pdu: Uint8Array): void {
    if (this.trace === undefined) return;
    const ack = readAckOf(pdu);
    const figures = ack === undefined ? '' : ` of ${ack.received} bytes, ${ack.available} available`;
    this.trace(`${wire.name}  ${namesOf(wire.hop, pdu)}${figures}`);
  }

  audited(cookie: string, audit: SenderAudit): void {
    this.#audits.set(cookie, audit);
  }

  hearsAcks(sink: PduSink, sender: Destination): PduSink {
    if (!this.audits) return sink;
    return {
      rpc: (run, count) => sink.rpc(run, count),
      rts: (pdu) => {
        const ack = readAckOf(pdu);
        if (ack !== undefined && ack.destination === sender) this.#audits.get(ack.cookie)?.acknowledged(ack);
        sink.rts(pdu);
      },
    };
  }

  #tick(process: Process): void {
    const all = this.#ticking.get(process);
    if (all === undefined) return;
    for (const who of [...all]) {
      if (who.ticking) who.tick(this.clock.now);
      if (!who.ticking) all.delete(who);
    }
    if (all.size === 0) this.#ticking.delete(process);
    else process.later(TICK, () => this.#tick(process));
  }

  /** The host of a connection; a host that accepts no more is passed over, as a balancer in front of the hosts does. */
  #route(channel: 'in' | 'out', nth: number): ProxyHost {
    const routes = this.plan.routes[channel];
    const first = routes[nth % routes.length] ?? 0;
    for (let i = 0; i < this.hosts.length; i++) {
      const host = this.hosts[(first + i) % this.hosts.length];
      if (host !== undefined && !host.draining) return host;
    }
    const host = this.hosts[first % this.hosts.length];
    if (host === undefined) throw new Error('a plan without hosts');
    return host;
  }

  #makeConversation(client: ClientProcess, server: ServerProcess | BackendProcess): Conversation {
    const { plan } = this;
    return new Conversation(
      plan,
      this.clock,
      {
        longestBreak: plan.breaks.client,
        get over() {
          return client.process.dead || client.ended !== undefined;
        },
        maySend: () => client.maySend,
        send: (run, count) => client.send(run, count),
      },
      {
        longestBreak: plan.breaks.server,
        get over() {
          return server.over;
        },
        maySend: () => server.maySend,
        send: (run, count) => server.send(run, count),
      },
    );
  }
}

/** Names for the trace, which must not change what happens. */
function namesOf(hop: Hop, pdu: Uint8Array): string {
  try {
    return namesOn(hop, pdu).join(' = ');
  } catch (error) {
    return `an RTS PDU that cannot be: ${error instanceof Error ? error.message : String(error)}`;
  }
}
