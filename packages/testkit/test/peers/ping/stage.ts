import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import {
  type EndpointEntry,
  EndpointRegistry,
  echoInterface,
  epmServer,
  md4,
  NtlmAcceptor,
  type NtlmAcceptorOptions,
  type OfferedInterface,
  type SecurityProviders,
  serveTcp,
  spnegoAcceptance,
  type TcpServerOptions,
} from '@rpch/rpc/internal';
import { endpointsCommand } from 'rpch/src/commands/endpoints.ts';
import { pingCommand } from 'rpch/src/commands/ping.ts';
import type { CommandIo } from 'rpch/src/ping/command-io.ts';
import { ALICE, LiveProxy, type LiveProxyOptions } from '../../../src/live-proxy.ts';

/** A busy machine must not be taken for a fault, s. */
const PATIENT = { headTimeout: 20, pairTimeout: 20 };
/** Names that the maps of proxies here know. */
export const SERVER = 'demo';
/** What a command printed and how it ended. */
export interface Printed {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs `rpch ping` or `rpch endpoints` in this process, in an environment that names no HTTP proxy unless `env` does. */
export async function rpch(
  [name, ...args]: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Printed> {
  const printed = { code: 0, out: '', err: '' };
  const io: CommandIo = {
    stdin: Readable.from([]),
    out: (text) => {
      printed.out += text;
    },
    err: (text) => {
      printed.err += text;
    },
    env,
    fail: () => {
      printed.code = 1;
    },
  };
  const command = name === 'ping' ? pingCommand(io) : endpointsCommand(io);
  await command.exitOverride().parseAsync([...args], { from: 'user' });
  return printed;
}

/** What one set-up consists of; all of it is taken away in the end. */
export class Stage implements AsyncDisposable {
  readonly #undo: (() => unknown)[] = [];

  /** What is to be undone, last first. */
  defer(undo: () => unknown): void {
    this.#undo.push(undo);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const undo of this.#undo.reverse()) await undo();
  }

  /** A TCP server that does with each connection what a script says. Returns its port. */
  async listen(script: (socket: Socket) => void): Promise<number> {
    return this.#serve(createServer({ noDelay: true, allowHalfOpen: true }, (socket) => this.#run(socket, script)));
  }

  /** The same behind TLS. */
  async listenTls(options: TlsOptions, script: (socket: Socket) => void = () => {}): Promise<number> {
    const server = createTlsServer(options, (socket) => this.#run(socket, script));
    server.on('tlsClientError', () => {});
    return this.#serve(server);
  }

  /**
   * An HTTP server that answers each head as a script says: undefined leaves it unanswered, '' closes the connection. `request`
   * counts from 0 on each connection.
   */
  httpServer(answer: (head: string, request: number, socket: Socket) => string | undefined): Promise<number> {
    return this.listen((socket) => answerHeads(socket, answer));
  }

  /** A relay to another port; `script` gets both sockets, of which neither is read yet. */
  relay(port: number, script: (client: Socket, server: Socket) => void): Promise<number> {
    return this.listen((client) => {
      const server = connect({ port, host: '127.0.0.1', noDelay: true });
      server.on('error', () => client.destroy()).on('close', () => client.destroy());
      client.on('close', () => server.destroy());
      script(client, server);
    });
  }

  /** The real proxy. */
  async proxy(options: LiveProxyOptions): Promise<LiveProxy> {
    const live = await LiveProxy.start({ ...options, limits: { ...PATIENT, ...options.limits } });
    this.defer(() => live.stop());
    return live;
  }

  /** The real proxy, where "demo" has its port 6001, and its endpoint mapper, at `port`. */
  proxyTo(port: number, { flags = {}, limits = {} }: LiveProxyOptions = {}): Promise<LiveProxy> {
    const map = [6001, 593].map((asked) => `${SERVER}:${asked}=127.0.0.1:${port}`);
    return this.proxy({ flags: { map, ...flags }, limits });
  }

  /** A real RPC server that offers rpcecho and management, with NTLM and SPNEGO for alice. */
  async rpcServer(options: Partial<TcpServerOptions> = {}): Promise<number> {
    const server = await serveTcp({
      host: '127.0.0.1',
      port: 0,
      interfaces: [echoInterface],
      security: SECURITY,
      ...options,
    });
    this.defer(() => server.close());
    return server.port;
  }

  /** A real endpoint mapper. */
  mapper(entries: readonly EndpointEntry[], more: readonly OfferedInterface[] = []): Promise<number> {
    const registry = new EndpointRegistry();
    for (const entry of entries) registry.add(entry);
    return this.rpcServer({ interfaces: [epmServer(registry), ...more] });
  }

  /** A port where nothing listens. */
  async closedPort(): Promise<number> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    return port;
  }

  /** A folder of its own. */
  folder(): string {
    const folder = mkdtempSync(join(tmpdir(), 'rpch-ping-'));
    this.defer(() => rmSync(folder, { recursive: true }));
    return folder;
  }

  /** A file with a text; returns its path. */
  file(text: string): string {
    const path = join(this.folder(), 'file');
    writeFileSync(path, text);
    return path;
  }

  #run(socket: Socket, script: (socket: Socket) => void): void {
    this.defer(() => socket.destroy());
    socket.on('error', () => {});
    script(socket);
  }

  async #serve(server: ReturnType<typeof createServer>): Promise<number> {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    this.defer(() => server.close());
    return (server.address() as AddressInfo).port;
  }
}

const NTLM: NtlmAcceptorOptions = {
  target: { netbiosDomain: 'EXAMPLE', netbiosComputer: 'SERVER', dnsDomain: 'example.org' },
  now: Date.now,
  random: (length) => crypto.getRandomValues(new Uint8Array(length)),
  lookup: async (name) => (name.toLowerCase() === ALICE.name ? md4(Buffer.from(ALICE.password, 'utf16le')) : undefined),
};
const SECURITY: SecurityProviders = { ntlm: () => new NtlmAcceptor(NTLM), spnego: spnegoAcceptance(NTLM) };

/** Answers request heads one after the other; bodies are not looked at. */
export function answerHeads(
  socket: Socket,
  answer: (head: string, request: number, socket: Socket) => string | undefined,
): void {
  let bytes = '';
  let requests = 0;
  socket.on('data', (chunk) => {
    bytes += chunk.toString('latin1');
    for (let end = bytes.indexOf('\r\n\r\n'); end >= 0; end = bytes.indexOf('\r\n\r\n')) {
      const head = bytes.slice(0, end + 4);
      bytes = bytes.slice(end + 4);
      const reply = answer(head, requests++, socket);
      if (reply === '') socket.end();
      else if (reply !== undefined) socket.write(reply, 'latin1');
    }
  });
}

/** A response with a body. */
export function response(status: string, ...fields: readonly string[]): string {
  return [`HTTP/1.1 ${status}`, ...fields, 'Content-Length: 5', '', 'page\n'].join('\r\n');
}

/** Options of ping: alice's account, and little patience. */
export const AS_ALICE = ['-u', ALICE.name, '-p', ALICE.password];
export const HURRIED = ['--timeout', '4'];

/** The binding of a server behind a proxy on loopback. */
export function through(proxy: number, endpoint: number | '' = 6001, ...options: readonly string[]): string {
  return `ncacn_http:${SERVER}[${[endpoint, `RpcProxy=127.0.0.1:${proxy}`, ...options].join(',')}]`;
}
