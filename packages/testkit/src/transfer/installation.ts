import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BackendKind, BackendMessage } from './backend-child.ts';
import { TransferChild } from './children.ts';
import type { Layout } from './transfer-client.ts';

/** The RPC server as clients name it. */
export const SERVER = { host: 'srv', port: 6001 } as const;
/** The account that transfers log in with. */
export const ACCOUNT = { name: 'alice', password: 'wonderland' } as const;
const PATTERN = `${SERVER.host}[${SERVER.port}]`;
const HOST = '127.0.0.1';

/** What is put between a client and a server. */
export interface InstallationOptions {
  readonly scheme: 'http' | 'https';
  readonly backend: BackendKind;
  readonly layout: Layout;
  /** Content-Length of OUT channels, bytes. */
  readonly lifetime: number;
  /** Receive window of the proxies, bytes. */
  readonly window: number;
}

/** A server process, one or two `rpch proxy` processes before it, and their files. */
export class Installation {
  readonly #folder = mkdtempSync(join(tmpdir(), 'rpch-transfer-'));
  readonly #children: TransferChild[] = [];
  readonly #ports: number[] = [];

  /** Starts everything; what was started is stopped again where something does not start. */
  static async start(options: InstallationOptions): Promise<Installation> {
    const installation = new Installation();
    try {
      await installation.#start(options);
    } catch (error) {
      await installation.stop();
      throw error;
    }
    return installation;
  }

  /** Its processes: the server, then the proxies. */
  get children(): readonly TransferChild[] {
    return this.#children;
  }

  /** Where the proxies accept. */
  get proxies(): readonly { readonly host: string; readonly port: number }[] {
    return this.#ports.map((port) => ({ host: HOST, port }));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#children.map((child) => child.stop()));
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #start(options: InstallationOptions): Promise<void> {
    const server = TransferChild.program('server', 'backend-child.ts', options.backend);
    this.#children.push(server);
    const { port } = (await server.message()) as BackendMessage;
    const names = options.layout === 'one' ? ['proxy'] : ['proxy-a', 'proxy-b'];
    const proxies = names.map((name) => {
      const file = join(this.#folder, `${name}.yaml`);
      writeFileSync(file, this.#configuration(options, name, names, port));
      return TransferChild.proxy(name, ['--config', file, '--user', `${ACCOUNT.name}:${ACCOUNT.password}`]);
    });
    this.#children.push(...proxies);
    for (const listening of proxies.map((proxy) => proxy.listeningPort())) this.#ports.push(await listening);
  }

  #configuration(options: InstallationOptions, name: string, names: readonly string[], port: number): string {
    const { scheme, backend, lifetime, window } = options;
    const server = `${HOST}:${port}`;
    // Several proxies of a plain TCP server meet at an endpoint that one of them keeps ([MS-RPCH] 3.2.5).
    const shared = backend === 'tcp' && names.length > 1;
    const sockets = names.map((each) => `unix:${join(this.#folder, `${each}.sock`)}`);
    const rule =
      backend === 'tcp' && !shared
        ? { pattern: `ncacn_ip_tcp:${PATTERN}`, connect: server }
        : { pattern: `ncacn_http:${PATTERN}`, connect: shared ? sockets : server };
    // JSON is YAML.
    return JSON.stringify({
      listen: [`${scheme}://${HOST}:0`],
      allow: [rule],
      ...(shared ? { endpoints: [{ listen: sockets[names.indexOf(name)], connect: server }] } : {}),
      auth: { schemes: ['basic'] },
      dataDir: join(this.#folder, name),
      channelLifetime: lifetime,
      limits: { receiveWindow: window },
    });
  }
}
