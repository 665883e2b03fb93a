import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import {
  Client,
  ClientConduct,
  type ClientInChannel,
  type ClientInPort,
  type ClientOutChannel,
  type ClientOutPort,
  InboundProxy,
  OutboundProxy,
  type PduSink,
  type RoleEnd,
  readInOpening,
  readOutOpening,
  readServerOpening,
  Server,
  type ServerLeg,
  TICK,
} from '@rpch/rpc/internal';
import { VirtualClock } from '../../src/virtual-clock.ts';

const LATENCY = 20;
const LIFETIME = 1024 ** 3;
const WINDOW = 65_536;
const PATIENCE = 60_000;

/** What passes on a channel between client and proxy, as a middlebox on the way sees it. Times in virtual ms. */
class Watched {
  pdus = 0;
  longestSilence = 0;
  readonly #clock: VirtualClock;
  #lastAt = 0;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  passes(): void {
    this.pdus++;
    this.#silent();
    this.#lastAt = this.#clock.now;
  }

  /** Begins to watch anew. */
  begin(): void {
    this.#lastAt = this.#clock.now;
    this.pdus = 0;
    this.longestSilence = 0;
  }

  /** The silence that goes on counts too. */
  end(): void {
    this.#silent();
  }

  #silent(): void {
    this.longestSilence = Math.max(this.longestSilence, this.#clock.now - this.#lastAt);
  }
}

/**
 * One virtual connection of all four roles in virtual time, without sockets: what each writes arrives after 20 ms, and each is
 * told the time once a second. Nobody recycles: what passes in an hour of near silence is nothing beside a lifetime.
 */
export class IdlePath {
  readonly clock = new VirtualClock();
  readonly in = new Watched(this.clock);
  readonly out = new Watched(this.clock);
  /** RPC PDUs that came through, each way. */
  readonly atServer: Buffer[] = [];
  readonly atClient: Buffer[] = [];
  readonly ends: RoleEnd[] = [];
  readonly #connectionTimeout: number;
  readonly #client: Client;
  readonly #server: Server;
  #inbound: InboundProxy | undefined;
  #outbound: OutboundProxy | undefined;
  #opened = false;

  /** @param connectionTimeout that both proxies announce, ms. */
  constructor(connectionTimeout: number) {
    this.#connectionTimeout = connectionTimeout;
    const ended = (end: RoleEnd): void => {
      this.ends.push(end);
    };
    this.#client = new Client(
      {
        openIn: (channel) => this.#openIn(channel),
        openOut: (channel) => this.#openOut(channel),
        toRuntime: (run) => this.atClient.push(Buffer.from(run)),
        opened: () => {
          this.#opened = true;
        },
        ended,
      },
      {
        receiveWindow: WINDOW,
        channelLifetime: LIFETIME,
        clientKeepalive: 300_000,
        associationGroupId: randomBytes(16),
        random: randomBytes,
        recyclingTimeout: PATIENCE,
      },
    );
    this.#server = new Server(
      {
        toRuntime: (run) => this.atServer.push(Buffer.from(run)),
        opened: () => {},
        pauseRuntime: () => {},
        mayRecycle: true,
        ended,
      },
      { receiveWindow: WINDOW, setupTimeout: PATIENCE, recyclingTimeout: PATIENCE },
    );
  }

  /** Opens it, and begins to watch. */
  open(): void {
    this.#client.open();
    this.pass(TICK);
    assert.ok(this.#opened, 'the virtual connection is open');
    this.in.begin();
    this.out.begin();
  }

  /** Time passes. */
  pass(ms: number): void {
    const until = this.clock.now + ms;
    while (this.clock.now < until) {
      this.clock.advance(Math.min(TICK, until - this.clock.now));
      for (const role of [this.#client, this.#inbound, this.#outbound, this.#server]) role?.tick(this.clock.now);
    }
    this.in.end();
    this.out.end();
  }

  toServer(pdu: Uint8Array): void {
    this.#client.fromRuntime(pdu, 1);
  }

  toClient(pdu: Uint8Array): void {
    this.#server.fromRuntime(pdu, 1);
  }

  #openIn(channel: ClientInChannel): ClientInPort {
    assert.equal(channel.over, false);
    const toProxy = this.#late(
      this.#opening((pdu) => this.#beginIn(pdu)),
      this.in,
    );
    return { ...toProxy, close: () => assert.fail('nothing is recycled') };
  }

  #openOut(channel: ClientOutChannel): ClientOutPort {
    const toProxy = this.#late(this.#opening((pdu) => this.#beginOut(pdu, channel)));
    return { send: (pdu) => toProxy.rts(pdu), close: () => assert.fail('nothing is recycled') };
  }

  #beginIn(pdu: Uint8Array): PduSink {
    let leg: ServerLeg | undefined;
    const inbound: InboundProxy = new InboundProxy(
      {
        toServer: this.#late(
          this.#opening((first) => {
            const port = { ...this.#late(inbound.fromServer), close: () => {} };
            leg = this.#server.attach(port, readServerOpening(first));
            return leg.from;
          }),
        ),
        opened: () => {},
        leaving: () => {},
        keepAlive: () => {},
        wakeAfter: () => {},
        ended: (end) => this.ends.push(end),
      },
      {
        receiveWindow: WINDOW,
        connectionTimeout: this.#connectionTimeout,
        clientAddress: { family: 4, address: Uint8Array.of(192, 0, 2, 1) },
        conduct: new ClientConduct(1),
        recyclingTimeout: PATIENCE,
      },
      { pauseClient: () => {}, pending: 0, close: () => {} },
      readInOpening(pdu),
    );
    this.#inbound = inbound;
    inbound.serverConnected();
    return inbound.client.from;
  }

  #beginOut(pdu: Uint8Array, channel: ClientOutChannel): PduSink {
    const outbound: OutboundProxy = new OutboundProxy(
      {
        toServer: this.#late(
          this.#opening((first) => {
            const port = { ...this.#late(outbound.fromServer), close: () => {} };
            return this.#server.attach(port, readServerOpening(first)).from;
          }),
        ),
        opened: () => {},
        leaving: () => {},
        wakeAfter: () => {},
        ended: (end) => this.ends.push(end),
      },
      {
        receiveWindow: WINDOW,
        channelLifetime: LIFETIME,
        connectionTimeout: this.#connectionTimeout,
        conduct: new ClientConduct(1),
        recyclingTimeout: PATIENCE,
      },
      {
        toClient: this.#late(channel.from, this.out),
        respond: () => this.clock.after(LATENCY, () => channel.responded()),
        close: () => {},
      },
      readOutOpening(pdu),
    );
    this.#outbound = outbound;
    outbound.serverConnected();
    return outbound.client.from;
  }

  /** The first PDU decides who takes the others. */
  #opening(begin: (pdu: Uint8Array) => PduSink): PduSink {
    let next: PduSink | undefined;
    return {
      rpc: (run, count) => (next ?? assert.fail('an RPC PDU came first')).rpc(run, count),
      rts: (pdu) => {
        if (next === undefined) next = begin(pdu);
        else next.rts(pdu);
      },
    };
  }

  /** A way to `sink` that takes time; whoever watches it sees what is sent when it is. */
  #late(sink: PduSink, watched?: Watched): PduSink {
    return {
      rpc: (run, count) => {
        const bytes = Buffer.from(run);
        watched?.passes();
        this.clock.after(LATENCY, () => sink.rpc(bytes, count));
      },
      rts: (pdu) => {
        const bytes = Buffer.from(pdu);
        watched?.passes();
        this.clock.after(LATENCY, () => sink.rts(bytes));
      },
    };
  }
}
