import { ALICE } from '../../src/live-proxy.ts';
import { type ChildStatus, ProxyUnderTest } from '../../src/proxy-under-test.ts';
import { PATIENCE, RawConnection, type RawTarget } from '../../src/raw-connection.ts';
import { RpcServerStub } from '../../src/rpc-server-stub.ts';
import { basic, ScriptedClient, type ScriptedClientOptions } from '../../src/scripted-client.ts';

/** How often the good session calls, ms. */
const BEAT = 50;
/** How long its call may take while the proxy is under attack and the attacker on the same machine, ms. */
const LONGEST_CALL = 2000;

/** Time-outs short enough for attacks to run into, s; the rest is as always. */
const LIMITS = { headTimeout: 1, pairTimeout: 1, connectTimeout: 1, stallTimeout: 1, keepAliveTimeout: 2 };

/** A proxy under attack, the server behind it, and a good session that must not notice. */
export class Arena implements AsyncDisposable {
  readonly proxy: ProxyUnderTest;
  readonly server: RpcServerStub;
  readonly port: number;
  readonly #good: ScriptedClient;
  readonly #beat: NodeJS.Timeout;
  #calls = 0;
  #longest = 0;
  #failure: Error | undefined;

  private constructor(proxy: ProxyUnderTest, server: RpcServerStub, port: number, good: ScriptedClient) {
    this.proxy = proxy;
    this.server = server;
    this.port = port;
    this.#good = good;
    this.#beat = setInterval(() => this.#call(), BEAT);
  }

  static async open(): Promise<Arena> {
    const server = await RpcServerStub.listen();
    const flags = {
      listen: ['http://127.0.0.1:0'],
      user: [`${ALICE.name}:${ALICE.password}`],
      // Connecting to 127.0.0.2 and the server's port is refused: nobody listens there.
      allow: [`ncacn_ip_tcp:127.0.0.1[${server.port}]`, `ncacn_ip_tcp:127.0.0.2[${server.port}]`],
    };
    const proxy = await ProxyUnderTest.start({ flags, limits: LIMITS });
    const { port } = await proxy.status();
    return new Arena(proxy, server, port, await ScriptedClient.open(optionsFor(port, server)));
  }

  /** Options of a client with the right password. */
  options(): ScriptedClientOptions {
    return optionsFor(this.port, this.server);
  }

  connect(options: Partial<RawTarget> = {}): Promise<RawConnection> {
    return RawConnection.connect({ port: this.port, ...options });
  }

  /** Throws when the good session had to wait or was cut. */
  assertUnharmed(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#calls === 0) throw new Error('the good session has made no call');
  }

  /** What the good session has lived through. */
  get pulse(): { readonly calls: number; readonly longest: number } {
    return { calls: this.#calls, longest: this.#longest };
  }

  /** Waits until nothing but the good session is left in the proxy. */
  async calm(): Promise<ChildStatus> {
    const until = performance.now() + PATIENCE;
    for (;;) {
      const status = await this.proxy.status();
      if (status.load.connections === 2 && status.load.sessions === 1) return status;
      if (performance.now() > until)
        throw new Error(`expected the good session alone, found ${JSON.stringify(status)}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#beat);
    this.#good.cut('FIN');
    await this.proxy.stop();
    await this.server.close();
  }

  async #call(): Promise<void> {
    const began = performance.now();
    const stub = Buffer.from(`call ${++this.#calls}`);
    try {
      const answer = await this.#good.call(stub);
      if (!answer.equals(stub)) throw new Error(`${stub} was answered with ${answer}`);
      const took = performance.now() - began;
      this.#longest = Math.max(this.#longest, took);
      if (took > LONGEST_CALL) throw new Error(`${stub} took ${took} ms`);
    } catch (error) {
      clearInterval(this.#beat);
      this.#failure ??= new Error('the good session was harmed', { cause: error });
    }
  }
}

function optionsFor(port: number, server: RpcServerStub): ScriptedClientOptions {
  return { port, server: `127.0.0.1:${server.port}`, authorization: basic(ALICE.name, ALICE.password) };
}

/** Runs jobs, so many at a time; the first failure ends it. */
export async function runAll(jobs: Iterable<() => Promise<void>>, atATime = 24): Promise<number> {
  const iterator = jobs[Symbol.iterator]();
  let done = 0;
  const work = async (): Promise<void> => {
    for (let next = iterator.next(); next.done !== true; next = iterator.next()) {
      await next.value();
      done++;
    }
  };
  await Promise.all(Array.from({ length: atATime }, work));
  return done;
}
