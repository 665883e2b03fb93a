import { epmDeclaration, RpcClient, RpchError } from '@rpch/rpc/internal';
import { Command } from 'commander';
import { addClientFlags, type ClientFlags, type Destination, destinationOf } from '../ping/client-flags.ts';
import { type CommandIo, processIo } from '../ping/command-io.ts';
import { type InterfaceFilter, lookUpEndpoints, type RegisteredEndpoint } from '../ping/endpoints.ts';
import { Journey } from '../ping/journey.ts';
import { namedInterface } from '../ping/named-interface.ts';
import { failureOf, MAPPER_PORTS, routeOf } from '../ping/session.ts';
import { tellFailure } from '../ping/tell-failure.ts';

const EXAMPLES = `
Examples:
  rpch endpoints ncacn_ip_tcp:dc1
  rpch endpoints 'ncacn_http:exchange01[,RpcProxy=mail.example.org]' -u 'EXAMPLE\\alice' --interface EMSMDB

The endpoint mapper is at port 135 over TCP, and at 593 behind an RPC Proxy, unless the binding names an endpoint.`;

interface EndpointsFlags extends ClientFlags {
  readonly interface?: string;
  readonly json?: boolean;
}

/** `rpch endpoints`: what is registered with an endpoint mapper. */
export function endpointsCommand(io: CommandIo = processIo()): Command {
  const command = new Command('endpoints')
    .description('list what is registered with the endpoint mapper of a server, over TCP or through an RPC Proxy')
    .argument('<binding>', "for instance 'ncacn_ip_tcp:server'");
  return addClientFlags(command)
    .option('--interface <uuid or name[:version]>', 'this interface alone')
    .option('--json', 'for programs')
    .addHelpText('after', EXAMPLES)
    .action((text: string, flags: EndpointsFlags) => run(io, text, flags));
}

async function run(io: CommandIo, text: string, flags: EndpointsFlags): Promise<void> {
  const filter = flags.interface === undefined ? undefined : namedInterface(flags.interface);
  const asked = await destinationOf(text, flags, io);
  const endpoint = asked.binding.endpoint ?? MAPPER_PORTS[asked.binding.protocol];
  const destination = { ...asked, binding: { ...asked.binding, endpoint } };
  const journey = new Journey(
    () => performance.now(),
    () => {},
  );
  try {
    const found = await lookUp(destination, filter, journey);
    io.out(flags.json === true ? `${JSON.stringify({ binding: text, endpoints: found })}\n` : table(found));
  } catch (error) {
    if (!(error instanceof RpchError)) throw error;
    const failure = await failureOf(error, destination, journey);
    if (flags.json === true) io.out(`${JSON.stringify({ binding: text, ...failure })}\n`);
    io.err(tellFailure('rpch endpoints', failure));
    io.fail();
  }
}

async function lookUp(
  destination: Destination,
  filter: InterfaceFilter | undefined,
  journey: Journey,
): Promise<RegisteredEndpoint[]> {
  const { binding, client: clientOptions } = destination;
  journey.setOut('endpoint mapper', routeOf(destination, binding.endpoint));
  await using client = new RpcClient(binding, { ...clientOptions, onHop: (hop, found) => journey.onHop(hop, found) });
  return await lookUpEndpoints(await client.bind(epmDeclaration), filter);
}

const COLUMNS = ['interface', 'version', 'protocol', 'endpoint', 'annotation', 'UUID'] as const;

function table(found: readonly RegisteredEndpoint[]): string {
  if (found.length === 0) return 'nothing is registered\n';
  const rows = found.map(({ name, version, protocol, endpoint, annotation, uuid, object }) => {
    return [
      name === uuid ? '-' : name,
      version,
      protocol,
      endpoint,
      annotation,
      `${uuid}${object === undefined ? '' : `, object ${object}`}`,
    ];
  });
  const all: readonly (readonly string[])[] = [COLUMNS, ...rows];
  const widths = COLUMNS.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const lines = all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}
