import { Destination, fragLengthAt } from '@rpch/rpc/internal';
import { InvariantError } from './invariant.ts';

const ACK_LENGTH = 48;
const WITH_DESTINATION_LENGTH = 56;
const FLAGS_AT = 16;
const COMMANDS_AT = 20;
const OTHER_CMD = 2;
const FLOW_CONTROL_ACK = 1;
const COOKIE_LENGTH = 16;

/** A second account of what one sender may still send to the next hop, kept from the PDUs alone. Bytes of RPC PDUs. */
export class SenderAudit {
  readonly #who: string;
  readonly #window: number;
  #sent = 0;
  #available: number;
  /** Bytes sent up to and with the last PDU that was larger than the whole window. */
  #oversized = 0;
  #last: readonly [received: number, available: number] = [0, 0];

  /** @param window what the receiver advertises. */
  constructor(who: string, window: number) {
    this.#who = who;
    this.#window = window;
    this.#available = window;
  }

  /**
   * RPC PDUs are sent. Each must be smaller than the window that is left ([MS-RPCH] 3.2.1.4.1.3); one that no window could
   * take may go alone.
   */
  sends(run: Uint8Array, count: number): void {
    let counted = 0;
    for (let at = 0; at < run.length; counted++) {
      const length = fragLengthAt(run, at);
      if (this.#available <= length && this.#available < this.#window) {
        const left = `${this.#available} of ${this.#window}`;
        throw new InvariantError('window', `${this.#who} sends a PDU of ${length} bytes into a window of ${left}`);
      }
      this.#available -= length;
      this.#sent += length;
      if (this.#available < 0) this.#oversized = this.#sent;
      at += length;
    }
    if (counted !== count) throw new InvariantError('bytes', `${this.#who} says ${count} of ${counted} PDUs`);
  }

  /**
   * The receiver's acknowledgement has come to the sender. Those that come by different connections may overtake each
   * other: one that tells less than is known already tells nothing.
   */
  acknowledged({ received, available }: Ack): void {
    const [lastReceived, lastAvailable] = this.#last;
    if (received < lastReceived || (received === lastReceived && available < lastAvailable)) return;
    this.#last = [received, available];
    const inFlight = this.#sent - received;
    const tooMuch = inFlight > available && received >= this.#oversized;
    if (inFlight < 0 || available > this.#window || tooMuch) {
      const figures = `${received} bytes and ${available} available, ${this.#sent} were sent, ${this.#window} advertised`;
      throw new InvariantError('window', `${this.#who} is acknowledged ${figures}`);
    }
    this.#available = available - inFlight;
  }
}

export interface Ack {
  readonly received: number;
  readonly available: number;
  /** The channel cookie, as a key. */
  readonly cookie: string;
  /** Undefined for a FlowControlAck, which is for its neighbour. */
  readonly destination: number | undefined;
}

/** Reads FlowControlAck and FlowControlAckWithDestination ([MS-RPCH] 2.2.4.50, 2.2.4.51); undefined for any other PDU. */
export function readAckOf(pdu: Uint8Array): Ack | undefined {
  if (pdu[FLAGS_AT] !== OTHER_CMD || (pdu.length !== ACK_LENGTH && pdu.length !== WITH_DESTINATION_LENGTH)) {
    return undefined;
  }
  const view = new DataView(pdu.buffer, pdu.byteOffset, pdu.length);
  const withDestination = pdu.length === WITH_DESTINATION_LENGTH;
  const at = COMMANDS_AT + (withDestination ? 8 : 0);
  if (view.getUint32(at, true) !== FLOW_CONTROL_ACK) return undefined;
  return {
    received: view.getUint32(at + 4, true),
    available: view.getUint32(at + 8, true),
    cookie: keyOf(pdu.subarray(at + 12, at + 12 + COOKIE_LENGTH)),
    destination: withDestination ? view.getUint32(COMMANDS_AT + 4, true) : undefined,
  };
}

/** Whether an inbound proxy tells the client only that a successor carries on: nothing has come on it yet. */
export function isGreeting(pdu: Uint8Array): boolean {
  const ack = readAckOf(pdu);
  return ack?.destination === Destination.FDClient && ack.received === 0;
}

/** Cookies as keys: one character a byte. */
export function keyOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}
