/**
 * Serves kv and rpcecho on loopback, over TCP and for RPC Proxies (ncacn_http), with an endpoint mapper, for alice with the password wonderland.
 *
 * Usage: node examples/serve.ts [TCP-PORT [HTTP-PORT]]     ports of its choice, where none are given; Ctrl-C or SIGTERM ends it
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { EndpointRegistry, echoServer, epmServer, ntlmAccounts, serveHttp, serveTcp } from '@rpch/rpc';
import { run } from './command-line.ts';
import { kvServer } from './kv-server.ts';

const [tcpPort = 0, httpPort = 0] = process.argv.slice(2).map(Number);

await run(async () => {
  const log = (line: string) => console.error(line);
  // #region listen
  const passwords = new Map([['alice', 'wonderland']]);
  const security = ntlmAccounts({ domain: 'EXAMPLE', lookup: (user) => passwords.get(user) });
  const registry = new EndpointRegistry();
  const echo = echoServer({ sleep: (milliseconds, signal) => sleep(milliseconds, undefined, { signal }) });
  const interfaces = [kvServer(log), echo, epmServer(registry)];
  const common = { host: '127.0.0.1', interfaces, security, registry, log };
  const tcp = await serveTcp({ ...common, port: tcpPort });
  const http = await serveHttp({ ...common, port: httpPort });
  // #endregion

  // #region stop
  const stop = async () => {
    await Promise.all([tcp, http].map((server) => server.close({ grace: 5_000 })));
    console.log('stopped');
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop);
  // #endregion
  console.log(`ncacn_ip_tcp:127.0.0.1[${tcp.port}]`);
  console.log(`ncacn_http:127.0.0.1[${http.port}] behind an RPC Proxy`);
});
