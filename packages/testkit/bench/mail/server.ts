import { freePort, RPCH_BIN } from '../candidates.ts';
import type { Children } from '../children.ts';
import { CORES } from '../run-time/measurements.ts';
import { type Setting, serveArguments } from './setting.ts';

/** A running `rpch serve`. */
export interface MailServer {
  readonly pid: number;
  readonly port: number;
  /** Another: a port takes a thousand connections. */
  readonly otherPort: number;
}

/** Starts `rpch serve` on the servers' core, all its threads. @param nodeArgs go to Node before the program. */
export async function startServer(
  children: Children,
  setting: Setting,
  nodeArgs: readonly string[] = [],
): Promise<MailServer> {
  const [port, otherPort] = [await freePort(), await freePort()];
  const args = [
    '-c',
    CORES.server,
    process.execPath,
    ...nodeArgs,
    RPCH_BIN,
    ...serveArguments(setting, [port, otherPort]),
  ];
  const { pid } = await children.start('rpch serve', 'taskset', args, { says: /^ready/m });
  return { pid, port, otherPort };
}
