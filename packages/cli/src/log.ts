import type { Log } from '@rpch/proxy';
import { RpchError } from '@rpch/rpc';
import { pino } from 'pino';

const LEVELS = ['debug', 'info', 'warn', 'error'];

/** One JSON line an event, on stderr. Throws {@link RpchError} for an unknown level. */
export function makeLog(level: string): Log {
  if (!LEVELS.includes(level)) {
    throw new RpchError('RPCH_LOG_LEVEL', 'caller', `expected a log level of ${LEVELS.join(', ')}, found "${level}"`);
  }
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination({ fd: 2, sync: true }));
}
