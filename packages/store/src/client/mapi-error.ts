import { RpchError } from '@rpch/rpc';
import { errorName } from '../mapi/error-code.ts';

/**
 * A MAPI server has answered with an error: code `RPCH_MAPI`, at fault `peer`. `operation` is the method or ROP by its
 * specification's name, for instance `RopOpenFolder` or `NspiResolveNamesW`.
 */
export class MapiError extends RpchError {
  override readonly name = 'MapiError';
  readonly operation: string;
  /** [MS-OXCDATA] 2.4; one of `ErrorCode`, or another. */
  readonly errorCode: number;
  /** The specification's name of it without `ec`, or the number as hexadecimal. */
  readonly errorName: string;

  /** @param options.detail what else the answer says, for people. */
  constructor(operation: string, errorCode: number, { detail }: { readonly detail?: string } = {}) {
    const name = errorName(errorCode);
    const number = `0x${errorCode.toString(16).padStart(8, '0')}`;
    const said = `${operation}: ${name === number ? number : `${name} (${number})`}`;
    super('RPCH_MAPI', 'peer', detail === undefined ? said : `${said}: ${detail}`);
    this.operation = operation;
    this.errorCode = errorCode;
    this.errorName = name;
  }
}
