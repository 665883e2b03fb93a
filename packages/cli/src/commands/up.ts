import { settingsFromFlags, startProxy } from '@rpch/proxy';
import { echoInterface, serveTcp } from '@rpch/rpc/internal';
import { Command } from 'commander';
import { makeLog } from '../log.ts';
import { announce, untilStopped } from './proxy.ts';

const HTTP = 'http://127.0.0.1:8080';
const HTTPS = 'https://127.0.0.1:8443';
/** The name by which clients ask for the demonstration server, and the port that it listens on. */
const DEMO = { name: 'demo', port: 6101 };
const USERS = ['alice:wonderland', 'bob:builder'];

/** `rpch up`, which is `npm start`: the proxy in front of a demonstration RPC server, on loopback. */
export function upCommand(): Command {
  return new Command('up')
    .description('everything on embedded defaults: the proxy in front of a demonstration RPC server')
    .option('--data <dir>', 'what must be kept', './data')
    .option('--log-level <level>', 'debug, info, warn or error', 'info')
    .addHelpText('after', '\nExample:\n  rpch up --data /tmp/rpch')
    .action(async ({ data, logLevel }: { readonly data: string; readonly logLevel: string }) => {
      const log = makeLog(logLevel);
      const server = await serveTcp({
        host: '127.0.0.1',
        port: DEMO.port,
        interfaces: [echoInterface],
        log: (line) => log.info({ event: 'demo-server' }, line),
      });
      const read = () =>
        settingsFromFlags({
          listen: [HTTP, HTTPS],
          map: [`${DEMO.name}:${DEMO.port}=127.0.0.1:${DEMO.port}`],
          user: USERS,
          data,
        });
      const proxy = await startProxy(read(), log);
      announce(proxy);
      process.stdout.write(whatToTry());
      await untilStopped(proxy, read, log);
      await server.close();
    });
}

function whatToTry(): string {
  const [user = ''] = USERS;
  const binding = (proxy: string): string => `'ncacn_http:${DEMO.name}[${DEMO.port},RpcProxy=${proxy}]'`;
  return `
The proxy stands in front of an RPC server that offers rpcecho as "${DEMO.name}", port ${DEMO.port}. Accounts: ${USERS.join(', ')}.
Try, from another terminal:

  # is the RPC Proxy there, and does the account work? (an empty 200)
  curl -i -u ${user} ${HTTP}/rpc/rpcproxy.dll
  curl -i -k --ntlm -u ${user} ${HTTPS}/rpc/rpcproxy.dll

  # a call through it, hop by hop
  npx rpch ping ${binding('127.0.0.1:8080')} -u alice -p wonderland
  npx rpch ping ${binding('127.0.0.1:8443')} --https --insecure -u alice -p wonderland

  # what a client learns that asks for a server which it may not reach
  npx rpch ping 'ncacn_http:secret[135,RpcProxy=127.0.0.1:8080]' -u alice -p wonderland

`;
}
