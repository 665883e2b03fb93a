/**
 * Silence after which an undecided client that stopped in the middle of a call is taken to wait for an acknowledgement, ms:
 * longer than a segment that was lost on the way takes to be sent again.
 */
export const BLOCKED_IN_CALL = 250;
/** Silence after which an undecided client that owes an acknowledgement is taken to send none, ms. */
export const ACK_OWED = 20;
/** How often the roles want to be told the time, ms, unless they ask for more. */
export const TICK = 1000;

/** Why a role ended without a protocol error. */
export type RoleEnd =
  /** The Content-Length of the channel is used up; the party cannot recycle, or we do not take part in it yet. */
  | 'in-channel-used-up'
  | 'out-channel-used-up'
  /** The peer asked for channel recycling ([MS-RPCH] 3.2), which comes with the next version. */
  | 'recycling-unsupported'
  /** The other half of the virtual connection did not come in time. */
  | 'setup-timeout';
