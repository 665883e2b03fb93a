/**
 * A call in the name of an account, encrypted, to a server that `node examples/serve.ts 6101` runs.
 *
 * Usage: node examples/sealed-call.ts [BINDING]
 */
// #region sealed call
import { echoDeclaration, RpcClient } from '@rpch/rpc';

await using client = new RpcClient(process.argv[2] ?? 'ncacn_ip_tcp:127.0.0.1[6101]', {
  credentials: { user: 'EXAMPLE\\alice', password: 'wonderland' },
  provider: 'ntlm', // without it: SPNEGO, in which NTLM is chosen
  level: 'privacy', // the default where there are credentials
});
const echo = await client.bind(echoDeclaration);
const { s2 } = await echo.testCall({ s1: 'nobody reads this on the way' });
console.log(s2);
// #endregion
