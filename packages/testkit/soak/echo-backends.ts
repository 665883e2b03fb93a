import { echoInterface, serveHttp, serveTcp } from '@rpch/rpc/internal';
import { Middlebox } from '../src/middlebox.ts';

/** Networks of the proxies that are started here: this machine, and its network namespaces. */
export const PROXY_NETWORKS = ['127.0.0.0/8', '10.99.0.0/16'] as const;
/** How often a native server's sessions are counted, ms: so exactly it is known when one ended. */
const COUNTED_EVERY = 10;

/** An rpcecho server that tells how many sessions it has and when they ended. */
export interface EchoBackend {
  readonly port: number;
  /** Sessions that are open now. */
  readonly open: number;
  /** When sessions ended, ms on the clock of `performance.now()`. */
  readonly endings: readonly number[];
  /** What it logged: connections and sessions that ended in failure. */
  readonly lines: readonly string[];
  close(): Promise<void>;
}

/**
 * A server of `ncacn_ip_tcp`: a session is a connection.
 * @param host where it listens; default 127.0.0.1.
 */
export async function startPlain(host = '127.0.0.1'): Promise<EchoBackend> {
  const lines: string[] = [];
  const server = await serveTcp({
    host: '127.0.0.1',
    port: 0,
    interfaces: [echoInterface],
    log: (line) => lines.push(line),
  });
  const target = { host: '127.0.0.1', port: server.port };
  const counting = await Middlebox.start({ target, host, silence: Number.POSITIVE_INFINITY, forgetting: 'resets' });
  return {
    port: counting.port,
    get open() {
      return counting.connections.filter(({ open }) => open).length;
    },
    get endings() {
      return counting.connections.flatMap(({ endedAt }) => endedAt ?? []);
    },
    lines,
    close: async () => {
      await counting.stop();
      await server.close();
    },
  };
}

/** A server of `ncacn_http` itself: a session is a virtual connection. On all addresses, for listed proxies. */
export async function startNative(): Promise<EchoBackend> {
  const lines: string[] = [];
  const endpoint = await serveHttp({
    host: '0.0.0.0',
    port: 0,
    interfaces: [echoInterface],
    proxies: PROXY_NETWORKS,
    log: (line) => lines.push(line),
  });
  const endings: number[] = [];
  let counted = 0;
  const count = (): void => {
    const { sessions } = endpoint;
    for (let gone = counted - sessions; gone > 0; gone--) endings.push(performance.now());
    counted = sessions;
  };
  const counter = setInterval(count, COUNTED_EVERY);
  return {
    port: endpoint.port,
    get open() {
      return endpoint.sessions;
    },
    endings,
    lines,
    close: async () => {
      clearInterval(counter);
      await endpoint.close();
    },
  };
}
