/**
 * A first server and its client: the server tells callers who they are to it, and how their calls are protected.
 *
 * Usage: node examples/whoami.ts                     serves on loopback until Ctrl-C
 *        node examples/whoami.ts BINDING [FLAGS]     asks
 */
// #region declare
import { AuthLevel, defineInterface, ndr, ntlmAccounts, RpcClient, serverInterface, serveTcp } from '@rpch/rpc';

const whoami = defineInterface({
  name: 'whoami',
  uuid: '5e1c1c6e-6c0f-4f0c-9a43-5b0f3f6f7a01',
  version: [1, 0],
  procedures: {
    whoAmI: ndr.procedure({
      name: 'whoami_WhoAmI',
      opnum: 0,
      parameters: { name: ndr.output(ndr.unique(ndr.string(ndr.wchar))), level: ndr.output(ndr.uint32) },
    }),
  },
});

// #endregion

import { commandLine, run } from './command-line.ts';

/** The name of an authentication level. */
const nameOf = (level: number) => Object.entries(AuthLevel).find(([, value]) => value === level)?.[0] ?? level;

async function serve(): Promise<void> {
  // #region serve
  const passwords = new Map([['alice', 'wonderland']]);
  const server = await serveTcp({
    host: '127.0.0.1',
    port: 0,
    security: ntlmAccounts({ domain: 'EXAMPLE', lookup: (user) => passwords.get(user) }),
    interfaces: [
      serverInterface(whoami, {
        whoAmI: (_input, { identity, authLevel }) => ({ name: identity?.user ?? null, level: authLevel }),
      }),
    ],
    log: (line) => console.error(line),
  });
  process.once('SIGINT', () => server.close());
  console.log(`ncacn_ip_tcp:127.0.0.1[${server.port}]`);
  // #endregion
}

async function ask(): Promise<void> {
  const { binding, options } = commandLine('node examples/whoami.ts [BINDING [FLAGS]]');
  await using client = new RpcClient(binding, options);
  const { name, level } = await (await client.bind(whoami)).whoAmI();
  console.log(`${name ?? 'nobody'}, level ${nameOf(level)}`);
}

await run(process.argv.length > 2 ? ask : serve);
