/**
 * The load generator, in a process of its own: the argument is a {@link LoadTask}, JSON; prints a {@link LoadResult}. Its requests are
 * made before it begins, and of the answers it looks at what tells that they are right, so that it costs little beside the server.
 */
import { EchoOpnum, EmsmdbOpnum, echoDeclaration, emsmdbDeclaration, nspiDeclaration } from '@rpch/rpc/internal';
import { connect, type Login } from './connection.ts';
import { cpuTimeOf } from './cpu-time.ts';
import {
  connectStub,
  echoStub,
  HANDLE_SIZE,
  logonHandle,
  logonStub,
  nspiBindStub,
  nspiQueryRowsStub,
  nspiUnbindStub,
  pageStub,
  ropAnswer,
  rowsInAnswer,
  sessionHandle,
} from './requests.ts';
import { PAGE_ROWS } from './setting.ts';

/** Bytes of a call's stubs. */
export interface CallSize {
  readonly request: number;
  readonly answer: number;
}

/** What each client does, over and over. */
export type Work =
  /** EcDoRpcExt2: pages of a folder, which begin at these positions one after the other. */
  | {
      readonly kind: 'pages';
      readonly userDn: string;
      readonly folder: number;
      readonly positions: readonly number[];
      readonly compressed: boolean;
    }
  /** NspiBind, NspiQueryRows, NspiUnbind. */
  | { readonly kind: 'address book' }
  /** SourceData, once for each size. */
  | { readonly kind: 'echo'; readonly sizes: readonly CallSize[] };

export interface LoadTask {
  readonly login: Login;
  readonly work: Work;
  /** Clients, each with a connection of its own and one call at a time. */
  readonly clients: number;
  readonly seconds: number;
  /** The server's process, whose CPU time is measured. */
  readonly serverPid: number;
}

export interface LoadResult {
  /** How often the work was done, each second. */
  readonly rate: number;
  /** CPU time of the server, and of this process, for one time, in microseconds. */
  readonly serverTime: number;
  readonly clientTime: number;
  /** What the calls of the work carry: those of the first time. */
  readonly sizes: readonly CallSize[];
}

const WARM_UP = 400;
/** Operation numbers of NSPI. */
const [BIND, UNBIND, QUERY_ROWS] = [0, 1, 3];

/** Does the work once. */
type Once = () => Promise<unknown>;

async function clientOf({ login, work }: LoadTask, note: (size: CallSize) => void): Promise<Once> {
  switch (work.kind) {
    case 'pages':
      return pagesClient(login, work, note);
    case 'address book':
      return bookClient(login, note);
    case 'echo':
      return echoClient(login, work.sizes, note);
  }
}

async function pagesClient(
  login: Login,
  { userDn, folder, positions, compressed }: Extract<Work, { readonly kind: 'pages' }>,
  note: (size: CallSize) => void,
): Promise<Once> {
  const { call } = await connect(login, emsmdbDeclaration);
  const pcxh = await call(EmsmdbOpnum.EcDoConnectEx, connectStub(userDn), sessionHandle);
  const logon = await call(EmsmdbOpnum.EcDoRpcExt2, logonStub(pcxh, userDn), logonHandle);
  const pages = positions.map((position) => ({
    position,
    stub: pageStub({ pcxh, logon, folder, position, compressed }),
  }));
  let next = 0;
  return () => {
    const { stub, position } = pages[next] ?? { stub: new Uint8Array(0), position: 0 };
    next = (next + 1) % pages.length;
    return call(EmsmdbOpnum.EcDoRpcExt2, stub, (answer) => {
      note({ request: stub.length, answer: answer.length });
      const rows = compressed ? ropAnswer(answer) && PAGE_ROWS : rowsInAnswer(answer, position);
      if (rows !== PAGE_ROWS) throw new Error(`${rows} rows at ${position}`);
    });
  };
}

async function bookClient(login: Login, note: (size: CallSize) => void): Promise<Once> {
  const { call } = await connect(login, nspiDeclaration);
  const bind = nspiBindStub();
  const none = { attributes: 0, uuid: '00000000-0000-0000-0000-000000000000' };
  const queryRows = nspiQueryRowsStub(none);
  const unbind = nspiUnbindStub(none);
  const size = (request: Uint8Array, answer: Uint8Array): number => {
    note({ request: request.length, answer: answer.length });
    return new DataView(answer.buffer, answer.byteOffset).getUint32(answer.length - 4, true);
  };
  return async () => {
    const bound = await call(BIND, bind, (answer) => {
      if (size(bind, answer) !== 0) throw new Error('NspiBind was refused');
      const handle = answer.subarray(answer.length - 4 - HANDLE_SIZE, answer.length - 4);
      queryRows.set(handle);
      unbind.set(handle);
      return true;
    });
    const rows = await call(QUERY_ROWS, queryRows, (answer) => size(queryRows, answer));
    const unbound = await call(UNBIND, unbind, (answer) => size(unbind, answer));
    if (!bound || rows !== 0 || unbound !== 1) throw new Error(`NspiQueryRows ${rows}, NspiUnbind ${unbound}`);
  };
}

async function echoClient(login: Login, sizes: readonly CallSize[], note: (size: CallSize) => void): Promise<Once> {
  const { call } = await connect(login, echoDeclaration);
  const calls = sizes.map((size) => ({ size, stub: echoStub(size.answer) }));
  return async () => {
    for (const { size, stub } of calls) {
      await call(EchoOpnum.SourceData, stub, (answer) => {
        note({ request: stub.length, answer: answer.length });
        if (answer.length !== size.answer) throw new Error(`${answer.length} bytes for ${size.answer}`);
      });
    }
  };
}

const task = JSON.parse(process.argv[2] ?? '') as LoadTask;
const sizes: CallSize[] = [];
let noting = true;
const clients: Once[] = [];
for (let at = 0; at < task.clients; at += 1) {
  clients.push(
    await clientOf(task, (size) => {
      if (noting) sizes.push(size);
    }),
  );
}
await clients[0]?.();
noting = false;

async function run(milliseconds: number): Promise<{ done: number; elapsed: number }> {
  const begun = performance.now();
  let done = 0;
  const loop = async (once: Once): Promise<void> => {
    while (performance.now() - begun < milliseconds) {
      await once();
      done += 1;
    }
  };
  await Promise.all(clients.map(loop));
  return { done, elapsed: performance.now() - begun };
}

await run(WARM_UP);
const before = { server: cpuTimeOf(task.serverPid), client: process.cpuUsage() };
const { done, elapsed } = await run(task.seconds * 1000);
const { user, system } = process.cpuUsage(before.client);
const result: LoadResult = {
  rate: done / (elapsed / 1000),
  serverTime: (cpuTimeOf(task.serverPid) - before.server) / done,
  clientTime: (user + system) / done,
  sizes,
};
console.log(JSON.stringify(result));
process.exit(0);
