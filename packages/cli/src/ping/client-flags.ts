import { readFile } from 'node:fs/promises';
import {
  type Binding,
  type Credentials,
  parseBinding,
  type RpcClientOptions,
  type RpcHttpOptions,
  RpchError,
} from '@rpch/rpc/internal';
import { type Command, Option } from 'commander';
import { PasswordInputError, readPassword } from '../commands/password-input.ts';
import type { CommandIo } from './command-io.ts';

/** What commands that call an RPC server are told on the command line. */
export interface ClientFlags {
  readonly user?: string;
  readonly password?: string;
  readonly httpUser?: string;
  readonly httpPassword?: string;
  readonly httpAuth?: 'auto' | 'basic' | 'ntlm';
  readonly allowInsecureBasic?: boolean;
  readonly rpcAuth?: 'none' | 'ntlm' | 'spnego';
  readonly level?: 'connect' | 'packet' | 'integrity' | 'privacy';
  readonly https?: boolean;
  readonly insecure?: boolean;
  readonly ca?: string;
  readonly httpProxy?: string;
  readonly timeout: string;
}

/** Where a command goes, and what its client is told. */
export interface Destination {
  readonly binding: Binding;
  readonly client: RpcClientOptions;
}

/**
 * Adds the options of {@link ClientFlags} to a command.
 * @param rpcAuth what holds where --rpc-auth is left out, for people.
 */
export function addClientFlags(
  command: Command,
  rpcAuth = 'none unless this, --level or the binding says so',
): Command {
  return command
    .option('-u, --user <name>', 'account, at the RPC Proxy and at the RPC server: user, DOMAIN\\user or user@domain')
    .option('-p, --password <password>', 'its password; asked for where it is left out')
    .option('--http-user <name>', 'account at the RPC Proxy, where it is another')
    .option('--http-password <password>', 'its password')
    .addOption(
      new Option('--http-auth <scheme>', 'scheme at the RPC Proxy; auto takes the best that is offered').choices([
        'auto',
        'basic',
        'ntlm',
      ]),
    )
    .option('--allow-insecure-basic', 'Basic over plain http too, where all on the way can read the password')
    .addOption(
      new Option('--rpc-auth <provider>', `security of the calls; ${rpcAuth}`).choices(['none', 'ntlm', 'spnego']),
    )
    .addOption(
      new Option(
        '--level <level>',
        'how calls are protected (spnego and privacy where only one of the two is given)',
      ).choices(['connect', 'packet', 'integrity', 'privacy']),
    )
    .option('--https', 'TLS to the RPC Proxy (implied by port 443, or where RpcProxy names no port)')
    .option('--insecure', "do not check the RPC Proxy's certificate")
    .option('--ca <file>', "certificates to check the RPC Proxy's against, PEM")
    .option('--http-proxy <[user:password@]host:port>', 'HTTP proxy on the way to the RPC Proxy (else as curl has it)')
    .option('--timeout <seconds>', 'patience with each hop', '15');
}

/**
 * Reads flags and binding. Rejects with RpchError of fault `caller` or `configuration`: they contradict each other, a file
 * cannot be read, there is no password.
 * @param io where a password that was left out is asked for, and whose environment may name an HTTP proxy.
 */
export async function destinationOf(text: string, flags: ClientFlags, io: CommandIo): Promise<Destination> {
  const patience = Number(flags.timeout) * 1000;
  if (!(patience >= 1 && patience <= 3_600_000)) {
    throw usage(`expected a number of seconds for --timeout, found "${flags.timeout}"`);
  }
  const parsed = parseBinding(text, flags.https === undefined ? {} : { https: flags.https });
  const { binding, credentials: httpProxyCredentials } = throughHttpProxy(parsed, flags.httpProxy);
  const rpc = await account('', flags.user, flags.password, io);
  const http = await account('http-', flags.httpUser, flags.httpPassword, io);
  const wantsSecurity = [flags.rpcAuth, flags.level, binding.rpcAuth, binding.level].some((said) => said !== undefined);
  const tls = {
    ...(flags.insecure === true ? { insecure: true } : {}),
    ...(flags.ca === undefined ? {} : { ca: await readCa(flags.ca) }),
  };
  const httpOptions: RpcHttpOptions = {
    tls,
    environment: io.env,
    ...(http === undefined ? {} : { credentials: http }),
    ...(flags.httpAuth === undefined ? {} : { scheme: flags.httpAuth }),
    ...(flags.allowInsecureBasic === true ? { allowInsecureBasic: true } : {}),
    ...(httpProxyCredentials === undefined ? {} : { httpProxyCredentials }),
  };
  const client = {
    ...(rpc === undefined ? {} : { credentials: rpc }),
    ...(wantsSecurity ? {} : { provider: 'none' as const }),
    ...(flags.rpcAuth === undefined ? {} : { provider: flags.rpcAuth }),
    ...(flags.level === undefined ? {} : { level: flags.level }),
    http: httpOptions,
    connectTimeout: patience,
    openTimeout: patience,
    callTimeout: patience,
  };
  return { binding, client };
}

async function account(
  prefix: '' | 'http-',
  user: string | undefined,
  password: string | undefined,
  io: CommandIo,
): Promise<Credentials | undefined> {
  if (user === undefined) {
    if (password !== undefined) throw usage(`--${prefix}password without --${prefix}user`);
    return undefined;
  }
  if (password !== undefined) return { user, password };
  try {
    const typed = await readPassword(io.stdin, io.err, { twice: false });
    return { user, password: typed };
  } catch (error) {
    if (!(error instanceof PasswordInputError)) throw error;
    throw usage(`--${prefix}user without --${prefix}password: ${error.message}`);
  }
}

/** HttpProxy= of the binding, or the flag, which may have an account besides. */
function throughHttpProxy(binding: Binding, text: string | undefined): { binding: Binding; credentials?: Credentials } {
  if (text === undefined) return { binding };
  if (binding.protocol !== 'ncacn_http') throw usage('--http-proxy belongs to ncacn_http');
  const url = URL.parse(text.includes('://') ? text : `http://${text}`);
  if (url === null || url.protocol !== 'http:' || url.hostname === '') {
    throw usage('expected [http://][user:password@]host[:port] for --http-proxy');
  }
  const httpProxy = { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || 80) };
  const asked = { ...binding, httpProxy, useHttpProxy: true };
  if (url.username === '') return { binding: asked };
  const [user = '', password = ''] = [url.username, url.password].map(decodeURIComponent);
  return { binding: asked, credentials: { user, password } };
}

async function readCa(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw usage(`cannot read ${file}: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

/** RpchError `RPCH_USAGE` (caller). */
export function usage(message: string): RpchError {
  return new RpchError('RPCH_USAGE', 'caller', message);
}
