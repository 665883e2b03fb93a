import { type HttpEndpoint, serveHttp, serveTcp, type TcpServer, type TcpServerOptions } from '@rpch/rpc/internal';
import { ALICE, LiveProxy } from '../../src/live-proxy.ts';
import { FreerdpClient, type FreerdpOptions } from '../../src/scripted-peers/freerdp-client.ts';
import { TSPROXY, TsProxyOpnum } from '../../src/scripted-peers/freerdp-pdus.ts';

/** The smallest Content-Length that the specification allows ([MS-RPCH] 2.1.2.1.4), bytes; the proxy's flag for OUT. */
export const SHORT_LIFETIME = 128 * 1024;

/** How the proxy speaks to the server behind it. */
export type Backend = 'ncacn_ip_tcp' | 'ncacn_http';

/**
 * As much of a terminal services gateway as carries data: SetupReceivePipe brings as many bytes as the stub says, SendToServer
 * a status of 4 bytes, everything else its own stub.
 */
const tsProxy: TcpServerOptions['interfaces'][number] = {
  name: 'tsproxy',
  syntax: TSPROXY,
  handle(opnum, stub) {
    if (opnum === TsProxyOpnum.SetupReceivePipe) return pattern(Buffer.from(stub).readUInt32LE());
    return opnum === TsProxyOpnum.SendToServer ? new Uint8Array(4) : stub;
  },
};

/** Bytes by which a hole, a repetition or another order would be noticed. */
export function pattern(length: number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, (_, at) => at % 251));
}

/** A server, one or more proxies before it, and FreeRDP. */
export class FreerdpScene implements AsyncDisposable {
  readonly proxies: readonly LiveProxy[];
  /** What went wrong at the server, by its own account. */
  readonly serverLines: string[];
  readonly #server: TcpServer | HttpEndpoint;

  private constructor(server: TcpServer | HttpEndpoint, proxies: readonly LiveProxy[], serverLines: string[]) {
    this.#server = server;
    this.proxies = proxies;
    this.serverLines = serverLines;
  }

  /** The server, where it speaks `ncacn_http`. */
  get endpoint(): HttpEndpoint {
    if (!('sessions' in this.#server)) throw new Error('a plain TCP server knows no virtual connections');
    return this.#server;
  }

  /** @param channelLifetime Content-Length of OUT channels, bytes. */
  static async open(backend: Backend, proxies = 1, channelLifetime = SHORT_LIFETIME): Promise<FreerdpScene> {
    const lines: string[] = [];
    const options = { host: '127.0.0.1', port: 0, interfaces: [tsProxy], log: (line: string) => lines.push(line) };
    const server = backend === 'ncacn_ip_tcp' ? await serveTcp(options) : await serveHttp(options);
    const flags = {
      allow: [`${backend}:127.0.0.1[${server.port}]`],
      channelLifetime: String(channelLifetime),
      auth: 'ntlm',
    };
    const live: LiveProxy[] = [];
    while (live.length < proxies) live.push(await LiveProxy.start({ flags }));
    return new FreerdpScene(server, live, lines);
  }

  /** The first proxy. */
  get proxy(): LiveProxy {
    const [proxy] = this.proxies;
    if (proxy === undefined) throw new Error('a scene has a proxy');
    return proxy;
  }

  freerdp(options: Pick<FreerdpOptions, 'version'> & Partial<FreerdpOptions>): Promise<FreerdpClient> {
    const server = `127.0.0.1:${this.#server.port}`;
    return FreerdpClient.open({ port: this.proxy.port, account: ALICE, server, ...options });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.close();
    for (const proxy of this.proxies) await proxy.stop();
  }
}

/** The stub that asks the pipe for so many bytes. */
export function wants(bytes: number): Buffer {
  const stub = Buffer.alloc(4);
  stub.writeUInt32LE(bytes);
  return stub;
}
