import {
  loadSettings,
  type ProxyFlags,
  type RpcProxy,
  type Settings,
  settingsFromFlags,
  startProxy,
} from '@rpch/proxy';
import { Command } from 'commander';
import { makeLog } from '../log.ts';
import { collect } from './collect.ts';

const EXAMPLE = `
Examples:
  a plain DCE/RPC server (Samba, a domain controller):
  rpch proxy --listen https://0.0.0.0:443 --allow 'ncacn_ip_tcp:dc1.example.org[135,49152-65535]' \\
             --domain EXAMPLE --data /var/lib/rpch

  a server that listens on ncacn_http itself (Exchange), twice the same:
  rpch proxy --listen https://0.0.0.0:443 --allow 'ncacn_http:exch01[593,6001-6002,6004]'
  rpch proxy --listen https://0.0.0.0:443 --valid-ports 'exch01:593;exch01:6001-6002;exch01:6004'

  two proxies of one host that share a plain server:
  rpch proxy --listen https://10.0.0.1:443 --endpoint 'unix:/run/rpch/a.sock=dc1.example.org:135' \\
             --map 'ncacn_http:dc1.example.org:135=unix:/run/rpch/a.sock,unix:/run/rpch/b.sock'
  rpch proxy --listen https://10.0.0.2:443 --endpoint 'unix:/run/rpch/b.sock=dc1.example.org:135' \\
             --map 'ncacn_http:dc1.example.org:135=unix:/run/rpch/a.sock,unix:/run/rpch/b.sock'

Signals: SIGTERM drains and stops, a second one stops at once; SIGHUP reloads configuration, accounts and certificate.`;

interface ProxyOptions extends ProxyFlags {
  readonly config?: string;
  readonly logLevel: string;
}

/** `rpch proxy`: the RPC Proxy. */
export function proxyCommand(): Command {
  return new Command('proxy')
    .description('run the RPC Proxy')
    .option('--config <file>', 'settings from a YAML file; flags come on top')
    .option('--listen <url>', 'where to accept, repeatable: http://127.0.0.1:8080, https://0.0.0.0:443', collect)
    .option('--tls-cert <file>', 'certificate and chain, PEM; without it a self-signed one is made once and kept')
    .option('--tls-key <file>', 'private key, PEM')
    .option('--tls-min <version>', 'lowest TLS version: 1.2 or 1.3 (default 1.2)')
    .option('--tls-max <version>', 'highest TLS version: 1.2 or 1.3 (default 1.3; clients of Samba 4.17 need 1.2)')
    .option(
      '--allow <pattern>',
      "what may be reached, repeatable: 'ncacn_ip_tcp:server[135,49152-65535]', or 'ncacn_http:server[6001-6002]' " +
        'where the server plays the server role itself; default nothing',
      collect,
    )
    .option('--valid-ports <value>', "ncacn_http servers in the words of Windows' ValidPorts: 'a:6001-6002;b:593'")
    .option(
      '--map <name:port=host:port>',
      'allow NAME:PORT and connect to HOST:PORT instead, repeatable; after ncacn_http: a list with commas, unix:PATH too',
      collect,
    )
    .option(
      '--endpoint <listen=server:port>',
      'play the server role on LISTEN (127.0.0.1:7135, unix:PATH) for SERVER:PORT, which proxies share; repeatable',
      collect,
    )
    .option('--allow-v1', 'take RPC over HTTP version 1, without TLS and login, on all http listeners')
    .option(
      '--client-address <how>',
      'how a load balancer in front says where its clients are: proxy-protocol or x-forwarded-for; all listeners',
    )
    .option('--trusted-proxies <address...>', 'addresses and networks of the load balancers that are believed so')
    .option('--user <name:password>', 'an account for trials, repeatable; real ones are made with rpch users', collect)
    .option('--auth <schemes>', 'offered schemes (default basic,ntlm)')
    .option('--allow-insecure-basic', 'offer Basic on plain http beyond loopback too')
    .option('--domain <name>', 'NetBIOS name of the domain that the accounts belong to')
    .option('--dns-domain <name>', 'DNS name of that domain')
    .option('--computer <name>', "this computer's NetBIOS name in NTLM")
    .option('--channel-binding <policy>', 'NTLM over TLS: off, when-offered or required')
    .option('--channel-lifetime <bytes>', 'Content-Length of OUT channels (default 1073741824)')
    .option('--connection-timeout <seconds>', 'ConnectionTimeout that clients are told (default 120)')
    .option('--data <dir>', 'what must be kept: certificate and accounts')
    .option('--log-level <level>', 'debug, info, warn or error', 'info')
    .addHelpText('after', EXAMPLE)
    .action(async ({ config, logLevel, ...flags }: ProxyOptions) => {
      const read = (): Promise<Settings> | Settings =>
        config === undefined ? settingsFromFlags(flags) : loadSettings(config, flags);
      const log = makeLog(logLevel);
      const settings = await read();
      if (settings.allow.length === 0) {
        const why = 'no --allow, --valid-ports or --map: every request will be refused';
        log.warn({ event: 'proxy.nothing-allowed' }, why);
      }
      warnOfVersion1(settings, log);
      const proxy = await startProxy(settings, log);
      announce(proxy);
      await untilStopped(proxy, read, log);
    });
}

/** Version 1 clients do not log in: rules that name nobody are open to them. */
function warnOfVersion1({ listen, allow }: Settings, log: ReturnType<typeof makeLog>): void {
  const listeners = listen.filter(({ allowV1 }) => allowV1).map(({ url }) => url);
  const rules = allow
    .filter(({ accounts, groups }) => accounts === undefined && groups === undefined)
    .map(({ text }) => text);
  if (listeners.length === 0 || rules.length === 0) return;
  log.warn({ event: 'proxy.open-to-v1', listeners, rules }, 'version 1 clients need no login for these rules');
}

/** Says on stderr that connections are accepted, and where. */
export function announce(proxy: RpcProxy): void {
  const lines = ['ready'];
  for (const { listener, port } of proxy.listening) {
    const host = listener.host.includes(':') ? `[${listener.host}]` : listener.host;
    lines.push(`  ${listener.tls ? 'https' : 'http'}://${host}:${port}/rpc/rpcproxy.dll`);
  }
  for (const { listen, connect } of proxy.endpoints) lines.push(`  endpoint ${listen} for ${connect}`);
  const { certificate } = proxy;
  if (certificate !== undefined) lines.push(`  certificate ${certificate.from}, SHA-256 ${certificate.fingerprint}`);
  process.stderr.write(`${lines.join('\n')}\n`);
}

/** Obeys signals; fulfilled when everything has ended. */
export async function untilStopped(
  proxy: RpcProxy,
  read: () => Promise<Settings> | Settings,
  log: ReturnType<typeof makeLog>,
): Promise<void> {
  const reload = async (): Promise<void> => {
    try {
      const later = await proxy.reload(await read());
      log.info({ event: 'proxy.reloaded', later }, 'reloaded');
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      log.error({ event: 'proxy.reload-failed', why }, 'not reloaded: nothing has changed');
    }
  };
  process.on('SIGHUP', () => void reload());
  await new Promise<void>((resolve) => {
    let stopping = false;
    const stop = (): void => {
      if (stopping) {
        proxy.stop();
        resolve();
        return;
      }
      stopping = true;
      log.info({ event: 'proxy.draining' }, 'draining');
      proxy.drain().then(resolve, resolve);
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
  });
  log.info({ event: 'proxy.stopped', ...proxy.counters.snapshot() }, 'stopped');
}
