import { randomBytes } from 'node:crypto';
import { AuthLevel, type InterfaceDeclaration, NtlmInitiator, openOverTcp, RpcConnection } from '@rpch/rpc/internal';

/** Who calls, where, and how protected. */
export interface Login {
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly level: 'connect' | 'privacy';
}

/** Makes a call with a stub as it is; the answer is a view that is looked at in `read` and nowhere else. */
export type StubCall = <T>(opnum: number, stub: Uint8Array, read: (answer: Uint8Array) => T) => Promise<T>;

/** A connection of its own to one interface of the server, which sends stubs that were made before. */
export async function connect(
  { port, user, password, level }: Login,
  declaration: InterfaceDeclaration,
): Promise<{ readonly call: StubCall; close(): void }> {
  const authLevel = AuthLevel[level];
  const random = (length: number) => randomBytes(length);
  const credentials = { user, domain: '', password };
  const initiator = new NtlmInitiator({ credentials, level: authLevel, now: Date.now, random });
  const connection = await RpcConnection.open(
    (events) => openOverTcp({ server: { host: '127.0.0.1', port }, ...events }),
    { interfaces: [declaration], security: { initiator, authLevel }, assocGroupId: 0, littleEndian: true },
    () => {},
  );
  const { association } = connection;
  const contextId = association.contextOf(declaration.syntax);
  return {
    call: (opnum, stub, read) => association.callAndDecode({ contextId, opnum, stub }, read),
    close: () => connection.close(),
  };
}
