/** What went wrong, in a line. Not a tool: every tool here uses it. */
// #region errors
import {
  BindRefusedError,
  describeFaultStatus,
  FaultStatus,
  HttpStatusError,
  RpcCallError,
  RpcFaultError,
  RpchError,
} from '@rpch/rpc';

export function explain(error: unknown): string {
  if (error instanceof RpcFaultError) {
    if (error.status === FaultStatus.access_denied)
      return 'access denied: user or password is wrong, the level is too low, or this account may not do that';
    return `the server answered with a fault: ${describeFaultStatus(error.status)}`;
  }
  if (error instanceof RpcCallError) {
    const again = error.mayHaveExecuted ? 'the server may have done it' : 'nothing was done: it may be called again';
    return `${error.code}: ${error.message}; ${again}`;
  }
  if (error instanceof BindRefusedError) return `the server refused the association: ${error.message}`;
  if (error instanceof HttpStatusError) return `${error.message}: ${error.meaning}`;
  if (error instanceof RpchError) return `${error.code}: ${error.message} (at fault: ${error.fault})`;
  throw error;
}
// #endregion
