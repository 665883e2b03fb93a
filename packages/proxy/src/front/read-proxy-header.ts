import type { Socket } from 'node:net';
import { ProtocolError } from '@rpch/rpc';
import { type ProxyHeader, parseProxyHeader } from './proxy-protocol.ts';

/**
 * Takes the header of the PROXY protocol off a connection just accepted. What was read behind it is put back, and the socket
 * is as if the header had never been there: TLS or HTTP may begin on it.
 * @param timeout for the whole header, ms.
 * @param failed called once instead of `taken`; the connection is destroyed by then. `why` is for the log.
 */
export function readProxyHeader(
  socket: Socket,
  timeout: number,
  taken: (header: ProxyHeader) => void,
  failed: (why: string) => void,
): void {
  let seen: Buffer = Buffer.alloc(0);
  const timer = setTimeout(() => fail('no header of the PROXY protocol in time'), timeout);
  const onEnd = (): void => fail('closed before the end of its header of the PROXY protocol');
  const onError = (error: Error): void => fail(error.message);
  const detach = (): void => {
    clearTimeout(timer);
    socket.off('readable', onReadable);
    socket.off('end', onEnd);
    socket.off('close', onEnd);
    socket.off('error', onError);
  };
  function fail(why: string): void {
    detach();
    socket.on('error', () => socket.destroy());
    socket.destroy();
    failed(why);
  }
  function onReadable(): void {
    for (let chunk = socket.read(); chunk !== null; chunk = socket.read()) seen = Buffer.concat([seen, chunk]);
    if (seen.length === 0) return;
    let header: ProxyHeader | undefined;
    try {
      header = parseProxyHeader(seen);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      fail(`${error.section}: ${error.message}`);
      return;
    }
    if (header === undefined) return;
    detach();
    if (seen.length > header.length) socket.unshift(seen.subarray(header.length));
    taken(header);
  }
  socket.on('readable', onReadable);
  socket.on('end', onEnd);
  socket.on('close', onEnd);
  socket.on('error', onError);
}
