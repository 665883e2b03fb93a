import { settingsFromFlags, startProxy } from '@rpch/proxy';
import { Command } from 'commander';
import { makeLog } from '../log.ts';
import { demoMessage, makeDemoMail } from '../serve/demo-mail.ts';
import { startRpcServer } from '../serve/rpc-server.ts';
import { serveSettings } from '../serve/settings.ts';
import { collect } from './collect.ts';
import { announce, untilStopped } from './proxy.ts';
import { reloadOnHangup } from './serve.ts';

const HTTP = 'http://127.0.0.1:8080';
const HTTPS = 'https://127.0.0.1:8443';
/**
 * The name by which clients ask for the demonstration server, and the ports that it listens on: plain TCP, and `ncacn_http` where mail
 * clients look for the information store, referral and the address book ([MS-OXCRPC] 2.1).
 * NTLM's challenge names the same: impacket's clients ask for the server that they find there.
 */
const DEMO = { name: 'demo', domain: 'example.org', tcp: 6101, http: 6001, mail: [6001, 6002, 6004] };
/** Where clients look for the endpoint mapper of a server behind a proxy ([MS-RPCE] 2.1.1.8). */
const MAPPER = 593;
const USERS = ['alice:wonderland', 'bob:builder'];

interface UpOptions {
  readonly data: string;
  readonly logLevel: string;
  readonly listen: readonly string[];
}

/** `rpch up`, which is `npm start`: the proxy in front of a demonstration RPC server, on loopback. */
export function upCommand(): Command {
  return new Command('up')
    .description('everything on embedded defaults: the proxy in front of an RPC server with mail for alice and bob')
    .option('--data <dir>', 'what must be kept', './data')
    .option('--log-level <level>', 'debug, info, warn or error', 'info')
    .option('--listen <url>', 'where the proxy listens besides, repeatable: https://127.0.0.1:443', collect, [])
    .addHelpText('after', '\nExample:\n  rpch up --data /tmp/rpch')
    .action(async ({ data, logLevel, listen }: UpOptions) => {
      const log = makeLog(logLevel);
      const demo = serveSettings({
        listen: [`ncacn_ip_tcp:127.0.0.1[${DEMO.tcp}]`, ...DEMO.mail.map((port) => `ncacn_http:127.0.0.1[${port}]`)],
        // A demonstration shows calls without security too.
        level: 'none',
        serverName: DEMO.name,
        dnsDomain: DEMO.domain,
        computer: DEMO.name.toUpperCase(),
        user: USERS,
        data,
      });
      await makeDemoMail(data, DEMO.domain, log);
      const server = await startRpcServer(demo, log);
      const read = () =>
        settingsFromFlags({
          listen: [HTTP, HTTPS, ...listen],
          computer: DEMO.name.toUpperCase(),
          map: [
            `${DEMO.name}:${DEMO.tcp}=127.0.0.1:${DEMO.tcp}`,
            ...DEMO.mail.map((port) => `ncacn_http:${DEMO.name}:${port}=127.0.0.1:${port}`),
            `ncacn_http:${DEMO.name}:${MAPPER}=127.0.0.1:${DEMO.http}`,
          ],
          user: USERS,
          data,
        });
      try {
        const proxy = await startProxy(read(), log);
        announce(proxy);
        process.stdout.write(whatToTry(demoMessage(data)));
        reloadOnHangup(server, demo, log);
        await untilStopped(proxy, read, log);
      } finally {
        await server.close();
      }
    });
}

function whatToTry(message: string | undefined): string {
  const [user = ''] = USERS;
  const binding = (endpoint: number | '', proxy: string): string => {
    return `'ncacn_http:${DEMO.name}[${endpoint},RpcProxy=${proxy}]'`;
  };
  const mail = `npx rpch mail ${binding(DEMO.http, '127.0.0.1:8443')} --https --insecure -u alice -p wonderland`;
  return `
The proxy stands in front of an RPC server that clients call "${DEMO.name}": mail of alice and bob (ports ${DEMO.mail.join(', ')}), and
rpcecho (port ${DEMO.tcp}, plain TCP). Accounts, of both: ${USERS.join(', ')}. Try, from another terminal:

  # alice's mail, by MAPI over RPC over HTTPS, every call encrypted once more from end to end
  ${mail} folders
  ${mail} list Inbox
  ${mail} show ${message ?? 'ID'}
  ${mail} attachments ${message ?? 'ID'}
  ${mail} search invoice

  # is the RPC Proxy there, and does the account work? (an empty 200)
  curl -i -u ${user} ${HTTP}/rpc/rpcproxy.dll
  curl -i -k --ntlm -u ${user} ${HTTPS}/rpc/rpcproxy.dll

  # a call through it, hop by hop
  npx rpch ping ${binding(DEMO.tcp, '127.0.0.1:8080')} -u alice -p wonderland
  npx rpch ping ${binding(DEMO.tcp, '127.0.0.1:8443')} --https --insecure -u alice -p wonderland

  # what the server offers, and a call that is encrypted from end to end, to where its endpoint mapper says
  npx rpch endpoints ${binding('', '127.0.0.1:8080')} -u alice -p wonderland
  npx rpch ping ${binding('', '127.0.0.1:8080')} -u alice -p wonderland --rpc-auth spnego --level privacy

  # what a client learns that asks for a server which it may not reach
  npx rpch ping 'ncacn_http:secret[135,RpcProxy=127.0.0.1:8080]' -u alice -p wonderland

`;
}
