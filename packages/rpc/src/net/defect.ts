import { RpchError } from '../errors.ts';

/** What was thrown as an error to end a connection with: one that is none of ours is a defect, which the log must show whole. */
export function endingError(cause: unknown): RpchError {
  if (cause instanceof RpchError) return cause;
  return new RpchError('RPCH_INTERNAL', 'caller', `a defect of the server: ${detailOf(cause)}`, { cause });
}

/** An error for the log: with its stack where it has one. */
export function detailOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** One line of a log for an error that ended something. */
export function lineOf({ code, message }: RpchError): string {
  return `${code}: ${message}`;
}
