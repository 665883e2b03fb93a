import { ProtocolError } from '../errors.ts';
import { FaultStatus } from './fault-status.ts';

/** How a {@link ServerFault} differs from the usual: status nca_s_proto_error, context 0, no flags, end of the connection. */
export interface ServerFaultOptions {
  readonly status?: number;
  readonly contextId?: number;
  /** Of another call than the one of the PDU that broke the rule. */
  readonly callId?: number;
  /** DID_NOT_EXECUTE where the client is to be told so. */
  readonly pfcFlags?: number;
  /** Whether the connection ends with it. */
  readonly ends?: boolean;
}

/** A broken rule that is answered with a fault, after which in most cases the connection ends. */
export class ServerFault extends ProtocolError {
  readonly status: number;
  readonly contextId: number;
  readonly callId: number | undefined;
  readonly pfcFlags: number;
  readonly ends: boolean;

  constructor(code: string, message: string, section: string, options: ServerFaultOptions = {}) {
    super(code, message, section);
    this.status = options.status ?? FaultStatus.nca_s_proto_error;
    this.contextId = options.contextId ?? 0;
    this.callId = options.callId;
    this.pfcFlags = options.pfcFlags ?? 0;
    this.ends = options.ends ?? true;
  }
}
