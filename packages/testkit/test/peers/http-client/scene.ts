import { randomBytes } from 'node:crypto';
import {
  AuthLevel,
  type HttpClientOptions,
  type HttpCredentials,
  type HttpVirtualConnection,
  NtlmInitiator,
  openOverHttp,
} from '@rpch/rpc/internal';
import { ALICE, LiveProxy, type LiveProxyOptions } from '../../../src/live-proxy.ts';
import { CALL_HEADER_LENGTH, requestPdu } from '../../../src/plain-pdus.ts';
import { PATIENCE } from '../../../src/raw-connection.ts';
import { RpcServerStub } from '../../../src/rpc-server-stub.ts';

export const BASIC: HttpCredentials = { scheme: 'basic', basic: { user: ALICE.name, password: ALICE.password } };

/** NTLM with our own initiator, for Alice by default; `onBindings` is told of what the channel is bound to. */
export function ntlm(
  { user = ALICE.name, password = ALICE.password }: { readonly user?: string; readonly password?: string } = {},
  onBindings?: (bindings: Uint8Array | undefined) => void,
): HttpCredentials {
  return {
    scheme: 'ntlm',
    ntlm: (channelBindings) => {
      onBindings?.(channelBindings);
      return new NtlmInitiator({
        credentials: { user, domain: '', password },
        level: AuthLevel.connect,
        now: Date.now,
        random: randomBytes,
        ...(channelBindings === undefined ? {} : { channelBindings }),
      });
    },
  };
}

/** A session of the client with the real proxy, and a server behind it that sends every stub back. */
export interface Session {
  readonly connection: HttpVirtualConnection;
  readonly hops: readonly string[];
  /** One call; returns the stub that came back. */
  call(stub: Uint8Array): Promise<Buffer>;
}

/** The real proxy in this process, and a plain TCP server behind it. */
export class ClientScene implements AsyncDisposable {
  readonly live: LiveProxy;
  readonly server: RpcServerStub;
  readonly #https: boolean;
  readonly #connections: HttpVirtualConnection[] = [];

  private constructor(live: LiveProxy, server: RpcServerStub, https: boolean) {
    this.live = live;
    this.server = server;
    this.#https = https;
  }

  static async open(
    scheme: 'http' | 'https',
    { flags = {}, limits = {} }: LiveProxyOptions = {},
  ): Promise<ClientScene> {
    const server = await RpcServerStub.listen();
    const allow = [`ncacn_ip_tcp:127.0.0.1[${server.port}]`];
    const listen = [`${scheme}://127.0.0.1:0`];
    const live = await LiveProxy.start({ flags: { listen, allow, ...flags }, limits });
    return new ClientScene(live, server, scheme === 'https');
  }

  async session(options: Partial<HttpClientOptions> = {}): Promise<Session> {
    const hops: string[] = [];
    let waiting: { resolve(stub: Buffer): void; reject(error: unknown): void } | undefined;
    let response: Buffer[] = [];
    const connection = await openOverHttp({
      proxy: { host: '127.0.0.1', port: this.live.port },
      server: { host: '127.0.0.1', port: this.server.port },
      ...(this.#https ? { tls: { insecure: true } } : {}),
      random: randomBytes,
      signal: AbortSignal.timeout(PATIENCE),
      onHop: (hop) => hops.push(hop),
      onPdus: (run) => {
        response.push(Buffer.from(run));
        const bytes = Buffer.concat(response);
        if (bytes.length < 16 || bytes.length < bytes.readUInt16LE(8)) return;
        response = [];
        waiting?.resolve(bytes.subarray(CALL_HEADER_LENGTH));
      },
      onClosed: (error) => waiting?.reject(error),
      ...options,
    });
    this.#connections.push(connection);
    let callId = 0;
    const call = (stub: Uint8Array): Promise<Buffer> =>
      new Promise((resolve, reject) => {
        waiting = { resolve, reject };
        connection.send(requestPdu(++callId, stub));
      });
    return { connection, hops, call };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#connections) connection.close();
    await this.server.close();
    await this.live.stop();
  }
}
