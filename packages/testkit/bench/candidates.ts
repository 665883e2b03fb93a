import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RpchError } from '@rpch/rpc';
import type { Children } from './children.ts';
import type { Programs } from './programs.ts';

/**
 * What stands between the load generator and the RPC server: nothing, HAProxy, a bare Node relay, the RPC Proxy, that of
 * another checkout, an earlier one, and the RPC Proxy in front of a server that speaks ncacn_http itself.
 */
export const CANDIDATE_NAMES = ['direct', 'haproxy', 'relay', 'proxy', 'before', 'native'] as const;
export type CandidateName = (typeof CANDIDATE_NAMES)[number];

/** A candidate that accepts. `target` is what the load generator is told: mode, address, RPC server, credentials. */
export interface Candidate {
  readonly name: CandidateName;
  readonly pid: number;
  readonly target: readonly string[];
}

/** This checkout's command line: what is measured unless the caller names another file. */
export const RPCH_BIN = fileURLToPath(new URL('../../cli/bin/rpch.js', import.meta.url));

/** The account that the proxy gets for a trial, as `--user` and as the load generator's `-u`. */
const ACCOUNT = 'alice:secret';
/** HAProxy takes two descriptors for each connection; the held row needs 6,000 of them. */
const HAPROXY_MAXCONN = 9000;

/** How an RPC server is spoken to: plain TCP (`ncacn_ip_tcp`), or [MS-RPCH]'s server role over TCP (`ncacn_http`). */
export type ServerKind = 'plain' | 'native';

/** The RPC server behind candidates. */
export interface Server {
  readonly pid: number;
  readonly port: number;
}

/** Starts echod on a free port of 127.0.0.1. Throws RpchError `RPCH_BENCH_START`. */
export async function startServer(children: Children, programs: Programs, kind: ServerKind): Promise<Server> {
  const port = await freePort();
  const mode = kind === 'native' ? ['--native'] : [];
  const { pid } = await children.start('echod', programs.echod, [String(port), ...mode], { port });
  return { pid, port };
}

/** The kind of server that a candidate needs behind it. */
export function serverKindOf(name: CandidateName): ServerKind {
  return name === 'native' ? 'native' : 'plain';
}

/**
 * What {@link startCandidate} needs beside a name. `rpch` is the program that is measured, `before` the one that it is
 * measured against where `before` is a candidate; `nodeArgs` go to Node before the program: for a profile.
 */
export interface Setting {
  readonly children: Children;
  readonly programs: Programs;
  readonly server: Server;
  readonly folder: string;
  readonly rpch: string;
  readonly before?: string | undefined;
  readonly nodeArgs?: readonly string[];
}

/** Starts one candidate in front of the server, on a free port of 127.0.0.1. Throws RpchError `RPCH_BENCH_START`. */
export async function startCandidate(name: CandidateName, setting: Setting): Promise<Candidate> {
  const { children, server } = setting;
  if (name === 'direct') return { name, pid: server.pid, target: tcpTarget(server.port) };
  const port = await freePort();
  if (name === 'haproxy') {
    const config = join(setting.folder, `haproxy-${port}.cfg`);
    await writeFile(config, haproxyConfig(port, server.port));
    const { pid } = await children.start(name, setting.programs.haproxy, ['-db', '-f', config], { port });
    return { name, pid, target: tcpTarget(port) };
  }
  const nodeArgs = setting.nodeArgs ?? [];
  if (name === 'relay') {
    const relay = fileURLToPath(new URL('relay.ts', import.meta.url));
    const args = [...nodeArgs, relay, String(port), String(server.port)];
    const { pid } = await children.start(name, process.execPath, args, { says: /^ready/m });
    return { name, pid, target: tcpTarget(port) };
  }
  const program = name === 'before' ? setting.before : setting.rpch;
  if (program === undefined) throw new RpchError('RPCH_BENCH_START', 'caller', `no program to measure as '${name}'`);
  const protocol = serverKindOf(name) === 'native' ? 'ncacn_http' : 'ncacn_ip_tcp';
  const data = join(setting.folder, `data-${port}`);
  const args = [
    ...[...nodeArgs, program, 'proxy', '--listen', `http://127.0.0.1:${port}`, '--data', data],
    ...['--allow', `${protocol}:127.0.0.1[${server.port}]`, '--user', ACCOUNT, '--auth', 'basic'],
    // The generator cannot recycle a channel, and bulk rows use up the usual gibibyte in two seconds.
    ...['--channel-lifetime', String(2 ** 31)],
  ];
  const { pid } = await children.start(name, process.execPath, args, { says: /^ready/m });
  return { name, pid, target: ['http', `127.0.0.1:${port}`, `127.0.0.1:${server.port}`, '-u', ACCOUNT] };
}

function tcpTarget(port: number): readonly string[] {
  return ['tcp', `127.0.0.1:${port}`, '-'];
}

/** HAProxy sets TCP_NODELAY on both sides of a TCP proxy by itself; one thread, as the proxy measured beside it has. */
function haproxyConfig(port: number, serverPort: number): string {
  return `global
  nbthread 1
  maxconn ${HAPROXY_MAXCONN}
defaults
  mode tcp
  maxconn ${HAPROXY_MAXCONN}
  timeout connect 5s
  timeout client 1h
  timeout server 1h
listen hop
  bind 127.0.0.1:${port} backlog 4096
  server echod 127.0.0.1:${serverPort}
`;
}

/** A port of 127.0.0.1 that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.on('error', reject);
    server.listen({ host: '127.0.0.1', port: 0 }, resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') {
    throw new RpchError('RPCH_BENCH_START', 'network', 'the system named no free port of 127.0.0.1');
  }
  return address.port;
}
