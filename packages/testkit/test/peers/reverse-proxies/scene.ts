import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadSettings, type ProxyFlags } from '@rpch/proxy';
import { echoDeclaration, RpcClient, type RpchError } from '@rpch/rpc';
import { echoServer, type HttpClientOptions, type HttpCredentials, serveTcp, type TcpServer } from '@rpch/rpc/internal';
import { ALICE, type LiveProxy, type LiveProxyOptions } from '../../../src/live-proxy.ts';
import { ReverseProxy, type ReverseProxySite } from '../../../src/peers/reverse-proxy.ts';
import { BASIC, ClientScene, ntlm, type Session } from '../http-client/scene.ts';

/** The least that a channel may live ([MS-RPCH] 2.2.3.5.5), bytes. */
export const SHORT_LIFETIME = 128 * 1024;
const STUB = Buffer.alloc(2000, 7);
const MEBIBYTE = 1024 * 1024;
const ACCOUNT = { user: ALICE.name, password: ALICE.password };

/** How the client comes: with TLS or without, and with which login. */
export interface Coming {
  readonly scheme: 'http' | 'https';
  readonly login: 'basic' | 'ntlm';
}

export const LOGINS = ['basic', 'ntlm'] as const;

export interface StartOptions {
  /** Makes another configuration of the documented one. */
  change?(config: string): string;
  /** Certificate and key, PEM; by default the RPC Proxy's own. */
  readonly certificate?: string;
  /** Ports of another RPC Proxy that it is put before. */
  readonly before?: { readonly http: number; readonly https: number };
}

const DOCUMENT = new URL('../../../../../docs/http-proxies.md', import.meta.url);

/** The configuration that stands in the document under this name. */
function documented(name: string): string {
  const found = new RegExp(`<!-- ${name} -->\n\`\`\`(?:yaml)?\n([^\`]*)\`\`\``).exec(
    readFileSync(DOCUMENT, 'utf8'),
  )?.[1];
  if (found === undefined) throw new Error(`the document has no configuration ${name}`);
  return found;
}

/** Where the reverse proxy comes from in the tests that tell it from its clients. */
export const REVERSE_PROXY = '127.0.0.9';

/** Whom the listener believes that stands in the document under this name, with {@link REVERSE_PROXY} in the place of its address. */
export async function documentedTrust(name: string): Promise<ProxyFlags> {
  const folder = mkdtempSync(join(tmpdir(), 'rpch-documented-'));
  try {
    const file = join(folder, 'rpch.yaml');
    writeFileSync(file, documented(name).replace('192.0.2.9', REVERSE_PROXY));
    const { listen } = await loadSettings(file);
    const trusted = listen[0]?.trusted ?? assert.fail(`${name} trusts nobody`);
    return { clientAddress: trusted.says, trustedProxies: trusted.peers.map(({ text }) => text) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function programOf(name: string): 'haproxy' | 'nginx' {
  return name.startsWith('nginx') ? 'nginx' : 'haproxy';
}

const CREDENTIALS: Readonly<Record<Coming['login'], () => HttpCredentials>> = {
  basic: () => BASIC,
  ntlm: () => ntlm(),
};

/** The RPC Proxy with a plain and a TLS listener, an echo server behind it, and clients that come through a reverse proxy. */
export class ReverseScene implements AsyncDisposable {
  readonly http: number;
  readonly https: number;
  readonly live: LiveProxy;
  readonly #scene: ClientScene;
  readonly #echo: TcpServer;

  private constructor(scene: ClientScene, echo: TcpServer) {
    this.#scene = scene;
    this.#echo = echo;
    this.live = scene.live;
    const [http, https] = scene.live.proxy.listening;
    this.http = http?.port ?? 0;
    this.https = https?.port ?? 0;
  }

  static async open({ flags = {}, limits = {} }: LiveProxyOptions = {}): Promise<ReverseScene> {
    const echo = await serveTcp({ host: '127.0.0.1', port: 0, interfaces: [echoServer()] });
    const listen = ['http://127.0.0.1:0', 'https://127.0.0.1:0'];
    const allow = ['ncacn_ip_tcp:127.0.0.1[1024-65535]'];
    const scene = await ClientScene.open('http', {
      flags: { listen, allow, channelLifetime: `${SHORT_LIFETIME}`, ...flags },
      // 100 TLS handshakes at a time share this process with their clients.
      limits: { headTimeout: 30, pairTimeout: 30, ...limits },
    });
    return new ReverseScene(scene, echo);
  }

  /** Certificate and key of the RPC Proxy's own, in one text, as HAProxy wants them in one file. */
  get certificate(): string {
    const read = (name: string) => readFileSync(join(this.live.settings.dataDir, 'tls', name), 'utf8');
    return `${read('cert.pem')}\n${read('key.pem')}`;
  }

  /**
   * Starts a configuration of docs/http-proxies.md, with ports and files put in the place of its addresses and names;
   * `change` makes something else of it.
   */
  start(name: string, options: StartOptions = {}): Promise<ReverseProxy> {
    return ReverseProxy.start(programOf(name), (site) => this.configuration(name, options, site));
  }

  /** What {@link ReverseScene.start} would start. */
  configuration(
    name: string,
    { change = (config) => config, certificate = this.certificate, before = this }: StartOptions,
    { port, folder }: ReverseProxySite,
  ): string {
    const file = join(folder, 'site.pem');
    writeFileSync(file, certificate, { mode: 0o600 });
    const changed = change(documented(name))
      .replaceAll('0.0.0.0:443', `127.0.0.1:${port}`)
      .replaceAll('/etc/ssl/private/rpc.example.org.pem', file)
      .replaceAll('192.0.2.10:8080', `127.0.0.1:${before.http}`)
      .replaceAll('192.0.2.10:8443', `127.0.0.1:${before.https}`);
    return programOf(name) === 'haproxy'
      ? changed.replace(/^ {2}mode (\w+)$/m, '  mode $1\n  log global\n  option $1log')
      : changed;
  }

  /** Every login so far: the client's address, and the reverse proxy's where that has said so. */
  get logins(): Set<string> {
    return new Set(this.live.logged('login').map(({ fields: { address, via } }) => `${address} via ${via}`));
  }

  #client(front: ReverseProxy, { scheme, login }: Coming): RpcClient {
    const tls = scheme === 'https' ? ',HttpUseTls=true' : '';
    return new RpcClient(`ncacn_http:127.0.0.1[${this.#echo.port},RpcProxy=127.0.0.1:${front.port}${tls}]`, {
      provider: 'none',
      openTimeout: 10_000,
      http: { credentials: ACCOUNT, scheme: login, tls: { insecure: true }, environment: {} },
    });
  }

  /** A session by itself, whose channels' lives are short. */
  session(front: ReverseProxy, { scheme, login }: Coming, options: Partial<HttpClientOptions> = {}): Promise<Session> {
    return this.#scene.session({
      proxy: { host: '127.0.0.1', port: front.port },
      ...(scheme === 'https' ? { tls: { insecure: true } } : {}),
      credentials: CREDENTIALS[login](),
      channelLifetime: SHORT_LIFETIME,
      ...options,
    });
  }

  /** Opens a session and leaves it alone; returns how it ended. */
  async silence(front: ReverseProxy, coming: Coming): Promise<RpchError> {
    const { promise, resolve } = Promise.withResolvers<RpchError>();
    await this.session(front, coming, { onClosed: resolve });
    return await promise;
  }

  /** 200 calls of RpcClient, and an echo of 1 MiB. */
  async calls(front: ReverseProxy, coming: Coming): Promise<void> {
    await using client = this.#client(front, coming);
    const echo = await client.bind(echoDeclaration);
    for (let i = 0; i < 200; i++) assert.equal((await echo.addOne({ in_data: i })).out_data, i + 1);
    const bytes = new Uint8Array(MEBIBYTE).fill(7);
    assert.deepEqual((await echo.echoData({ in_data: bytes })).out_data, bytes);
  }

  /** Calls until both channels have been replaced at least twice. */
  async recyclings(front: ReverseProxy, coming: Coming): Promise<void> {
    const { call, connection } = await this.session(front, coming);
    for (let i = 0; i < 200; i++) assert.deepEqual(await call(STUB), STUB, `call ${i}`);
    const { recycledIn, recycledOut } = connection.counters;
    assert.ok(recycledIn.R2 >= 2 && recycledOut.R2 >= 2, JSON.stringify(connection.counters));
    connection.close();
  }

  /** 100 sessions at a time, with a call each. */
  async crowd(front: ReverseProxy, coming: Coming): Promise<void> {
    const sessions = await Promise.all(Array.from({ length: 100 }, () => this.session(front, coming)));
    await Promise.all(sessions.map(async ({ call }) => assert.deepEqual(await call(STUB), STUB)));
    for (const { connection } of sessions) connection.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scene[Symbol.asyncDispose]();
    await this.#echo.close();
  }
}

/** One scene for the tests of a group, opened by the first that needs it. */
export class SharedScene {
  #scene: Promise<ReverseScene> | undefined;

  scene(): Promise<ReverseScene> {
    this.#scene ??= ReverseScene.open();
    return this.#scene;
  }

  async close(): Promise<void> {
    await (await this.#scene)?.[Symbol.asyncDispose]();
  }
}
