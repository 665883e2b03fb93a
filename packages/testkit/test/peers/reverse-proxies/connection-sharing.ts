import { RawConnection } from '../../../src/raw-connection.ts';
import { ntlm } from '../http-client/scene.ts';

/** Where a login is asked for: an echo request ([MS-RPCH] 2.1.2.1.5), which leaves the connection as it is. */
const head = (authorization: string | undefined): string =>
  [
    'RPC_IN_DATA /rpc/rpcproxy.dll?127.0.0.1:1024 HTTP/1.1',
    'Host: 127.0.0.1',
    'Content-Length: 0',
    ...(authorization === undefined ? [] : [`Authorization: NTLM ${authorization}`]),
    '',
    '',
  ].join('\r\n');

/**
 * One client logs in with NTLM, on a connection of its own; then another one comes with nothing. Returns the status that the
 * other one gets: 401, unless what stands between sends its request on a connection that is logged in.
 */
export async function anonymousAfterNtlm(port: number): Promise<number> {
  const alice = await RawConnection.connect({ port });
  const initiator = ntlm().ntlm?.(undefined);
  if (initiator === undefined) throw new Error('there are credentials');
  const first = await ask(alice, base64(await initiator.step(undefined)));
  const challenge = /^www-authenticate: NTLM (\S+)/im.exec(first.head)?.[1] ?? '';
  const third = await ask(alice, base64(await initiator.step(Buffer.from(challenge, 'base64'))));
  if (third.status !== 200) throw new Error(`alice was not let in:\n${third.head}`);
  const nobody = await RawConnection.connect({ port });
  const { status } = await ask(nobody, undefined);
  for (const connection of [alice, nobody]) connection.cut('FIN');
  return status;
}

async function ask(
  connection: RawConnection,
  authorization: string | undefined,
): Promise<{ status: number; head: string }> {
  connection.send(head(authorization));
  const answer = await connection.takeHead();
  await connection.take(Number(/^content-length: (\d+)/im.exec(answer)?.[1] ?? 0));
  return { status: Number(answer.split(' ')[1]), head: answer };
}

function base64(token: Uint8Array | undefined): string {
  return Buffer.from(token ?? []).toString('base64');
}
