import type { Log } from '@rpch/proxy';
import { Command } from 'commander';
import { makeLog } from '../log.ts';
import { formatServeListener } from '../serve/listener.ts';
import { type RpcServer, startRpcServer } from '../serve/rpc-server.ts';
import { LEVELS, MAIL_LEVELS, type ServeFlags, type ServeSettings, serveSettings } from '../serve/settings.ts';
import { collect } from './collect.ts';

const EXAMPLE = `
Examples:
  over TCP, and natively over ncacn_http behind a proxy on this machine; alice may call:
  rpch serve --listen 'ncacn_ip_tcp:127.0.0.1[6101]' --listen 'ncacn_http:127.0.0.1[6001]' --user alice:wonderland

  for a network, with an endpoint mapper where clients look for it, calls sealed, accounts made by rpch users:
  rpch serve --listen 'ncacn_ip_tcp:0.0.0.0[135]' --listen 'ncacn_ip_tcp:0.0.0.0[6101]' \\
             --listen 'ncacn_http:10.0.0.5[593]' --proxies 10.0.0.4 --level privacy --domain EXAMPLE --data /var/lib/rpch

Every listener serves every interface. mgmt and epm take calls of anybody, as their clients expect; echo wants a login
(--level connect) unless told otherwise; mail (emsmdb, nspi, rfr) wants calls to be encrypted, and makes a mailbox for
each account when it first logs on. ncacn_http listeners take proxies alone: clients reach them through one.

Signals: SIGTERM lets calls in progress finish and stops, a second one stops at once; SIGHUP reads the accounts again.`;

interface ServeOptions extends ServeFlags {
  readonly logLevel: string;
}

/** `rpch serve`: the RPC server. */
export function serveCommand(): Command {
  return new Command('serve')
    .description(
      'run an RPC server: mail, endpoint mapper, management and rpcecho, over TCP and as a server behind proxies',
    )
    .option('--listen <binding>', "where to accept, repeatable: 'ncacn_ip_tcp:0.0.0.0[6101]'", collect)
    .option('--interfaces <list>', 'what to serve (default echo,mgmt,epm,emsmdb,nspi,rfr)')
    .option('--level <level>', `least security of calls to echo: ${LEVELS.join(', ')} (default connect)`)
    .option('--mail-level <level>', `of calls to emsmdb, nspi and rfr: ${MAIL_LEVELS.join(', ')} (default privacy)`)
    .option('--server-name <host>', "name by which mail clients reach this server (default the computer's)")
    .option('--auth <providers>', 'security providers of calls (default ntlm,spnego)')
    .option('--proxies <address...>', 'addresses and networks of RPC Proxies (default loopback)')
    .option('--user <name:password>', 'an account for trials, repeatable; real ones are made with rpch users', collect)
    .option('--domain <name>', 'NetBIOS name of the domain that the accounts belong to')
    .option('--dns-domain <name>', 'DNS name of that domain')
    .option('--computer <name>', "this computer's NetBIOS name in NTLM")
    .option('--data <dir>', 'where accounts, mailboxes and directory.yaml are (default data)')
    .option('--keep-deleted <days>', 'how long deleted messages can be recovered; 0: not at all (default 14)')
    .option('--drain-timeout <seconds>', 'patience with calls in progress at the end (default 30)')
    .option('--log-level <level>', 'debug, info, warn or error', 'info')
    .addHelpText('after', EXAMPLE)
    .action(async ({ logLevel, ...flags }: ServeOptions) => {
      const log = makeLog(logLevel);
      const settings = serveSettings(flags);
      const server = await startRpcServer(settings, log);
      const lines = server.listening.map((listener) => `  ${formatServeListener(listener)}`);
      process.stderr.write(`${['ready', ...lines].join('\n')}\n`);
      reloadOnHangup(server, settings, log);
      await untilStopped(server, settings.grace, log);
    });
}

/** SIGHUP reads the accounts again. */
export function reloadOnHangup(server: RpcServer, { accounts }: ServeSettings, log: Log): void {
  process.on('SIGHUP', () => {
    server.reload(accounts).then(
      () => log.info({ event: 'server.reloaded' }, 'reloaded'),
      (error: unknown) => {
        const why = error instanceof Error ? error.message : String(error);
        log.error({ event: 'server.reload-failed', why }, 'not reloaded: nothing has changed');
      },
    );
  });
}

/** Obeys SIGTERM and SIGINT; fulfilled when everything has ended. */
async function untilStopped(server: RpcServer, grace: number, log: Log): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    let draining = false;
    const stop = (): void => {
      if (!draining) log.info({ event: 'server.draining' }, 'draining');
      server.close({ grace: draining ? 0 : grace }).then(resolve, reject);
      draining = true;
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
  });
  log.info({ event: 'server.stopped' }, 'stopped');
}
