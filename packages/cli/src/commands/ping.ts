import { Command } from 'commander';
import { addClientFlags, type ClientFlags, destinationOf, usage } from '../ping/client-flags.ts';
import { type CommandIo, processIo } from '../ping/command-io.ts';
import { Journey, type PassedHop } from '../ping/journey.ts';
import { interfaceOf } from '../ping/named-interface.ts';
import { ping } from '../ping/session.ts';
import { tellFailure } from '../ping/tell-failure.ts';

const EXAMPLES = `
Examples:
  rpch ping 'ncacn_http:demo[6101,RpcProxy=127.0.0.1:8080]' -u alice -p wonderland -n 3
  rpch ping 'ncacn_http:exchange01[,RpcProxy=mail.example.org]' -u 'EXAMPLE\\alice' --interface EMSMDB:0.81
  rpch ping 'ncacn_ip_tcp:dc1' -u 'EXAMPLE\\alice' --rpc-auth spnego

The call is rpcecho's AddOne where the server has that, else one to its management interface, which every server has.
Without an endpoint in the binding the server's endpoint mapper is asked.`;

interface PingFlags extends ClientFlags {
  readonly interface?: string;
  readonly count: string;
  readonly json?: boolean;
}

/** `rpch ping`: the whole way to an RPC server and back, hop by hop. */
export function pingCommand(io: CommandIo = processIo()): Command {
  const command = new Command('ping')
    .description('go the whole way to an RPC server, over TCP or through an RPC Proxy, and say where it ends and why')
    .argument('<binding>', "for instance 'ncacn_http:server[6001,RpcProxy=proxy.example.org:443]'");
  return addClientFlags(command)
    .option(
      '--interface <uuid or name[:version]>',
      'interface to look for and bind, instead of rpcecho; without a version the usual one',
    )
    .option('-n, --count <number>', 'calls to make', '1')
    .option('--json', 'for programs')
    .addHelpText('after', EXAMPLES)
    .action((text: string, flags: PingFlags) => run(io, text, flags));
}

async function run(io: CommandIo, text: string, flags: PingFlags): Promise<void> {
  const count = Number(flags.count);
  if (!Number.isInteger(count) || count < 1) throw usage(`expected a number of calls, found "${flags.count}"`);
  const wanted = flags.interface === undefined ? undefined : interfaceOf(flags.interface);
  const destination = await destinationOf(text, flags, io);
  const out = (line: string): void => {
    if (flags.json !== true) io.out(`${line}\n`);
  };
  out(columns('hop', 'took', 'total', 'found'));
  const journey = new Journey(
    () => performance.now(),
    (hop) => out(line(hop)),
  );
  const { calls, failure } = await ping({ destination, count, wanted, journey });
  if (flags.json === true) {
    const result = { binding: text, ok: failure === undefined, hops: journey.hops, calls, ...failure };
    io.out(`${JSON.stringify(result)}\n`);
  }
  if (calls !== undefined && count > 1) {
    out(`${count} calls: shortest ${calls.min} ms, average ${calls.avg} ms, longest ${calls.max} ms`);
  }
  if (failure === undefined) return;
  io.err(tellFailure('rpch ping', failure));
  io.fail();
}

function line({ hop, took, ms, found }: PassedHop): string {
  return columns(hop, `${took.toFixed(1)} ms`, `${ms.toFixed(1)} ms`, found);
}

function columns(hop: string, took: string, total: string, found: string): string {
  return `${hop.padEnd(20)}${took.padStart(11)}${total.padStart(12)}  ${found}`.trimEnd();
}
