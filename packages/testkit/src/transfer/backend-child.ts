/**
 * The RPC server of a transfer in a process of its own: the argument is `tcp` (plain `ncacn_ip_tcp`) or `native`
 * (`ncacn_http`: the server role of [MS-RPCH] 3.2.5 in this process). It tells its parent the port, logs on stderr, and ends
 * when the parent goes.
 */
import { serveHttp, serveTcp } from '@rpch/rpc/internal';
import { transferInterface } from './transfer-interface.ts';

/** Which kind of server stands behind the proxies. */
export type BackendKind = 'tcp' | 'native';

/** What the server's process tells its parent, once. */
export interface BackendMessage {
  readonly port: number;
}

process.on('disconnect', () => process.exit());
const serve = process.argv[2] === 'native' ? serveHttp : serveTcp;
const { port } = await serve({
  host: '127.0.0.1',
  port: 0,
  interfaces: [transferInterface()],
  log: (line) => process.stderr.write(`${line}\n`),
});
const message: BackendMessage = { port };
process.send?.(message);
