import { existsSync, readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runOrThrow } from './commands.ts';
import { peerScript } from './scripts.ts';

export interface Account {
  readonly name: string;
  readonly password: string;
}

/** A Samba domain controller that runs on a loopback address, as samba-up describes it. */
export interface SambaPeer {
  readonly dir: string;
  readonly ip: string;
  /** rpcecho, lsarpc, samr, drsuapi, mgmt: one port for all of them. */
  readonly rpcPort: number;
  readonly endpointMapperPort: number;
  readonly domain: string;
  readonly realm: string;
  readonly host: string;
  readonly user: Account;
  readonly administrator: Account;
  /** smb.conf for clients. */
  readonly clientConf: string;
  /** A program that runs a client with the peer's names, Kerberos and Samba settings: `peer-run [-n] COMMAND...`. */
  readonly peerRun: string;
  /** True when this call started it, so that `stop` will stop it. */
  readonly startedHere: boolean;
  /** Stops the peer if this call started it; its accounts are kept for the next start. */
  stop(): Promise<void>;
}

export interface SambaOptions {
  /** Where it lives; samba-up takes 60 characters at most. Default: RPCH_SAMBA_DIR, else a fixed folder of the system. */
  readonly dir?: string;
  /** Any address of 127.0.0.0/8. Counts only when `dir` is made. Default: the first of 127.0.0.1 to .9 that is free. */
  readonly ip?: string;
}

const START_TIMEOUT_MS = 600_000;
const ENDPOINT_MAPPER_PORT = 135;

/**
 * Starts the Samba peer, or takes the one that runs in the same folder already. The first start of a folder provisions a
 * domain (about 10 seconds) and, where packages are missing, installs them (root, minutes).
 */
export async function startSamba(options: SambaOptions = {}): Promise<SambaPeer> {
  const dir = options.dir ?? process.env.RPCH_SAMBA_DIR ?? join(tmpdir(), 'rpch-samba');
  const ip = options.ip ?? (wasMade(dir) ? undefined : await freeAddress());
  const printed = await runOrThrow(peerScript('samba-up'), [dir], {
    timeoutMs: START_TIMEOUT_MS,
    env: ip === undefined ? {} : { PEER_IP: ip },
  });
  const startedHere = /^samba peer is up \(started,/m.test(printed);
  const env = readEnv(join(dir, 'etc', 'env'));
  return {
    dir,
    ip: env('PEER_IP'),
    rpcPort: Number(env('PEER_RPC_PORT')),
    endpointMapperPort: Number(env('PEER_EPM_PORT')),
    domain: env('PEER_DOMAIN'),
    realm: env('PEER_REALM'),
    host: env('PEER_DCHOST'),
    user: { name: env('PEER_USER'), password: env('PEER_USER_PASSWORD') },
    administrator: { name: env('PEER_ADMIN'), password: env('PEER_ADMIN_PASSWORD') },
    clientConf: env('PEER_CLIENT_CONF'),
    peerRun: join(dir, 'peer-run'),
    startedHere,
    stop: async () => {
      if (startedHere) await runOrThrow(peerScript('samba-down'), [dir], { timeoutMs: 60_000 });
    },
  };
}

/** True when `dir` belongs to a peer that was made before: it keeps its own address, running or not. */
function wasMade(dir: string): boolean {
  return existsSync(join(dir, '.provisioned'));
}

/** Samba's endpoint mapper has a fixed port: another peer on this machine needs another address. */
async function freeAddress(): Promise<string> {
  for (let last = 1; last <= 9; last++) {
    const ip = `127.0.0.${last}`;
    if (!(await accepts(ip, ENDPOINT_MAPPER_PORT))) return ip;
  }
  throw new Error('port 135 is taken on 127.0.0.1 to 127.0.0.9: no address is left for a Samba peer');
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host, port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** Reads KEY=value lines; the returned function throws on a key that is not there. */
function readEnv(file: string): (key: string) => string {
  const values = new Map<string, string>();
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const at = line.indexOf('=');
    if (at > 0 && !line.startsWith('#')) values.set(line.slice(0, at), line.slice(at + 1));
  }
  return (key) => {
    const value = values.get(key);
    if (value === undefined) throw new Error(`${file} has no ${key}`);
    return value;
  };
}
