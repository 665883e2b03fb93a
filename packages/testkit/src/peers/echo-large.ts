import { runOrThrow } from './commands.ts';
import { SYSTEM_PYTHON } from './impacket.ts';
import type { SambaPeer } from './samba.ts';
import { peerScript } from './scripts.ts';

export interface EchoLargeResult {
  readonly calls: number;
  readonly bytes: number;
  readonly seconds: number;
}

export interface EchoLargeOptions {
  readonly calls: number;
  /** Bytes of each EchoData call, different ones in every call. */
  readonly size: number;
  readonly timeoutMs: number;
}

/**
 * Calls EchoData on one association with Samba's own client and compares what comes back byte for byte. Throws with the
 * call and the offset of the first difference. The client has Nagle's algorithm off, else each call waits 40 ms.
 */
export async function echoLarge(
  samba: SambaPeer,
  binding: string,
  options: EchoLargeOptions,
): Promise<EchoLargeResult> {
  const printed = await runOrThrow(
    samba.peerRun,
    [
      ...['-n', SYSTEM_PYTHON, peerScript('echo-large.py'), binding, '--conf', samba.clientConf],
      ...['--user', `${samba.domain}/${samba.user.name}%${samba.user.password}`],
      ...['--calls', String(options.calls), '--size', String(options.size)],
    ],
    { timeoutMs: options.timeoutMs },
  );
  return JSON.parse(printed) as EchoLargeResult;
}
