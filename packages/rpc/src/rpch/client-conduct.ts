import { fragLengthAt, PduType, PfcFlag, pduTypeAt, pfcFlagsAt } from '../dcerpc/header.ts';

/** Fragments are seldom larger than this: it is what Windows and Samba negotiate ([MS-RPCE] 3.3.1.5.4), bytes. */
const USUAL_FRAGMENT = 5840;
/** The part of its OUT window that a client must not have taken unacknowledged for it to pass as one that acknowledges. */
const UNACKNOWLEDGED = 3 / 4;

/**
 * How a client behaves towards RTS PDUs that come after CONN/C2, judged by what it does.
 *
 * Conforming clients take them and send their own. Samba's client hangs on any of them, sends none, and never waits for an
 * acknowledgement. It can be told apart only by its conduct:
 * - an RTS PDU on IN after CONN/B1 (an acknowledgement, a Ping, a Keep-Alive): conforming;
 * - more sent than was promised, though nothing was ever acknowledged: it never acknowledges and takes no RTS PDU;
 * - hardly any window left, and silence in the middle of a call: it waits for an acknowledgement, so it is conforming;
 * - most of what it promised to take on OUT was sent, it has taken it, for it goes on to the next call, and has not
 *   acknowledged it; or all of it was sent and no acknowledgement came: it never acknowledges.
 *
 * Silence between two calls tells nothing: Samba's client may have nothing to say. A conforming client that waits there for
 * an acknowledgement shows itself by the Ping that it owes ([MS-RPCH] 3.2.2.6.1).
 *
 * Everybody is presumed conforming who speaks HTTP/1.1, as Windows, FreeRDP, impacket and Wine do: they lose nothing. Who
 * speaks HTTP/1.0 (Samba always; a conforming client may) is *undecided* until one of the above has happened.
 */
export class ClientConduct {
  #state: 'conforming' | 'undecided' | 'silent';
  #insideCall = false;
  #unanswered = 0;
  /** What it has promised to take on OUT without acknowledging, and what it was sent, bytes. */
  #outWindow = Number.POSITIVE_INFINITY;
  #sent = 0;
  #largest = USUAL_FRAGMENT;

  constructor(httpMinorVersion: 0 | 1) {
    this.#state = httpMinorVersion === 1 ? 'conforming' : 'undecided';
  }

  get state(): 'conforming' | 'undecided' | 'silent' {
    return this.#state;
  }

  /** Whether acknowledgements and Pings may be sent to it, and whether its own acknowledgements are waited for. */
  get takesRts(): boolean {
    return this.#state === 'conforming';
  }

  /** Whether its last PDU left a call half-sent. Known while undecided only. */
  get insideCall(): boolean {
    return this.#insideCall;
  }

  /** A PDU as large as this would not surprise: less window than this can keep it from sending, bytes. */
  get largestPdu(): number {
    return this.#largest;
  }

  /** It did what only a client that knows RTS PDUs does. */
  showsRts(): void {
    this.#state = 'conforming';
  }

  /** It did what only a client that never acknowledges does. Has no effect once it has shown the contrary. */
  showsNone(): void {
    if (this.#state === 'undecided') this.#state = 'silent';
  }

  /** It announced this window for OUT, bytes. */
  announces(outWindow: number): void {
    this.#outWindow = outWindow;
  }

  /** RPC PDUs of an undecided client pass. */
  fromClient(run: Uint8Array): void {
    for (let at = 0; at < run.length; ) {
      const length = fragLengthAt(run, at);
      const flags = pfcFlagsAt(run, at);
      // All that was sent has been taken where the next call begins and no answer is outstanding. Receivers acknowledge when
      // half their window is used up; three quarters leave them some freedom.
      const begins = !this.#insideCall && this.#unanswered === 0;
      if (begins && this.#sent > this.#outWindow * UNACKNOWLEDGED) this.showsNone();
      this.#insideCall = (flags & PfcFlag.LAST_FRAG) === 0;
      if (length > this.#largest) this.#largest = length;
      if (!this.#insideCall && isAnswered(pduTypeAt(run, at), flags)) this.#unanswered++;
      at += length;
    }
  }

  /** RPC PDUs to an undecided client pass. */
  toClient(run: Uint8Array): void {
    this.#sent += run.length;
    for (let at = 0; at < run.length; at += fragLengthAt(run, at)) {
      if ((pfcFlagsAt(run, at) & PfcFlag.LAST_FRAG) !== 0 && this.#unanswered > 0) this.#unanswered--;
    }
  }
}

/** Whether a PDU of a client draws an answer (C706 12.6.4, [MS-RPCE] 2.2.2); a maybe call draws none (C706 12.6.3.1). */
function isAnswered(type: number, flags: number): boolean {
  if (type === PduType.request) return (flags & PfcFlag.MAYBE) === 0;
  return type === PduType.bind || type === PduType.alter_context;
}
