/**
 * The first call: rpcecho's echo_AddOne, to a server that `node examples/serve.ts 6101` runs.
 *
 * Usage: node examples/first-call.ts [BINDING]
 */
// #region first call
import { echoDeclaration, RpcClient } from '@rpch/rpc';

await using client = new RpcClient(process.argv[2] ?? 'ncacn_ip_tcp:127.0.0.1[6101]');
const echo = await client.bind(echoDeclaration);
const { out_data } = await echo.addOne({ in_data: 41 });
console.log(out_data); // 42
// #endregion
