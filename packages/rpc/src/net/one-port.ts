import type { Server as WebServer } from 'node:http';
import type { Socket } from 'node:net';

/** What the methods of this protocol begin with: RPC_IN_DATA, RPC_OUT_DATA, RPC_CONNECT. */
const RPC_METHOD = Buffer.from('RPC_');

/**
 * Puts the RPC front and a web server on one port: looks at the first four bytes of a connection and hands it to `rpc`, or
 * to node:http, which serves all other methods.
 *
 * node:http arms its own time-outs only for a server that listens; one that does not has to be told that it does
 * (`web.emit('listening')`, once), which {@link adoptWebServer} does.
 */
export function dispatchByMethod(
  socket: Socket,
  web: WebServer,
  headTimeout: number,
  rpc: (socket: Socket, first: Buffer) => void,
  closed: (why: string) => void,
): void {
  let seen: Buffer = Buffer.alloc(0);
  const timer = setTimeout(() => done('nothing was sent in time'), headTimeout);
  const onEnd = (): void => done('closed before a request');
  const onError = (error: Error): void => done(error.message);
  const detach = (): void => {
    clearTimeout(timer);
    socket.off('data', onData);
    socket.off('end', onEnd);
    socket.off('close', onEnd);
    socket.off('error', onError);
  };
  function done(why: string): void {
    detach();
    socket.on('error', () => socket.destroy());
    socket.destroy();
    closed(why);
  }
  function onData(chunk: Buffer): void {
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
    const compared = Math.min(seen.length, RPC_METHOD.length);
    const isRpc = seen.compare(RPC_METHOD, 0, compared, 0, compared) === 0;
    if (isRpc && compared < RPC_METHOD.length) return;
    detach();
    if (isRpc) {
      rpc(socket, seen);
      return;
    }
    socket.pause();
    socket.unshift(seen);
    web.emit('connection', socket);
    socket.resume();
  }
  socket.on('data', onData);
  socket.on('end', onEnd);
  socket.on('close', onEnd);
  socket.on('error', onError);
}

/** Makes a web server that never listens itself watch its time-outs. */
export function adoptWebServer(web: WebServer): void {
  web.emit('listening');
}
