import type { SyntaxId } from './syntax-id.ts';

/** An interface that a server offers: its identity, and one function for all its operations. */
export interface RpcInterface {
  /** For logs. */
  readonly name: string;
  readonly syntax: SyntaxId;
  /**
   * Serves one call. `stub` is the request's stub data in NDR 2.0, integers in the byte order that `littleEndian`
   * names; it is a copy that the handler may keep. The result is the response's stub data in the same byte order.
   *
   * A thrown RpcFaultError answers with its status, a ProtocolError with rpc_x_bad_stub_data (0x6F7), anything else
   * with nca_s_fault_unspec and a line for the log. An opnum that does not exist is RpcFaultError(nca_s_op_rng_error).
   */
  handle(opnum: number, stub: Uint8Array, littleEndian: boolean): Uint8Array | Promise<Uint8Array>;
}
