import type { Socket } from 'node:net';
import { AuthLevel, echoInterface, PduType } from '@rpch/rpc/internal';
import { ALICE } from '../../../src/live-proxy.ts';
import { startSamba } from '../../../src/peers/samba.ts';
import type { PingRow } from './row.ts';
import { AS_ALICE, HURRIED, type Stage, through } from './stage.ts';

const WRONG_RPC = ['-u', ALICE.name, '-p', 'not her password'];
const PRIVATE = [{ interface: echoInterface, minimumLevel: AuthLevel.privacy }];

/** Rows about the RPC server, over TCP and behind the proxy. */
export const SERVER_ROWS: readonly PingRow[] = [
  {
    name: 'an SSH server is on the port of the RPC server, over TCP',
    hop: 'bind',
    cause: /does not speak RPC: it is an SSH server/,
    prepare: async (stage) => {
      const port = await stage.listen((socket) => socket.write('SSH-2.0-OpenSSH_9.2p1\r\n'));
      return { args: [tcp(port), ...HURRIED] };
    },
  },
  {
    name: 'a web server is on the port of the RPC server, behind the proxy',
    hop: 'bind',
    cause: /ended without an answer to the bind/,
    names: 'in part: what answered is known to the proxy alone',
    prepare: async (stage) => {
      const port = await stage.listen((socket) =>
        socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
      );
      return behind(stage, port);
    },
  },
  {
    name: 'a program that says nothing is on the port of the RPC server',
    hop: 'bind',
    cause: /does not answer the bind/,
    prepare: async (stage) => behind(stage, await stage.listen(() => {}), HURRIED),
  },
  {
    name: 'a program that hangs up at the bind is on the port of the RPC server',
    hop: 'bind',
    cause: /ended without an answer to the bind/,
    prepare: async (stage) => ({
      args: [tcp(await stage.listen((socket) => socket.once('data', () => socket.end())))],
    }),
  },
  {
    name: 'the RPC server does not offer the interface',
    hop: 'interface',
    cause: /does not offer the interface: EMSMDB/,
    prepare: async (stage) => behind(stage, await stage.rpcServer(), ['--interface', 'EMSMDB']),
  },
  {
    name: 'the endpoint mapper knows no endpoint of the interface',
    hop: 'endpoint mapper',
    cause: /knows no endpoint of EMSMDB/,
    prepare: async (stage) => behind(stage, await stage.mapper([]), ['--interface', 'EMSMDB'], ''),
  },
  {
    name: 'what is on the port of the endpoint mapper is none',
    hop: 'bind',
    cause: /an RPC server, but no endpoint mapper/,
    prepare: async (stage) => behind(stage, await stage.rpcServer(), [], ''),
  },
  {
    name: 'the RPC server wants RPC authentication, and calls have none',
    hop: 'call',
    cause: /calls are made without RPC authentication/,
    prepare: async (stage) => ({ args: [tcp(await stage.rpcServer({ interfaces: PRIVATE }))] }),
  },
  {
    name: 'the RPC server wants a higher level of protection',
    hop: 'call',
    cause: /level of protection is too low/,
    prepare: async (stage) => ({
      args: [tcp(await stage.rpcServer({ interfaces: PRIVATE })), ...AS_ALICE, '--level', 'connect'],
    }),
  },
  {
    name: 'the password is wrong at the RPC server, by NTLM',
    hop: 'RPC authentication',
    cause: /does not accept account alice with this password/,
    prepare: async (stage) => ({ args: [tcp(await stage.rpcServer()), ...WRONG_RPC, '--rpc-auth', 'ntlm'] }),
  },
  {
    name: 'the password is wrong at the RPC server, by SPNEGO',
    hop: 'RPC authentication',
    cause: /does not accept account alice with this password/,
    prepare: async (stage) => ({ args: [tcp(await stage.rpcServer()), ...WRONG_RPC, '--rpc-auth', 'spnego'] }),
  },
  {
    name: 'the account is good at the RPC Proxy, and the password wrong at the RPC server',
    hop: 'RPC authentication',
    cause: /does not accept account alice with this password/,
    prepare: async (stage) => {
      const live = await stage.proxyTo(await stage.rpcServer());
      const http = ['--http-user', ALICE.name, '--http-password', ALICE.password];
      return { args: [through(live.port), ...http, ...WRONG_RPC, '--rpc-auth', 'spnego'] };
    },
  },
  {
    name: 'the RPC server does not have the security provider',
    hop: 'bind',
    cause: /does not have the security provider/,
    prepare: async (stage) => ({
      args: [tcp(await stage.rpcServer({ security: {} })), ...AS_ALICE, '--rpc-auth', 'spnego'],
    }),
  },
  {
    name: 'the connection is cut in mid-call',
    hop: 'call',
    cause: /broke in mid-call/,
    prepare: async (stage) => ({ args: [tcp(await inMidCall(stage, (socket) => socket.destroy()))] }),
  },
  {
    name: 'the RPC server accepts the call and stays silent',
    hop: 'call',
    cause: /does not answer the call in time/,
    prepare: async (stage) => ({ args: [tcp(await inMidCall(stage, () => {})), ...HURRIED] }),
  },
  {
    name: 'the password is wrong at Samba, by NTLM',
    peer: 'samba',
    hop: 'RPC authentication',
    cause: /does not accept account .* with this password/,
    prepare: (stage) => atSamba(stage, 'ntlm'),
  },
  {
    name: 'the password is wrong at Samba, by SPNEGO',
    peer: 'samba',
    hop: 'RPC authentication',
    cause: /does not accept account .* with this password/,
    prepare: (stage) => atSamba(stage, 'spnego'),
  },
  {
    name: "Samba's endpoint mapper knows no endpoint of the interface",
    peer: 'samba',
    hop: 'endpoint mapper',
    cause: /knows no endpoint of EMSMDB/,
    prepare: async (stage) => {
      const samba = await startSamba();
      stage.defer(() => samba.stop());
      return { args: [`ncacn_ip_tcp:${samba.ip}`, '--interface', 'EMSMDB'] };
    },
  },
];

function tcp(port: number): string {
  return `ncacn_ip_tcp:127.0.0.1[${port}]`;
}

/** What listens on a port is behind the real proxy. */
async function behind(stage: Stage, port: number, args: readonly string[] = [], endpoint: number | '' = 6001) {
  const live = await stage.proxyTo(port);
  return { args: [through(live.port, endpoint), ...AS_ALICE, ...args] };
}

/** A real server, whose first request is not passed on: something else happens to the client's connection. */
async function inMidCall(stage: Stage, act: (client: Socket) => void): Promise<number> {
  return stage.relay(await stage.rpcServer(), (client, server) => {
    server.pipe(client);
    client.on('data', (bytes) => {
      if (bytes[2] === PduType.request) act(client);
      else server.write(bytes);
    });
  });
}

async function atSamba(stage: Stage, provider: 'ntlm' | 'spnego') {
  const samba = await startSamba();
  stage.defer(() => samba.stop());
  const account = `${samba.domain}\\${samba.user.name}`;
  const args = [`ncacn_ip_tcp:${samba.ip}[${samba.rpcPort}]`, '-u', account, '-p', 'not the password'];
  return { args: [...args, '--rpc-auth', provider], words: [[`${samba.ip}:${samba.rpcPort}`, 'SAMBA:PORT']] as const };
}
