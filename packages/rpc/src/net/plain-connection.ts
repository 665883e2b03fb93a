import { ProtocolError, RpchError } from '../errors.ts';
import { type AcceptedConnection, type ConnectionUser, LINGER } from './accepted-connection.ts';
import { endingError } from './defect.ts';
import type { EndpointRuntime, RuntimeConnection, RuntimeFactory, RuntimePeer } from './endpoint-runtime.ts';
import { TurnEnd } from './turn-end.ts';

/** How a connection ended that did not fail: by its peer, or on purpose. */
export type ConnectionEnd = RpchError | undefined;

/**
 * A TCP connection that is the whole transport of an association, RPC PDUs and nothing else: `ncacn_ip_tcp`, or version 1 of
 * `ncacn_http` ([MS-RPCH] 3.1.3).
 */
export class PlainConnection implements ConnectionUser, RuntimeConnection {
  readonly #connection: AcceptedConnection;
  readonly #ended: (end: ConnectionEnd) => void;
  readonly #runtime: EndpointRuntime;
  readonly #turnEnd = new TurnEnd(() => this.flush());
  #over = false;

  /** @param ended called once, however it ends. */
  constructor(
    connection: AcceptedConnection,
    transport: RuntimePeer['transport'],
    runtimes: RuntimeFactory,
    ended: (end: ConnectionEnd) => void,
  ) {
    this.#connection = connection;
    this.#ended = ended;
    const { address, peer } = connection;
    this.#runtime = runtimes.open(
      { transport, address, label: peer, clientAddressHint: undefined, associationGroupId: undefined },
      this,
    );
  }

  rpc(run: Uint8Array, count: number): void {
    if (!this.#over) this.#runtime.receive(run, count);
  }

  rts(_pdu: Uint8Array): void {
    throw new ProtocolError('RPCH_RTS_ON_TCP', 'an RTS PDU among RPC PDUs', '[MS-RPCH] 3.1.3');
  }

  send(run: Uint8Array, _count: number): void {
    if (this.#over) return;
    this.#connection.write(run);
    this.#turnEnd.schedule();
  }

  pause(paused: boolean): void {
    if (!this.#over) this.#connection.pause(paused);
  }

  end(why?: RpchError): void {
    if (!this.#finish(why)) return;
    this.#connection.close(LINGER);
  }

  flush(): void {
    if (!this.#over) this.#guard(() => this.#runtime.flush());
    this.#connection.flush();
  }

  blocked(blocked: boolean): void {
    if (!this.#over) this.#guard(() => this.#runtime.blocked(blocked));
  }

  failed(error: unknown): void {
    this.end(endingError(error));
  }

  closed(error: Error | undefined): void {
    this.#finish(
      error === undefined
        ? undefined
        : new RpchError('RPCH_CONNECTION_LOST', 'network', `the connection failed: ${error.message}`, { cause: error }),
    );
  }

  tick(now: number): void {
    this.#guard(() => this.#runtime.tick(now));
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.failed(error);
    }
  }

  #finish(end: ConnectionEnd): boolean {
    if (this.#over) return false;
    this.#over = true;
    this.#runtime.close();
    this.#ended(end);
    return true;
  }
}
