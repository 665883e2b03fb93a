import { AssociationGroups } from '../dcerpc/association-groups.ts';
import type { RpcInterface } from '../dcerpc/rpc-interface.ts';
import { type AssociationOutput, ServerAssociation } from '../dcerpc/server-association.ts';
import { RpchError } from '../errors.ts';
import { endingError } from './defect.ts';
import type { EndpointRuntime, RuntimeConnection, RuntimeFactory, RuntimePeer } from './endpoint-runtime.ts';

export interface AssociationRuntimesOptions {
  readonly interfaces: readonly RpcInterface[];
  /** The endpoint that bind_ack names: the port's digits. Asked for at each connection. */
  readonly secondaryAddress: () => string;
  /** How long a connection may take to bind, ms. */
  readonly bindTimeout: number;
  /** A handler failed; `peer` is whose call it was. */
  readonly handlerFailed: (peer: RuntimePeer, why: RpchError) => void;
}

/** The RPC run-time of this process behind an endpoint: one association for each connection, association groups in common. */
export function associationRuntimes(options: AssociationRuntimesOptions): RuntimeFactory {
  const groups = new AssociationGroups();
  return { open: (peer, connection) => new AssociationRuntime(peer, connection, groups, options) };
}

class AssociationRuntime implements EndpointRuntime, AssociationOutput {
  readonly #peer: RuntimePeer;
  readonly #connection: RuntimeConnection;
  readonly #options: AssociationRuntimesOptions;
  readonly #association: ServerAssociation;
  #blocked = false;
  /** The association was told that its output is full, and waits. */
  #full = false;
  /** The association is in the midst of sending, and must not be called. */
  #sending = false;
  #ended = false;
  #since: number | undefined;

  constructor(
    peer: RuntimePeer,
    connection: RuntimeConnection,
    groups: AssociationGroups,
    options: AssociationRuntimesOptions,
  ) {
    this.#peer = peer;
    this.#connection = connection;
    this.#options = options;
    this.#association = new ServerAssociation({
      interfaces: options.interfaces,
      groups,
      client: clientOf(peer),
      secondaryAddress: options.secondaryAddress(),
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
  }

  send(run: Uint8Array, count: number): boolean {
    this.#sending = true;
    this.#connection.send(run, count);
    this.#sending = false;
    if (this.#blocked && !this.#full) {
      this.#full = true;
      this.#connection.pause(true);
    } else if (!this.#blocked && this.#full) {
      process.nextTick(() => this.#resumeLater());
    }
    return !this.#full;
  }

  end(why: RpchError): void {
    this.#ended = true;
    this.#connection.end(why);
  }

  handlerFailed(why: RpchError): void {
    this.#options.handlerFailed(this.#peer, why);
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
    if (!this.#full) this.#connection.pause(false);
  }
}

/**
 * Whose association groups a connection may join ([MS-RPCE] 3.3.1.5.7). Over version 2 all clients of a proxy have its address;
 * the association group id of CONN/B2, which is random and secret, is the test of the same client there.
 */
function clientOf({ address, associationGroupId }: RuntimePeer): string {
  return associationGroupId === undefined ? address : `group ${Buffer.from(associationGroupId).toString('hex')}`;
}
