import { RpchError } from '@rpch/rpc';
import { Command, CommanderError } from 'commander';

/** The commands, each loaded where it is named: a proxy does without what decodes captures. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  proxy: async () => (await import('./commands/proxy.ts')).proxyCommand(),
  serve: async () => (await import('./commands/serve.ts')).serveCommand(),
  ping: async () => (await import('./commands/ping.ts')).pingCommand(),
  endpoints: async () => (await import('./commands/endpoints.ts')).endpointsCommand(),
  decode: async () => (await import('./commands/decode.ts')).decodeCommand(),
  up: async () => (await import('./commands/up.ts')).upCommand(),
  mail: async () => (await import('./commands/mail.ts')).mailCommand(),
  import: async () => (await import('./commands/import.ts')).importCommand(),
  users: async () => (await import('./commands/users.ts')).usersCommand(),
};

/** Runs one command. Exits 0 on success, 1 on failure, 2 on wrong usage; errors are sentences on stderr. */
export async function main(argv: readonly string[]): Promise<void> {
  process.stdout.on('error', endWithReader);
  const program = new Command('rpch')
    .description('RPC over HTTP: an RPC Proxy and what belongs to it')
    .version('0.1.0')
    .exitOverride();
  const named = Object.entries(COMMANDS).filter(([name]) => name === argv[2]);
  for (const [, load] of named.length > 0 ? named : Object.entries(COMMANDS)) program.addCommand(await load());
  for (const command of program.commands) inheritExit(command);
  try {
    await program.parseAsync([...argv]);
  } catch (error) {
    process.exitCode = exitCodeOf(error);
    if (error instanceof RpchError) process.stderr.write(`rpch: ${error.message}\n`);
    else if (!(error instanceof CommanderError)) throw error;
  }
}

/** Whoever read the output, such as head, wants no more of it: the end, without a word. */
function endWithReader(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  process.exit(1);
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
