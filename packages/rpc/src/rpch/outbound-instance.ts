import { ProtocolError } from '../errors.ts';
import { SendWindow } from './flow-control.ts';
import type { OutboundClientPort } from './outbound-proxy-port.ts';
import { SendQueue } from './send-queue.ts';

/** RTS PDUs that may wait for a successor's response, bytes: acknowledgements of a whole lifetime of small windows are fewer. */
const MAX_WAITING_RTS = 64 * 1024;

export interface OutboundInstanceEvents {
  /** RPC PDUs went out. */
  passed(run: Uint8Array): void;
  /** [MS-RPCH] 2.1.2.1.8: a PDU is never split across two channels; where the next one does not fit, this one is over. */
  usedUp(): void;
}

/**
 * An instance of the OUT channel from proxy to client: its Content-Length, the client's window for it, and what waits. It
 * begins plugged ([MS-RPCH] 1.1): RPC PDUs and RTS PDUs wait until {@link unplug}, but for those of the opening.
 */
export class OutboundInstance {
  readonly port: OutboundClientPort;
  readonly cookie: Uint8Array;
  readonly window: SendWindow;
  readonly queue: SendQueue;
  /** The client's connection takes no more for now. */
  blocked = false;
  /** It has been replaced, or was not wanted. */
  over = false;
  readonly #lifetime: number;
  readonly #events: OutboundInstanceEvents;
  readonly #isSuccessor: boolean;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #plugged = true;
  #used = 0;

  /**
   * @param receiveWindow that the client announced for it, bytes.
   * @param lifetime Content-Length of the response, bytes.
   * @param isSuccessor its response comes late, so RTS PDUs wait as well.
   */
  constructor(
    port: OutboundClientPort,
    cookie: Uint8Array,
    receiveWindow: number,
    lifetime: number,
    isSuccessor: boolean,
    events: OutboundInstanceEvents,
  ) {
    this.port = port;
    this.cookie = cookie;
    this.window = new SendWindow(receiveWindow);
    this.#lifetime = lifetime;
    this.#isSuccessor = isSuccessor;
    this.#events = events;
    this.queue = new SendQueue((run, count) => {
      if (!this.#use(run.length)) return;
      port.toClient.rpc(run, count);
      events.passed(run);
    });
    this.queue.window = this.window;
  }

  /** Bytes of the response's body so far, RTS PDUs and all. */
  get used(): number {
    return this.#used;
  }

  get plugged(): boolean {
    return this.#plugged;
  }

  /** Sends an RTS PDU, which no window holds back. */
  rts(pdu: Uint8Array): void {
    if (!this.#isSuccessor || !this.#plugged) {
      if (this.#use(pdu.length)) this.port.toClient.rts(pdu);
      return;
    }
    this.#waitingBytes += pdu.length;
    if (this.#waitingBytes > MAX_WAITING_RTS) {
      throw new ProtocolError('RPCH_RTS_FLOOD', 'too many RTS PDUs for a plugged channel', '[MS-RPCH] 3.2.4.5.6');
    }
    this.#waiting.push(new Uint8Array(pdu));
  }

  /** The response's head is out: what waited follows. */
  unplug(): void {
    this.#plugged = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const pdu of waiting) this.rts(pdu);
    this.queue.unplug();
  }

  /** Nothing goes out on it any more but what was written. */
  end(): void {
    this.over = true;
    this.queue.clear();
    this.port.close();
  }

  #use(length: number): boolean {
    if (this.over) return false;
    if (this.#used + length > this.#lifetime) {
      this.#events.usedUp();
      return false;
    }
    this.#used += length;
    return true;
  }
}
