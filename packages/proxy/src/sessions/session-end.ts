/** Who brought a session to its end. `proxy` is ourselves: a limit, a reload, a stop. */
export type Party = 'client' | 'server' | 'proxy';

/** Why a session ended; goes into the log and into the counters. Clients are not told. */
export interface SessionEnd {
  /** Stable, lower case with hyphens: `in-closed`, `server-reset`, `client-stalled`, … (docs/administrator.md lists them). */
  readonly reason: string;
  readonly party: Party;
  /** For people; never for a client. */
  readonly detail: string;
}

/** The end that a connection's close or error means, on the leg that is named. */
export function endOfLeg(leg: 'in' | 'out' | 'server', error: Error | undefined): SessionEnd {
  const party = leg === 'server' ? 'server' : 'client';
  if (error === undefined) return { reason: `${leg}-closed`, party, detail: `${leg} leg was closed` };
  const code = (error as NodeJS.ErrnoException).code ?? error.name;
  const how = code === 'ECONNRESET' || code === 'EPIPE' ? 'reset' : code === 'ETIMEDOUT' ? 'vanished' : 'failed';
  return { reason: `${leg}-${how}`, party, detail: `${leg} leg: ${error.message}` };
}
