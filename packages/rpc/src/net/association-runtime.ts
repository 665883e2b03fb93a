import { isIPv4 } from 'node:net';
import { AssociationGroups } from '../dcerpc/association-groups.ts';
import { type OfferedInterface, type RpcInterface, servedInterface } from '../dcerpc/rpc-interface.ts';
import { type AssociationOutput, ServerAssociation } from '../dcerpc/server-association.ts';
import type { SecurityProviders } from '../dcerpc/server-security.ts';
import { ServerStatistics } from '../dcerpc/server-statistics.ts';
import { RpchError } from '../errors.ts';
import type { EndpointRegistry } from '../interfaces/endpoint-registry.ts';
import { mgmtServer } from '../interfaces/mgmt.ts';
import type { TowerProtocol } from '../interfaces/towers.ts';
import { BoundedLines } from './bounded-lines.ts';
import { detailOf, endingError, lineOf } from './defect.ts';
import type { EndpointRuntime, RuntimeConnection, RuntimeFactory, RuntimePeer } from './endpoint-runtime.ts';
import { SEND_AT } from './turn-end.ts';

/** What a server serves, whatever it listens on. */
export interface RpcServerOptions {
  /** What is served, each interface at its own minimum level of security or at another. */
  readonly interfaces: readonly OfferedInterface[];
  /**
   * Who accepts RPC-level security contexts ([MS-RPCE] 2.2.1.1.7): each call makes the acceptor of one. Default: nobody does, and
   * a client that wants security is told bind_nak authentication_type_not_recognized. ntlmAccounts makes them of a list of accounts.
   */
  readonly security?: SecurityProviders;
  /** Security contexts of one connection. Default 64. */
  readonly maxSecurityContexts?: number;
  /** Offers the management interface ([MS-RPCE] 2.2.1.3) besides, at no level of security, as run-times do. Default true. */
  readonly management?: boolean;
  /** Where the interfaces are registered while the server listens, for an endpoint mapper to tell of. */
  readonly registry?: EndpointRegistry;
}

/** How a server is closed. */
export interface CloseOptions {
  /** How long calls in progress may take to finish, ms; connections without any end at once. Default 0. */
  readonly grace?: number;
}

export interface AssociationRuntimesOptions extends RpcServerOptions {
  /** The endpoint that bind_ack names: the port's digits. Asked for at each connection. */
  readonly secondaryAddress: () => string;
  /** How long a connection may take to bind, ms. */
  readonly bindTimeout: number;
  /** One line for each handler that fails. */
  readonly log: (line: string) => void;
}

/** The RPC run-time of this process behind an endpoint: one association for each connection, association groups in common. */
export class AssociationRuntimes implements RuntimeFactory {
  readonly statistics = new ServerStatistics();
  readonly #options: AssociationRuntimesOptions;
  /** What is served, but for what every endpoint has. */
  readonly #named: readonly RpcInterface[];
  readonly #groups = new AssociationGroups();
  readonly #open = new Set<AssociationRuntime>();
  readonly #refusals: BoundedLines;
  #draining: { readonly done: () => void } | undefined;

  constructor(options: AssociationRuntimesOptions) {
    this.#named = options.interfaces.map((offered) => servedInterface(offered).interface);
    const interfaces = this.#named.map(({ syntax }) => syntax);
    const { statistics } = this;
    this.#refusals = new BoundedLines(options.log, (work, ms) => setTimeout(work, ms).unref());
    const management = options.management === false ? [] : [mgmtServer({ interfaces, statistics })];
    this.#options = { ...options, interfaces: [...options.interfaces, ...management] };
  }

  /** Registers the interfaces at an address; the function that is returned takes them out again. */
  register(protocol: TowerProtocol, host: string, port: number): () => void {
    const { registry } = this.#options;
    if (registry === undefined) return () => {};
    const address = isIPv4(host) ? host : '0.0.0.0';
    const taken = this.#named.map(({ name, syntax }) => {
      return registry.add({ syntax, protocol, port, address, annotation: name });
    });
    return () => {
      for (const take of taken) take();
    };
  }

  open(peer: RuntimePeer, connection: RuntimeConnection): EndpointRuntime {
    const runtime = new AssociationRuntime(peer, connection, this.#groups, this.statistics, this.#options, {
      refused: (line) => this.#refusals.write(line),
      closed: () => {
        this.#open.delete(runtime);
        if (this.#open.size === 0) this.#draining?.done();
      },
    });
    this.#open.add(runtime);
    if (this.#draining !== undefined) runtime.drain();
    return runtime;
  }

  /** Ends each connection as soon as it has no call in progress; resolves when all are over, or after `grace` ms. */
  async drain(grace: number): Promise<void> {
    if (grace <= 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#draining = { done: resolve };
    const timer = setTimeout(resolve, grace);
    for (const runtime of [...this.#open]) runtime.drain();
    if (this.#open.size === 0) resolve();
    await promise;
    clearTimeout(timer);
  }
}

/** What one association tells the run-time. */
interface RuntimeNews {
  /** A call was refused; the line is for the log. */
  refused(line: string): void;
  closed(): void;
}

class AssociationRuntime implements EndpointRuntime, AssociationOutput {
  readonly #peer: RuntimePeer;
  readonly #connection: RuntimeConnection;
  readonly #options: AssociationRuntimesOptions;
  readonly #association: ServerAssociation;
  readonly #news: RuntimeNews;
  #blocked = false;
  /** The association was told that its output is full, and waits. */
  #full = false;
  /** The association waits for a security provider. */
  #held = false;
  #paused = false;
  /** The association is in the midst of sending, and must not be called. */
  #sending = false;
  #ended = false;
  #since: number | undefined;

  constructor(
    peer: RuntimePeer,
    connection: RuntimeConnection,
    groups: AssociationGroups,
    statistics: ServerStatistics,
    options: AssociationRuntimesOptions,
    news: RuntimeNews,
  ) {
    this.#peer = peer;
    this.#connection = connection;
    this.#options = options;
    this.#news = news;
    this.#association = new ServerAssociation({
      interfaces: options.interfaces,
      security: options.security,
      maxSecurityContexts: options.maxSecurityContexts,
      groups,
      ...clientOf(peer),
      secondaryAddress: options.secondaryAddress(),
      peer,
      statistics,
      output: this,
    });
  }

  receive(run: Uint8Array, count: number): void {
    this.#association.rpc(run, count);
  }

  blocked(blocked: boolean): void {
    this.#blocked = blocked;
    if (!blocked && !this.#sending) this.#resume();
  }

  flush(): void {}

  tick(now: number): void {
    this.#since ??= now;
    if (this.#association.bound || now - this.#since <= this.#options.bindTimeout) return;
    this.#connection.end(new RpchError('RPCH_STALLED', 'peer', 'no progress: it does not bind'));
  }

  close(): void {
    if (!this.#ended) this.#association.close();
    this.#ended = true;
    this.#news.closed();
  }

  drain(): void {
    if (!this.#ended) this.#association.drain();
  }

  send(run: Uint8Array, count: number): boolean {
    this.#sending = true;
    this.#connection.send(run, count);
    if (run.length >= SEND_AT) this.#connection.flush();
    this.#sending = false;
    if (this.#blocked && !this.#full) {
      this.#full = true;
      this.#pause();
    } else if (!this.#blocked && this.#full) {
      process.nextTick(() => this.#resumeLater());
    }
    return !this.#full;
  }

  hold(held: boolean): void {
    this.#held = held;
    this.#pause();
  }

  end(why: RpchError | undefined): void {
    this.#ended = true;
    this.#connection.end(why);
  }

  handlerFailed(why: RpchError): void {
    this.#options.log(`${this.#peer.label}: ${lineOf(why)}: ${detailOf(why.cause)}`);
  }

  callRefused(why: RpchError): void {
    this.#news.refused(`${this.#peer.label}: ${lineOf(why)}`);
  }

  #pause(): void {
    const paused = this.#full || this.#held;
    if (paused === this.#paused || this.#ended) return;
    this.#paused = paused;
    this.#connection.pause(paused);
  }

  #resumeLater(): void {
    try {
      this.#resume();
    } catch (error) {
      this.#connection.end(endingError(error));
    }
  }

  /** What the association kept meanwhile may fill the output anew. */
  #resume(): void {
    if (!this.#full || this.#blocked || this.#ended) return;
    this.#full = false;
    this.#association.resume();
    this.#pause();
  }
}

/**
 * Whose association groups a connection may join ([MS-RPCE] 3.3.1.5.7). Over version 2 all clients of a proxy have its address. There
 * the association group id of CONN/B2, random and secret, tells the same client ([MS-RPCH] 2.2.3.5.13), and so does the client's
 * address as its proxy has it: Samba's client makes a new association group id for each virtual connection.
 */
function clientOf({ address, associationGroupId, clientAddressHint }: RuntimePeer): {
  client: string;
  clientAlias?: string;
} {
  if (associationGroupId === undefined) return { client: address };
  const client = `group ${Buffer.from(associationGroupId).toString('hex')}`;
  return {
    client,
    ...(clientAddressHint === undefined ? {} : { clientAlias: `behind a proxy: ${clientAddressHint}` }),
  };
}
