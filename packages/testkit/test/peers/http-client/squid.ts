import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { NtlmAcceptor, ntowfv1 } from '@rpch/rpc/internal';
import { eventually } from '../../../src/live-proxy.ts';
import { freePort } from '../../../src/peers/ports.ts';

const HELPERS = '/usr/lib/squid';
const STARTUP = 20_000;

/** What Squid asks of its own clients: Basic, checked by a helper of Squid's that lets everybody in; NTLM, checked here. */
export type SquidLogin = 'none' | 'basic' | 'ntlm';

/** The account that Squid's NTLM knows. */
export const BOB_AT_SQUID = { user: 'bob', password: 'secret-at-squid' };

/** Squid's helper for NTLM: it hands Squid's questions to the test's process, so that it need be able to read nothing else. */
const RELAY = 'exec 3<>"/dev/tcp/127.0.0.1/$1"\ncat <&3 &\nexec cat >&3\n';

const LOGINS: Readonly<Record<SquidLogin, (relay: string) => readonly string[]>> = {
  none: () => [],
  basic: () => [
    `auth_param basic program ${HELPERS}/basic_fake_auth`,
    'auth_param basic children 2 startup=1',
    'auth_param basic realm squid',
  ],
  ntlm: (relay) => [
    `auth_param ntlm program /bin/bash ${relay}`,
    'auth_param ntlm children 2 startup=1',
    'auth_param ntlm keep_alive on',
  ],
};

/** Squid as an HTTP proxy on loopback, with nothing kept once it is stopped. */
export class Squid implements AsyncDisposable {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #helper: Server;
  readonly #relays = new Set<Socket>();

  private constructor(port: number, child: ChildProcess, folder: string, helper: Server) {
    this.port = port;
    this.#child = child;
    this.#folder = folder;
    this.#helper = helper;
    helper.on('connection', (socket) => {
      this.#relays.add(socket);
      answerNtlm(socket);
    });
  }

  /** @param deny a port that clients may not go to. */
  static async start(login: SquidLogin, deny?: number): Promise<Squid> {
    const port = await freePort();
    const folder = mkdtempSync(join(tmpdir(), 'rpch-squid-'));
    // Started by root, it gives up being root.
    chmodSync(folder, 0o777);
    const relay = join(folder, 'relay');
    writeFileSync(relay, RELAY);
    const helper = createServer().listen(0, '127.0.0.1');
    await once(helper, 'listening');
    const config = [
      `http_port 127.0.0.1:${port}`,
      'pid_filename none',
      `cache_log ${folder}/cache.log`,
      `access_log stdio:${folder}/access.log`,
      `coredump_dir ${folder}`,
      'cache deny all',
      'shutdown_lifetime 0 seconds',
      'pinger_enable off',
      'visible_hostname squid',
      ...LOGINS[login](`${relay} ${(helper.address() as AddressInfo).port}`),
      ...(login === 'none' ? [] : ['acl known proxy_auth REQUIRED']),
      ...(deny === undefined ? [] : [`acl denied port ${deny}`, 'http_access deny denied']),
      `http_access allow ${login === 'none' ? 'all' : 'known'}`,
      'http_access deny all',
    ];
    writeFileSync(join(folder, 'squid.conf'), `${config.join('\n')}\n`);
    const child = spawn('/usr/sbin/squid', ['-N', '-f', join(folder, 'squid.conf')], { stdio: 'ignore' });
    const squid = new Squid(port, child, folder, helper);
    let up = false;
    const knock = (): void => {
      const socket = connect(port, '127.0.0.1', () => {
        up = true;
        socket.destroy();
      });
      socket.on('error', () => {});
    };
    try {
      await eventually(
        () => {
          if (child.exitCode !== null)
            throw new Error(`squid ended with ${child.exitCode}:\n${squid.log('cache.log')}`);
          if (!up) knock();
          return up;
        },
        () => 'squid does not accept',
        STARTUP,
      );
    } catch (error) {
      await squid[Symbol.asyncDispose]();
      throw error;
    }
    return squid;
  }

  log(name: 'access.log' | 'cache.log'): string {
    try {
      return readFileSync(join(this.#folder, name), 'utf8');
    } catch {
      return '';
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exited = once(this.#child, 'exit');
      this.#child.kill('SIGKILL');
      await exited;
    }
    // The relays outlive Squid until their connections end.
    this.#helper.close();
    for (const socket of this.#relays) socket.destroy();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Squid's protocol with a helper for NTLM: `YR` and `KK` ask with a token, `TT` answers with one, `AF` and `NA` judge. */
function answerNtlm(socket: Socket): void {
  let acceptor: NtlmAcceptor | undefined;
  socket.on('error', () => {});
  const answer = async (line: string): Promise<string> => {
    const [question = '', token = ''] = line.split(' ');
    if (question === 'YR') {
      acceptor = new NtlmAcceptor({
        target: { netbiosDomain: 'SQUID', netbiosComputer: 'SQUID' },
        now: Date.now,
        random: randomBytes,
        lookup: async (user) => (user === BOB_AT_SQUID.user ? ntowfv1(BOB_AT_SQUID.password) : undefined),
      });
    }
    const result = await acceptor?.step(Buffer.from(token, 'base64'));
    if (result?.kind === 'challenge') return `TT ${Buffer.from(result.token).toString('base64')}`;
    if (result?.kind === 'accepted') return `AF ${result.user}`;
    return `NA ${result?.kind === 'refused' ? result.why : 'nothing was asked'}`;
  };
  createInterface({ input: socket }).on('line', (line) => {
    answer(line).then(
      (text) => socket.write(`${text}\n`),
      (error: unknown) => socket.write(`BH ${String(error)}\n`),
    );
  });
}
