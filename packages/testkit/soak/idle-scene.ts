import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { FirewalledNamespace } from '../src/firewalled-namespace.ts';
import { eventually } from '../src/live-proxy.ts';
import { type Forgetting, Middlebox } from '../src/middlebox.ts';
import { basic } from '../src/scripted-client.ts';
import { type EchoBackend, startNative, startPlain } from './echo-backends.ts';
import { ProxyHost } from './farm-host.ts';
import type { IdleEvent, IdleSession } from './idle-client.ts';

/** What stands between client and proxy: a relay that forgets in one way or the other, or a firewall. */
export type IdleKind = Forgetting | 'firewall';
export const IDLE_KINDS: readonly IdleKind[] = ['resets', 'swallows', 'firewall'];

export interface IdleOptions {
  /** Silence after which the middleboxes forget a connection, s. A firewall takes whole seconds. */
  readonly silence: number;
  readonly kinds: readonly IdleKind[];
  /** Time for an answer, ms. */
  readonly callTimeout: number;
}

/** What became of one session. Silence is of IN and OUT, as the middlebox saw them, s; a firewall does not say. */
export interface IdleResult {
  readonly kind: IdleKind;
  readonly scheme: 'http' | 'https';
  readonly backend: 'plain' | 'native';
  /** The call after the idle time was answered, and nothing had ended before. */
  readonly lives: boolean;
  /** What the client said of its end, or of the call that failed. */
  readonly client: string | undefined;
  /** The line that the proxy logged at the session's end. */
  readonly proxy: Readonly<Record<string, unknown>> | undefined;
  readonly pingsSent: number;
  readonly pingsReceived: number;
  readonly longestSilence: { readonly in: number; readonly out: number } | undefined;
}

const CLIENT = fileURLToPath(new URL('idle-client.ts', import.meta.url));
const SCHEMES = ['http', 'https'] as const;
const BACKENDS = ['plain', 'native'] as const;
const [PLAIN_SERVER, NATIVE_SERVER] = [
  { host: 'plain.test', port: 135 },
  { host: 'native.test', port: 6001 },
];
const PASSWORD = 'idle';
/** How long opening may take, and what follows the last call, ms. */
const OPENING_PATIENCE = 20_000;
const REPORT_PATIENCE = 3_000;
/** Added to a call's own time limit for its outcome to be told, ms. */
const TOLD_WITHIN = 5_000;

/** One session, its middlebox, and what was heard of it. */
interface Actor {
  readonly name: string;
  readonly kind: IdleKind;
  readonly scheme: (typeof SCHEMES)[number];
  readonly backend: (typeof BACKENDS)[number];
  readonly middlebox: Middlebox | undefined;
  readonly events: IdleEvent[];
}

/**
 * Sessions that are opened through middleboxes, called once, left alone, and called again: every kind of middlebox with http
 * and https, a plain and a native back end.
 */
export class IdleScene {
  readonly #options: IdleOptions;
  readonly #actors: Actor[] = [];
  readonly #clients: ChildProcess[] = [];
  readonly #closers: (() => Promise<void>)[] = [];
  #proxy: ProxyHost | undefined;
  #firewall: FirewalledNamespace | undefined;

  private constructor(options: IdleOptions) {
    this.#options = options;
  }

  /** Starts everything; returns when the first call of every session was answered. */
  static async open(options: IdleOptions): Promise<IdleScene> {
    const scene = new IdleScene(options);
    try {
      await scene.#start();
    } catch (error) {
      await scene.close();
      throw error;
    }
    return scene;
  }

  /** Sessions of which nobody has said that they ended. */
  get open(): number {
    return this.#actors.filter(({ events }) => events.every(({ event }) => event === 'answered')).length;
  }

  /** Sessions whose end neither client nor proxy has yet to tell. */
  get settled(): boolean {
    return this.#actors.every(({ name, events }) => events.some(({ event }) => event === 'ended') && this.#line(name));
  }

  /** Packets that the firewall dropped so far; undefined without one. */
  async dropped(): Promise<number | undefined> {
    return this.#firewall?.dropped();
  }

  /** Calls once more on every session, and tells what became of it. */
  async finish(): Promise<IdleResult[]> {
    const silences = new Map(this.#actors.map(({ name, middlebox }) => [name, silenceOf(middlebox)]));
    for (const client of this.#clients) client.stdin?.write('\n');
    await eventually(
      () => this.#actors.every(({ events }) => events.filter(({ event }) => event !== 'ended').length >= 2),
      () => 'expected an answer or a failure of every call',
      this.#options.callTimeout + TOLD_WITHIN,
    );
    await eventually(
      () => this.#actors.every(({ name, events }) => lives(events) || this.#line(name) !== undefined),
      () => 'no line in the log of the proxy',
      REPORT_PATIENCE,
    ).catch(() => {}); // That a session is missing from the log is a result.
    return this.#actors.map(({ name, kind, scheme, backend, events }) => {
      const last = events.at(-1);
      return {
        kind,
        scheme,
        backend,
        lives: lives(events),
        client: events.find(({ error }) => error !== undefined)?.error,
        proxy: this.#line(name),
        pingsSent: last?.pingsSent ?? 0,
        pingsReceived: last?.pingsReceived ?? 0,
        longestSilence: silences.get(name),
      };
    });
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.kill();
    for (const close of this.#closers.reverse()) await close();
  }

  async #start(): Promise<void> {
    const { kinds, silence } = this.#options;
    if (kinds.includes('firewall')) {
      const firewall = await FirewalledNamespace.make(silence);
      this.#firewall = firewall;
      this.#closers.push(() => firewall.remove());
    }
    const plain = await this.#backend(startPlain());
    const native = await this.#backend(startNative());
    const proxy = await this.#startProxy(plain, native);
    const [http, https, outerHttp, outerHttps] = portsOf(proxy);
    for (const kind of kinds) {
      const sessions: IdleSession[] = [];
      for (const scheme of SCHEMES) {
        const behindFirewall = scheme === 'http' ? outerHttp : outerHttps;
        const port = (kind === 'firewall' ? behindFirewall : scheme === 'http' ? http : https) ?? 0;
        for (const backend of BACKENDS) sessions.push(await this.#session(kind, scheme, backend, port));
      }
      this.#startClient(kind === 'firewall' ? (this.#firewall?.enter ?? []) : [], sessions);
    }
    await eventually(
      () => this.#actors.every(({ events }) => events.length > 0),
      () => 'expected the first call of every session to be answered',
      OPENING_PATIENCE,
    );
    const failed = this.#actors.flatMap(({ name, events }) => {
      return events[0]?.event === 'answered' ? [] : `${name}: ${events[0]?.error}`;
    });
    if (failed.length > 0) throw new Error(`not even the first call was answered:\n${failed.join('\n')}`);
  }

  async #backend(starting: Promise<EchoBackend>): Promise<EchoBackend> {
    const backend = await starting;
    this.#closers.push(() => backend.close());
    return backend;
  }

  async #startProxy(plain: EchoBackend, native: EchoBackend): Promise<ProxyHost> {
    const hosts = ['127.0.0.1', ...(this.#firewall === undefined ? [] : [this.#firewall.here])];
    const rule = (protocol: string, { host, port }: typeof PLAIN_SERVER, backend: EchoBackend): object => {
      return { pattern: `${protocol}:${host}[${port}]`, connect: `127.0.0.1:${backend.port}` };
    };
    const config = {
      listen: hosts.flatMap((host) => SCHEMES.map((scheme) => `${scheme}://${host}:0`)),
      allow: [rule('ncacn_ip_tcp', PLAIN_SERVER, plain), rule('ncacn_http', NATIVE_SERVER, native)],
      auth: { schemes: ['basic'], allowInsecureBasic: true },
    };
    const names = this.#options.kinds.flatMap((kind) => namesOf(kind));
    const proxy = await ProxyHost.start(
      'proxy',
      [],
      config,
      names.flatMap((name) => ['--user', `${name}:${PASSWORD}`]),
    );
    this.#proxy = proxy;
    this.#closers.push(() => proxy.dispose());
    return proxy;
  }

  async #session(
    kind: IdleKind,
    scheme: Actor['scheme'],
    backend: Actor['backend'],
    port: number,
  ): Promise<IdleSession> {
    const { silence, callTimeout } = this.#options;
    const target = { host: '127.0.0.1', port };
    const middlebox =
      kind === 'firewall' ? undefined : await Middlebox.start({ target, silence: silence * 1000, forgetting: kind });
    if (middlebox !== undefined) this.#closers.push(() => middlebox.stop());
    const name = nameOf(kind, scheme, backend);
    this.#actors.push({ name, kind, scheme, backend, middlebox, events: [] });
    return {
      name,
      proxy: {
        host: middlebox === undefined ? (this.#firewall?.here ?? '') : '127.0.0.1',
        port: middlebox?.port ?? port,
      },
      tls: scheme === 'https',
      server: backend === 'plain' ? PLAIN_SERVER : NATIVE_SERVER,
      authorization: basic(name, PASSWORD),
      callTimeout,
    };
  }

  #startClient(enter: readonly string[], sessions: readonly IdleSession[]): void {
    const [program = '', ...args] = [...enter, process.execPath, CLIENT, JSON.stringify(sessions)];
    const client = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#clients.push(client);
    createInterface({ input: client.stdout }).on('line', (line) => {
      const event = JSON.parse(line) as IdleEvent;
      this.#actors.find(({ name }) => name === event.session)?.events.push(event);
    });
  }

  /** What the proxy logged of the end of a session: its account is the session's name. */
  #line(name: string): Readonly<Record<string, unknown>> | undefined {
    return this.#proxy?.logged('session.ended').find(({ fields }) => fields.account === name)?.fields;
  }
}

function lives(events: readonly IdleEvent[]): boolean {
  return events.length === 2 && events.every(({ event }) => event === 'answered');
}

function nameOf(kind: IdleKind, scheme: string, backend: string): string {
  return `${kind}-${scheme}-${backend}`;
}

function namesOf(kind: IdleKind): string[] {
  return SCHEMES.flatMap((scheme) => BACKENDS.map((backend) => nameOf(kind, scheme, backend)));
}

/** Ports of the listeners, in their order, as the proxy printed them. */
function portsOf(proxy: ProxyHost): number[] {
  return proxy.printed.flatMap((line) => {
    const url = /https?:\/\/\S+/.exec(line)?.[0];
    return url === undefined ? [] : Number(new URL(url).port);
  });
}

/** IN is the first connection that the client opens, OUT the second. */
function silenceOf(middlebox: Middlebox | undefined): IdleResult['longestSilence'] {
  const [inbound, outbound] = middlebox?.connections ?? [];
  if (inbound === undefined || outbound === undefined) return undefined;
  return { in: inbound.longestSilence / 1000, out: outbound.longestSilence / 1000 };
}
