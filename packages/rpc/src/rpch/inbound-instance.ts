import { ReceiveWindow } from './flow-control.ts';
import type { InboundClientPort } from './inbound-proxy-port.ts';

/** An instance of the IN channel from client to proxy: what it has brought, and what its client may still send. */
export class InboundInstance {
  readonly port: InboundClientPort;
  readonly cookie: Uint8Array;
  readonly receive: ReceiveWindow;
  /** It has been replaced, or was not wanted. */
  over = false;
  #paused = false;

  /** @param receiveWindow that the client was told, bytes. */
  constructor(port: InboundClientPort, cookie: Uint8Array, receiveWindow: number) {
    this.port = port;
    this.cookie = cookie;
    this.receive = new ReceiveWindow(receiveWindow);
  }

  /** Whether TCP holds the client. */
  get isHeld(): boolean {
    return this.#paused;
  }

  /** Lets TCP hold a client that has sent more than the window, or lets it go. */
  hold(): void {
    const { held, window } = this.receive;
    const pause = this.#paused ? held > window / 2 : held > window;
    if (pause === this.#paused) return;
    this.#paused = pause;
    this.port.pauseClient(pause);
  }

  /** Nothing of it is heard any more. */
  end(): void {
    this.over = true;
    this.port.close();
  }
}
