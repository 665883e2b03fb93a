import { Client, ClientConduct, InboundProxy, OutboundProxy, type PduSink, Server } from '@rpch/rpc/internal';
import { Conversation } from './simulation-conversation.ts';
import { link, Party, type Wire } from './simulation-party.ts';
import { SambaLikeClient } from './simulation-samba.ts';
import { AT_ONCE } from './simulation-traffic.ts';
import type { World } from './simulation-world.ts';

const MAX_PDU = 65_535;
/** The largest piece in which a pipe delivers, bytes. */
const CHUNK = 65_536;
const CONNECTION_TIMEOUT = 120_000;
const SETUP_TIMEOUT = 900_000;
/** What an application lets wait in its client role before it stops calling, bytes. */
const CLIENT_QUEUE = 65_536;
/** Joined: the back end is read while the client has window for this much, as the proxy does it, bytes. */
const LEAST_READ = 8192;
const READ_AHEAD = 96 * 1024;

/** A client, the three other roles and an RPC server, wired as the plan says, in virtual time. */
export class SimulatedSession {
  readonly parties: readonly Party[];
  readonly #world: World;
  readonly #joined: boolean;
  readonly #client: Client | SambaLikeClient;
  readonly #inbound: InboundProxy;
  readonly #outbound: OutboundProxy;
  readonly #server: Server;
  readonly #conversation: Conversation;
  readonly #at: { readonly [Name in 'client' | 'inbound' | 'outbound' | 'server' | 'backend']: Party };
  /** What each writes to, by direction. */
  readonly #wires: Partial<Record<`${string} > ${string}`, Wire>> = {};
  #pendingFromClient = () => 0;
  #inBlocked = false;
  #backendBlocked = false;
  #serverQueues = false;
  #backendPaused = false;

  constructor(world: World) {
    this.#world = world;
    const { plan, clock } = world;
    const joined = plan.arrangement === 'joined';
    this.#joined = joined;
    const client = new Party('client', clock);
    const inbound = new Party(joined ? 'proxy' : 'inbound proxy', clock);
    const outbound = joined ? inbound : new Party('outbound proxy', clock);
    const server = joined ? inbound : new Party('server', clock);
    const backend = joined ? new Party('backend', clock) : server;
    this.#at = { client, inbound, outbound, server, backend };
    this.parties = [...new Set([client, inbound, outbound, server, backend])];

    // Conduct is shared: both proxies are in one process, also where the server is in another.
    const conduct = new ClientConduct(plan.client === 'conforming-1.1' ? 1 : 0);
    this.#inbound = this.#makeInbound(conduct);
    this.#outbound = this.#makeOutbound(conduct);
    this.#server = this.#makeServer();
    this.#client = this.#makeClient();
    this.#connectClient();
    if (joined) this.#connectBackend();
    else this.#connectServer();
    this.#conversation = this.#makeConversation();
    world.tickForEver(inbound, this.#inbound);
    world.tickForEver(outbound, this.#outbound);
    world.tickForEver(server, this.#server);
    if (this.#client instanceof Client) world.tickForEver(client, this.#client);
  }

  /** The client opens its virtual connection. */
  start(): void {
    this.#client.open();
  }

  /** Whether every call was sent, received and answered, and every answer received. */
  get delivered(): boolean {
    return this.#conversation.over;
  }

  get progress(): string {
    const { state: inbound, held } = this.#inbound;
    const { state: outbound, held: outHeld } = this.#outbound;
    const closed = this.parties.map((party) => `${party.name} ${party.closed ?? 'open'}`).join(', ');
    return `${this.#conversation.progress}; inbound ${inbound} holds ${held}, outbound ${outbound} holds ${outHeld}; ${closed}`;
  }

  /** To be called after every step. Throws when somebody holds more than a window and one run. */
  check(): void {
    if (this.#joined) this.#regulate();
    const { windows, client } = this.#world.plan;
    // Who waits for no acknowledgement is stopped by TCP: what it sends beyond the window is the chunk that is being read.
    const most = client === 'samba' ? windows.inbound + CHUNK + MAX_PDU : Math.max(windows.inbound, MAX_PDU);
    atMost('inbound proxy', this.#inbound.held, most);
    atMost('outbound proxy', this.#outbound.held, Math.max(windows.outbound, MAX_PDU));
    atMost('server', this.#server.queued, AT_ONCE * MAX_PDU);
    if (this.#client instanceof Client) atMost('client', this.#client.queued, CLIENT_QUEUE + AT_ONCE * MAX_PDU);
  }

  #makeInbound(conduct: ClientConduct): InboundProxy {
    const { plan, random, clock } = this.#world;
    const party = this.#at.inbound;
    const pendingFromClient = () => this.#pendingFromClient();
    return new InboundProxy(
      {
        toServer: this.#sink('inbound > server', () => this.#server.fromInboundProxy),
        get pending() {
          return pendingFromClient();
        },
        connect: () => this.#world.later(party, random.int(0, 50), () => this.#inbound.serverConnected()),
        opened: () => {},
        keepAlive: () => {},
        pauseClient: (paused) => this.#wire('client > inbound').pipe.pause(paused),
        wakeAfter: (ms) => this.#world.later(party, ms, () => this.#inbound.tick(clock.now)),
        ended: (end) => party.close(end),
      },
      {
        receiveWindow: plan.windows.inbound,
        connectionTimeout: CONNECTION_TIMEOUT,
        clientAddress: { family: 4, address: Uint8Array.of(127, 0, 0, 1) },
        conduct,
      },
    );
  }

  #makeOutbound(conduct: ClientConduct): OutboundProxy {
    const { plan, random, clock } = this.#world;
    const party = this.#at.outbound;
    return new OutboundProxy(
      {
        toServer: this.#sink('outbound > server', () => this.#server.fromOutboundProxy),
        toClient: this.#sink('outbound > client'),
        connect: () => this.#world.later(party, random.int(0, 50), () => this.#outbound.serverConnected()),
        respond: () => {},
        opened: () => {},
        wakeAfter: (ms) => this.#world.later(party, ms, () => this.#outbound.tick(clock.now)),
        ended: (end) => party.close(end),
      },
      {
        receiveWindow: plan.windows.outbound,
        channelLifetime: plan.lifetimes.out,
        connectionTimeout: CONNECTION_TIMEOUT,
        conduct,
      },
    );
  }

  #makeServer(): Server {
    return new Server(
      {
        toInboundProxy: this.#sink('server > inbound', () => this.#inbound.fromServer),
        toOutboundProxy: this.#sink('server > outbound', () => this.#outbound.fromServer),
        toRuntime: (run, count) => {
          if (this.#joined) {
            this.#wire('proxy > backend').rpc(run, count);
            return;
          }
          this.#conversation.requestsArrive(run, count);
          this.#world.blockNowAndThen(this.#server);
        },
        opened: () => this.#conversation.serverOpened(),
        pauseRuntime: (paused) => {
          this.#serverQueues = paused;
        },
        ended: (end) => this.#at.server.close(end),
      },
      { receiveWindow: this.#world.plan.windows.server, setupTimeout: SETUP_TIMEOUT },
    );
  }

  #makeClient(): Client | SambaLikeClient {
    const { plan, random } = this.#world;
    const toOutboundProxy = this.#sink('client > outbound');
    const port = {
      toInboundProxy: this.#sink('client > inbound'),
      toOutboundProxy: (pdu: Uint8Array) => toOutboundProxy.rts(pdu),
      toRuntime: (run: Uint8Array, count: number) => {
        this.#conversation.answersArrive(run, count);
        if (this.#client instanceof Client) this.#world.blockNowAndThen(this.#client);
      },
      opened: () => this.#conversation.clientOpened(),
      ended: (end: string) => this.#at.client.close(end),
    };
    if (plan.client === 'samba') return new SambaLikeClient(port, plan.windows.client, random);
    return new Client(port, {
      receiveWindow: plan.windows.client,
      channelLifetime: plan.lifetimes.in,
      clientKeepalive: 300_000,
      associationGroupId: random.bytes(16),
      random: (length) => random.bytes(length),
    });
  }

  /** The two channels. */
  #connectClient(): void {
    const { plan } = this.#world;
    const client = this.#client;
    // A client that is silent in mid-call is taken to wait; that is how Samba's is told apart, so its bytes come quickly.
    const quick = { slowest: 9, stalls: false };
    const channelIn = link(
      {
        party: this.#at.client,
        receive: NOTHING,
        blocked: (blocked) => {
          this.#inBlocked = blocked;
        },
      },
      { party: this.#at.inbound, receive: this.#inbound.fromClient },
      { ...this.#world, ...(plan.client === 'samba' ? quick : this.#pace()) },
    );
    this.#wires['client > inbound'] = channelIn.toB;
    this.#pendingFromClient = channelIn.pendingAtB;
    const channelOut = link(
      {
        party: this.#at.client,
        receive: this.#world.pausing(() => this.#wire('outbound > client'), client.fromOutboundProxy),
        began: () => {
          if (client instanceof Client) client.responded();
        },
      },
      {
        party: this.#at.outbound,
        receive: this.#outbound.fromClient,
        blocked: (blocked) => this.#outbound.clientBlocked(blocked),
      },
      { ...this.#world, ...this.#pace() },
    );
    this.#wires['client > outbound'] = channelOut.toB;
    this.#wires['outbound > client'] = channelOut.toA;
  }

  /** Apart: each proxy has its own connection to the server. */
  #connectServer(): void {
    const legIn = link(
      {
        party: this.#at.inbound,
        receive: this.#inbound.fromServer,
        blocked: (blocked) => this.#inbound.serverBlocked(blocked),
      },
      {
        party: this.#at.server,
        receive: this.#world.pausing(() => this.#wire('inbound > server'), this.#server.fromInboundProxy),
      },
      { ...this.#world, ...this.#pace() },
    );
    const legOut = link(
      { party: this.#at.outbound, receive: this.#outbound.fromServer },
      { party: this.#at.server, receive: this.#server.fromOutboundProxy },
      { ...this.#world, ...this.#pace() },
    );
    this.#wires['inbound > server'] = legIn.toB;
    this.#wires['server > inbound'] = legIn.toA;
    this.#wires['outbound > server'] = legOut.toB;
    this.#wires['server > outbound'] = legOut.toA;
  }

  /** Joined: the roles call each other, and plain TCP leads from the server role to an RPC server. */
  #connectBackend(): void {
    const tcp = link(
      {
        party: this.#at.server,
        receive: { rpc: (run, count) => this.#server.fromRuntime(run, count), rts: NOTHING.rts },
        blocked: (blocked) => this.#server.runtimeBlocked(blocked),
      },
      {
        party: this.#at.backend,
        receive: this.#world.pausing(() => this.#wire('proxy > backend'), {
          rpc: (run, count) => this.#conversation.requestsArrive(run, count),
          rts: NOTHING.rts,
        }),
        blocked: (blocked) => {
          this.#backendBlocked = blocked;
        },
      },
      { ...this.#world, ...this.#pace() },
    );
    this.#wires['proxy > backend'] = tcp.toB;
    this.#wires['backend > proxy'] = tcp.toA;
  }

  #makeConversation(): Conversation {
    const { plan, clock, random } = this.#world;
    const client = this.#client;
    return new Conversation(
      plan,
      clock,
      random,
      {
        longestBreak: plan.client === 'samba' ? 5 : random.pick([2, 30, 400]),
        maySend: () => (client instanceof Client ? client.queued < CLIENT_QUEUE : !this.#inBlocked),
        send: (run, count) => {
          if (this.#at.client.closed === undefined) client.fromRuntime(run, count);
        },
      },
      {
        longestBreak: random.pick([2, 30, 400]),
        maySend: () => (this.#joined ? !this.#backendBlocked : !this.#serverQueues),
        send: (run, count) => {
          if (this.#at.backend.closed !== undefined) return;
          if (this.#joined) this.#wire('backend > proxy').rpc(run, count);
          else this.#server.fromRuntime(run, count);
        },
      },
    );
  }

  /** Whether the proxy reads from the back end, as it decides after everything that it does. */
  #regulate(): void {
    const { clientWindow } = this.#outbound;
    const room = this.#outbound.room + Math.max(0, READ_AHEAD - clientWindow);
    const paused = this.#serverQueues || room < Math.min(LEAST_READ, clientWindow / 2);
    if (paused === this.#backendPaused) return;
    this.#backendPaused = paused;
    this.#wire('backend > proxy').pipe.pause(paused);
  }

  #pace(): { readonly slowest: number; readonly stalls: boolean } {
    return { slowest: this.#world.random.pick([1, 20, 80]), stalls: true };
  }

  /** Where a role writes: to its neighbour itself where both are in one process, to a wire otherwise. */
  #sink(name: `${string} > ${string}`, neighbour?: () => PduSink): PduSink {
    return this.#world.traced(name, () => (this.#joined && neighbour !== undefined ? neighbour() : this.#wire(name)));
  }

  #wire(name: `${string} > ${string}`): Wire {
    const wire = this.#wires[name];
    if (wire === undefined) throw new Error(`there is no wire ${name}`);
    return wire;
  }
}

/** Where no PDU may come. */
const NOTHING: PduSink = {
  rpc: () => {
    throw new Error('RPC PDUs where none may come');
  },
  rts: () => {
    throw new Error('an RTS PDU where none may come');
  },
};

function atMost(who: string, bytes: number, limit: number): void {
  if (bytes < 0 || bytes > limit) throw new Error(`${who} holds ${bytes} bytes, ${limit} at most are allowed`);
}
