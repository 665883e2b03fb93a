import { fileURLToPath } from 'node:url';
import { Inspector, type KeptMemory } from '../../src/transfer/inspector.ts';
import { freePort } from '../candidates.ts';
import type { Children } from '../children.ts';
import type { HoldTask } from './hold.ts';
import { startServer } from './server.ts';
import { HOLDERS, PASSWORD, type Setting } from './setting.ts';

/** Sessions before those that are counted: mailboxes are open then, and code is there. */
const WARM = 20;

/** Patience with clients that log on, ms. */
const LOGON_LIMIT = 120_000;

/** What sessions take that are logged on and idle, bytes. */
export interface SessionMemory {
  readonly sessions: number;
  /** JavaScript objects and buffers, of all threads, for each of them. */
  readonly kept: number;
  /** Resident memory of the whole process with all of them. */
  readonly rss: number;
}

/** Has sessions held by clients of their own, each on a connection of its own, sealed, and looks at the server before and after. */
export async function measureMemory(children: Children, setting: Setting, sessions: number): Promise<SessionMemory> {
  const inspectorPort = await freePort();
  const server = await startServer(children, setting, [`--inspect=127.0.0.1:${inspectorPort}`]);
  const hold = async (count: number): Promise<number> => {
    const logins = [server.port, server.otherPort].flatMap((port) =>
      HOLDERS.map((user) => ({ port, user, password: PASSWORD, level: 'privacy' as const })),
    );
    const task: HoldTask = { logins, dns: setting.dns, sessions: count };
    const program = fileURLToPath(new URL('hold.ts', import.meta.url));
    const args = [program, JSON.stringify(task)];
    return (await children.start('clients', process.execPath, args, { says: /^held/m }, LOGON_LIMIT)).pid;
  };
  const warm = await hold(WARM);
  const inspector = await Inspector.open(await inspectorUrl(inspectorPort));
  try {
    const before = await keptOf(inspector);
    const held = await hold(sessions);
    const after = await keptOf(inspector);
    await children.end(held);
    return { sessions, kept: (after.kept - before.kept) / sessions, rss: after.rss };
  } finally {
    inspector.close();
    await children.end(warm);
    await children.end(server.pid);
  }
}

async function keptOf(inspector: Inspector): Promise<KeptMemory> {
  const { kept, rss } = await inspector.keptMemory();
  const threads = await inspector.keptByThreads();
  return { kept: threads.reduce((sum, thread) => sum + thread.kept, kept), rss };
}

async function inspectorUrl(port: number): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${port}/json/list`);
  const [{ webSocketDebuggerUrl }] = (await answer.json()) as [{ readonly webSocketDebuggerUrl: string }];
  return webSocketDebuggerUrl;
}
