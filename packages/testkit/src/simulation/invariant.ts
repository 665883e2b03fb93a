/** What must hold in every schedule. */
export type Invariant =
  /** No byte of an RPC PDU is lost, doubled or out of order. */
  | 'bytes'
  /** All is delivered, or all ends, in finite time. */
  | 'waits-for-ever'
  /** Where nothing delays them, PDUs and acknowledgements are sent when they are due and not at the next tick. */
  | 'slow'
  /** Nobody ends a session without cause. */
  | 'ended-too-early'
  /** Conforming parties find no fault with each other. */
  | 'protocol-error'
  /** Nothing but a protocol error comes out of a role. */
  | 'exception'
  /** Everybody learns of an end. */
  | 'not-all-ended'
  /** No session, connection, timer or byte is left behind. */
  | 'left-behind'
  /** Nobody holds more than the named bounds. */
  | 'memory'
  /** Nobody sends into a window that is too small. */
  | 'window'
  /** Who sends the body of a channel sends something within the ConnectionTimeout, a Ping if need be. */
  | 'silent'
  /** A channel cookie that is another one is the end of the session. */
  | 'wrong-cookie'
  /** No body is longer than its Content-Length. */
  | 'content-length'
  /** Every transition is one of those that are declared. */
  | 'transition'
  /** What happens follows from the plan. */
  | 'repeatable';

/** An invariant was broken. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
  readonly invariant: Invariant;

  constructor(invariant: Invariant, message: string, options?: { cause?: unknown }) {
    super(`${invariant}: ${message}`, options);
    this.invariant = invariant;
  }
}
