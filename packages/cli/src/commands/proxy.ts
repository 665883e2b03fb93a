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

const EXAMPLE = `
Example:
  rpch proxy --listen https://0.0.0.0:443 --allow 'ncacn_ip_tcp:dc1.example.org[135,49152-65535]' \\
             --domain EXAMPLE --data /var/lib/rpch

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
      "what may be reached, repeatable: 'ncacn_ip_tcp:server[135,49152-65535]'; default nothing",
      collect,
    )
    .option('--map <name:port=host:port>', 'allow NAME:PORT and connect to HOST:PORT instead, repeatable', collect)
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
        log.warn({ event: 'proxy.nothing-allowed' }, 'no --allow and no --map: every request will be refused');
      }
      const proxy = await startProxy(settings, log);
      announce(proxy);
      await untilStopped(proxy, read, log);
    });
}

function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value];
}

/** Says on stderr that connections are accepted, and where. */
export function announce(proxy: RpcProxy): void {
  const lines = ['ready'];
  for (const { listener, port } of proxy.listening) {
    const host = listener.host.includes(':') ? `[${listener.host}]` : listener.host;
    lines.push(`  ${listener.tls ? 'https' : 'http'}://${host}:${port}/rpc/rpcproxy.dll`);
  }
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
