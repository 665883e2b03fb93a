import { CONN_A3, CONN_C2, IN_R1_A4, OUT_R1_A6, PING_PDU } from '../rpch/pdus.ts';
import type { OnTransition } from '../rpch/role.ts';
import { parseRts } from '../rpch/rts.ts';

/** Lengths of the PDUs that are looked at, bytes ([MS-RPCH] 2.2.4): acknowledgements are many, and none of these. */
const LENGTH = { Ping: 20, 'CONN/A3': 28, 'CONN/C2': 44, 'OUT_R1/A6': 44, 'IN_R1/A4': 52 } as const;

/** Channels that were replaced, by who took over: another proxy (R1), or the same one (R2) ([MS-RPCH] 3.2.1.5.3). */
export interface Recyclings {
  readonly R1: number;
  readonly R2: number;
}

/** What a client's virtual connection has done so far. */
export interface ConnectionCounters {
  readonly recycledIn: Recyclings;
  readonly recycledOut: Recyclings;
  readonly pingsSent: number;
  readonly pingsReceived: number;
}

/** Counts by what the client's state machines tell and by the RTS PDUs that pass. */
export class ConnectionCounting {
  readonly counters = {
    recycledIn: { R1: 0, R2: 0 },
    recycledOut: { R1: 0, R2: 0 },
    pingsSent: 0,
    pingsReceived: 0,
  } satisfies ConnectionCounters;
  /** After how much silence on IN the client pings, ms; undefined while it does not know. */
  pingAfterOnIn: number | undefined;
  /** How much silence on OUT the proxy allows itself, ms; undefined while it has not said so. */
  silenceOnOut: number | undefined;
  readonly #told: OnTransition | undefined;

  /** @param told hears of each transition as well. */
  constructor(told: OnTransition | undefined) {
    this.#told = told;
  }

  /** For the client's role. A recycling counts when its last PDU for the client is in. */
  readonly onTransition: OnTransition = (machine, from, event, to) => {
    const { recycledIn, recycledOut } = this.counters;
    if (event === 'IN_R1/A4') recycledIn.R1++;
    else if (event === 'IN_R2/A4') recycledIn.R2++;
    else if (event === 'OUT_R1/A10') recycledOut.R1++;
    else if (event === 'OUT_R2/B3') recycledOut.R2++;
    this.#told?.(machine, from, event, to);
  };

  /** An RTS PDU goes out. */
  sent(pdu: Uint8Array): void {
    if (isPing(pdu)) this.counters.pingsSent++;
  }

  /** An RTS PDU has come in. */
  received(pdu: Uint8Array): void {
    if (isPing(pdu)) {
      this.counters.pingsReceived++;
    } else if (pdu.length === LENGTH['CONN/A3']) {
      const parsed = parseRts(pdu);
      if (CONN_A3.matches(parsed)) this.silenceOnOut = CONN_A3.decode(parsed).connectionTimeout;
    } else if (pdu.length === LENGTH['CONN/C2']) {
      const parsed = parseRts(pdu);
      if (CONN_C2.matches(parsed)) this.pingAfterOnIn = CONN_C2.decode(parsed).connectionTimeout / 2;
      else if (OUT_R1_A6.matches(parsed)) this.silenceOnOut = OUT_R1_A6.decode(parsed).connectionTimeout;
    } else if (pdu.length === LENGTH['IN_R1/A4']) {
      const parsed = parseRts(pdu);
      if (IN_R1_A4.matches(parsed)) this.pingAfterOnIn = IN_R1_A4.decode(parsed).connectionTimeout / 2;
    }
  }

  /** The client was told to ping more often, or less. */
  keepAlive(interval: number): void {
    this.pingAfterOnIn = interval / 2;
  }
}

function isPing(pdu: Uint8Array): boolean {
  return pdu.length === LENGTH.Ping && PING_PDU.matches(parseRts(pdu));
}
