/**
 * The public door of @rpch/rpc: calling RPC servers, declaring interfaces, serving them. docs/programmer.md has a page on each and
 * a line on every name here.
 */
export { BindRefusedError } from './dcerpc/bind-nak.ts';
export { type Binding, type HttpBinding, parseBinding, type TcpBinding } from './dcerpc/binding.ts';
export { RpcCallError } from './dcerpc/client-call.ts';
export type { InterfaceIdentity } from './dcerpc/client-contexts.ts';
export type { ContextHandle, ContextHandles, ContextHandleType } from './dcerpc/context-handles.ts';
export { RpcFaultError } from './dcerpc/fault.ts';
export { describeFaultStatus, FaultStatus } from './dcerpc/fault-status.ts';
export {
  type CallOptions,
  type ClientOf,
  defineInterface,
  type HandlersOf,
  type InterfaceDeclaration,
} from './dcerpc/interface-declaration.ts';
export type { CallPeer, OfferedInterface, RpcCall, RpcInterface, ServedInterface } from './dcerpc/rpc-interface.ts';
export { AuthLevel, AuthType, type PeerIdentity } from './dcerpc/security-context.ts';
export { type ServerInterfaceOptions, serverInterface } from './dcerpc/server-interface.ts';
export type { SecurityProviders } from './dcerpc/server-security.ts';
export type { SyntaxId } from './dcerpc/syntax-id.ts';
export { type AtFault, ProtocolError, RpchError } from './errors.ts';
export { asyncEmsmdbDeclaration } from './interfaces/asyncemsmdb.ts';
export { type EchoOptions, echoDeclaration, echoServer } from './interfaces/echo.ts';
export { emsmdbDeclaration } from './interfaces/emsmdb.ts';
export { type EndpointEntry, EndpointRegistry } from './interfaces/endpoint-registry.ts';
export { EptStatus, epmDeclaration, epmServer, InquiryType, VersionOption } from './interfaces/epm.ts';
export { mgmtDeclaration } from './interfaces/mgmt.ts';
export { nspiDeclaration } from './interfaces/nspi.ts';
export { rfrDeclaration } from './interfaces/rfr.ts';
export { decodeTower, type Tower } from './interfaces/towers.ts';
export * as ndr from './ndr/mod.ts';
export type { CloseOptions, RpcServerOptions } from './net/association-runtime.ts';
export type { HopFound, TlsFound } from './net/hop-found.ts';
export { type HttpServer, type HttpServerOptions, serveHttp } from './net/http-server.ts';
export { HttpStatusError } from './net/http-status-error.ts';
export { type NtlmAccountsOptions, type NtlmSecret, ntlmAccounts } from './net/ntlm-accounts.ts';
export type { ClientTls } from './net/proxy-address.ts';
export { RpcClient } from './net/rpc-client.ts';
export type {
  Credentials,
  RpcClientOptions,
  RpcHop,
  RpcHttpOptions,
  RpcSecurityOptions,
} from './net/rpc-client-options.ts';
export { serveTcp, type TcpServer, type TcpServerOptions } from './net/tcp-server.ts';
