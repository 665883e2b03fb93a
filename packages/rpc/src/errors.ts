/** Whose fault a failure is. Every error that this project throws names one. */
export type AtFault = 'peer' | 'configuration' | 'caller' | 'network';

/**
 * The base of every error thrown on purpose: a stable `code` (`RPCH_…`) to branch on, the party at fault, and the
 * cause where there is one. The message is for the log; nothing in it is meant for a client outside.
 */
export class RpchError extends Error {
  override readonly name: string = 'RpchError';
  readonly code: string;
  readonly fault: AtFault;

  constructor(code: string, fault: AtFault, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.fault = fault;
  }
}

/**
 * What a decoder throws when bytes from the wire break the protocol: the only thing that hostile input can cause.
 * `section` names the rule that was broken, for instance `[MS-RPCH] 2.2.3.5.1`.
 */
export class ProtocolError extends RpchError {
  override readonly name = 'ProtocolError';
  readonly section: string;

  constructor(code: string, message: string, section: string, options?: { cause?: unknown }) {
    super(code, 'peer', message, options);
    this.section = section;
  }
}
