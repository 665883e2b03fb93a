import type { Socket } from 'node:net';
import { KEEPALIVE_DELAY } from './backend.ts';
import { endOfError } from './channel.ts';
import type { Half } from './half.ts';
import { NativeLeg } from './native-leg.ts';
import { endOfLeg } from './session-end.ts';
import { type Reach, VirtualConnection } from './virtual-connection.ts';

/**
 * A session in front of an RPC server that plays the server's role itself (`ncacn_http`: Windows, Exchange, the
 * endpoint of a proxy). Each half has its own connection to it, so the halves may be at different proxies.
 */
export class NativeVirtualConnection extends VirtualConnection {
  protected override reach(half: Half): Reach {
    return (socket) => this.#connected(half, socket);
  }

  protected override tickServer(): void {}

  protected override flushServer(): void {
    this.in?.side?.flush();
    this.out?.side?.flush();
  }

  /** The server is always read: acknowledgements of the client come that way, and its window bounds the rest. */
  protected override flushed(): void {}

  protected override cutServer(): void {}

  protected override guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.end(endOfError(error, 'server'));
    }
  }

  #connected(half: Half, socket: Socket): void {
    const [channel] = half.channels;
    if (this.hasEnded || channel === undefined) {
      socket.destroy();
      return;
    }
    const leg = new NativeLeg(socket, KEEPALIVE_DELAY, half.role.fromServer, {
      guard: (work) => this.guard(work),
      flush: () => this.flush(),
      blocked: (blocked) => {
        if (half.kind === 'in') this.guard(() => half.role.serverBlocked(blocked));
        this.flush();
      },
      closed: (error) => this.end(endOfLeg('server', error)),
    });
    channel.guard(() => half.reach(leg, this.conduct ?? channel.conduct));
    this.flush();
    leg.start();
  }
}
