import { MAX_FRAG_LENGTH } from '../dcerpc/header.ts';
import { ProtocolError } from '../errors.ts';
import type { FlowControlAck } from './commands.ts';

const SECTION = '[MS-RPCH] 3.2.1.4.1';
/** A difference of two 32-bit counts beyond this is a negative one. */
const HALF_OF_32_BITS = 2 ** 31;

/**
 * What the sender of a hop may still send ([MS-RPCH] 3.2.1.1.4, 3.2.1.4.1.3). Only RPC PDUs are counted. All figures in
 * bytes; they belong to one channel instance.
 */
export class SendWindow {
  readonly advertised: number;
  #available: number;
  #sent = 0;
  /** How far the peer has let us go, in bytes since the beginning: it never takes that back. */
  #limit: number;
  /** Bytes sent when the channel got its present cookie, and those that the peer's count leaves out. */
  #renamedAt = 0;
  #uncounted = 0;

  /**
   * @param advertised the receive window that the peer announced: so much is available at first. 3.2.1.3 has 0, with which
   *   nothing could ever be sent.
   */
  constructor(advertised: number) {
    this.advertised = advertised;
    this.#available = advertised;
    this.#limit = advertised;
  }

  get available(): number {
    return this.#available;
  }

  get bytesSent(): number {
    return this.#sent;
  }

  /**
   * Whether a PDU of this length may go now: while the window is *greater* than it. 3.2.1.4.1.3 begins when it is greater and
   * stops when it is less; equal is neither, and waits. A PDU that could never fit because it
   * is not smaller than the whole window goes when nothing is in flight, so that nothing waits for ever.
   */
  fits(length: number): boolean {
    return this.#available > length || this.#available === this.advertised;
  }

  sent(length: number): void {
    this.#sent += length;
    this.#available = Math.max(0, this.#available - length);
  }

  /**
   * The connection goes on under another channel cookie: between a proxy and the server after IN_R2 and OUT_R2. The
   * specification does not say whether the counts go on or begin anew ([MS-RPCH] 3.2.1.1.4 speaks of channel *instances*,
   * and that of the TCP connection stays the same). Ours go on; a peer's may do either, see {@link acknowledged}.
   */
  renamed(): void {
    this.#renamedAt = this.#sent;
  }

  /**
   * Takes an acknowledgement. One that claims more than was sent or offers more than was advertised is a
   * {@link ProtocolError}; one that leaves less than nothing (FreeRDP counts responses only) leaves nothing. Counts are
   * 32-bit numbers and wrap around. One that an acknowledgement sent after it has overtaken, by way of a successor IN channel,
   * changes nothing: 3.2.1.5.1.1 would have it take back what the later one gave.
   * @param former it names the channel by its cookie before {@link renamed}.
   */
  acknowledged(ack: FlowControlAck, former = false): void {
    let counted = this.#sent - this.#uncounted;
    let inFlight = (counted - ack.bytesReceived) >>> 0;
    const sinceRenamed = this.#sent - this.#renamedAt;
    // The new cookie is known to a peer that has received everything sent before it: one that says otherwise began anew.
    if (!former && this.#renamedAt > this.#uncounted && inFlight > sinceRenamed) {
      this.#uncounted = this.#renamedAt;
      counted = sinceRenamed;
      inFlight = (counted - ack.bytesReceived) >>> 0;
    }
    if (inFlight > Math.min(counted, HALF_OF_32_BITS) || ack.availableWindow > this.advertised) {
      throw new ProtocolError(
        'RPCH_FLOW_CONTROL_ACK',
        `ack of ${ack.bytesReceived} bytes with a window of ${ack.availableWindow}: ${this.#sent} were sent, ${this.advertised} advertised`,
        SECTION,
      );
    }
    const limit = this.#sent - inFlight + ack.availableWindow;
    if (limit < this.#limit) return;
    this.#limit = limit;
    this.#available = Math.max(0, limit - this.#sent);
  }
}

/**
 * What the receiver of a hop holds and has promised ([MS-RPCH] 3.2.1.1.4, 3.2.1.5.1). A PDU is *consumed* when it was handed
 * on; while whoever comes next is blocked, it is only held, and nothing more is promised.
 */
export class ReceiveWindow {
  readonly window: number;
  #received = 0;
  #consumed = 0;
  #handedOn = 0;
  #advertised: number;
  #blocked = false;
  #receivedAtTick = 0;

  constructor(window: number) {
    this.window = window;
    this.#advertised = window;
  }

  /** Bytes received and not yet consumed. */
  get held(): number {
    return this.#received - this.#consumed;
  }

  get bytesReceived(): number {
    return this.#received;
  }

  /** What the sender believes that it may still send. */
  get advertised(): number {
    return this.#advertised;
  }

  /**
   * Counts PDUs that came in. False when the sender sent more than it was promised. A single PDU larger than the whole
   * window is no such case while nothing else is in flight: {@link SendWindow.fits} lets it go.
   */
  received(length: number, count: number): boolean {
    const alone = count === 1 && this.#advertised === this.window;
    this.#received += length;
    this.#advertised -= length;
    return this.#advertised >= 0 || alone;
  }

  /** Counts PDUs that were handed on. */
  handedOn(length: number): void {
    this.#handedOn += length;
    if (!this.#blocked) this.#consumed = this.#handedOn;
  }

  /** Says whether whoever PDUs are handed on to takes them at once or lets them pile up. */
  setBlocked(blocked: boolean): void {
    this.#blocked = blocked;
    if (!blocked) this.#consumed = this.#handedOn;
  }

  /**
   * Whether an acknowledgement is due: half the window is used up and there is more to offer. "Half" includes exactly half:
   * a sender with half a window left for a PDU of half a window stops, and both would wait for ever.
   */
  get ackDue(): boolean {
    return this.#advertised <= this.window / 2 && this.window - this.held > this.#advertised;
  }

  /** Whether anything at all was consumed that the sender does not know of. */
  get ackUseful(): boolean {
    return this.#advertised < this.window && this.held === 0;
  }

  /**
   * Whether the sender may be waiting though more than half the window is left: where the window is less than twice the
   * largest PDU, its next one may be larger than what is left, and the rule of the half window would let both wait for
   * ever. To be asked at every tick; true when something can be acknowledged and nothing came since the last time.
   */
  ackOverdue(): boolean {
    const quiet = this.#received === this.#receivedAtTick;
    this.#receivedAtTick = this.#received;
    return quiet && this.ackUseful && this.#advertised <= MAX_FRAG_LENGTH;
  }

  /** The acknowledgement to send now. Its count is a 32-bit number. */
  acknowledge(channelCookie: Uint8Array): FlowControlAck {
    const availableWindow = Math.max(0, this.window - this.held);
    this.#advertised = availableWindow;
    return { bytesReceived: this.#received >>> 0, availableWindow, channelCookie };
  }
}
