import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import {
  type HttpClientOptions,
  HttpStatusError,
  openOverHttp,
  parseStringBinding,
  RpchError,
  type StringBinding,
} from '@rpch/rpc/internal';
import { Command } from 'commander';
import { EchoProbe } from '../echo-probe.ts';

const EXAMPLE = `
Example:
  rpch ping 'ncacn_http:demo[6101,RpcProxy=127.0.0.1:8080]' -u alice -p wonderland -n 3

This version speaks Basic to the proxy and nothing at the RPC level.`;

/** Time for the whole way to an answer, ms. */
const PATIENCE = 15_000;

interface PingOptions {
  readonly user?: string;
  readonly password?: string;
  readonly https?: boolean;
  readonly insecure?: boolean;
  readonly ca?: string;
  readonly count: string;
  readonly json?: boolean;
}

/** A hop that was passed, and when, ms since the beginning. */
interface Hop {
  readonly hop: string;
  readonly ms: number;
  readonly detail?: string;
}

/** `rpch ping`: one call through an RPC Proxy, hop by hop. */
export function pingCommand(): Command {
  return new Command('ping')
    .description('go the whole way to an RPC server through an RPC Proxy, and say how far it goes')
    .argument('<binding>', "for instance 'ncacn_http:server[6001,RpcProxy=proxy.example.org:443]'")
    .option('-u, --user <name>', 'account at the proxy')
    .option('-p, --password <password>', 'its password')
    .option('--https', 'TLS to the proxy (implied by port 443, or where RpcProxy names no port)')
    .option('--insecure', "do not check the proxy's certificate")
    .option('--ca <file>', "certificates to check the proxy's against, PEM")
    .option('-n, --count <number>', 'calls to make', '1')
    .option('--json', 'for programs')
    .addHelpText('after', EXAMPLE)
    .action(async (binding: string, options: PingOptions) => {
      const hops: Hop[] = [];
      const begun = performance.now();
      const report = (hop: string, detail?: string): void => {
        const passed = {
          hop,
          ms: Math.round((performance.now() - begun) * 10) / 10,
          ...(detail === undefined ? {} : { detail }),
        };
        hops.push(passed);
        if (options.json !== true)
          process.stdout.write(`${hop.padEnd(8)} ${String(passed.ms).padStart(9)} ms  ${detail ?? ''}\n`);
      };
      const failure = await ping(binding, options, report);
      if (options.json === true) {
        process.stdout.write(`${JSON.stringify({ binding, ok: failure === undefined, hops, ...(failure ?? {}) })}\n`);
      } else if (failure !== undefined) {
        process.stderr.write(`rpch ping: ${failure.what}\n  ${failure.check}\n`);
      }
      if (failure !== undefined) process.exitCode = 1;
    });
}

interface Failure {
  readonly what: string;
  readonly check: string;
}

async function ping(
  text: string,
  options: PingOptions,
  report: (hop: string, detail?: string) => void,
): Promise<Failure | undefined> {
  const count = Number(options.count);
  if (!Number.isInteger(count) || count < 1) throw usage(`expected a number of calls, found "${options.count}"`);
  const way = await wayOf(parseStringBinding(text), options);
  const probe = new EchoProbe();
  try {
    const connection = await openOverHttp({
      ...way,
      random: randomBytes,
      signal: AbortSignal.timeout(PATIENCE),
      onHop: report,
      onPdus: (run) => probe.take(run),
      onClosed: (error) => probe.fail(error),
    });
    try {
      const bound = await probe.bind(connection);
      report('bind', bound.accepted ? undefined : 'the server answered; it does not offer rpcecho');
      for (let i = 0; bound.accepted && i < count; i++) {
        await probe.addOne(connection, i);
        report('call');
      }
      return undefined;
    } finally {
      connection.close();
    }
  } catch (error) {
    if (!(error instanceof RpchError)) throw error;
    return explain(error);
  }
}

async function wayOf(
  binding: StringBinding,
  options: PingOptions,
): Promise<Pick<HttpClientOptions, 'proxy' | 'tls' | 'server' | 'authorization'>> {
  if (binding.protocol !== 'ncacn_http') throw usage(`expected an ncacn_http binding, found ${binding.protocol}`);
  const port = Number(binding.endpoint);
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw usage('expected the port of the RPC server as endpoint, for instance ncacn_http:server[6001,…]');
  }
  const named = binding.options.get('rpcproxy') ?? binding.networkAddress;
  const match = /^(\[[^\]]+\]|[^:]+)(?::(\d{1,5}))?$/.exec(named);
  if (match === null) throw usage(`expected RpcProxy=host:port, found "${named}"`);
  const secure = options.https === true || match[2] === undefined || match[2] === '443';
  const tls = {
    ...(options.insecure === true ? { insecure: true } : {}),
    ...(options.ca === undefined ? {} : { ca: await readCa(options.ca) }),
  };
  const credentials = `${options.user ?? ''}:${options.password ?? ''}`;
  return {
    proxy: { host: (match[1] ?? '').replace(/^\[|\]$/g, ''), port: Number(match[2] ?? 443) },
    ...(secure ? { tls } : {}),
    server: { host: binding.networkAddress, port },
    ...(options.user === undefined ? {} : { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` }),
  };
}

async function readCa(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw usage(`cannot read ${file}: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

function usage(message: string): RpchError {
  return new RpchError('RPCH_USAGE', 'caller', message);
}

/** What a failure means and what to look at, as far as the client's side can know. */
function explain(error: RpchError): Failure {
  if (error instanceof HttpStatusError) {
    const { status } = error.head;
    const incident = error.head.field('rpch-incident');
    if (status === 401) {
      return {
        what: `${error.message}: user or password is wrong, or the scheme is not offered`,
        check: `offered: ${error.head.fields('www-authenticate').join('; ') || 'nothing'}`,
      };
    }
    if (status === 503) {
      return {
        what: `${error.message}: the proxy will not or cannot reach that RPC server`,
        check:
          incident === undefined
            ? "is the server's name spelt as in the proxy's rules, is its port allowed, does it run?"
            : `the reason stands in the proxy's log under incident ${incident}`,
      };
    }
    if (status === 404)
      return { what: error.message, check: 'is there an RPC Proxy at /rpc/rpcproxy.dll of this host and port?' };
  }
  const checks: Record<string, string> = {
    RPCH_CONNECT:
      "is the proxy's host and port right, does it run, and with --https: is its certificate trusted (--ca, --insecure)?",
    RPCH_TIMED_OUT: 'the last hop above was the last to answer',
    RPCH_HTTP_HEAD: 'whatever answered does not speak HTTP here: is it a TLS port (--https) or no web server at all?',
  };
  return { what: error.message, check: checks[error.code] ?? 'the last hop above was the last to answer' };
}
