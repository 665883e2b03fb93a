import { type CommandResult, runCommand } from './commands.ts';
import type { SambaPeer } from './samba.ts';
import { peerScript } from './scripts.ts';

export const impacketHttpAuth = ['auto', 'basic', 'ntlm'] as const;
/** `connect` is missing: Samba answers impacket's form of it with a fault, straight over TCP too. */
export const impacketLevels = ['none', 'packet', 'sign', 'seal'] as const;

export interface ImpacketOptions {
  readonly httpAuth: (typeof impacketHttpAuth)[number];
  readonly level: (typeof impacketLevels)[number];
}

/** Debian's Python, for which python3-impacket and python3-samba are made; another one may come first on the path. */
export const SYSTEM_PYTHON = '/usr/bin/python3';

/** Debian ships impacket's example programs as documentation. */
export const RPCMAP = '/usr/share/doc/python3-impacket/examples/rpcmap.py';
const EXCHANGER = '/usr/share/doc/python3-impacket/examples/exchanger.py';

/**
 * Lists the interfaces of the Samba peer and calls its rpcecho through the proxy at `url`, with impacket. Ends with 0 and
 * prints a line for each call when all went well.
 */
export function runImpacket(samba: SambaPeer, url: string, options: ImpacketOptions): Promise<CommandResult> {
  const { name, password } = samba.user;
  return runCommand(
    SYSTEM_PYTHON,
    [
      ...[peerScript('impacket-rpch.py'), url, samba.ip, String(samba.rpcPort)],
      ...['-u', `${samba.domain}/${name}:${password}`, '--http-auth', options.httpAuth, '--level', options.level],
    ],
    { timeoutMs: 60_000 },
  );
}

/** Runs impacket's own rpcmap.py, which takes no proxy ports but 80 and 443. */
export function runRpcmap(samba: SambaPeer, proxyPort: 80 | 443): Promise<CommandResult> {
  const account = `${samba.domain}/${samba.user.name}:${samba.user.password}`;
  const binding = `ncacn_http:${samba.ip}[${samba.rpcPort},RpcProxy=127.0.0.1:${proxyPort}]`;
  return runCommand(SYSTEM_PYTHON, [RPCMAP, binding, '-auth-transport', account, '-auth-rpc', account], {
    timeoutMs: 60_000,
  });
}

/**
 * Runs impacket's own exchanger.py against the proxy on port 443 of `host`, the only one that it knows. Unless it is told another name it
 * asks for port 6004 of the server whose name is the NetBIOS name of the computer in the proxy's NTLM challenge.
 */
export function runExchanger(host: string, account: string, args: readonly string[]): Promise<CommandResult> {
  return runCommand(SYSTEM_PYTHON, [EXCHANGER, `${account}@${host}`, ...args], { timeoutMs: 60_000 });
}
