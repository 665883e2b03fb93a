/**
 * Clients that log on and then do nothing, in a process of their own: the argument is a {@link HoldTask}, JSON. Writes `held` on stderr
 * when all have logged on, and runs until it is ended.
 */
import { EmsmdbOpnum, emsmdbDeclaration } from '@rpch/rpc/internal';
import { connect, type Login } from './connection.ts';
import { connectStub, logonHandle, logonStub, sessionHandle } from './requests.ts';

export interface HoldTask {
  readonly logins: readonly Login[];
  /** legacyExchangeDN by account. */
  readonly dns: Readonly<Record<string, string>>;
  readonly sessions: number;
}

const { logins, dns, sessions } = JSON.parse(process.argv[2] ?? '') as HoldTask;
for (let at = 0; at < sessions; at += 1) {
  const login = logins[at % logins.length];
  if (login === undefined) throw new Error('nobody to log on');
  const dn = dns[login.user] ?? '';
  const { call } = await connect(login, emsmdbDeclaration);
  const pcxh = await call(EmsmdbOpnum.EcDoConnectEx, connectStub(dn), sessionHandle);
  await call(EmsmdbOpnum.EcDoRpcExt2, logonStub(pcxh, dn), logonHandle);
}
process.stderr.write('held\n');
setInterval(() => {}, 60_000);
