/** The longest fragments that we send and ask for: what Windows and Samba answer over TCP. */
export const FRAG_LENGTH = 5840;
/** MustRecvFragSize: what every implementation must be able to receive (C706 12.6.3.1). */
export const MIN_FRAG_LENGTH = 1432;

/** What Windows and Samba answer to a client that says less than {@link MIN_FRAG_LENGTH}, against C706. */
const LEAST_ANSWER = 2048;

/** NDR alignment survives fragmentation only where fragments are multiples of this. */
const ALIGNMENT = 8;

/**
 * The fragment length in bytes that answers a bind (C706 12.6.4.3, [MS-RPCE] 3.3.1.5.6), for both directions: the
 * smaller of what the client sends and receives, at most {@link FRAG_LENGTH}. Less than {@link MIN_FRAG_LENGTH} cannot be meant.
 */
export function negotiateFragLength(maxXmitFrag: number, maxRecvFrag: number): number {
  const least = Math.min(maxXmitFrag, maxRecvFrag, FRAG_LENGTH);
  const wanted = least < MIN_FRAG_LENGTH ? LEAST_ANSWER : least;
  return wanted - (wanted % ALIGNMENT);
}
