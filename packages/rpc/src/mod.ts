/** The public door of @rpch/rpc. */
export { type AtFault, ProtocolError, RpchError } from './errors.ts';
