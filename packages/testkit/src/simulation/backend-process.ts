import type { ConnectionEnd } from './connection.ts';
import { Incoming } from './incoming.ts';
import { Process } from './process.ts';
import type { Surroundings } from './surroundings.ts';
import { Wire } from './wire.ts';

/** A plain TCP RPC server behind a proxy that plays the server's role for it. */
export class BackendProcess {
  readonly process: Process;
  readonly #world: Surroundings;
  #wire: Wire | undefined;
  #opened = false;
  #blocked = false;

  constructor(world: Surroundings) {
    this.#world = world;
    this.process = new Process('backend', world.clock);
  }

  /** Whether the application's connection is over. */
  get over(): boolean {
    return this.process.dead || this.#wire?.end.closed === true;
  }

  get maySend(): boolean {
    return !this.#blocked;
  }

  /** RPC PDUs of the application. */
  send(run: Uint8Array, count: number): void {
    this.#wire?.rpc(run, count);
  }

  /** The virtual connection is open. */
  opened(): void {
    if (this.#opened) return;
    this.#opened = true;
    this.#world.conversation.serverOpened();
  }

  /** The proxy connects. */
  accept(end: ConnectionEnd): void {
    const world = this.#world;
    const wire = new Wire(world, 'B>S', end);
    this.#wire ??= wire;
    const incoming = new Incoming(
      world.pausing(end, {
        rpc: (run, count) => {
          if (wire === this.#wire) world.conversation.requestsArrive(run, count);
        },
        rts: () => {
          throw new Error('an RTS PDU for a plain TCP server');
        },
      }),
    );
    end.listen({
      data: (chunk) => {
        incoming.push(chunk);
      },
      ended: () => end.close(),
      blocked: (blocked) => {
        this.#blocked = blocked;
      },
    });
  }
}
