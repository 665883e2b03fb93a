import { sameBytes } from '../bytes/equal.ts';
import { ProtocolError } from '../errors.ts';

/** Demands that a cookie is the one that is known. Throws ProtocolError; neither cookie is told. */
export function assertCookie(
  pdu: string,
  named: Uint8Array,
  known: Uint8Array | undefined,
  section: `[MS-RPCH] ${string}`,
): void {
  if (known === undefined || !sameBytes(named, known)) {
    throw new ProtocolError('RPCH_COOKIE', `${pdu} names a channel that is another one`, section);
  }
}
