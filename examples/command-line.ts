/** What the command lines of the clients here have in common. Not a tool. */
import { parseArgs } from 'node:util';
import type { RpcClientOptions } from '@rpch/rpc';
import { explain } from './explain.ts';

const LEVELS = ['connect', 'packet', 'integrity', 'privacy'] as const;
const PROVIDERS = ['none', 'ntlm', 'spnego'] as const;

/** The flags of every client. */
export const FLAGS = `
  -u, --user USER          as EXAMPLE\\alice, alice@example.org or alice
  -p, --password PASSWORD
  --level LEVEL            ${LEVELS.join(', ')}; else what the binding says, else privacy
  --provider PROVIDER      ${PROVIDERS.join(', ')}: for the calls; else spnego, where there is a user
  --insecure               take any certificate of an RPC Proxy`;

/** What a command line asks for. */
export interface CommandLine {
  readonly binding: string;
  /** What stands behind the binding. */
  readonly rest: readonly string[];
  readonly options: RpcClientOptions;
}

/**
 * Reads a command line `BINDING …`; says how it is to be used, and ends the process, where it is wrong. `fits` looks at what stands
 * behind the binding.
 */
export function commandLine(usage: string, fits: (rest: readonly string[]) => boolean = () => true): CommandLine {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        user: { type: 'string', short: 'u' },
        password: { type: 'string', short: 'p', default: '' },
        level: { type: 'string' },
        provider: { type: 'string' },
        insecure: { type: 'boolean', default: false },
      },
    });
    const [binding, ...rest] = positionals;
    if (binding === undefined) throw new Error('a string binding is wanted');
    if (!fits(rest)) throw new Error('arguments are missing, or too many');
    const level = oneOf(LEVELS, values.level);
    const provider = oneOf(PROVIDERS, values.provider);
    const { user, password, insecure } = values;
    return {
      binding,
      rest,
      options: {
        ...(user === undefined ? {} : { credentials: { user, password } }),
        ...(level === undefined ? {} : { level }),
        ...(provider === undefined ? {} : { provider }),
        http: { tls: { insecure } },
      },
    };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\nUsage: ${usage}\n${FLAGS}`);
    return process.exit(2);
  }
}

function oneOf<T extends string>(words: readonly T[], word: string | undefined): T | undefined {
  const found = words.find((one) => one === word);
  if (word !== undefined && found === undefined) throw new Error(`${word} is none of ${words.join(', ')}`);
  return found;
}

/** Runs a tool: an error is a line on stderr and exit code 1, whatever is open still. */
export async function run(tool: () => Promise<void>): Promise<void> {
  try {
    await tool();
  } catch (error) {
    console.error(explain(error));
    process.exit(1);
  }
}
