/**
 * Silence after which an undecided client that stopped in the middle of a call is taken to wait for an acknowledgement, ms:
 * longer than a segment that was lost on the way takes to be sent again.
 */
export const BLOCKED_IN_CALL = 250;
/** Silence after which an undecided client that owes an acknowledgement is taken to send none, ms. */
export const ACK_OWED = 20;
/** So many times the ConnectionTimeout without a sign of life, where one is due within it, and the channel is dead. */
export const SILENCE_FACTOR = 2;
/** How often the roles want to be told the time, ms, unless they ask for more. */
export const TICK = 1000;

/** Why a role ended without a protocol error. */
export type RoleEnd =
  /** The Content-Length of the channel is used up: the party cannot recycle, or was too slow at it. */
  | 'in-channel-used-up'
  | 'out-channel-used-up'
  /** Channel recycling began and was not brought to its end in time. */
  | 'recycling-timeout'
  /** The other half of the virtual connection did not come in time. */
  | 'setup-timeout'
  /** Of a client: the outbound proxy, which owes a Ping within the ConnectionTimeout, was silent for twice as long. */
  | 'out-silent'
  /**
   * Of a proxy, and no failure: the virtual channel lives on at another proxy ([MS-RPCH] 3.2.3.5.6, 3.2.4.5.8). What was
   * written goes out, then both legs are closed.
   */
  | 'recycled';

/** The state machines: of the four roles, and of the virtual channels of client and server once these are opened. */
export type Machine =
  | 'client'
  | 'client-in'
  | 'client-out'
  | 'inbound'
  | 'outbound'
  | 'server'
  | 'server-in'
  | 'server-out';

/** Told of every transition of a state machine, by the specification's names: for tests and traces. */
export type OnTransition = (machine: Machine, from: string, event: string, to: string) => void;

/** A state machine's state, and whoever wants to hear of its transitions. */
export class State<Name extends string> {
  readonly #machine: Machine;
  readonly #told: OnTransition | undefined;
  #now: Name;

  constructor(machine: Machine, first: Name, told: OnTransition | undefined) {
    this.#machine = machine;
    this.#now = first;
    this.#told = told;
  }

  get now(): Name {
    return this.#now;
  }

  /** Goes on to another state, or stays, because of `event`: a PDU's name or what else happened. */
  to(next: Name, event: string): void {
    this.#told?.(this.#machine, this.#now, event, next);
    this.#now = next;
  }
}
