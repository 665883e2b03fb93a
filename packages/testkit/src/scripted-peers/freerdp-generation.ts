/**
 * In what the released versions of FreeRDP differ from each other, where that bears on channel recycling: as their sources
 * have it, and, of 2.10.0, as the program did when it was tried.
 */
export interface FreerdpGeneration {
  /** First and last version that behaves so. */
  readonly versions: string;
  /**
   * The SessionId pragma is made anew for each session; otherwise it is one and the same for everybody. Never is there a
   * MinConnTimeout: the code has it, the value is always zero.
   */
  readonly ownSessionId: boolean;
  /** A Ping before the bind is answered is passed over; otherwise it ends the session. */
  readonly pingWhileOpening: boolean;
  /**
   * A recycling PDU is acted upon, and then found to have bytes that nobody has read: the session ends. Acknowledgements and
   * Pings are read to their end, and harmless.
   */
  readonly chokesOnRecycling: boolean;
  /**
   * The header of OUT_R2/B3, 20 bytes, is left in the receive buffer. The first four bytes that come on the successor are
   * taken for its command, which does not exist: the session ends.
   */
  readonly keepsB3: boolean;
  /** Largest frag_length that is taken, bytes; 0xFF8 is what it negotiates. */
  readonly largestFragment: number;
}

export type FreerdpVersion = '2.0.0' | '2.4.1' | '3.0.0';

/** By the first version that behaves so. */
export const FREERDP: Readonly<Record<FreerdpVersion, FreerdpGeneration>> = {
  '2.0.0': {
    versions: '2.0.0 to 2.4.0',
    ownSessionId: false,
    pingWhileOpening: false,
    chokesOnRecycling: false,
    keepsB3: false,
    largestFragment: 0xff8,
  },
  '2.4.1': {
    versions: '2.4.1 to 2.11.7',
    ownSessionId: false,
    pingWhileOpening: false,
    chokesOnRecycling: false,
    keepsB3: true,
    largestFragment: 0xff8,
  },
  '3.0.0': {
    versions: '3.0.0 to 3.30.0 and what came since, until August 2026',
    ownSessionId: true,
    pingWhileOpening: true,
    chokesOnRecycling: true,
    keepsB3: true,
    // Since 3.27.0; 0xFF8 before.
    largestFragment: 0xff7,
  },
};
