/** What the run-time of a server has counted since it began; what inq_stats returns ([MS-RPCE] 2.2.1.3, C706 appendix Q). */
export class ServerStatistics {
  /** Calls that clients made. */
  callsIn = 0;
  /** Calls that this server made to clients: it makes none. */
  readonly callsOut = 0;
  packetsIn = 0;
  packetsOut = 0;
}
