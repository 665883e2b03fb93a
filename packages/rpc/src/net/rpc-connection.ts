import { ClientAssociation, type ClientAssociationOptions } from '../dcerpc/client-association.ts';
import type { RpchError } from '../errors.ts';
import type { PduTransport, PduTransportEvents } from './pdu-transport.ts';

/** How exactly time-outs of binds, calls and cancels are kept, ms. */
const TICK = 250;

/** Opens what carries an association; `signal` gives the opening up. */
export type OpenTransport = (events: PduTransportEvents & { readonly signal?: AbortSignal }) => Promise<PduTransport>;

/** One connection of a client: a transport, the association over it, and the clock for both. */
export class RpcConnection {
  readonly association: ClientAssociation;
  /** Calls that are about to be made. */
  expected = 0;
  #transport: PduTransport | undefined;
  readonly #ended: (connection: RpcConnection) => void;
  #ticker: NodeJS.Timeout | undefined;
  #over = false;

  /** @param ended called once, when the open connection is over. */
  private constructor(options: Omit<ClientAssociationOptions, 'output'>, ended: (connection: RpcConnection) => void) {
    this.#ended = ended;
    this.association = new ClientAssociation({
      ...options,
      output: {
        send: (run, count) => this.#transport?.send(run, count) ?? true,
        end: () => this.#end(),
      },
    });
  }

  /**
   * Opens a transport and binds over it. Rejects with what the transport, or {@link ClientAssociation.bind}, rejects with, and
   * with the reason of `signal`, which is not looked at afterwards.
   */
  static async open(
    transport: OpenTransport,
    options: Omit<ClientAssociationOptions, 'output'>,
    ended: (connection: RpcConnection) => void,
    signal?: AbortSignal,
  ): Promise<RpcConnection> {
    const connection = new RpcConnection(options, ended);
    const { association } = connection;
    let lost: RpchError | undefined;
    const close = (): void => connection.close();
    signal?.addEventListener('abort', close);
    try {
      const opened = await transport({
        ...(signal === undefined ? {} : { signal }),
        onPdus: (run, count) => association.rpc(run, count),
        onDrain: () => association.drained(),
        onClosed: (error) => {
          lost = error;
          association.lost(error);
          connection.#end();
        },
      });
      if (lost !== undefined) throw lost;
      connection.#transport = opened;
      if (connection.#over) opened.close();
      else connection.#ticker = setInterval(() => association.tick(performance.now()), TICK);
      await association.bind();
      return connection;
    } catch (error) {
      throw signal?.aborted === true ? signal.reason : error;
    } finally {
      signal?.removeEventListener('abort', close);
    }
  }

  /** Calls that are about to be made, or whose answers may still come. */
  get calls(): number {
    return this.expected + this.association.calls;
  }

  /** Ends the connection; calls that are not over reject. */
  close(): void {
    this.association.close();
    this.#end();
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    clearInterval(this.#ticker);
    this.#transport?.close();
    this.#ended(this);
  }
}
