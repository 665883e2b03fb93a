import { connect, type Socket } from 'node:net';
import type { LiveProxy } from '../../../src/live-proxy.ts';
import { silentPort } from '../../faults/refusal-rows.ts';
import type { Call, PingRow } from './row.ts';
import { AS_ALICE, HURRIED, type Stage, through } from './stage.ts';

const BASIC = [...AS_ALICE, '--http-auth', 'basic'];

/** How long a channel waits for the other, s. */
const LONELY = { limits: { pairTimeout: 4 } };

/** Rows about the way from the RPC Proxy to the server, and about channels that do not meet. */
export const CHANNEL_ROWS: readonly PingRow[] = [
  hidden('the proxy does not allow the server', /not allowed|no rule/, async (stage) => {
    const live = await stage.proxy({});
    return [live, through(live.port)];
  }),
  hidden('the proxy does not allow the port of the server', /not allowed|no rule/, async (stage) => {
    const live = await stage.proxyTo(await stage.rpcServer());
    return [live, through(live.port, 6002)];
  }),
  hidden('the RPC server does not run', /refused|ECONNREFUSED/, async (stage) => {
    const live = await stage.proxyTo(await stage.closedPort());
    return [live, through(live.port)];
  }),
  hidden(
    'the name of the RPC server does not exist',
    /no-such-host\.invalid|ENOTFOUND|EAI_AGAIN|resolve/,
    async (stage) => {
      const live = await stage.proxy({ flags: { allow: ['ncacn_ip_tcp:no-such-host.invalid[6001]'] } });
      return [live, `ncacn_http:no-such-host.invalid[6001,RpcProxy=127.0.0.1:${live.port}]`];
    },
  ),
  hidden('the RPC server answers no packet', /time|answer/, async (stage) => {
    const { port, release } = await silentPort();
    stage.defer(release);
    const live = await stage.proxyTo(port);
    return [live, through(live.port)];
  }),
  hidden('the proxy does not allow the endpoint mapper', /not allowed|no rule/, async (stage) => {
    const live = await stage.proxy({ flags: { map: [`demo:6001=127.0.0.1:${await stage.rpcServer()}`] } });
    return [live, through(live.port, '')];
  }),
  {
    name: 'a reverse proxy holds answers back until they are complete',
    hop: 'proxy',
    cause: /something holds the answer back/,
    prepare: async (stage) => {
      const live = await stage.proxyTo(await stage.rpcServer());
      const port = await stage.relay(live.port, (client, server) => {
        client.pipe(server);
        let out = false;
        client.on('data', (bytes) => {
          out ||= bytes.includes('RPC_OUT_DATA');
        });
        server.on('data', (bytes) => {
          if (!out || bytes.includes('401')) client.write(bytes);
        });
      });
      return { args: [through(port), ...BASIC, ...HURRIED] };
    },
  },
  {
    name: 'a reverse proxy holds requests back until they are complete',
    hop: 'server',
    cause: /the IN channel does not reach the same place/,
    prepare: async (stage) => {
      const live = await stage.proxyTo(await stage.rpcServer(), LONELY);
      const port = await stage.relay(live.port, (client, server) => {
        server.pipe(client);
        client.once('data', (bytes) => {
          if (!bytes.includes('RPC_IN_DATA')) {
            server.write(bytes);
            client.pipe(server);
          }
        });
      });
      return { args: [through(port), ...BASIC] };
    },
  },
  {
    name: 'IN and OUT land on different proxies that do not share sessions',
    hop: 'server',
    cause: /different proxies|does not reach the same place/,
    prepare: async (stage) => {
      const server = await stage.rpcServer();
      const [one, two] = [await stage.proxyTo(server, LONELY), await stage.proxyTo(server, LONELY)];
      const port = await stage.listen((client) => toEither(client, one.port, two.port));
      return { args: [through(port), ...BASIC] };
    },
  },
];

/** Hands a connection to one of two proxies by the channel that it is for. */
function toEither(client: Socket, forIn: number, forOut: number): void {
  client.once('data', (first) => {
    const server = connect({ port: first.includes('RPC_IN_DATA') ? forIn : forOut, host: '127.0.0.1' });
    server.on('error', () => client.destroy()).on('close', () => client.destroy());
    client.on('close', () => server.destroy());
    server.write(first);
    client.pipe(server);
    server.pipe(client);
  });
}

/** A refusal whose reason a client outside is not told. */
function hidden(name: string, log: RegExp, set: (stage: Stage) => Promise<[LiveProxy, string]>): PingRow {
  return {
    name,
    hop: 'proxy',
    cause: /the proxy will not or cannot reach/,
    log,
    prepare: async (stage): Promise<Call> => {
      const [live, binding] = await set(stage);
      return { args: [binding, ...BASIC], logged: (incident) => whyOf(live, incident) };
    },
  };
}

function whyOf(live: LiveProxy, incident: string): string | undefined {
  const line = live.logged('channel.refused').find(({ fields }) => fields.incident === incident);
  return line === undefined ? undefined : String(line.fields.why);
}
