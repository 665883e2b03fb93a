import { RpchError } from '@rpch/rpc';
import { Command, CommanderError } from 'commander';
import { decodeCommand } from './commands/decode.ts';
import { endpointsCommand } from './commands/endpoints.ts';
import { pingCommand } from './commands/ping.ts';
import { proxyCommand } from './commands/proxy.ts';
import { serveCommand } from './commands/serve.ts';
import { upCommand } from './commands/up.ts';
import { usersCommand } from './commands/users.ts';

/** Runs one command. Exits 0 on success, 1 on failure, 2 on wrong usage; errors are sentences on stderr. */
export async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('rpch')
    .description('RPC over HTTP: an RPC Proxy and what belongs to it')
    .version('0.1.0')
    .exitOverride()
    .addCommand(proxyCommand())
    .addCommand(serveCommand())
    .addCommand(pingCommand())
    .addCommand(endpointsCommand())
    .addCommand(decodeCommand())
    .addCommand(upCommand())
    .addCommand(usersCommand());
  for (const command of program.commands) inheritExit(command);
  try {
    await program.parseAsync([...argv]);
  } catch (error) {
    process.exitCode = exitCodeOf(error);
    if (error instanceof RpchError) process.stderr.write(`rpch: ${error.message}\n`);
    else if (!(error instanceof CommanderError)) throw error;
  }
}

function inheritExit(command: Command): void {
  command.exitOverride();
  for (const child of command.commands) inheritExit(child);
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof RpchError) return error.fault === 'configuration' || error.fault === 'caller' ? 2 : 1;
  return 1;
}
