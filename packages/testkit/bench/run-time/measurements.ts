import { fileURLToPath } from 'node:url';
import { RpchError } from '@rpch/rpc';
import type { Children } from '../children.ts';
import type { Programs } from '../programs.ts';
import { ACCOUNT } from './account.ts';
import type { ClientTask } from './client.ts';

/** Where what is measured against stands. */
export interface Places {
  /** The C server over TCP. */
  readonly echod: number;
  /** The RPC Proxy, plain http, in front of our server. */
  readonly proxy: number;
  /** Our server, with NTLM. */
  readonly ours: number;
  /** Samba's server; undefined where there is none. */
  readonly samba: { readonly ip: string; readonly port: number } | undefined;
}

/** Cores: the measured client on one, everything else on the other. */
export const CORES = { client: '0', server: '1' } as const;

const PYTHON = '/usr/bin/python3';
/** What a run may take beyond its seconds, ms. */
const SLACK = 30_000;
const BULK = 100_000;
/** Seconds of calls before those that are counted, of every client alike. */
const WARM_UP = 2;

/** Names of everything that is measured, in the order in which a round measures it. */
export const MEASUREMENTS = [
  'samba tcp-1',
  'ours tcp-1',
  'ours tcp-16',
  'impacket tcp-1',
  'samba http-1',
  'ours http-1',
  'ours http-16',
  'impacket http-1',
  'ours plain-1',
  'ours sealed-1',
  'samba sealed-1',
  'ours plain-16',
  'ours sealed-16',
  'ours plain-bulk',
  'ours sealed-bulk',
  "Samba's server",
  'our server',
] as const;
export type Measurement = (typeof MEASUREMENTS)[number];

/** Measures one thing for `seconds`; calls per second. Throws RpchError `RPCH_BENCH_RUN` where the program fails. */
export async function measureOnce(
  what: Measurement,
  children: Children,
  programs: Programs,
  places: Places,
  seconds: number,
): Promise<number> {
  const { echod, proxy, ours, samba } = places;
  const tcp = (port: number): string => `ncacn_ip_tcp:127.0.0.1[${port}]`;
  const http = `ncacn_http:127.0.0.1[${ours},RpcProxy=127.0.0.1:${proxy}`;
  const account = { user: `${ACCOUNT.domain}\\${ACCOUNT.name}`, password: ACCOUNT.password };
  const sealed = { credentials: account, provider: 'ntlm', level: 'privacy' } as const;
  // Samba's client has one account for proxy and server, and so authenticates at both.
  const basic = { credentials: account, provider: 'ntlm', level: 'connect', http: { scheme: 'basic' } } as const;

  const own = (binding: string, options: ClientTask['options'], inFlight: number, size = 0): Promise<number> =>
    rate(
      what,
      children,
      process.execPath,
      'client.ts',
      { binding, options, inFlight, warmUp: WARM_UP, seconds, size },
      seconds,
    );
  const python = (file: string, task: object): Promise<number> =>
    rate(what, children, PYTHON, file, { ...task, warmUp: WARM_UP, seconds, size: 0 }, seconds);
  const load = (address: string): Promise<number> => rohload(what, children, programs, address, seconds);

  switch (what) {
    case 'samba tcp-1':
      return python('samba-client.py', { binding: tcp(echod) });
    case 'ours tcp-1':
      return own(tcp(echod), {}, 1);
    case 'ours tcp-16':
      return own(tcp(echod), {}, 16);
    case 'impacket tcp-1':
      return python('impacket-client.py', { server: '127.0.0.1', port: echod });
    case 'samba http-1':
      return python('samba-client.py', {
        binding: `${http},HttpUseTls=false,HttpAuthOption=basic,ntlm,connect]`,
        account: ACCOUNT,
      });
    case 'ours http-1':
      return own(`${http}]`, basic, 1);
    case 'ours http-16':
      return own(`${http}]`, basic, 16);
    case 'impacket http-1': {
      const url = `http://127.0.0.1:${proxy}/rpc/rpcproxy.dll`;
      return python('impacket-client.py', { server: '127.0.0.1', port: ours, url, account: ACCOUNT });
    }
    case 'ours plain-1':
      return own(tcp(ours), {}, 1);
    case 'ours sealed-1':
      return own(tcp(ours), sealed, 1);
    case 'samba sealed-1':
      return python('samba-client.py', { binding: `ncacn_ip_tcp:127.0.0.1[${ours},ntlm,seal]`, account: ACCOUNT });
    case 'ours plain-16':
      return own(tcp(ours), {}, 16);
    case 'ours sealed-16':
      return own(tcp(ours), sealed, 16);
    case 'ours plain-bulk':
      return own(tcp(ours), {}, 1, BULK);
    case 'ours sealed-bulk':
      return own(tcp(ours), sealed, 1, BULK);
    case "Samba's server":
      if (samba === undefined) throw new RpchError('RPCH_BENCH_RUN', 'configuration', 'there is no Samba server');
      return load(`${samba.ip}:${samba.port}`);
    case 'our server':
      return load(`127.0.0.1:${ours}`);
  }
}

async function rate(
  what: string,
  children: Children,
  program: string,
  file: string,
  task: object,
  seconds: number,
): Promise<number> {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const { code, stdout, stderr } = await children.run(
    what,
    'taskset',
    ['-c', CORES.client, program, path, JSON.stringify(task)],
    seconds * 1000 + SLACK,
  );
  if (code !== 0)
    throw new RpchError('RPCH_BENCH_RUN', 'configuration', `${what} ended with ${code}: ${stderr.trim()}`);
  return (JSON.parse(stdout) as { readonly rate: number }).rate;
}

async function rohload(
  what: string,
  children: Children,
  programs: Programs,
  address: string,
  seconds: number,
): Promise<number> {
  const args = ['-c', CORES.client, programs.rohload, 'tcp', address, '-', '-c', '64', '-t', String(seconds)];
  const { code, stdout, stderr } = await children.run(what, 'taskset', args, seconds * 1000 + SLACK);
  const [, calls] = /: (\d+) calls\/s/.exec(stdout) ?? [];
  if (code !== 0 || calls === undefined) {
    throw new RpchError('RPCH_BENCH_RUN', 'configuration', `${what}: rohload ended with ${code}: ${stdout}${stderr}`);
  }
  return Number(calls);
}
