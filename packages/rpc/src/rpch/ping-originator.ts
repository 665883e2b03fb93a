/**
 * Ping Originator ([MS-RPCH] 3.2.1.1.6): knows for how long a channel has carried nothing, told the time at ticks only. What was
 * sent since the last tick is taken to have been sent now. Times in ms.
 */
export class PingOriginator {
  #used = -1;
  #lastSent = 0;

  /**
   * Whether a Ping is due, asked at every tick.
   * @param used bytes that the channel has carried; changes with everything that is sent.
   * @param silence after which one is due.
   */
  isDue(now: number, used: number, silence: number): boolean {
    if (used === this.#used) return now - this.#lastSent >= silence;
    this.sent(now, used);
    return false;
  }

  /** A Ping went out. */
  sent(now: number, used: number): void {
    this.#used = used;
    this.#lastSent = now;
  }
}
