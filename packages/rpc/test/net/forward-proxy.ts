import { connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { listen } from './client-scene.ts';

/** An HTTP proxy of a test: it forwards requests in absolute form and opens tunnels, unless it has something to answer. */
export interface ForwardProxy {
  readonly port: number;
  /** Heads of requests, in order, with the number of their connection from 0. */
  readonly heads: { readonly connection: number; readonly text: string }[];
}

/** @param answer the response to a request, which counts from 0 on its connection; undefined: it is passed on. */
export async function forwardProxy(
  t: TestContext,
  answer: (head: string, request: number) => string | undefined = () => undefined,
): Promise<ForwardProxy> {
  const heads: ForwardProxy['heads'] = [];
  let connections = 0;
  const port = await listen(t, (socket) => {
    const connection = connections++;
    let bytes = Buffer.alloc(0);
    let requests = 0;
    const onData = (chunk: Buffer): void => {
      bytes = Buffer.concat([bytes, chunk]);
      for (let end = bytes.indexOf('\r\n\r\n'); end >= 0; end = bytes.indexOf('\r\n\r\n')) {
        const text = bytes.toString('latin1', 0, end + 4);
        heads.push({ connection, text });
        const reply = answer(text, requests++);
        if (reply === undefined) {
          socket.off('data', onData);
          pass(socket, text, bytes.subarray(end + 4));
          return;
        }
        bytes = bytes.subarray(end + 4);
        socket.write(reply, 'latin1');
      }
    };
    socket.on('data', onData);
  });
  return { port, heads };
}

function pass(socket: Socket, head: string, rest: Buffer): void {
  const tunnel = /^CONNECT ([^ ]+):(\d+) /.exec(head);
  const request = /^([A-Z_]+) http:\/\/([^/:]+):(\d+)(\/[^ ]*) /.exec(head);
  const [host, port] = tunnel === null ? [request?.[2], request?.[3]] : [tunnel[1], tunnel[2]];
  const upstream = connect({ host: host ?? '', port: Number(port), noDelay: true });
  socket.on('close', () => upstream.destroy());
  upstream.on('close', () => socket.destroy()).on('error', () => {});
  if (tunnel !== null) socket.write('HTTP/1.1 200 Connection established\r\nContent-Length: 5\r\n\r\n');
  else upstream.write(head.replace(/ http:\/\/[^/]+/, ' ').replace(/Proxy-[^\r]*\r\n/g, ''), 'latin1');
  upstream.write(rest);
  socket.pipe(upstream);
  upstream.pipe(socket);
}

/** A response with a body. */
export function response(status: string, fields: readonly string[] = [], body = 'page'): string {
  return [`HTTP/1.1 ${status}`, ...fields, `Content-Length: ${body.length}`, '', body].join('\r\n');
}
