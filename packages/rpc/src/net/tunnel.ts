import type { Socket } from 'node:net';
import { RpchError } from '../errors.ts';
import { type DrainedResponse, ResponseDrain } from './drained-response.ts';
import { connectHead } from './http-client-request.ts';
import { type HttpCredentials, isLoopback } from './http-credentials.ts';
import { closesInLogin, HttpLogin } from './http-login.ts';
import { HttpStatusError } from './http-status-error.ts';

/**
 * Asks an HTTP proxy for a tunnel (RFC 9110 9.3.6) and logs in to it where it wants that (407), all on one connection. Fulfilled
 * when the tunnel is open: `socket` is paused then, nobody listens to it, and what it brings is the other end's. Rejects with
 * {@link HttpStatusError} of hop "HTTP proxy", with what {@link HttpLogin} rejects with, or with RpchError `RPCH_CONNECT`
 * (network) where the connection ends, by `destroy` too.
 */
export async function openTunnel(
  socket: Socket,
  to: { readonly host: string; readonly port: number },
  credentials: HttpCredentials | undefined,
): Promise<void> {
  const login = await HttpLogin.begin({
    credentials,
    private: isLoopback(socket.remoteAddress ?? ''),
    channelBindings: undefined,
    hop: 'HTTP proxy',
  });
  for (;;) {
    socket.write(connectHead(to, login.field));
    const { head, reusable, rest } = await nextResponse(socket);
    if (head.status >= 200 && head.status <= 299) {
      if (rest.length > 0) socket.unshift(rest);
      return;
    }
    if (head.status !== 407 || !(await login.refused(head))) throw new HttpStatusError(head, undefined, 'HTTP proxy');
    if (!reusable) throw closesInLogin('HTTP proxy');
  }
}

/** The next response; `socket` is paused afterwards. */
async function nextResponse(socket: Socket): Promise<DrainedResponse> {
  const { promise, resolve, reject } = Promise.withResolvers<DrainedResponse>();
  const drain = new ResponseDrain(true);
  const onData = (chunk: Buffer): void => {
    try {
      const response = drain.push(chunk);
      if (response !== undefined) resolve(response);
    } catch (error) {
      reject(error);
    }
  };
  const onClose = (): void => {
    reject(new RpchError('RPCH_CONNECT', 'network', 'the HTTP proxy ended the connection instead of answering'));
  };
  socket.on('data', onData).on('end', onClose).on('close', onClose).resume();
  try {
    return await promise;
  } finally {
    socket.off('data', onData).off('end', onClose).off('close', onClose);
    socket.pause();
  }
}
