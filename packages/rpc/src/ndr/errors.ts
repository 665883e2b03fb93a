import { RpchError } from '../errors.ts';

/** A value that its declaration does not allow was given to an encoder: the caller's fault. */
export function badValue(message: string): RpchError {
  return new RpchError('RPCH_NDR_VALUE', 'caller', message);
}

/** A declaration that NDR has no representation for; thrown when the type or the procedure is declared or first used. */
export function badDeclaration(message: string): RpchError {
  return new RpchError('RPCH_NDR_DECLARATION', 'caller', message);
}
