import {
  Client,
  type ClientInChannel,
  type ClientInPort,
  type ClientOutChannel,
  type ClientOutPort,
  Destination,
} from '@rpch/rpc/internal';
import type { ConnectionEnd } from './connection.ts';
import { keyOf, SenderAudit } from './flow-audit.ts';
import { encodeHead, Incoming } from './incoming.ts';
import { InvariantError } from './invariant.ts';
import { Owner, type Waiting } from './owner.ts';
import { LONG_LIFETIME } from './plan.ts';
import { Process } from './process.ts';
import { SeededRandom } from './random.ts';
import { SambaLikeClient } from './samba-like-client.ts';
import { SlowRuntime } from './slow-runtime.ts';
import type { Surroundings } from './surroundings.ts';
import { Wire } from './wire.ts';

/** What an application lets wait in its client role before it stops calling, bytes. */
export const CLIENT_QUEUE = 65_536;
const KEEPALIVE = 300_000;
/** Content-Length of the first RPC_OUT_DATA request ([MS-RPCH] 2.1.2.1.2). */
const FIRST_OUT_LENGTH = 76;

/** The client's process: the application's way out, the client role, and connections to proxies. */
export class ClientProcess extends Owner {
  readonly role: Client | SambaLikeClient;
  protected opened = false;
  readonly #random: SeededRandom;
  #answerBytes = 0;
  #inBlocked = false;
  readonly #outs = new Set<ConnectionEnd>();

  constructor(world: Surroundings) {
    super(world, new Process('client', world.clock));
    const { plan } = world;
    this.#random = SeededRandom.of(plan.seed, 'client');
    this.role = plan.client === 'samba' ? this.#sambaLike() : this.#conforming();
  }

  get name(): string {
    return 'client';
  }

  open(): void {
    this.guard(() => this.role.open());
  }

  /** RPC PDUs of the application. */
  send(run: Uint8Array, count: number): void {
    this.guard(() => this.role.fromRuntime(run, count));
  }

  get maySend(): boolean {
    return this.role instanceof Client ? this.role.queued < CLIENT_QUEUE : !this.#inBlocked;
  }

  keepAlive(interval: number): void {
    const { role } = this;
    if (role instanceof Client && this.opened) this.guard(() => role.keepAlive(interval));
  }

  protected get waiting(): Waiting {
    return { bytes: this.role.queued, progress: this.role.queued };
  }

  protected tickRole(now: number): void {
    if (!(this.role instanceof Client)) return;
    this.role.tick(now);
    if (this.opened) this.expectWord(this.#outs, now);
  }

  protected onEnd(): void {}

  #conforming(): Client {
    const { plan, onTransition } = this.world;
    const runtime = new SlowRuntime(this.name, this.world, this.process, plan.windows.client, (blocked) =>
      this.guard(() => client.runtimeBlocked(blocked)),
    );
    const client: Client = new Client(
      {
        toRuntime: (run, count) => {
          this.#received(run, count);
          runtime.takes(run.length);
        },
        opened: () => this.#onOpened(),
        ended: (end) => this.end(end),
        openIn: (channel) => this.#openIn(channel),
        openOut: (channel, contentLength) => this.#openOut(channel, contentLength),
      },
      {
        receiveWindow: plan.windows.client,
        channelLifetime: plan.lifetimes.in,
        clientKeepalive: KEEPALIVE,
        associationGroupId: this.#random.bytes(16),
        random: (length) => this.#random.bytes(length),
        recyclingTimeout: plan.recyclingTimeouts.client,
        onTransition,
      },
    );
    return client;
  }

  #sambaLike(): SambaLikeClient {
    const channel = { over: false };
    let inbound: ClientInPort | undefined;
    const client: SambaLikeClient = new SambaLikeClient(
      {
        toInboundProxy: (pdus, count) => {
          inbound ??= this.#openIn(channel);
          if (count === 0) inbound.rts(pdus);
          else inbound.rpc(pdus, count);
        },
        toOutboundProxy: (pdu) => {
          const from = client.fromOutboundProxy;
          this.#openOut({ ...channel, responded: () => {}, from }, FIRST_OUT_LENGTH).send(pdu);
        },
        toRuntime: (run, count) => this.#received(run, count),
        opened: () => this.#onOpened(),
      },
      this.world.plan.windows.client,
      this.#random,
    );
    return client;
  }

  #onOpened(): void {
    this.opened = true;
    this.world.conversation.clientOpened();
  }

  #received(run: Uint8Array, count: number): void {
    this.#answerBytes += run.length;
    this.world.conversation.answersArrive(run, count);
  }

  #openIn(channel: ClientInChannel): ClientInPort {
    const { plan } = this.world;
    const contentLength = plan.client === 'samba' ? LONG_LIFETIME : plan.lifetimes.in;
    const { end, host } = this.world.clientConnects('in');
    const window = plan.hosts[host]?.inbound ?? 0;
    const heedsWindow = this.world.audits && plan.client !== 'samba';
    const audit = heedsWindow ? new SenderAudit(`client on ${end.connection.name}`, window) : undefined;
    const wire = new Wire(this.world, 'C>IP', end, contentLength, audit);
    this.#listen('in', end, channel, () => false);
    end.write(encodeHead({ kind: 'in', contentLength }));
    let first = true;
    return {
      rpc: (run, count) => wire.rpc(run, count),
      rts: (pdu) => {
        if (first && audit !== undefined) this.world.audited(inCookieOf(pdu), audit);
        first = false;
        wire.rts(pdu);
      },
      close: () => this.releases(end),
    };
  }

  #openOut(channel: ClientOutChannel, contentLength: number): ClientOutPort {
    const { end } = this.world.clientConnects('out');
    const wire = new Wire(this.world, 'C>OP', end, contentLength);
    this.#outs.add(end);
    const sink = this.world.hearsAcks(this.world.pausing(end, channel.from), Destination.FDClient);
    const incoming = new Incoming(sink, { head: () => channel.responded() });
    this.#listen('out', end, channel, (chunk) => incoming.push(chunk));
    end.write(encodeHead({ kind: 'out', contentLength }));
    return { send: (pdu) => wire.rts(pdu), close: () => this.releases(end) };
  }

  /** @param data returns false when what came cannot be. */
  #listen(
    kind: 'in' | 'out',
    end: ConnectionEnd,
    channel: { readonly over: boolean },
    data: (chunk: Uint8Array) => boolean,
  ): void {
    this.owns(end);
    end.listen({
      data: (chunk) =>
        this.guard(() => {
          if (!data(chunk)) this.end('no HTTP response');
        }),
      ended: () => {
        if (channel.over && kind === 'out' && this.world.audits) {
          throw new InvariantError('left-behind', `the client did not close ${end.connection.name}`);
        }
        if (channel.over) this.releases(end);
        else this.end(`${end.connection.name} was closed`);
      },
      blocked: (blocked) => {
        this.#inBlocked = blocked;
      },
    });
  }
}

/** The channel cookie of CONN/B1 and of IN_R1/A1, as a key. */
function inCookieOf(pdu: Uint8Array): string {
  const at = pdu.length === 104 ? 52 : 72;
  return keyOf(pdu.subarray(at, at + 16));
}
