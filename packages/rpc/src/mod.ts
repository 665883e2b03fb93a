/** The public door of @rpch/rpc. */
export { type Fault, ProtocolError, RpchError } from './errors.ts';
