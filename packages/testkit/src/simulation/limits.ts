/** What the surroundings of the roles allow, all in ms of virtual time. */

/** Announced by proxies. */
export const CONNECTION_TIMEOUT = 120_000;
/** The longest patience of a server for the second proxy ([MS-RPCH] 3.2.5.2.1). */
export const SETUP_TIMEOUT = 900_000;
/** The longest patience with a recycling. */
export const RECYCLING_TIMEOUT = 60_000;
/** A client gives up when it is not connected by then; a proxy, when it is not open. */
export const OPEN_WITHIN = 960_000;
/** A connection whose first PDU has not come by then is closed. */
export const FIRST_PDU_WITHIN = 30_000;
/** Bytes that wait so long without any progress are the end of a session. */
export const STALL = 150_000;

/** Everything must be delivered within this. */
export const PATIENCE = 3_600_000;
/** A hostile party is ended, if it has not ended anything itself. */
export const HOSTILE_PATIENCE = 1_200_000;
/** The end of one must be the end of all within this: what is stalled takes longest. */
export const END_WITHIN = 600_000;
/** Everything set must have passed within this. */
export const TIMERS_WITHIN = 1_000_000;
