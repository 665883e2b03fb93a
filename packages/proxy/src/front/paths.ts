/** The two paths of the RPC Proxy ([MS-RPCH] 2.2.2). */
const PATHS = ['/rpc/rpcproxy.dll', '/rpcwithcert/rpcproxy.dll'];

/**
 * Whether a request target's path is the RPC Proxy's, in any case, as IIS has it. The absolute form that clients send
 * through HTTP proxies is taken too. Nothing is decoded or normalised.
 */
export function isRpcProxyPath(path: string): boolean {
  const lower = path.toLowerCase();
  return PATHS.includes(lower.replace(/^https?:\/\/[^/]*/, ''));
}
