/** What a drained channel is left of its lifetime, bytes: where Windows' server begins to recycle ([MS-RPCH] 3.2.5.4.1). */
const LEFT_WHEN_DRAINED = 8 * 1024;

/** What is known of the default OUT channel, bytes. */
export interface DrainedChannel {
  readonly lifetime: number;
  /** What the server believes that it has carried. */
  readonly knownToServer: number;
  /** RPC PDUs that came from the server, in all. */
  readonly received: number;
}

/**
 * Has the server recycle an OUT channel, so that its client moves to another proxy when this one accepts nothing more: the
 * server is told of so much ping traffic that little is left of the channel's lifetime ([MS-RPCH] 3.2.5.5.14). First only as
 * much is taken off that what the server may have sent meanwhile still fits; once nothing has come for a tick, nothing is
 * under way, and the rest follows. Nothing in the protocol lets an inbound proxy do the like.
 */
export class OutboundDrain {
  #received = -1;

  /**
   * Ping traffic to tell of now, bytes; 0 when there is none to tell of.
   * @param underWay RPC PDUs that the server may have sent and that have not come yet, bytes.
   */
  begin({ lifetime, knownToServer, received }: DrainedChannel, underWay: number): number {
    this.#received = received;
    return Math.max(0, lifetime - knownToServer - underWay - LEFT_WHEN_DRAINED);
  }

  /** The same, asked at every tick after that. */
  goOn(channel: DrainedChannel): number {
    const isQuiet = channel.received === this.#received;
    this.#received = channel.received;
    return isQuiet ? this.begin(channel, 0) : 0;
  }
}
