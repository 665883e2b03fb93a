import { type CallOptions, type OutgoingCall, RpcCallError, type StubDecoder } from '../dcerpc/client-call.ts';
import type { InterfaceIdentity } from '../dcerpc/client-contexts.ts';
import { sameSyntax } from '../dcerpc/syntax-id.ts';
import { RpchError } from '../errors.ts';
import type { RpcConnection } from './rpc-connection.ts';

/** What one call is made of, but for the presentation context, which each connection numbers on its own. */
export type PooledCall = Omit<OutgoingCall, 'contextId'>;

/** Opens a connection for `wanted`; `assocGroupId` is that of the association, 0 for its first connection. */
export type OpenConnection = (
  wanted: InterfaceIdentity,
  assocGroupId: number,
  ended: (connection: RpcConnection) => void,
  signal: AbortSignal,
) => Promise<RpcConnection>;

interface Opening {
  readonly wanted: InterfaceIdentity;
  readonly opened: Promise<RpcConnection>;
}

/**
 * The connections of one association of a client ([MS-RPCE] 3.3.2.4.1): one where the server takes concurrent calls on it, else as many
 * as calls overlap, up to a limit. All are in one association group, so that context handles hold on each. A connection that is lost is
 * replaced when the next call is made.
 */
export class AssociationPool {
  readonly #open: OpenConnection;
  readonly #maxConnections: number;
  readonly #connections = new Set<RpcConnection>();
  #opening: Opening | undefined;
  readonly #closing = new AbortController();

  constructor(open: OpenConnection, maxConnections: number) {
    this.#open = open;
    this.#maxConnections = maxConnections;
  }

  /**
   * Makes a call and decodes its answer where it came in. Rejects as {@link ClientAssociation.callAndDecode} does, or with why there is no
   * connection.
   */
  call<T>(wanted: InterfaceIdentity, call: PooledCall, decode: StubDecoder<T>, options?: CallOptions): Promise<T> {
    const connection = this.#ready(wanted);
    if (connection === undefined) return this.#callLater(wanted, call, decode, options);
    return run(connection, wanted, call, decode, options);
  }

  /** Makes sure that `wanted` can be called. Rejects with why it cannot. */
  async bind(wanted: InterfaceIdentity): Promise<void> {
    const connection = await this.#take(wanted);
    connection.expected--;
  }

  /** Ends all connections, and what is opening; calls that are not over reject. */
  close(): void {
    this.#closing.abort(new RpchError('RPCH_CLIENT_CLOSED', 'caller', 'the client was closed'));
    for (const connection of this.#connections) connection.close();
  }

  async #callLater<T>(
    wanted: InterfaceIdentity,
    call: PooledCall,
    decode: StubDecoder<T>,
    options: CallOptions | undefined,
  ): Promise<T> {
    const runExpected = (on: RpcConnection): Promise<T> => {
      on.expected--;
      return run(on, wanted, call, decode, options);
    };
    const connection = await this.#take(wanted);
    try {
      return await runExpected(connection);
    } catch (error) {
      // Lost between the two: what the server cannot have seen may be sent again, once.
      const lost = error instanceof RpcCallError && error.fault === 'network' && !error.mayHaveExecuted;
      if (!lost || this.#connections.has(connection)) throw error;
      return await runExpected(await this.#take(wanted));
    }
  }

  /** An open connection that can take a call for `wanted` at once. */
  #ready(wanted: InterfaceIdentity): RpcConnection | undefined {
    for (const connection of this.#connections) {
      const { association } = connection;
      const free = association.settled?.multiplexed === true || connection.calls === 0;
      if (free && association.accepts(wanted.syntax)) return connection;
    }
    return undefined;
  }

  /** A connection for one call of `wanted`, which it expects. */
  async #take(wanted: InterfaceIdentity): Promise<RpcConnection> {
    for (;;) {
      this.#closing.signal.throwIfAborted();
      const ready = this.#ready(wanted);
      if (ready !== undefined) {
        ready.expected++;
        return ready;
      }
      if (!this.#mayOpen()) return this.#share(wanted);
      if (this.#opening === undefined) return this.#openAnother(wanted);
      await this.#opened(this.#opening, wanted);
    }
  }

  #mayOpen(): boolean {
    const least = leastBusy(this.#connections);
    if (least === undefined) return true;
    // One without a call can learn another interface.
    if (least.association.settled?.multiplexed === true || least.calls === 0) return false;
    return this.#connections.size < this.#maxConnections;
  }

  /** One opens at a time: those that come meanwhile may find the new one sufficient, and need not fail one after the other. */
  async #opened(opening: Opening, wanted: InterfaceIdentity): Promise<void> {
    try {
      await opening.opened;
    } catch (error) {
      const everybodys = error instanceof RpchError && error.fault === 'network';
      if (everybodys || sameSyntax(opening.wanted.syntax, wanted.syntax)) throw error;
    }
  }

  /** The connection with the fewest calls, taught `wanted` where it does not know it. */
  async #share(wanted: InterfaceIdentity): Promise<RpcConnection> {
    const least = leastBusy(this.#connections) as RpcConnection;
    least.expected++;
    try {
      if (!least.association.accepts(wanted.syntax)) await least.association.addInterfaces([wanted]);
      return least;
    } catch (error) {
      least.expected--;
      throw error;
    }
  }

  async #openAnother(wanted: InterfaceIdentity): Promise<RpcConnection> {
    const [first] = this.#connections;
    const group = first?.association.settled?.assocGroupId ?? 0;
    const opened = this.#open(wanted, group, (ended) => this.#connections.delete(ended), this.#closing.signal);
    this.#opening = { wanted, opened };
    try {
      const connection = await opened;
      if (this.#closing.signal.aborted) connection.close();
      this.#closing.signal.throwIfAborted();
      if (connection.association.bound) this.#connections.add(connection);
      connection.expected++;
      return connection;
    } finally {
      this.#opening = undefined;
    }
  }
}

/** Makes a call on a connection that knows the interface. */
function run<T>(
  { association }: RpcConnection,
  wanted: InterfaceIdentity,
  { opnum, stub, littleEndian, object }: PooledCall,
  decode: StubDecoder<T>,
  options: CallOptions | undefined,
): Promise<T> {
  const contextId = association.contextOf(wanted.syntax);
  return association.callAndDecode({ contextId, opnum, stub, littleEndian, object }, decode, options);
}

function leastBusy(connections: ReadonlySet<RpcConnection>): RpcConnection | undefined {
  let least: RpcConnection | undefined;
  for (const connection of connections) if (least === undefined || connection.calls < least.calls) least = connection;
  return least;
}
