import type { Log } from '@rpch/proxy';
import { RpchError } from '@rpch/rpc';
import { pino } from 'pino';

const LEVELS = ['debug', 'info', 'warn', 'error'];

/** Lines are written when there are so many bytes of them, or after so many ms: a line of its own for each costs a system call. */
const LINES_TOGETHER = { minLength: 4096, periodicFlush: 100 };

/**
 * One JSON line an event, on stderr, at most a tenth of a second late; nothing is lost at a normal end. Throws
 * {@link RpchError} for an unknown level.
 */
export function makeLog(level: string): Log {
  if (!LEVELS.includes(level)) {
    throw new RpchError('RPCH_LOG_LEVEL', 'caller', `expected a log level of ${LEVELS.join(', ')}, found "${level}"`);
  }
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ fd: 2, sync: false, ...LINES_TOGETHER }),
  );
}
