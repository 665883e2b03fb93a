import type { ContextHandles } from './context-handles.ts';
import { AuthLevel, type PeerIdentity } from './security-context.ts';
import type { SyntaxId } from './syntax-id.ts';

/** Who is at the other end of a connection, as far as its transport knows: for logs and limits, never a proof of identity. */
export interface CallPeer {
  /** `tcp`, or one of the dialects of `ncacn_http`: `http-v1`, `http-v2`. */
  readonly transport: string;
  /** The address of the TCP connection; over `ncacn_http` a proxy's. Empty for a Unix socket. */
  readonly address: string;
  /** The same for logs, with its port. */
  readonly label: string;
  /** What CONN/B2 calls the client's address: anyone can have written it ([MS-RPCH] 2.2.4.6). */
  readonly clientAddressHint: string | undefined;
}

/** What a handler learns of the call that it serves. */
export interface RpcCall {
  /** Who calls, proven by the security context; undefined where no authentication took place, and of anonymous callers. */
  readonly identity: PeerIdentity | undefined;
  /** One of AuthType: `none` without authentication, and of anonymous callers, whatever their security context is. */
  readonly authType: number;
  /** One of AuthLevel: `none` of anonymous callers, since everybody knows the key of their security context. */
  readonly authLevel: number;
  /** The object UUID of the request, if it has one (C706 2.3.1). */
  readonly object: string | undefined;
  /** The id of the association group: the same for all connections of one client process (C706 9.3.3). */
  readonly associationGroup: number;
  readonly peer: CallPeer;
  /**
   * Aborted when the client cancels or orphans the call, and when the connection is gone. A call that then rejects with the
   * signal's reason is answered with nca_s_fault_cancel, if there is anyone to answer. Made when it is first asked for.
   */
  readonly signal: AbortSignal;
  /** The context handles of the association group (C706 5.1.6). */
  readonly contextHandles: ContextHandles;
}

/** An interface that a server offers: its identity, and one function for all its operations. */
export interface RpcInterface {
  /** For logs. */
  readonly name: string;
  readonly syntax: SyntaxId;
  /** The lowest AuthLevel at which it may be called, where the server's options do not say otherwise; default: none. */
  readonly minimumLevel?: number;
  /**
   * Serves one call. `stub` is the request's stub data in NDR 2.0, integers in the byte order that `littleEndian`
   * names; it is a copy that the handler may keep. The result is the response's stub data in the same byte order.
   *
   * A thrown RpcFaultError answers with its status, a ProtocolError with rpc_x_bad_stub_data (0x6F7), anything else
   * with nca_s_fault_unspec and a line for the log. An opnum that does not exist is RpcFaultError(nca_s_op_rng_error).
   */
  handle(opnum: number, stub: Uint8Array, littleEndian: boolean, call: RpcCall): Uint8Array | Promise<Uint8Array>;
}

/** An interface with the level that this server wants for it. */
export interface ServedInterface {
  readonly interface: RpcInterface;
  /**
   * The lowest AuthLevel at which it may be called: a call below it, and above none an anonymous one, is a fault access_denied.
   * Level packet counts as integrity, which it is over connections.
   */
  readonly minimumLevel: number;
}

/** What a server's options name: an interface at its own level, or at another. */
export type OfferedInterface = RpcInterface | ServedInterface;

/** An offered interface with its level. */
export function servedInterface(offered: OfferedInterface): ServedInterface {
  if ('interface' in offered) return offered;
  return { interface: offered, minimumLevel: offered.minimumLevel ?? AuthLevel.none };
}
